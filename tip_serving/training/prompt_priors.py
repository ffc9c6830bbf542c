"""What a judge's leaderboard says of (model, prompt) arms before any feedback: where the prompt policy starts learning.

A judge scores tips on a scale; people take them or not. How one becomes the other is declared here, not learnt:

    expected reward = base rate + WORTH * (score - mean score of the arms) / (scale_max - scale_min)

The base rate is that of live rewards where there are any, else BASE_RATE. The judge thus says which arm is better than
which and by how much, never how often tips are taken at all: no scale of points knows that. WORTH = 0.4 says that from
the worst to the best possible score lie 40 points of reward; people agree less than points suggest, so it is below 1.

A prior weighs as many observations as the judge is trusted for, and never more than its own interval carries:

    people, or agents told what to do    20
    a model or rules, held against people on the same tips    20 * correlation^2
    whoever is unproven    3

So an unproven judge is outvoted by a handful of reactions, and a proven one by some dozens.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, FiniteFloat

from tip_experiments.policies.roster import Prior
from tip_serving.bench.page.content import JudgeBoard, Page, Row, Verdict
from tip_serving.bench.state import experiments
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.prompts import registry

BASE_RATE = 0.3
WORTH = 0.4
TRUSTED, UNPROVEN = 20.0, 3.0
_FEWEST_SHARED = 30  # tips that people scored too, below which a correlation proves nothing
MOST_ARMS = 20
"""Those with the best scores; every arm costs exploration."""
_LOWEST, _HIGHEST = 0.02, 0.98
PEOPLE = "person or agent"


class PromptPrior(BaseModel):
    """What is believed of one arm before its first reaction, and on whose word."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str
    """`model@version`."""
    mean: FiniteFloat
    """Expected reward."""
    low: FiniteFloat | None
    """The interval of the judge's mean, on the scale of rewards."""
    high: FiniteFloat | None
    n: FiniteFloat
    """As how many observations it weighs."""
    score: FiniteFloat
    experiment: str
    judge: str
    rubric_version: str

    @property
    def prior(self) -> Prior:
        """As a policy takes it."""
        return Prior(self.mean, self.n)


class _Judged(NamedTuple):
    experiment: str
    board: JudgeBoard
    trust: float
    """Pseudo-observations."""


def priors(lake: Lake, base_rate: float | None) -> tuple[PromptPrior, ...]:
    """The arms that a leaderboard speaks of, the best first; none where nothing is judged.

    One judge under one rubric speaks for all arms, since points of two are not the same points: the most trusted one,
    of equals whoever scored the most cells. Of several experiments the one with most scores speaks of a cell. Cells
    that cannot be the best any more, and those whose prompt is not registered here, are no arms.

    Args:
        lake: with leaderboards.
        base_rate: mean live reward; None where there is none yet.
    """
    judged = list(_boards(lake))
    if not judged:
        return ()
    judge, rubric = max(
        {(str(one.board.judge), str(one.board.rubric_version)) for one in judged},
        key=lambda name: (_trust(judged, name), _n_cells(judged, name), name),
    )
    chosen = [one for one in judged if (one.board.judge, one.board.rubric_version) == (judge, rubric)]
    best: dict[str, tuple[_Judged, Row]] = {}
    for one in chosen:
        for row in one.board.rows:
            name = f"{row.model}@{row.prompt}"
            if _is_arm(row) and (name not in best or best[name][1].n_scored < row.n_scored):
                best[name] = (one, row)
    return _mapped(best, base_rate if base_rate is not None else BASE_RATE)


def _boards(lake: Lake) -> list[_Judged]:
    found: list[_Judged] = []
    for experiment in experiments(lake):
        try:
            page = Page.model_validate_json(lake.read(layout.boards(experiment)))
        except MissingError:
            continue
        boards = [board for board in page.boards if board.judge is not None and any(map(_is_arm, board.rows))]
        found += [_Judged(experiment, board, _trust_in(board, page)) for board in boards]
    return found


def _trust_in(board: JudgeBoard, page: Page) -> float:
    if board.kind == PEOPLE:
        return TRUSTED
    known = [one for one in page.judges.calibrations if one.judge == board.judge and one.n_candidates >= _FEWEST_SHARED]
    correlations = [one.correlation for one in known if one.correlation is not None and one.correlation > 0]
    return max([UNPROVEN, *(TRUSTED * correlation**2 for correlation in correlations)])


def _trust(judged: Sequence[_Judged], name: tuple[str, str]) -> float:
    return max(one.trust for one in judged if (one.board.judge, one.board.rubric_version) == name)


def _n_cells(judged: Sequence[_Judged], name: tuple[str, str]) -> int:
    of_judge = [one.board for one in judged if (one.board.judge, one.board.rubric_version) == name]
    return len({(row.model, row.prompt) for board in of_judge for row in board.rows if _is_arm(row)})


def _is_arm(row: Row) -> bool:
    is_known = row.prompt in registry.versions()
    return row.score_mean is not None and row.verdict is not Verdict.FAILED and not row.is_droppable and is_known


def _mapped(arms: dict[str, tuple[_Judged, Row]], base_rate: float) -> tuple[PromptPrior, ...]:
    ranked = sorted(arms.items(), key=lambda item: (-(item[1][1].score_mean or 0.0), item[0]))[:MOST_ARMS]
    middle = sum(row.score_mean or 0.0 for _, (_, row) in ranked) / len(ranked)
    return tuple(_prior(name, one, row, middle, base_rate) for name, (one, row) in ranked)


def _prior(name: str, one: _Judged, row: Row, middle: float, base_rate: float) -> PromptPrior:
    board, score = one.board, float(row.score_mean or 0.0)
    per_point = WORTH / max(board.scale_max - board.scale_min, 1e-9)

    def rewarded(points: float | None) -> float | None:
        return None if points is None else min(max(base_rate + per_point * (points - middle), _LOWEST), _HIGHEST)

    weight = one.trust
    if row.score_se:  # no opinion weighs more than the observations that would be as uncertain
        weight = min(weight, base_rate * (1.0 - base_rate) / (per_point * row.score_se) ** 2)
    return PromptPrior(
        arm=name, mean=rewarded(score) or _LOWEST, low=rewarded(row.score_low), high=rewarded(row.score_high),
        n=max(weight, 1.0), score=score, experiment=one.experiment, judge=str(board.judge),
        rubric_version=str(board.rubric_version),
    )  # fmt: skip
