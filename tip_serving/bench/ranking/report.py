"""Everything that is known of an experiment's cells, judge by judge: what the page, the table and the gate rest on."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from tip_serving.bench.identity import Cell
from tip_serving.bench.judging import automatic
from tip_serving.bench.judging.rubric import BROUGHT
from tip_serving.bench.page.content import JudgeBoard, Page
from tip_serving.bench.ranking.board import Judged, judge_board
from tip_serving.bench.ranking.judges import judges_beside
from tip_serving.bench.ranking.pairwise import pairwise
from tip_serving.bench.ranking.tips import sampled
from tip_serving.bench.results import CellResult
from tip_serving.scenarios.model import Scenario

LANGUAGE_MODEL = "llm:"
"""Judges whose name begins so are language models."""


class Evidence(NamedTuple):
    """What a report is made from."""

    experiment: str
    results: Sequence[CellResult]
    """Every done cell, failed ones too."""
    candidates: pl.DataFrame
    scores: pl.DataFrame
    """The experiment's view: one row per candidate and judge, null where unscored."""
    verdicts: pl.DataFrame
    """`judging.verdicts.view` of the experiment."""
    anchors: pl.DataFrame
    """What judges gave anchors that came with this experiment's exports."""
    scenarios: Sequence[Scenario]
    judging_costs: dict[str, float | None]
    """US dollars by judge, of those that cost something."""


def report(evidence: Evidence) -> Page:
    """The page's content, one board a judge and rubric; one board without a judge where nobody has judged."""
    known = pl.concat([evidence.scores.select("judge", "rubric_version"),
                       evidence.verdicts.select("judge", "rubric_version")])  # fmt: skip
    judges = sorted(known.drop_nulls().unique().rows(), key=in_order) or [(None, None)]
    costs = [result.cost_usd for result in evidence.results]
    return Page(
        experiment=evidence.experiment,
        made_at=datetime.now(UTC),
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        boards=tuple(_board(evidence, *judged) for judged in judges),
        judges=judges_beside(evidence.scores, evidence.anchors, is_person=_is_person),
        sample=sampled(evidence.experiment, evidence.candidates, evidence.scores, evidence.scenarios),
    )


def in_order(judged: tuple[str, str]) -> tuple[bool, str, list[tuple[int, str]]]:
    """Sorts boards: people's first, since what stands first is what a reader sees; of one judge the newest rubric last.

    Args:
        judged: judge and rubric version.
    """
    judge, rubric_version = judged
    parts = re.findall(r"\d+|\D+", rubric_version)
    return not _is_person(judge), judge, [(int(part) if part.isdigit() else -1, part) for part in parts]  # r10 after r2


def judged_of(evidence: Evidence, judge: str | None, rubric_version: str | None) -> Judged:
    """What one judge said of the experiment's cells, tip by tip."""
    return Judged(
        judge=judge,
        rubric_version=rubric_version,
        results=tuple(evidence.results),
        scores=evidence.scores.filter(_is_of(judge, rubric_version)),
        n_scenarios=evidence.candidates["scenario_id"].n_unique(),
    )


def _board(evidence: Evidence, judge: str | None, rubric_version: str | None) -> JudgeBoard:
    cells = [Cell(result.model, result.prompt) for result in evidence.results]
    said = pairwise(evidence.verdicts.filter(_is_of(judge, rubric_version)), cells)
    judged = judged_of(evidence, judge, rubric_version)
    return judge_board(judged, said, kind_of(judge, rubric_version), evidence.judging_costs.get(judge or ""))


def _is_of(judge: str | None, rubric_version: str | None) -> pl.Expr:
    return pl.col("judge").eq_missing(pl.lit(judge)) & pl.col("rubric_version").eq_missing(pl.lit(rubric_version))


def kind_of(judge: str | None, rubric_version: str | None) -> str:
    """What sort of judge that is, in a reader's words."""
    if judge is None:
        return ""
    if rubric_version == BROUGHT:
        return "measured elsewhere"
    if judge == automatic.JUDGE:
        return "rules, no model and no person"
    if judge.startswith(LANGUAGE_MODEL):
        return "language model"
    return "person or agent"


def _is_person(judge: str) -> bool:
    return judge != automatic.JUDGE and not judge.startswith(LANGUAGE_MODEL)
