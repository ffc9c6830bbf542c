"""The README's program runs as it stands and prints what the README says, its calls are answered as it shows.

Its picture of the graph is the graph.
"""

import itertools
import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from support.serving import serving

from tip_assets.definitions import defs
from tip_serving.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_program_runs_and_ends_with_a_release() -> None:
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("RELEASE\n")
    assert len(program.splitlines()) <= 15


def test_every_command_that_it_names_exists_with_its_options() -> None:
    named = set(re.findall(r"^tip ([a-z]+ [a-z-]+|[a-z]+)(.*)$", README, re.MULTILINE))
    assert len(named) > 8
    for words, rest in named:
        told = CliRunner().invoke(main, [*words.split(), "--help"])
        assert told.exit_code == 0, (words, told.output)
        for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest.partition("#")[0]):
            assert option in told.output, f"tip {words} knows no {option}"


def test_every_call_of_the_server_is_answered_as_it_shows(tmp_path: Path) -> None:
    call = r"^curl -s localhost:8000(/\w+)(?: -H '[^']*' -d '([^']*)')?(?:  #.*)?\n((?:#.*\n)+)"
    calls = re.findall(call, README, re.MULTILINE)
    assert [path for path, _, _ in calls] == ["/score", "/generate", "/feedback", "/signals", "/readyz"]
    with serving(tmp_path, routes="all") as server:
        for path, body, told in calls:
            answer = server.post(path, body.encode()) if body else server.get(path)
            assert answer.status == 200, answer.body
            shown = " ".join(line.removeprefix("#").strip() for line in told.splitlines())
            parts = [re.escape(part).replace(r"\ ", " ?") for part in shown.split("...")]  # a new line may be a space
            assert re.fullmatch(".*".join(parts), answer.body.decode()), (shown, answer.body)


def test_its_picture_of_the_graph_has_every_asset_and_every_arrow() -> None:
    [drawn] = re.findall(r"```mermaid\n(.*?)```", README, re.DOTALL)
    arrows = set()
    for line in drawn.splitlines():
        groups = [[name.strip() for name in part.split("&")] for part in line.split("-->")]
        for before, after in itertools.pairwise(groups):
            arrows |= set(itertools.product(before, after))
    graph = defs.resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    assert arrows == {
        (parent.to_user_string(), node.key.to_user_string()) for node in nodes for parent in node.parent_keys
    }
    for node in nodes:
        assert re.search(rf"subgraph {node.group_name}$", drawn, re.MULTILINE) or node.group_name == "releases"


def test_every_file_that_it_links_is_there() -> None:
    linked = [found for found in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in found]
    assert len(linked) > 5
    assert [found for found in linked if not (ROOT / found).exists()] == []
