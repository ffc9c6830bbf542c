"""The README's program runs as it stands and prints what the README says."""

import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

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
