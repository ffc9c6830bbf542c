"""Leaderboards in a lake, for tests of what is made of them."""

import datetime as dt
from typing import Any

import numpy as np
from support import pages

from tip_serving.bench.identity import Cell
from tip_serving.bench.page.content import JudgeBoard, Judges, Page
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake

MODEL = "embedded/planner"
NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)


def board(scores: dict[str, float], judge: str = "ana", kind: str = "person or agent", **fields: Any) -> JudgeBoard:
    """A board on the scale of 1 to 5; `v2` stands for the planner with that prompt."""
    rng = np.random.default_rng(1)
    rows = [
        pages.row(Cell(MODEL, prompt), mean, place, rng, is_droppable=False, score_se=0.05)
        for place, (prompt, mean) in enumerate(scores.items(), start=1)
    ]
    plain = {"judge": judge, "rubric_version": "r1", "kind": kind, "scale_min": 1, "scale_max": 5, "n_scenarios": 400}
    return JudgeBoard.model_validate({**plain, "rows": tuple(rows), **fields})


def publish(lake: Lake, *boards: JudgeBoard, experiment: str = "tip-bench-a", judges: Judges | None = None) -> None:
    """Put the leaderboard of an experiment into the lake."""
    sample = {"scenarios": (), "n_scenarios": 0, "n_candidates": 0}
    page = Page.model_validate(
        {"experiment": experiment, "made_at": NOON, "cost_usd": None, "boards": boards, "sample": sample,
         "judges": judges or Judges()}
    )  # fmt: skip
    lake.write(layout.spec(experiment), b"{}")
    lake.write(layout.boards(experiment), page.model_dump_json().encode())
