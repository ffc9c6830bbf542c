"""One judge's leaderboard: cells ranked, compared and explained, from the judge's scores of an experiment.

Judges are never averaged together, unscored is never zero, and every cell has a row whatever became of it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_experiments.stats import best, effects, intervals, means, paired, ranks, separation
from tip_experiments.stats.cell_scores import CellScores
from tip_serving.bench.judging.rubric import BROUGHT, SCALE_MAX, SCALE_MIN
from tip_serving.bench.page.content import (
    Difference,
    Effects,
    Explained,
    JudgeBoard,
    Marginal,
    Pairwise,
    Row,
    Separation,
    Verdict,
)
from tip_serving.bench.results import CellResult, CellStatus

LEVEL = 0.05
POWER = 0.8
_VERDICTS = {
    intervals.Verdict.OK: Verdict.ESTIMATED,
    intervals.Verdict.TOO_FEW: Verdict.TOO_FEW,
    intervals.Verdict.ONE_SCENARIO: Verdict.TOO_FEW,
    intervals.Verdict.CONSTANT: Verdict.CONSTANT,
    intervals.Verdict.UNSCORED: Verdict.UNSCORED,
}


@dataclass(frozen=True, eq=False)
class Judged:
    """The scores of one judge under one rubric, and the cells and scenarios that they are about."""

    judge: str | None
    rubric_version: str | None
    results: tuple[CellResult, ...]
    """Every done cell of the experiment, failed ones too; their order is that of the cells."""
    scores: pl.DataFrame
    """`model, prompt, scenario_id, score`, null where unscored: the rows of this judge."""
    n_scenarios: int
    """Of the experiment."""

    @cached_property
    def cell_scores(self) -> CellScores:
        """The scores as sums and counts."""
        scored = self.scores.select("model", "prompt", "scenario_id", "score").drop_nulls("score")
        cells = pl.DataFrame(
            [(result.model, result.prompt, code) for code, result in enumerate(self.results)],
            schema={"model": pl.String, "prompt": pl.String, "cell": pl.Int64},
            orient="row",
        )
        scored = scored.join(cells, on=["model", "prompt"], how="inner")
        scenarios = scored["scenario_id"].rank("dense").cast(pl.Int64) - 1
        n_scenarios = scored["scenario_id"].n_unique()
        values, codes = scored["score"].to_numpy(), scored["cell"].to_numpy()
        return CellScores.from_rows(values, codes, scenarios.to_numpy(), len(self.results), n_scenarios)

    def rng(self) -> np.random.Generator:
        """Dice that fall the same way for the same judge, so that a leaderboard made again is the same one."""
        digest = hashlib.sha256(f"{self.judge}:{self.rubric_version}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big"))

    @property
    def scale(self) -> tuple[float, float]:
        """The ends of the scale: the rubric's, or what was found where scores were brought from elsewhere."""
        if self.rubric_version != BROUGHT:
            return float(SCALE_MIN), float(SCALE_MAX)
        low, high = self.scores["score"].min(), self.scores["score"].max()
        return (float(low), float(high)) if isinstance(low, float) and isinstance(high, float) else (0.0, 1.0)

    @property
    def bounds(self) -> tuple[float, float]:
        """Where no score can lie beyond: the ends of the rubric's scale; of a foreign scale they are not known."""
        return self.scale if self.rubric_version != BROUGHT else (-np.inf, np.inf)


def judge_board(judged: Judged, pairwise: Pairwise | None, kind: str, judging_cost_usd: float | None) -> JudgeBoard:
    """The board, best cell first; cells without a place last."""
    scores = judged.cell_scores
    pairs = paired.paired_differences(scores)
    low, high = judged.scale
    rows = sorted(_rows(judged, pairs), key=lambda row: (row.place or len(judged.results) + 1, row.model, row.prompt))
    return JudgeBoard(
        judge=judged.judge,
        rubric_version=judged.rubric_version,
        kind=kind,
        scale_min=low,
        scale_max=high,
        n_scenarios=judged.n_scenarios,
        judging_cost_usd=judging_cost_usd,
        rows=tuple(rows),
        differences=tuple(_differences(judged, pairs)),
        separation=_separation(judged, pairs, rows),
        effects=_effects(judged),
        pairwise=pairwise,
    )


def _rows(judged: Judged, pairs: Sequence[paired.PairedDifference]) -> list[Row]:
    scores = judged.cell_scores
    wins = _win_shares(len(judged.results), pairs)
    found = zip(
        judged.results,
        means.cell_means(scores),
        ranks.cell_ranks(scores, judged.rng()),
        best.against_best(scores, judged.rng()),
        wins,
        strict=True,
    )
    return [_row(*columns, bounds=judged.bounds) for columns in found]


def _row(
    result: CellResult,
    mean: means.CellMean,
    rank: ranks.CellRank,
    against: best.AgainstBest,
    win_share: float | None,
    *,
    bounds: tuple[float, float],
) -> Row:
    verdict = _VERDICTS[mean.verdict]
    if verdict is Verdict.UNSCORED and result.status is CellStatus.FAILED:
        verdict = Verdict.FAILED
    per_tip = 1 / result.n_done if result.n_done else None
    is_judged_enough = mean.n_scenarios >= intervals.MIN_SCENARIOS
    span = bounds[1] - bounds[0]
    return Row(
        model=result.model,
        prompt=result.prompt,
        verdict=verdict,
        reason=result.reason,
        place=rank.rank,
        rank_low=rank.low,
        rank_high=rank.high,
        score_mean=mean.mean,
        score_se=mean.standard_error,
        # The true mean lies within, so an interval may be cut there.
        score_low=None if mean.low is None else max(mean.low, bounds[0]),
        score_high=None if mean.high is None else min(mean.high, bounds[1]),
        n_scenarios=mean.n_scenarios,
        n_scored=mean.n_scored,
        n_unscored=max(result.n_done - mean.n_scored, 0),
        n_failed=result.n_failed,
        win_share=win_share,
        to_best=against.difference,
        # On fewer scenarios nothing tells how far a comparison may be off.
        to_best_low=None if against.low is None or not is_judged_enough else max(against.low, -span),
        to_best_high=None if against.high is None or not is_judged_enough else min(against.high, span),
        is_droppable=against.can_be_dropped and is_judged_enough,
        cost_usd_per_1000=None if result.cost_usd is None or not per_tip else result.cost_usd * per_tip * 1000,
        latency_p50_ms=result.latency_p50_ms,
        latency_p95_ms=result.latency_p95_ms,
        prompt_tokens=result.prompt_tokens * per_tip if per_tip else None,
        completion_tokens=result.completion_tokens * per_tip if per_tip else None,
    )


def _win_shares(n_cells: int, pairs: Sequence[paired.PairedDifference]) -> list[float | None]:
    """Share of all comparisons, cell by cell and scenario by scenario, that each cell wins."""
    won, compared = np.zeros(n_cells), np.zeros(n_cells)
    for pair in pairs:
        if pair.wins is not None:
            won[[pair.first, pair.second]] += pair.n_shared * np.array([pair.wins, 1 - pair.wins])
            compared[[pair.first, pair.second]] += pair.n_shared
    return [float(share / n) if n else None for share, n in zip(won, compared, strict=True)]


def _differences(judged: Judged, pairs: Sequence[paired.PairedDifference]) -> list[Difference]:
    return [
        Difference(
            first=judged.results[pair.first].cell,
            second=judged.results[pair.second].cell,
            difference=pair.difference,
            low=pair.low if pair.n_shared >= intervals.MIN_SCENARIOS else None,
            high=pair.high if pair.n_shared >= intervals.MIN_SCENARIOS else None,
            p_adjusted=pair.p_holm if pair.n_shared >= intervals.MIN_SCENARIOS else None,
            n_scenarios=pair.n_shared,
            is_different=pair.p_holm is not None and pair.p_holm <= LEVEL and pair.n_shared >= intervals.MIN_SCENARIOS,
        )
        for pair in pairs
        if pair.difference is not None
    ]


def _separation(judged: Judged, pairs: Sequence[paired.PairedDifference], rows: Sequence[Row]) -> Separation | None:
    found = separation.separate_first_two(judged.cell_scores, LEVEL, POWER)
    if found.first is None or found.second is None or found.difference is None or found.difference < 0:
        return None
    pair = next(pair for pair in pairs if {pair.first, pair.second} == {found.first, found.second})
    low, high = (pair.low, pair.high) if found.n_shared >= intervals.MIN_SCENARIOS else (None, None)
    if pair.first != found.first:
        low, high = None if high is None else -high, None if low is None else -low
    second = judged.results[found.second].cell
    # Told apart from the second alone is not yet the best: any other cell could have come first by chance too.
    is_told_apart = found.outcome is separation.Outcome.SEPARATED
    is_out = next(row.is_droppable for row in rows if row.cell == second)
    reason = found.reason if found.outcome is separation.Outcome.CANNOT_SAY else None
    if is_told_apart and not is_out:
        reason = "Between these two alone it would count; among all cells that could have come first it does not yet."
    return Separation(
        first=judged.results[found.first].cell,
        second=second,
        difference=found.difference,
        low=low,
        high=high,
        is_real=is_told_apart and is_out,
        n_more_scenarios=None if is_told_apart and not is_out else found.n_more,
        power=POWER,
        reason=reason,
    )


def _effects(judged: Judged) -> Effects | None:
    if not judged.results:
        return None
    models, model_codes = _coded([result.model for result in judged.results])
    prompts, prompt_codes = _coded([result.prompt for result in judged.results])
    found = effects.effects(judged.cell_scores, model_codes, prompt_codes)
    named = {"model": found.model, "prompt": found.prompt, "interaction": found.interaction}
    explained = tuple(
        Explained(what=what, share=min(max(effect.share, 0.0), 1.0))
        for what, effect in named.items()
        if effect.share is not None
    )
    return Effects(
        by_model=_marginals(models, found.models),
        by_prompt=_marginals(prompts, found.prompts),
        explained=explained,
    )


def _coded(names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The different names in the order of their first place, and each name as its code."""
    known = list(dict.fromkeys(names))
    codes = {name: code for code, name in enumerate(known)}
    return known, np.array([codes[name] for name in names], dtype=np.int64)


def _marginals(names: Sequence[str], margins: Sequence[effects.Margin]) -> tuple[Marginal, ...]:
    return tuple(
        Marginal(
            name=name,
            score_mean=margin.mean,
            score_low=margin.low,
            score_high=margin.high,
            n_cells=margin.n_cells,
        )
        for name, margin in zip(names, margins, strict=True)
        if margin.mean is not None
    )
