"""What the terminal shows, at the width that terminals have."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from support.bench import EXPERIMENT, create, fill, fill_all, workshop

from tip_assets import display
from tip_assets.boards import WIDE, board, boards
from tip_serving.bench import leaderboard
from tip_serving.bench.estimate import estimate
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import Holding, ProcessName
from tip_serving.bench.page.content import JudgeBoard, Row
from tip_serving.bench.progress import Progress
from tip_serving.bench.spec import Fault

LONG = "openrouter/meta-llama/llama-3.2-3b-instruct"


def _board(*models: str, **changes: object) -> JudgeBoard:
    told = {"prompt": "v1", "verdict": "estimated", "score_mean": 4.125, "score_se": 0.051, "score_low": 4.0,
            "score_high": 4.25, "n_scored": 40, "cost_usd_per_1000": 0.0123, "latency_p50_ms": 812.3,
            "latency_p95_ms": 1_911.8} | changes  # fmt: skip
    rows = [Row.model_validate({**told, "place": place, "model": model}) for place, model in enumerate(models, 1)]
    return JudgeBoard(
        judge="automatic-rules", rubric_version="r1", scale_min=1, scale_max=5, n_scenarios=40, rows=tuple(rows)
    )


def _printed(shown: JudgeBoard, width: int) -> str:
    console = Console(width=width, record=True, force_terminal=False)
    board(console, shown)
    return console.export_text()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_leaderboard_fits_the_terminal_and_hides_no_model(width: int) -> None:
    printed = _printed(_board(LONG, "embedded/first", "ollama/llama3.2:3b"), width)
    assert max(map(len, printed.splitlines())) <= width
    assert "embedded/first" in printed
    assert "4.12 ± 0.05" in printed
    assert ("●" in printed) is (width >= WIDE)
    squeezed = "".join(line[: printed.splitlines()[2].index("prompt")] for line in printed.splitlines())
    assert LONG.replace("-", "") in squeezed.replace(" ", "").replace("-", "")


def test_what_is_unscored_or_failed_is_said_and_not_shown_as_a_number() -> None:
    nothing = dict.fromkeys(("score_mean", "score_se", "score_low", "score_high"))
    counts = {"n_scored": 0, "n_unscored": 38, "n_failed": 2}
    printed = _printed(_board("embedded/first", verdict="unscored", **counts, **nothing), 150)
    assert "0 of 38, 2 failed" in printed
    assert "0.00" not in printed


def test_too_few_scenarios_give_a_broken_line_and_a_word() -> None:
    printed = _printed(_board("embedded/first", "embedded/maxim", verdict="too few scenarios"), 120)
    assert "4.12 too few" in printed
    assert "┄" in printed
    assert "4.12 ±" not in printed


def test_markup_in_names_is_shown_as_it_stands() -> None:
    assert "vendor/[red]model" in _printed(_board("vendor/[red]model"), 120)


def test_every_fault_stands_on_a_line_of_its_own() -> None:
    console = Console(width=60, record=True)
    display.faults(console, [Fault("models", "'x': " + "long " * 30), Fault("n_tips", "too many [bold]")])
    lines = console.export_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["models", "n_tips"]
    assert lines[1] == "n_tips: too many [bold]"


def test_an_estimate_tells_calls_share_cost_and_time(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    asked = create(place, models=["embedded/first", "openai/gpt-4o-mini"], max_model_b=None)
    fill(place, asked, Cell("embedded/first", "v1"))
    found = estimate(place, asked)
    assert (found.n_cells, found.n_needed, found.n_there, found.n_calls) == (4, 24, 6, 18)
    assert found.cost_usd is not None
    assert 0 < found.cost_usd < 0.01
    console = Console(width=100, record=True)
    display.estimate(console, asked, found)
    printed = console.export_text()
    assert "24 needed, 6 already there" in printed
    assert "at most $0.00" in printed


def test_an_unknown_price_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    asked = create(place, models=["vendor/unheard-of"])
    found = estimate(place, asked)
    assert (found.cost_usd, found.unpriced) == (None, ("vendor/unheard-of",))


def test_progress_counts_what_others_do_too() -> None:
    counts = Progress(n_cells=2, n_needed=20, n_there=3, n_called=4, n_failed=1)
    now = datetime.now(UTC)
    holding = Holding(owner="x", process=ProcessName.current(), experiment=EXPERIMENT, beat=1, beat_at=now, n_done=5,
                      n_needed=10, cost_usd=0.0)  # fmt: skip
    counts.others[Cell("openai/a", "v1")] = holding
    assert counts.n_over == 13


def test_the_cells_of_an_experiment_are_shown_with_their_phase(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    asked = create(place)
    fill(place, asked, Cell("embedded/first", "v1"))
    fill(place, asked, Cell("embedded/first", "v2"), n_missing=1)
    console = Console(width=120, record=True)
    display.cells(console, place.state(EXPERIMENT))
    printed = console.export_text()
    assert [printed.count(word) for word in ("complete", "failed", "pending")] == [1, 1, 2]
    fill_all(place, asked)
    place.rank(EXPERIMENT)
    boards(console, leaderboard.read_boards(place.lake, EXPERIMENT))
