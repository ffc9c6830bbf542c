"""The bench of a demo: the embedded writers on every prompt, judged by rules; its leader is proposed for release.

What the judge thinks is where learning starts. Whether people think so too is what the days after it show.
"""

import datetime as dt

from pydantic import BaseModel, ConfigDict

from tip_assets.bench.running import run_to_end
from tip_serving.bench import deciding, leaderboard, spec
from tip_serving.bench.judging import automatic
from tip_serving.bench.workshop import Workshop
from tip_serving.settings import Settings

EXPERIMENT = "tip-bench-demo"
N_SCENARIOS = 40
BY = "demo"


class JudgedCell(BaseModel):
    """One cell on the judge's board; scores on its scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: str
    """MODEL@PROMPT"""
    mean: float
    low: float | None
    high: float | None


class BenchResult(BaseModel):
    """What the bench came to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    cells: tuple[JudgedCell, ...]
    """The best first."""
    proposal_id: str
    """Under which its leader may be proposed for release."""


def run_bench(settings: Settings, seed: int, now: dt.datetime) -> BenchResult:
    """Run the experiment to its leaderboard, or go on with it, and propose its leader at `now`."""
    workshop = Workshop.open(settings)
    try:
        asked = {"experiment": EXPERIMENT, "n_scenarios": N_SCENARIOS, "sampling_seed": seed}
        spec.create(workshop.lake, spec.parse(asked, workshop.lake, workshop.catalog))
        run_to_end(workshop, EXPERIMENT, lambda _: None)
    finally:
        workshop.pool.close()
    board = deciding.board_of(leaderboard.read_boards(workshop.lake, EXPERIMENT), automatic.JUDGE)
    cells = tuple(
        JudgedCell(cell=f"{row.model}@{row.prompt}", mean=row.score_mean, low=row.score_low, high=row.score_high)
        for row in board.rows
        if row.score_mean is not None
    )
    [leader] = [one for one in workshop.results(EXPERIMENT) if f"{one.model}@{one.prompt}" == cells[0].cell]
    made = deciding.propose(
        workshop.lake, EXPERIMENT, board, leader, BY, "Leads the board; nobody has seen it yet.", now
    )
    return BenchResult(judge=automatic.JUDGE, cells=cells, proposal_id=made.proposal_id)
