"""`released/manifest.json` is written in one place; whoever else tries is found in the code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WRITER = "tip_serving/releasing/serving.py"
_WRITING = {"write", "swap", "delete", "write_table", "write_text", "write_bytes", "open", "pipe_file", "put"}
_PACKAGES = ("tip_assets", "tip_serving", "tip_experiments")


def writers(source: str) -> list[int]:
    """Lines that hand the manifest's path, or its text, to something that writes."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            told = " ".join(ast.unparse(argument) for argument in [*node.args, *(one.value for one in node.keywords)])
            if name in _WRITING and ("released_manifest" in told or "released/manifest" in told):
                found.append(node.lineno)
    return found


def test_nobody_else_writes_the_manifest() -> None:
    files = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for package in _PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    writing = {path for path, source in files.items() if writers(source)}
    assert writing == {WRITER}
    literal = {path for path, source in files.items() if '"released/manifest' in source}
    assert literal == {"tip_serving/lake/layout.py"}, "the path is built in one place"


@pytest.mark.parametrize(
    "source",
    [
        "lake.write(layout.released_manifest(), data)",
        "lake.swap(layout.released_manifest(), data, None)",
        "(folder / 'released/manifest.json').write_text('{}') or open('released/manifest.json', 'w')",
    ],
)
def test_the_search_finds_a_writer(source: str) -> None:
    assert writers(source) == [1]


def test_reading_is_no_writing() -> None:
    assert writers("lake.read(layout.released_manifest())") == []
