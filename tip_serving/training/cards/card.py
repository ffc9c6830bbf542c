"""The model card: everything that must be known of a registered version before it may be released.

Grain: one card per registered name and version. All of it is fixed when the version is made, but `history`, to which
every change of its life is appended.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat

from tip_serving.scoring.manifest import Name
from tip_serving.training.candidate import PROMPT_POLICY, REWARD_MODEL, TIP_POLICY, DataWindow

SLICED_BY = ("language", "region", "account age", "activity")
"""What fairness is looked at by."""

Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(_Strict):
    """One number that the version reads."""

    name: Name
    meaning: str
    low: FiniteFloat
    high: FiniteFloat
    may_be_missing: bool
    importance: FiniteFloat | None
    """Share of what the model gains by it, in [0, 1]; null where that is not defined."""


class Part(_Strict):
    """What some of the rows were used for."""

    name: Name
    first_at: AwareDatetime
    last_at: AwareDatetime
    n_rows: Count
    n_users: Count
    reward_rate: FiniteFloat


class Metric(_Strict):
    """A number measured offline, with the interval that a release relies on."""

    name: Name
    of: Name
    """What was measured: this version, or a baseline beside it."""
    value: FiniteFloat
    low: FiniteFloat | None
    high: FiniteFloat | None
    confidence: FiniteFloat
    is_higher_better: bool
    n_rows: Count
    note: str = ""


class CalibrationBin(_Strict):
    """Rows of about the same prediction."""

    predicted: FiniteFloat
    observed: FiniteFloat
    low: FiniteFloat | None
    """Of the observed; null where a single person says nothing of others."""
    high: FiniteFloat | None
    n_rows: Count
    n_users: Count


class Group(_Strict):
    """One group of people: how large it is, and how the version does on it."""

    column: Name
    group: str
    n_rows: Count
    n_users: Count
    values: dict[Name, FiniteFloat | None]
    """Metric to value; null where the group does not have what the metric needs."""
    low: dict[Name, FiniteFloat | None]
    high: dict[Name, FiniteFloat | None]
    is_large_enough: bool
    """Whether anything may be read off it."""


class Fairness(_Strict):
    """How the version does by group."""

    groups: tuple[Group, ...]
    gaps: dict[str, FiniteFloat | None]
    """`<metric> by <column>` to the largest difference between groups that are large enough."""
    findings: tuple[str, ...]
    """In words: which differences are more than chance."""
    not_measured: str | None
    """Why there is nothing to look at, where there is nothing."""


class Table(_Strict):
    """Further numbers that speak of this kind of version: options that were tried, arms with their priors."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | FiniteFloat | None, ...], ...]
    """One entry per column; null where a number cannot be told."""
    marked: Count | None = None
    """The row that was chosen."""


class HistoryEntry(_Strict):
    """Something that happened to the version."""

    at: AwareDatetime
    event: Name
    detail: str
    by: Name


class Card(_Strict):
    """What is known of one registered version."""

    name: Literal["tip-reward-model", "tip-policy", "tip-prompt-policy"]
    version: Name
    created_at: AwareDatetime
    purpose: str
    algorithm: str
    parameters: dict[str, str | FiniteFloat | int | bool | None]
    inputs: tuple[Input, ...]
    contract_hash: str
    data: DataWindow | None
    parts: tuple[Part, ...]
    sources: dict[str, str]
    """What else it was made from, to its hash or version."""
    metrics: tuple[Metric, ...]
    calibration: tuple[CalibrationBin, ...]
    tables: tuple[Table, ...]
    fairness: Fairness | None
    limits: tuple[str, ...]
    history: tuple[HistoryEntry, ...]


def is_complete(card: Card) -> list[str]:
    """What is missing, in words; nothing where the card is complete."""
    missing = [name for name in ("purpose", "algorithm", "contract_hash") if not getattr(card, name).strip()]
    missing += [name for name in ("inputs", "metrics", "limits", "history") if not getattr(card, name)]
    if not (card.data or card.sources):
        missing.append("data: neither a window with its hash nor another source")
    if card.data is not None and not card.parts:
        missing.append("parts: what the rows were used for")
    own = [metric for metric in card.metrics if metric.of == card.version]
    if card.metrics and not own:
        missing.append("metrics of this version, not of baselines alone")
    # Where a log cannot carry an interval the note says why, and what is not known is known not to be.
    bare = [metric for metric in own if None in (metric.low, metric.high) and not metric.note]
    missing += [f"the interval of {metric.name}, or why there is none" for metric in bare]
    if card.name == REWARD_MODEL and not card.calibration:
        missing.append("calibration")
    return missing + _missing_of_fairness(card.fairness)


def _missing_of_fairness(fairness: Fairness | None) -> list[str]:
    if fairness is None:
        return ["fairness"]
    if fairness.not_measured is not None:
        return [] if fairness.not_measured.strip() else ["fairness: why it was not measured"]
    found = {group.column for group in fairness.groups}
    return [f"fairness by {column}" for column in SLICED_BY if column not in found]


TITLES = {REWARD_MODEL: "Reward model", TIP_POLICY: "Tip policy", PROMPT_POLICY: "Prompt policy"}
"""How a registered name is called on a page."""
