"""The judges of an experiment beside one another: agreement, bias, automatic judges against people, drift."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_experiments.stats.agreement import judge_biases
from tip_experiments.stats.alpha import krippendorff_alpha
from tip_experiments.stats.calibration import calibrate
from tip_serving.bench.judging.rubric import BROUGHT
from tip_serving.bench.page.content import Agreement, Calibration, JudgeBias, Judges
from tip_serving.bench.ranking.drift import drifts_of

IsPerson = Callable[[str], bool]
Floats = NDArray[np.float64]


def judges_beside(scores: pl.DataFrame, anchors: pl.DataFrame, is_person: IsPerson) -> Judges:
    """What can be said of the judges, each part only where there is something to tell.

    Args:
        scores: the experiment's view, all judges.
        anchors: the anchor scores that came with the experiment's exports, ANCHOR_SCHEMA.
        is_person: whether a judge of this name is a person, whom automatic judges are measured against.
    """
    agreements, biases, calibrations = [], [], []
    for (rubric,), rows in scores.drop_nulls("score").group_by("rubric_version", maintain_order=True):
        wide = rows.pivot("judge", index=["candidate_id", "scenario_id"], values="score", sort_columns=True)
        names = [name for name in wide.columns if name not in {"candidate_id", "scenario_id"}]
        table, scenarios = wide.select(names).to_numpy(), wide["scenario_id"].rank("dense").to_numpy().astype(np.int64)
        if len(names) > 1:
            agreements += _agreement(str(rubric), table, scenarios)
            biases += _biases(names, table, scenarios)
        if rubric != BROUGHT:
            calibrations += _calibrations(names, table, scenarios, is_person)
    return Judges(
        agreement=tuple(agreements),
        biases=tuple(biases),
        calibrations=tuple(calibrations),
        drifts=tuple(drifts_of(anchors, scores)),
    )


def _agreement(rubric_version: str, table: Floats, scenarios: NDArray[np.int64]) -> list[Agreement]:
    found = krippendorff_alpha(table, np.random.default_rng(0), clusters=scenarios)
    if found.alpha is None:
        return []
    n_judges = int(np.isfinite(table).any(axis=0).sum())
    return [
        Agreement(
            rubric_version=rubric_version, alpha=found.alpha, low=found.low, high=found.high, n_judges=n_judges,
            n_candidates=found.n_units,
        )
    ]  # fmt: skip


def _biases(names: list[str], table: Floats, scenarios: NDArray[np.int64]) -> list[JudgeBias]:
    return [
        JudgeBias(
            judge=name, bias=found.bias.value, low=found.bias.low, high=found.bias.high, n_candidates=found.n_shared
        )
        for name, found in zip(names, judge_biases(table, clusters=scenarios), strict=True)
        if found.bias is not None
    ]


def _calibrations(
    names: list[str], table: Floats, scenarios: NDArray[np.int64], is_person: IsPerson
) -> list[Calibration]:
    """Each automatic judge against the mean of all people."""
    people = [place for place, name in enumerate(names) if is_person(name)]
    if not people:
        return []
    n_people = np.isfinite(table[:, people]).sum(axis=1)
    sums = np.nansum(table[:, people], axis=1)
    human = np.divide(sums, n_people, out=np.full(len(table), np.nan), where=n_people > 0)
    found = []
    for place, name in enumerate(names):
        if is_person(name):
            continue
        told = calibrate(human, table[:, place], scenarios)
        if told is None:
            continue
        apart = np.abs(human - table[:, place])
        found.append(
            Calibration(
                judge=name,
                bias=told.bias.value,
                low=told.bias.low,
                high=told.bias.high,
                correlation=None if told.correlation is None else told.correlation.value,
                mean_absolute_error=float(np.nanmean(apart)),
                n_candidates=told.n,
            )
        )
    return found
