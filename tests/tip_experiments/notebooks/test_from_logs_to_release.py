"""The notebook runs from top to bottom in a fresh kernel and comes to its decision; nothing imports it."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[3] / "tip_experiments" / "notebooks" / "from_logs_to_release.ipynb"


def printed(notebook: Any) -> list[str]:
    """What each code cell printed."""
    return [
        "".join(output["text"] for output in cell.outputs if output.output_type == "stream")
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.slow
def test_the_notebook_leads_from_logs_to_a_release(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    texts = printed(notebook)
    plots = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(plots) == 3
    estimates, refusals, faults, verdict, stretches = (text for text in texts if text)
    assert "replay  Refused. Replay holds only for actions drawn uniformly" in estimates
    assert refusals.count("interval None") == 3
    assert "The weights are worth 2.0 equally weighted rounds of 10000" in refusals
    assert "actions are unknown (known: 0..3) in 20 rows" in faults
    assert verdict.startswith("RELEASE\n")
    assert "passed  slice moment=evening" in verdict
    assert stretches.splitlines()[0].strip().startswith("50 rounds: not enough evidence")
    assert stretches.splitlines()[-1] == "  10000 rounds: release"
