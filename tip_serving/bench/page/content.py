"""What one leaderboard page shows, as plain values: numbers come here finished, nothing here computes a statistic.

None stands for what is not known or cannot be told, never for zero. Intervals are 95% intervals. Every string may
come from a model, a person or a task list and is shown as text only.
"""

from collections import Counter
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tip_serving.bench.identity import Cell

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, in [0, 1]."""
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Place = Annotated[int, Field(ge=1)]


class Plain(BaseModel):
    """A frozen record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Verdict(StrEnum):
    """What can be said about a cell's mean; the words are those that a reader sees."""

    ESTIMATED = "estimated"
    """Has a mean and an interval."""
    TOO_FEW = "too few scenarios"
    """Has a mean, and at most a wide interval that shows how little is known."""
    CONSTANT = "constant"
    """Every score is the same: a mean, and nothing that tells how far off it may be."""
    UNSCORED = "unscored"
    FAILED = "failed"

    @property
    def is_telling(self) -> bool:
        """Whether the mean says enough to be coloured, or to be called efficient."""
        return self in {Verdict.ESTIMATED, Verdict.CONSTANT}


class Row(Plain):
    """One cell under one judge. Scores are on the scale of the board."""

    model: str
    prompt: str
    verdict: Verdict
    reason: str | None = None
    """Why candidates are missing, where some are."""
    place: Place | None = None
    rank_low: Place | None = None
    """The best rank that the data allow."""
    rank_high: Place | None = None
    """The worst rank that the data allow."""
    score_mean: Finite | None = None
    score_se: Amount | None = None
    score_low: Finite | None = None
    score_high: Finite | None = None
    n_scenarios: Count = 0
    """Scenarios with at least one score."""
    n_scored: Count = 0
    n_unscored: Count = 0
    n_failed: Count = 0
    win_share: Share | None = None
    """Share of comparisons with the other cells, scenario by scenario, that it wins; a tie counts half."""
    to_best: Finite | None = None
    """Mean less the best mean among the other cells; positive for the leader."""
    to_best_low: Finite | None = None
    """Lower bound by Hsu's comparison with the best, at most 0."""
    to_best_high: Finite | None = None
    """Upper bound of the same, at least 0; 0 says that the cell is not the best."""
    is_droppable: bool = False
    """It cannot be the best any more, at the chosen error rate."""
    cost_usd_per_1000: Amount | None = None
    """US dollars per 1,000 tips; 0 is free, None is unknown."""
    latency_p50_ms: Amount | None = None
    latency_p95_ms: Amount | None = None
    prompt_tokens: Amount | None = None
    """Per tip, on average."""
    completion_tokens: Amount | None = None
    """Per tip, on average."""

    @property
    def cell(self) -> Cell:
        """Which cell."""
        return Cell(self.model, self.prompt)

    @model_validator(mode="after")
    def _verdict_and_numbers_agree(self) -> Self:
        has_mean, has_interval = self.score_mean is not None, None not in (self.score_low, self.score_high)
        wants_mean = self.verdict not in {Verdict.UNSCORED, Verdict.FAILED}
        may_have_interval = self.verdict in {Verdict.ESTIMATED, Verdict.TOO_FEW}
        lacks_interval = self.verdict is Verdict.ESTIMATED and not has_interval
        if has_mean != wants_mean or lacks_interval or (has_interval and not may_have_interval):
            raise ValueError(
                f"{self.cell.key} is called {self.verdict.value!r}, which goes {'with' if wants_mean else 'without'} a "
                f"mean and {'with' if may_have_interval else 'without'} an interval; found mean {self.score_mean}, "
                f"interval {self.score_low} to {self.score_high}"
            )
        return self


class Difference(Plain):
    """Two cells on the scenarios that both were scored on."""

    first: Cell
    second: Cell
    difference: Finite
    """Mean of first less second."""
    low: Finite | None
    high: Finite | None
    p_adjusted: Share | None
    """By Holm over all pairs of cells."""
    n_scenarios: Count
    is_different: bool


class Separation(Plain):
    """How clearly the first of a board leads the second."""

    first: Cell
    second: Cell
    difference: Amount
    low: Finite | None
    high: Finite | None
    is_real: bool
    """The difference holds after allowing for every pair that could have come first."""
    n_more_scenarios: Count | None = None
    """Scenarios beyond those there are that would show a difference of this size; None where none would."""
    power: Share = 0.8
    """The chance with which they would."""
    reason: str | None = None
    """One sentence: why nothing can be said of more scenarios. None where something can."""


class Marginal(Plain):
    """One model over all prompts, or one prompt over all models."""

    name: str
    score_mean: Finite
    score_low: Finite | None
    score_high: Finite | None
    n_cells: Count


class Explained(Plain):
    """How much of the spread between the means of cells something explains."""

    what: Literal["model", "prompt", "interaction"]
    share: Share
    low: Share | None = None
    high: Share | None = None


class Effects(Plain):
    """Sums over the grid of models and prompts."""

    by_model: tuple[Marginal, ...]
    by_prompt: tuple[Marginal, ...]
    explained: tuple[Explained, ...] = ()


class Rating(Plain):
    """One cell by Bradley-Terry, in natural log-odds; the average cell has 0."""

    cell: Cell
    rating: Finite
    low: Finite | None
    high: Finite | None
    controlled: Finite | None = None
    """The same with length and style held equal."""
    controlled_low: Finite | None = None
    controlled_high: Finite | None = None
    n_verdicts: Count


class Pairwise(Plain):
    """What a judge said of pairs of tips."""

    ratings: tuple[Rating, ...]
    n_verdicts: Count
    tie_share: Share
    first_share: Share | None
    """Share of the decided verdicts that went to the tip shown first; 0.5 is fair."""
    first_low: Share | None
    first_high: Share | None
    agree_share: Share | None = None
    """Share of the pairs shown in both orders with the same outcome in both."""


class JudgeBoard(Plain):
    """The leaderboard by one judge under one rubric version."""

    judge: str | None
    """None where nobody has judged yet."""
    rubric_version: str | None
    kind: str = ""
    """What sort of judge: `person`, `coding agent`, `script`, a model's name."""
    scale_min: Finite
    scale_max: Finite
    n_scenarios: Count
    """Scenarios of the experiment."""
    judging_cost_usd: Amount | None = None
    rows: tuple[Row, ...]
    """One per cell, in the order of their places; cells without one last."""
    differences: tuple[Difference, ...] = ()
    """Between all cells where a board is made; between the leading ones where it is read from the lake."""
    separation: Separation | None = None
    effects: Effects | None = None
    pairwise: Pairwise | None = None


class Agreement(Plain):
    """Krippendorff's alpha over all judges of one rubric version, for scores on an interval scale."""

    rubric_version: str
    alpha: Annotated[float, Field(le=1, allow_inf_nan=False)]
    low: Finite | None
    high: Finite | None
    n_judges: Count
    n_candidates: Count
    """Candidates with scores by two judges or more."""


class JudgeBias(Plain):
    """By how much a judge scores higher than the others on the same candidates."""

    judge: str
    bias: Finite
    low: Finite | None
    high: Finite | None
    n_candidates: Count


class Calibration(Plain):
    """An automatic judge against people who scored the same candidates."""

    judge: str
    bias: Finite
    """Its mean less that of people."""
    low: Finite | None
    high: Finite | None
    correlation: Annotated[float, Field(ge=-1, le=1)] | None
    """Pearson's, candidate by candidate."""
    mean_absolute_error: Amount
    n_candidates: Count


class DriftPoint(Plain):
    """One batch: the judge's scores of the anchor items less the known ones."""

    batch: str
    deviation: Finite
    low: Finite | None
    high: Finite | None
    n_anchors: Count


class Drift(Plain):
    """A judge's deviations from the anchors, batch by batch in the order judged."""

    judge: str
    points: tuple[DriftPoint, ...]
    is_drifting: bool
    findings: tuple[str, ...] = ()
    """What the anchors show of the judge, in a word each."""
    reasons: tuple[str, ...] = ()
    """The same in sentences."""


class Judges(Plain):
    """The judges beside one another; each part only where there is something to tell."""

    agreement: tuple[Agreement, ...] = ()
    biases: tuple[JudgeBias, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    drifts: tuple[Drift, ...] = ()


class Task(Plain):
    """An open task as a reader needs it."""

    content: str
    due: str = ""
    is_urgent: bool = False


class Score(Plain):
    """What one judge said of one tip."""

    judge: str
    rubric_version: str
    score: Finite
    points: dict[str, Finite] = {}
    """By criterion; empty where the judge gave the score alone."""
    comment: str = ""


class Tip(Plain):
    """One candidate."""

    model: str
    prompt: str
    sample_index: Count
    text: str
    scores: tuple[Score, ...] = ()


class SampleScenario(Plain):
    """One scenario with the tips written for it."""

    scenario_id: str
    kind: str
    now: str
    """The person's moment, as it is to be read: `Tuesday 8:40`."""
    language: str | None = None
    tasks: tuple[Task, ...] = ()
    n_tasks: Count
    """All open tasks, also those not listed."""
    tips: tuple[Tip, ...] = ()


class Sample(Plain):
    """The tips that go along, and what they are a sample of."""

    scenarios: tuple[SampleScenario, ...]
    n_scenarios: Count
    n_candidates: Count
    see_everything: str = ""
    """The command that shows all of them."""


class Page(Plain):
    """Everything that one page shows."""

    experiment: str
    made_at: AwareDatetime
    cost_usd: Amount | None
    """Of making the candidates; None is unknown."""
    boards: Annotated[tuple[JudgeBoard, ...], Field(min_length=1)]
    """One per judge and rubric version; they are never averaged together."""
    judges: Judges = Judges()
    sample: Sample

    @model_validator(mode="after")
    def _each_judge_has_one_board(self) -> Self:
        counted = Counter((board.judge, board.rubric_version) for board in self.boards)
        if twice := [f"{judge} under {rubric}" for (judge, rubric), n in counted.items() if n > 1]:
            raise ValueError(f"{self.experiment} needs one board for each judge and rubric version; twice: {twice}")
        return self
