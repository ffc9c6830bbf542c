"""Days of `tip_scores` as the event store would export them, from what is known of each tip, for tests of rewards."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from support.boards import result

from tip_serving.bench.leaderboard import publish
from tip_serving.bench.page.content import JudgeBoard, Page, Row, Sample, Verdict
from tip_serving.events.export import SCHEMAS
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table

FIRST = dt.date(2026, 3, 2)
"""A Monday."""
LATER = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
"""When every reward window is over."""
_SOON = dt.timedelta(minutes=20)


def tip(number: int, user: str = "u1", day: int = 0, *, is_rewarded: bool = False, **changes: Any) -> dict[str, Any]:
    """One row of `tip_scores`: a tip that came first in a decision of kind `score`, at noon of the day."""
    at = changes.pop("at", dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(12), dt.UTC))
    row = {
        "decision_id": f"d{number}", "tip_id": f"t{number}", "user": user, "at": at, "kind": "score", "arm": "champion",
        "manifest_version": "m1", "policy_version": "p1", "model_version": "r1", "prompt_version": "v1",
        "model": "embedded/first", "rank": 0, "propensity": 0.5, "score": 0.4, "n_reactions": 0,
        "retain_until": at + dt.timedelta(days=180),
        **({"accepted_at": at + _SOON} if is_rewarded else {}),
    }  # fmt: skip
    return {**row, **changes}


def frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows as a table; what they do not name is null."""
    return pl.DataFrame(list(rows), SCHEMAS[TIP_SCORES], orient="row")


def write_days(lake: Lake, rows: Iterable[Mapping[str, Any]]) -> list[dt.date]:
    """Put the rows into the lake, each on its UTC day; those days."""
    table = frame(rows).with_columns(pl.col("at").dt.date().alias("day"))
    days = table.partition_by("day", as_dict=True)
    for (day,), found in days.items():
        write_table(lake, layout.events(TIP_SCORES, str(day)), found.drop("day"))
    return [day for (day,) in days]


def living(
    rng: np.random.Generator,
    chances: Mapping[str, float],
    *,
    n_users: int = 120,
    n_days: int = 20,
    arms: Mapping[str, float] | None = None,
    between: float = 0.08,
) -> list[dict[str, Any]]:
    """People who are shown a tip of a random cell most days.

    Args:
        rng: of all draws.
        chances: by `model|prompt`, how likely one of its tips is taken.
        n_users: people.
        n_days: from FIRST on.
        arms: by arm, its weight; a person stays in one.
        between: how much people differ.
    """
    names, keys = list(arms or {"champion": 1.0}), list(chances)
    home = rng.choice(len(names), n_users, p=list((arms or {"champion": 1.0}).values()))
    taste = rng.normal(0.0, between, n_users)
    rows = []
    for day in range(n_days):
        for user in np.flatnonzero(rng.random(n_users) < 0.7):
            key = keys[rng.integers(len(keys))]
            model, _, prompt = key.rpartition("|")
            arm = names[home[user]]
            chance = min(max(chances[key] + taste[user], 0.01), 0.99)
            rows.append(
                tip(len(rows), f"u{user}", day, is_rewarded=bool(rng.random() < chance), arm=arm, model=model,
                    prompt_version=prompt, policy_version=f"policy-{arm}", model_version=f"reward-{arm}",
                    **_reactions(rng, day))
            )  # fmt: skip
    return rows


def _reactions(rng: np.random.Generator, day: int) -> dict[str, Any]:
    at = dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(12), dt.UTC) + _SOON
    drawn = {"shown_at": 0.95, "dismissed_at": 0.15, "snoozed_at": 0.1}
    found: dict[str, Any] = {name: at for name, chance in drawn.items() if rng.random() < chance}
    return found


def board(
    judge: str, means: Mapping[str, float], *, error: float = 0.05, kind: str = "person", rubric: str = "r1"
) -> JudgeBoard:
    """A judge's board of these cells, each mean with the same standard error."""
    rows: Sequence[Row] = [
        Row(
            model=key.rpartition("|")[0], prompt=key.rpartition("|")[2], verdict=Verdict.ESTIMATED, place=place,
            score_mean=mean, score_se=error, score_low=mean - 2 * error, score_high=mean + 2 * error, n_scenarios=40,
            n_scored=80,
        )
        for place, (key, mean) in enumerate(sorted(means.items(), key=lambda item: -item[1]), 1)
    ]  # fmt: skip
    return JudgeBoard(
        judge=judge, rubric_version=rubric, kind=kind, scale_min=1, scale_max=5, n_scenarios=40, rows=tuple(rows)
    )


def rank(lake: Lake, experiment: str, *boards: JudgeBoard) -> None:
    """Put the leaderboard of these boards into the lake."""
    cells = dict.fromkeys(row.cell.key for board in boards for row in board.rows)
    sample = Sample(scenarios=(), n_scenarios=0, n_candidates=0)
    page = Page(experiment=experiment, made_at=LATER, cost_usd=0.0, boards=boards, sample=sample)
    publish(lake, page, [result(key, 80) for key in cells])
