"""Judges beside one another, scripted so that how they differ is known."""

import krippendorff
import numpy as np
import polars as pl
import pytest

from tip_serving.bench.judging.anchors import ANCHOR_SCHEMA
from tip_serving.bench.judging.rubric import BROUGHT
from tip_serving.bench.page.content import Judges
from tip_serving.bench.ranking.judges import judges_beside

N = 40
Table = dict[str, list[float | None]]


def _beside(table: Table, rubric: str = "r1") -> Judges:
    frames = [
        pl.DataFrame(
            {
                "candidate_id": [f"c{n}" for n in range(N)],
                "scenario_id": [f"s{n // 2}" for n in range(N)],
                "judge": judge,
                "rubric_version": rubric,
                "score": pl.Series(given, dtype=pl.Float64),
            }
        )
        for judge, given in table.items()
    ]
    return judges_beside(
        pl.concat(frames), pl.DataFrame(schema=ANCHOR_SCHEMA), lambda name: not name.startswith("llm:")
    )


def _scores(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1.5, 4.5, N)


def _with_noise(scores: np.ndarray, shift: float, seed: int = 1) -> np.ndarray:
    return scores + shift + np.random.default_rng(seed).normal(0, 0.3, N)


def test_agreement_is_krippendorffs_alpha_over_what_both_scored() -> None:
    ana, ben = _scores(), _with_noise(_scores(), 0.4)
    half = [value if place < N / 2 else None for place, value in enumerate(ben)]
    [found] = _beside({"ana": list(ana), "ben": half}).agreement
    reference = krippendorff.alpha(
        np.array([ana, [np.nan if value is None else value for value in half]]), level_of_measurement="interval"
    )
    assert found.alpha == pytest.approx(reference, abs=1e-6)
    assert (found.n_candidates, found.n_judges, found.rubric_version) == (20, 2, "r1")
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.alpha < found.high


def test_a_judge_who_gives_half_a_point_more_has_that_bias() -> None:
    ana = _scores()
    biases = {one.judge: one for one in _beside({"ana": list(ana), "ben": list(ana + 0.5)}).biases}
    assert biases["ben"].bias == pytest.approx(0.5)
    assert biases["ana"].bias == pytest.approx(-0.5)
    assert biases["ben"].n_candidates == N


def test_an_automatic_judge_is_held_against_the_mean_of_people() -> None:
    ana, ben = _scores(), _scores() + 1.0
    llm = _with_noise(_scores() + 0.5, 0.7)
    [found] = _beside({"ana": list(ana), "ben": list(ben), "llm:x": list(llm)}).calibrations
    people = (ana + ben) / 2
    assert found.judge == "llm:x"
    assert found.bias == pytest.approx(float(np.mean(llm - people)))
    assert found.mean_absolute_error == pytest.approx(float(np.mean(np.abs(llm - people))))
    assert found.correlation == pytest.approx(float(np.corrcoef(llm, people)[0, 1]))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.bias < found.high
    assert found.n_candidates == N


def test_people_are_not_calibrated_and_without_people_nobody_is() -> None:
    assert _beside({"ana": list(_scores()), "ben": list(_scores(1))}).calibrations == ()
    assert _beside({"llm:x": list(_scores()), "llm:y": list(_scores(1))}).calibrations == ()


def test_judges_who_share_nothing_have_nothing_to_say_of_one_another() -> None:
    first: list[float | None] = [3.0 if place < N / 2 else None for place in range(N)]
    second: list[float | None] = [None if place < N / 2 else 4.0 for place in range(N)]
    found = _beside({"ana": first, "llm:x": second})
    assert found == Judges()


def test_a_judge_alone_is_beside_nobody() -> None:
    assert _beside({"ana": list(_scores())}) == Judges()


def test_scores_under_different_rubrics_are_never_held_against_one_another() -> None:
    rows = [
        (f"c{n}", f"s{n}", judge, rubric, float(n % 5))
        for n in range(20)
        for judge, rubric in (("ana", "r1"), ("ben", "r2"))
    ]
    columns = ["candidate_id", "scenario_id", "judge", "rubric_version", "score"]
    assert (
        judges_beside(pl.DataFrame(rows, columns, orient="row"), pl.DataFrame(schema=ANCHOR_SCHEMA), lambda _: True)
        == Judges()
    )


def test_foreign_scores_have_agreement_and_no_calibration() -> None:
    found = _beside({"ana": list(_scores()), "llm:x": list(_with_noise(_scores(), 0.2))}, BROUGHT)
    assert len(found.agreement) == 1
    assert found.calibrations == ()


def test_judges_who_never_differ_from_one_number_have_no_alpha() -> None:
    found = _beside({"ana": [3.0] * N, "ben": [3.0] * N})
    assert found.agreement == ()
    assert [one.bias for one in found.biases] == [0.0, 0.0]
