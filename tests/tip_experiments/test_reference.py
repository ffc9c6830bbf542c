"""The reference renders, with every public module in it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_reference_renders_with_every_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pdoc", "--output-directory", str(tmp_path), "tip_experiments"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warn" not in done.stderr, done.stderr
    modules = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "tip_experiments").rglob("*.py")]
    wanted = {str(module).removesuffix("/__init__") + ".html" for module in modules}
    assert wanted <= {str(page.relative_to(tmp_path)) for page in tmp_path.rglob("*.html")}
