"""How a version does by group of people: language, region of the time zone, account age, activity.

Values come from Fairlearn's MetricFrame, intervals from clustered errors. A group with few rows or people is shown with
its size and says nothing: it enters no gap and no finding. Findings are adjusted over all groups.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats import prediction
from tip_experiments.stats.estimates import Estimate, student
from tip_experiments.stats.moments import JointMoments
from tip_serving.training.cards.card import Fairness, Group

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]

MIN_ROWS, MIN_PEOPLE = 100, 15
CONFIDENCE = 0.95
REWARD_RATE, PREDICTED, BIAS, AUC = "reward rate", "mean prediction", "bias", "AUC"


class Rows(NamedTuple):
    """What is looked at, row by row."""

    outcomes: Floats
    """(n,) float64 in [0, 1]."""
    predicted: Floats
    """(n,) float64: predictions, or the weight of a row under a policy."""
    people: NDArray[np.int64]
    """(n,) equal for rows of one person."""
    against: Floats | None = None
    """(n,) float64: the weight of a row under the policy that is compared with."""

    def only(self, rows: NDArray[np.bool_]) -> "Rows":
        """Some of them."""
        against = None if self.against is None else self.against[rows]
        return Rows(self.outcomes[rows], self.predicted[rows], self.people[rows], against)


class Measure(NamedTuple):
    """What is looked at in each group."""

    name: str
    estimate: Callable[[Rows, float], Estimate | None]
    """From rows and a confidence; None where the rows do not have what it needs."""
    finding: str | None = None
    """Said of a `{group}` whose interval leaves out 0 with this `{value}`; None where that is no finding."""
    is_good_above: bool = False
    """Whether only a group that lies below 0 is a finding."""


OF_PREDICTIONS = (
    Measure(REWARD_RATE, lambda rows, level: prediction.mean_of(rows.outcomes, rows.people, confidence=level)),
    Measure(PREDICTED, lambda rows, level: prediction.mean_of(rows.predicted, rows.people, confidence=level)),
    Measure(
        BIAS,
        lambda rows, level: prediction.mean_of(rows.predicted - rows.outcomes, rows.people, confidence=level),
        "{group}: predictions are off by {value}, which is more than chance explains",
    ),
    Measure(
        AUC,
        lambda rows, level: prediction.area_under_curve(rows.predicted, rows.outcomes, rows.people, confidence=level),
    ),
)
"""For models that predict rewards."""

VALUE, GAIN = "value", "gain over the default"


def _value(rows: Rows, confidence: float) -> Estimate | None:
    """The mean reward under the weights, self-normalised; people are the draws."""
    earned = np.bincount(rows.people, rows.outcomes * rows.predicted)
    weight = np.bincount(rows.people, rows.predicted)
    is_there = np.bincount(rows.people) > 0
    try:
        found = JointMoments.of(earned[is_there], weight[is_there]).ratio()
    except ValueError:  # one person, or next to no weight
        return None
    return student(found.value, found.standard_error, found.n - 1, confidence)


def _gain(rows: Rows, confidence: float) -> Estimate | None:
    against = np.zeros_like(rows.predicted) if rows.against is None else rows.against
    return prediction.mean_of(rows.outcomes * (rows.predicted - against), rows.people, confidence=confidence)


OF_POLICIES = (
    Measure(VALUE, _value),
    Measure(
        GAIN, _gain, "{group}: it earns {value} against the default, which is more than chance explains",
        is_good_above=True,
    ),
)  # fmt: skip
"""For policies, by the weight that each logged decision has under them."""

OF_REWARDS = OF_PREDICTIONS[:1]
"""Where nothing but what was earned is known."""


def by_group(rows: Rows, columns: Mapping[str, Labels], measures: Sequence[Measure] = OF_PREDICTIONS) -> Fairness:
    """How each group fares.

    Args:
        rows: what is looked at.
        columns: by name, (n,) the group of each row.
        measures: what is measured in each group.
    """
    adjusted = 1.0 - (1.0 - CONFIDENCE) / max(sum(np.unique(labels).size for labels in columns.values()), 1)
    groups: list[Group] = []
    gaps: dict[str, float | None] = {}
    findings: list[str] = []
    for column, labels in columns.items():
        values = _by_label(rows, labels, measures)
        found = [_group(column, label, rows.only(labels == label), of, measures) for label, of in values.items()]
        groups += sorted(found, key=lambda group: -group.n_rows)
        gaps |= _gaps(column, found, measures)
        for group in found:
            if group.is_large_enough:
                findings += _findings(group, rows.only(labels == group.group), measures, adjusted)
    return Fairness(groups=tuple(groups), gaps=gaps, findings=tuple(findings), not_measured=None)


def _by_label(rows: Rows, labels: Labels, measures: Sequence[Measure]) -> dict[str, dict[str, float | None]]:
    """Group to the value of each measure."""
    from fairlearn.metrics import MetricFrame

    beside = {"people": rows.people} | ({} if rows.against is None else {"against": rows.against})
    frame = MetricFrame(
        metrics={measure.name: _as_metric(measure) for measure in measures},
        y_true=rows.outcomes,
        y_pred=rows.predicted,
        sensitive_features=labels,
        sample_params={measure.name: beside for measure in measures},
    )
    return {
        str(label): {name: None if np.isnan(value) else float(value) for name, value in values.items()}
        for label, values in frame.by_group.iterrows()
    }


def _as_metric(measure: Measure) -> Callable[..., float]:
    def metric(outcomes: Any, predicted: Any, *, people: Any, against: Any = None) -> float:
        given = Rows(np.asarray(outcomes, np.float64), np.asarray(predicted, np.float64), np.asarray(people, np.int64))
        other = None if against is None else np.asarray(against, np.float64)
        found = measure.estimate(given._replace(against=other), CONFIDENCE)
        return float("nan") if found is None else found.value

    return metric


def _group(column: str, label: str, rows: Rows, values: dict[str, float | None], measures: Sequence[Measure]) -> Group:
    n_people = int(np.unique(rows.people).size)
    found = {measure.name: measure.estimate(rows, CONFIDENCE) for measure in measures}
    return Group(
        column=column,
        group=label,
        n_rows=rows.outcomes.size,
        n_users=n_people,
        values=values,
        low={name: None if estimate is None else estimate.low for name, estimate in found.items()},
        high={name: None if estimate is None else estimate.high for name, estimate in found.items()},
        is_large_enough=rows.outcomes.size >= MIN_ROWS and n_people >= MIN_PEOPLE,
    )


def _gaps(column: str, groups: Sequence[Group], measures: Sequence[Measure]) -> dict[str, float | None]:
    """The largest difference between two groups that are large enough; None where there are not two."""
    gaps: dict[str, float | None] = {}
    for measure in measures:
        values = [group.values[measure.name] for group in groups if group.is_large_enough]
        known = [value for value in values if value is not None]
        gaps[f"{measure.name} by {column}"] = max(known) - min(known) if len(known) > 1 else None
    return gaps


def _findings(group: Group, rows: Rows, measures: Sequence[Measure], confidence: float) -> Iterator[str]:
    """What is found of the group, at a confidence that is adjusted over all groups (Bonferroni)."""
    for measure in measures:
        found = None if measure.finding is None else measure.estimate(rows, confidence)
        if measure.finding is None or found is None or found.low is None or found.high is None:
            continue
        if (found.low > 0.0 and not measure.is_good_above) or found.high < 0.0:
            yield measure.finding.format(group=f"{group.column} {group.group}", value=f"{found.value:+.3f}")
