"""What holds for the repository as a whole: where files lie, what they may hold, what an import may do."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("tip_assets", "tip_serving", "tip_experiments")
MAX_LINES = 400

_FIXED = {*PACKAGES, "tests", "workspace.yaml", "pyproject.toml", "README.md"}
_EXPECTED_BY_TOOLS = {"requirements.lock", "Makefile", "CHANGELOG.md", "LICENSE", ".ci", ".github", ".gitignore",
                      ".gitattributes", ".dockerignore", ".python-version", ".editorconfig"}  # fmt: skip
_BESIDE = {"docs", "deploy", "benchmarks"}

STATISTICS_LIBRARIES = {"tip_experiments", "numpy", "scipy", "statsmodels", "polars", "pydantic", "krippendorff",
                        "evalica", "sklearn"}  # fmt: skip
HEAVY = ("dagster", "mlflow", "litellm", "fastapi", "starlette", "uvicorn", "nicegui", "faststream", "feast")


@cache
def _listed(*options: str) -> tuple[Path, ...]:
    """Paths that git lists, relative to the root."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z", *options], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def _python_files(*folders: str) -> list[Path]:
    return [path for path in _listed() if path.suffix == ".py" and (not folders or path.parts[0] in folders)]


def _tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def test_the_top_level_holds_only_what_the_layout_names() -> None:
    tracked = {path.parts[0] for path in _listed()}
    # A folder that some program left behind is as stray as a committed one, unless .gitignore knows it.
    left_behind = {path.parts[0] for path in _listed("--others", "--exclude-standard") if len(path.parts) > 1}
    stray = (tracked | left_behind) - _FIXED - _EXPECTED_BY_TOOLS - _BESIDE
    assert not stray, f"Move these into a package, docs/, deploy/ or benchmarks/, or ignore them: {sorted(stray)}"
    assert tracked >= _FIXED


def test_every_python_file_opens_with_what_belongs_in_it() -> None:
    silent = [str(path) for path in _python_files() if ast.get_docstring(_tree(path)) is None]
    assert silent == []


def test_no_file_grows_beyond_what_one_noun_fills() -> None:
    lengths = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in _python_files()}
    assert {path: n for path, n in lengths.items() if n > MAX_LINES} == {}


def _environment_uses(tree: ast.Module) -> Iterator[int]:
    """Lines that read or write the environment in any of the ways that there are."""
    ways = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        is_attribute = isinstance(node, ast.Attribute) and node.attr in ways
        if is_attribute and isinstance(node.value, ast.Name) and node.value.id in {"os", "posix"}:
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module in {"os", "posix"}:
            yield from (node.lineno for alias in node.names if alias.name in ways)
        if isinstance(node, ast.Import):
            yield from (node.lineno for alias in node.names if alias.name in {"dotenv", "environs", "decouple"})


def test_only_the_settings_touch_the_environment() -> None:
    found = [f"{path}:{line}" for path in _python_files(*PACKAGES) for line in _environment_uses(_tree(path))]
    assert [place for place in found if not place.startswith("tip_serving/settings.py")] == []


_FROM_THIS_MACHINE = re.compile(
    r"(?<![\w.}/])/(?:root|work|Users|home/\w+)/"  # a path of somebody's machine
    r"|(?<!no-emit-)(?:index-url|find-links)[ =]"  # where a lock was resolved
    r"|files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs\.org|registry\.yarnpkg\.com"
)
_MAY_NAME_PATHS = ("deploy/", "tests/test_repository.py")  # an image has paths of its own


def test_tracked_files_name_no_machine_and_no_registry() -> None:
    found = []
    for path in _listed():
        if str(path).startswith(_MAY_NAME_PATHS):
            continue
        text = (ROOT / path).read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path}: {match.group()}" for match in _FROM_THIS_MACHINE.finditer(text)]
    assert found == []


def test_statistics_import_only_what_statistics_need() -> None:
    found = set()
    for path in _python_files("tip_experiments"):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno} imports relatively"
                found.add(str(node.module).partition(".")[0])
    assert found - sys.stdlib_module_names <= STATISTICS_LIBRARIES


# Runs in a process of its own: imports the modules named in argv[2:] and prints what that did as JSON. Connections
# count whoever makes them. An environment read, a started program or an opened data file counts where our code asked
# for it by itself or through pydantic-settings, not where a library did (pydantic looks for plugins, click for a
# language).
_WATCH = """
import importlib, json, os, sys
root, names = sys.argv[1], sys.argv[2:]
seen = []

def ours():
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        is_library = "site-packages" in name and "pydantic_settings" not in name
        if is_library or name.startswith("<frozen importlib"):
            return None
        if name.startswith(root + "/tip_"):
            return f"{name[len(root) + 1:]}:{frame.f_lineno}"
        frame = frame.f_back

class Watched(type(os.environ)):
    def __getitem__(self, key):
        if place := ours():
            seen.append(f"{place} reads the environment")
        return super().__getitem__(key)
    def __iter__(self):
        if place := ours():
            seen.append(f"{place} lists the environment")
        return super().__iter__()

def audit(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        seen.append(f"{event} {arguments!r:.120}")
    elif event == "subprocess.Popen" and (place := ours()):
        seen.append(f"{place} starts {arguments[0]}")
    elif event == "open" and not str(arguments[0]).endswith((".py", ".pyc")) and (place := ours()):
        seen.append(f"{place} opens {arguments[0]}")

os.environ.__class__ = Watched
sys.addaudithook(audit)
for name in names:
    importlib.import_module(name)
print(json.dumps({"did": seen, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def _import_watched(modules: list[str]) -> tuple[list[str], set[str]]:
    """What importing `modules` in a fresh process did that it should not, and which top-level modules it loaded."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _WATCH, str(ROOT), *modules],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    return report["did"], set(report["loaded"])


# Derives from a class of LiteLLM's; whoever needs it imports it late.
_LITELLM_ADAPTER = "tip_serving.generation.embedded_provider"


def _modules(*folders: str) -> list[str]:
    """Every module of the packages but the adapter to LiteLLM, the mains and notebooks."""
    names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in _python_files(*folders)]
    left_out = re.compile(rf".*\.__main__|.*\.notebooks\..*|{re.escape(_LITELLM_ADAPTER)}")
    return [name for name in names if not left_out.fullmatch(name)]


def test_importing_any_module_reads_no_environment_no_data_and_no_network() -> None:
    did, loaded = _import_watched(_modules(*PACKAGES))
    assert did == []
    assert not loaded & {"litellm", "mlflow"}, "these take seconds; import them inside the functions that use them"


@pytest.mark.parametrize(
    "statement",
    [
        "import os; os.environ.get('HOME')",
        "from tip_serving import settings; settings.load()",
        "open('/dev/null')",
        "import subprocess; subprocess.run(['true'])",
    ],
)
def test_the_watch_sees_a_module_that_acts_at_import(statement: str, tmp_path: Path) -> None:
    (tmp_path / "tip_probe.py").write_text(statement + "\n")
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, str(tmp_path), "tip_probe"],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(done.stdout)["did"]


def test_the_core_loads_no_framework_and_a_request_no_data_frames() -> None:
    shells = ("tip_serving.api", "tip_serving.admin", "tip_serving.consumers")
    core = [name for name in _modules("tip_serving", "tip_experiments") if not name.startswith(shells)]
    _, loaded = _import_watched(core)
    assert not loaded & set(HEAVY)
    rooms = ("client", "events", "features", "generation", "prompts", "scoring", "settings")
    light = [name for name in core if name.startswith(tuple(f"tip_serving.{room}" for room in rooms))]
    light.remove("tip_serving.events.export")  # carries days of events into the lake, far from any request
    _, loaded = _import_watched([*light, "tip_serving.lake.storage", "tip_serving.scenarios.model"])
    assert not loaded & {*HEAVY, "polars", "pandas", "scipy", "sklearn", "statsmodels", "pyarrow"}


def test_the_server_loads_no_data_frames_and_no_language_models() -> None:
    served = [
        name for name in _modules("tip_serving") if name.startswith("tip_serving.api") and "jetstream" not in name
    ]
    _, loaded = _import_watched(served)
    assert loaded >= {"fastapi", "uvicorn"}
    heavy = {"litellm", "mlflow", "nats", "pandas", "polars", "pyarrow", "scipy", "sklearn"}
    assert not loaded & heavy


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("tip_experiments/stray.py", "import tip_serving.settings", "Assets build on serving"),
        ("tip_serving/bench/stray.py", "import tip_assets", "Assets build on serving"),
        ("tip_serving/lake/stray.py", "import tip_serving.bench.spec", "The rooms of tip_serving"),
        ("tip_serving/unplaced.py", "import json", "The rooms of tip_serving"),
        ("tip_serving/lake/stray.py", "import tip_serving.api", "The rooms of tip_serving"),
        ("tip_assets/bench/stray.py", "import tip_serving.api", "Assets use the core"),
        ("tip_serving/bench/stray.py", "import mlflow.entities", "tip_serving knows neither"),
        ("tip_serving/api/stray.py", "import dagster", "tip_serving knows neither"),
        ("tip_serving/features/stray.py", "import fastapi", "Only the shells"),
        ("tip_serving/features/stray.py", "import tip_serving.lake.tables", "What an online request"),
        ("tip_experiments/policies/stray.py", "import tip_experiments.stats.bayes", "Who decides"),
        ("tip_experiments/ope/stray.py", "import pydantic", "Who decides"),
        ("tip_experiments/assignment/stray.py", "import tip_experiments.ope", "Assignment takes"),
        ("tip_experiments/stray.py", "from urllib.request import urlopen", "Statistics know no"),
    ],
)
def test_each_import_contract_bites(tmp_path: Path, module: str, statement: str, contract: str) -> None:
    broken = _broken_contracts(tmp_path, {"tip_serving/api/__init__.py": "", module: statement})
    assert any(name.startswith(contract) for name in broken), broken


def test_a_shell_may_use_its_framework_and_the_core(tmp_path: Path) -> None:
    shell = "import fastapi\nimport uvicorn\nimport tip_serving.scenarios.model\n"
    assert _broken_contracts(tmp_path, {"tip_serving/api/__init__.py": "", "tip_serving/api/app.py": shell}) == []


def _broken_contracts(folder: Path, added: dict[str, str]) -> list[str]:
    """The contracts that a copy of the packages with the files `added` breaks."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "notebooks"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, text in added.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{text}\n")
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
        env={"COLUMNS": "400", "PATH": "", "PYTHONPATH": str(folder)},
    )  # fmt: skip
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return re.findall(r"^(.+) BROKEN(?: \(\d+ ignored imports?\))?$", done.stdout, re.MULTILINE)
