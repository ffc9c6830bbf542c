"""Judges held against anchors, as scores come in: batch by batch, and in which order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from tip_serving.bench.judging.anchors import ANCHOR_SCHEMA
from tip_serving.bench.judging.scores import SCORE_SCHEMA
from tip_serving.bench.ranking.drift import drifts_of

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BATCHES = ["f0", "03", "a9", "5c", "e1", "27", "b4", "18"]
N_ANCHORS = 4


def _anchors(shift_per_batch: float, *, is_one_file: bool) -> pl.DataFrame:
    """One judge whose scores move away from what people settled on, in the order of BATCHES."""
    rng = np.random.default_rng(3)
    rows: list[dict[str, Any]] = []
    for place, batch in enumerate(BATCHES):
        for number in range(N_ANCHORS):
            expected = 1.5 + number * 0.6
            rows.append(
                {
                    "anchor_set": "gold",
                    "anchor_id": f"{batch}-{number}",
                    "batch": batch,
                    "judge": "ana",
                    "rubric_version": "r1",
                    "score": expected + shift_per_batch * place + rng.normal(0.0, 0.05),
                    "expected": expected,
                    "experiment": "tip-bench-test",
                    "imported_at": BEGIN if is_one_file else BEGIN + timedelta(minutes=place),
                }
            )
    return pl.DataFrame(rows, schema=ANCHOR_SCHEMA)


@pytest.mark.parametrize("is_one_file", [True, False])
def test_a_judge_who_drifts_is_found_whether_batches_came_in_one_file_or_one_after_the_other(
    is_one_file: bool,
) -> None:
    [found] = drifts_of(_anchors(0.1, is_one_file=is_one_file), pl.DataFrame(schema=SCORE_SCHEMA))
    assert [point.batch for point in found.points] == BATCHES
    assert found.is_drifting
    assert "up from the first batch to the last" in "; ".join(found.reasons)


def test_a_steady_judge_is_called_steady_and_the_same_every_time() -> None:
    anchors = _anchors(0.0, is_one_file=True)
    told = {repr(drifts_of(anchors, pl.DataFrame(schema=SCORE_SCHEMA))) for _ in range(5)}
    assert len(told) == 1
    [found] = drifts_of(anchors, pl.DataFrame(schema=SCORE_SCHEMA))
    assert (found.is_drifting, found.findings) == (False, ("steady",))


def test_batches_in_files_that_came_later_come_later_whatever_the_order_of_rows() -> None:
    shuffled = _anchors(0.1, is_one_file=False).sample(fraction=1.0, shuffle=True, seed=1)
    [found] = drifts_of(shuffled, pl.DataFrame(schema=SCORE_SCHEMA))
    assert [point.batch for point in found.points] == BATCHES
