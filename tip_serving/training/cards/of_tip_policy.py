"""The card of a tip policy: which tip comes first."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.softmax import Softmax
from tip_experiments.stats import prediction
from tip_serving.features import contract
from tip_serving.scoring import policy_context, ranking
from tip_serving.training import fairness
from tip_serving.training.candidate import TIP_POLICY, DataWindow
from tip_serving.training.cards.card import Card, Fairness, HistoryEntry, Input, Metric, Part, Table
from tip_serving.training.cards.inputs import context_inputs, plain
from tip_serving.training.evaluation import CONFIDENCE, Answer, PolicyEvaluation
from tip_serving.training.evidence import Evidence
from tip_serving.training.tip_policy import TrainedPolicy

Floats = NDArray[np.float64]

DEFAULT = "default policy"
_ALGORITHMS = {
    Softmax.kind: "Softmax over the reward model's scores, with a floor under every tip",
    LinUcb.kind: "LinUCB over the tips themselves",
}
VALUE, GAIN, EXPLORATION = "reward per decision", "gain over the default policy", "decisions that explore"


def tip_policy_card(
    trained: TrainedPolicy,
    model_version: str,
    found: Evidence,
    evaluation: PolicyEvaluation,
    data: DataWindow,
    parts: Sequence[Part],
    now: dt.datetime,
    by: str,
) -> Card:
    """The card of a tip policy that was just trained.

    Args:
        trained: the policy.
        model_version: of the reward model whose scores it draws by.
        found: untouched decisions, the default as the champion and the policy as the challenger.
        evaluation: of that evidence.
        data: the rows that its reward model was made from.
        parts: what they were used for.
        now: aware.
        by: who made it.
    """
    policy, version = trained.policy, trained.version
    return Card(
        name=TIP_POLICY,
        version=version,
        created_at=now,
        purpose=(
            "Chooses which of several tips a person sees first, and with which probability, so that what is logged can "
            "judge the next policy. It does not decide whether to show a tip at all."
        ),
        algorithm=f"{_ALGORITHMS[policy.kind]}. {trained.reason}",
        parameters={"kind": policy.kind, "floor": policy.floor, **plain(policy.parameters())},
        inputs=context_inputs() if ranking.needs_context(policy) else _score_input(model_version),
        contract_hash=policy_context.contract_hash() if ranking.needs_context(policy) else contract.contract_hash(),
        data=data,
        parts=tuple(parts),
        sources={"reward model": model_version},
        metrics=tuple(_policy_metrics(version, found, evaluation)),
        calibration=(),
        tables=(_options(trained), _requirements(evaluation)),
        fairness=_by_group(found),
        limits=_policy_limits(trained, evaluation),
        history=(HistoryEntry(at=now, event="trained", detail=trained.reason, by=by),),
    )


def _score_input(model_version: str) -> tuple[Input, ...]:
    meaning = f"expected reward of each tip by reward model {model_version}"
    return (Input(name="score", meaning=meaning, low=0.0, high=1.0, may_be_missing=False, importance=None),)


def _policy_metrics(version: str, found: Evidence, evaluation: PolicyEvaluation) -> list[Metric]:
    estimator = evaluation.best_estimator
    metrics = []
    for name, of, answered in (
        (GAIN, version, evaluation.answer("gain", estimator)),
        (VALUE, version, evaluation.answer("challenger", estimator)),
        (VALUE, DEFAULT, evaluation.answer("champion", estimator)),
    ):
        metrics += _answered(name, of, answered, evaluation.n_decisions)
    greedy = found.challenger_table.max(axis=1)
    explored = prediction.mean_of(1.0 - greedy, found.users, confidence=CONFIDENCE)
    if explored is not None:
        # Where every decision explores alike, the share is known and not estimated.
        low = explored.value if explored.low is None else explored.low
        high = explored.value if explored.high is None else explored.high
        metrics.append(
            Metric(
                name=EXPLORATION, of=version, value=explored.value, low=low, high=high, confidence=CONFIDENCE,
                is_higher_better=False, n_rows=found.n, note="share of decisions that draw not the likeliest tip",
            )
        )  # fmt: skip
    return metrics


def _answered(name: str, of: str, answer: Answer | None, n: int) -> list[Metric]:
    if answer is None or answer.value is None:
        return []
    note = f"by {answer.estimator}; worth {answer.effective_n:,.0f} decisions" + "".join(
        f". Refused: {reason}" for reason in answer.refusals
    )
    return [
        Metric(
            name=name, of=of, value=answer.value, low=answer.low, high=answer.high, confidence=CONFIDENCE,
            is_higher_better=True, n_rows=n, note=note,
        )
    ]  # fmt: skip


def _by_group(found: Evidence) -> Fairness:
    rows = np.arange(found.n)
    weights = found.challenger_table[rows, found.actions] / found.propensities
    against = found.champion_table[rows, found.actions] / found.propensities
    looked_at = fairness.Rows(found.rewards, weights, found.users, against)
    return fairness.by_group(looked_at, found.people, fairness.OF_POLICIES)


def _options(trained: TrainedPolicy) -> Table:
    rows = tuple(
        (
            one.name, *_known(one.value, one.low, one.high), *_known(one.gain, one.gain_low, one.gain_high),
            round(one.effective_n), one.why_not or None,
        )
        for one in trained.options
    )  # fmt: skip
    marked = next((row for row, one in enumerate(trained.options) if one.is_chosen), None)
    return Table(
        title="Options that were tried",
        note=f"On {trained.n_validation:,} decisions that the model's trees have not seen. {trained.reason}",
        columns=("option", "reward", "from", "to", "gain", "from", "to", "worth decisions", "remark"),
        rows=rows,
        marked=marked,
    )


def _known(*numbers: float | None) -> tuple[float | None, ...]:
    return tuple(None if number is None or not np.isfinite(number) else number for number in numbers)


def _requirements(evaluation: PolicyEvaluation) -> Table:
    return Table(
        title="The release gate on these decisions, against the default policy",
        note=f"{evaluation.decision.capitalize()}.",
        columns=("requirement", "outcome", "in words"),
        rows=tuple((one.name, one.outcome, one.sentence) for one in evaluation.findings),
    )


def _policy_limits(trained: TrainedPolicy, evaluation: PolicyEvaluation) -> tuple[str, ...]:
    left_out = "; ".join(f"{n:,} {reason}" for reason, n in evaluation.n_left_out.items())
    judged = f"Judged on {evaluation.n_decisions:,} logged decisions of {evaluation.n_users:,} people"
    return (
        "Propensities hold for the tip that comes first; the order of the others says nothing of what people like.",
        f"{judged}, as if people answered alike whichever policy had shown the tips before.",
        f"Where there is room for it no tip has a chance below {trained.policy.floor:.3g}: the price of exploring.",
        *((f"Decisions left out: {left_out}.",) if left_out else ()),
    )
