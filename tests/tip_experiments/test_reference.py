"""The reference renders, with every public module in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tip_experiments import gate, ope

ROOT = Path(__file__).parents[2]
RE_EXPORTED = {"tip_experiments/ope": ope.__all__, "tip_experiments/gate": gate.__all__}


@pytest.mark.slow
def test_the_reference_renders_with_every_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pdoc", "--output-directory", str(tmp_path), "tip_experiments"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warn" not in done.stderr, done.stderr
    pages = {str(page.relative_to(tmp_path)) for page in tmp_path.rglob("*.html")}
    for path in sorted((ROOT / "tip_experiments").rglob("*.py")):
        module = str(path.relative_to(ROOT).with_suffix("")).removesuffix("/__init__")
        package = module.rpartition("/")[0]
        if package in RE_EXPORTED:  # whose page shows what it exports, wherever that stands
            continue
        assert f"{module}.html" in pages
    for package, names in RE_EXPORTED.items():
        text = (tmp_path / f"{package}.html").read_text(encoding="utf-8")
        assert [name for name in names if f'id="{name}"' not in text] == []
