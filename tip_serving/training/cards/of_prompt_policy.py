"""The card of a prompt policy: which prompt on which model writes."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from tip_experiments.stats import prediction
from tip_experiments.stats.estimates import Estimate
from tip_serving.scoring import policy_context
from tip_serving.training import fairness, groups
from tip_serving.training.candidate import PROMPT_POLICY, DataWindow
from tip_serving.training.cards.card import Card, Fairness, HistoryEntry, Metric, Part, Table
from tip_serving.training.cards.inputs import context_inputs, plain
from tip_serving.training.evaluation import CONFIDENCE
from tip_serving.training.prompt_policy import EXPLORED_SHARE, TrainedPromptPolicy

Floats = NDArray[np.float64]

_Z = 1.959963985  # of a normal interval at CONFIDENCE


def prompt_policy_card(trained: TrainedPromptPolicy, data: DataWindow | None, now: dt.datetime, by: str) -> Card:
    """The card of a prompt policy.

    Args:
        trained: the policy.
        data: the tips that it learnt from; None for the prior alone.
        now: aware.
        by: who made it.
    """
    n_learnt = int(trained.is_learnt.sum())
    judges = ", ".join(dict.fromkeys(f"{one.judge} under rubric {one.rubric_version}" for one in trained.priors))
    learnt = f"and {n_learnt:,} rewards of tips" if n_learnt else "alone; no reaction has come in yet"
    detail = f"From the word of {judges} {learnt}."
    return Card(
        name=PROMPT_POLICY,
        version=trained.version,
        created_at=now,
        purpose=(
            "Chooses which prompt on which language model writes a tip for this person now. It starts from a judge's "
            "leaderboard and is corrected by people; it does not judge single tips."
        ),
        algorithm=f"LinUCB over (model, prompt) arms with priors from a leaderboard. {detail}",
        parameters={"kind": trained.policy.kind, "floor": trained.policy.floor, "explored_share": EXPLORED_SHARE,
                    **plain(trained.policy.parameters())},
        inputs=context_inputs(),
        contract_hash=policy_context.contract_hash(),
        data=data,
        parts=_prompt_parts(trained),
        sources={f"leaderboard {one.experiment}": f"{one.judge}, {one.rubric_version}" for one in trained.priors},
        metrics=tuple(_prompt_metrics(trained)),
        calibration=(),
        tables=(_arms(trained),),
        fairness=_prompt_fairness(trained),
        limits=(
            f"Learning starts from the opinion of {judges}; what a point of it is worth is declared, not measured.",
            "A tip that was written and not shown has no reward: what is learnt is how tips are taken that are shown.",
            "Where the model that was asked failed, the tip counts for the one that wrote in its place.",
            "What a language model writes under the same name may change without notice.",
        ),
        history=(HistoryEntry(at=now, event="trained", detail=detail, by=by),),
    )  # fmt: skip


def _prompt_parts(trained: TrainedPromptPolicy) -> tuple[Part, ...]:
    rows = np.flatnonzero(trained.is_learnt)
    if not rows.size:
        return ()
    at = trained.tips.at[rows]
    first, last = (moment.astype("datetime64[us]").item().replace(tzinfo=dt.UTC) for moment in (at.min(), at.max()))
    return (
        Part(
            name="learnt from", first_at=first, last_at=last, n_rows=rows.size,
            n_users=np.unique(trained.tips.users[rows]).size, reward_rate=float(trained.tips.rewards[rows].mean()),
        ),
    )  # fmt: skip


PRIOR, PEOPLE = "the judge's word", "people"


def _prompt_metrics(trained: TrainedPromptPolicy) -> list[Metric]:
    """Of each arm what the policy expects by now, what the judge's word was worth, and what people did."""
    features = trained.policy.features(_middle(trained))
    expected = trained.policy.means(features)
    spread = _Z * trained.policy.deviations(features) * trained.policy.noise_variance**0.5
    arms = np.array(trained.tips.arms, np.str_)
    metrics = []
    for place, one in enumerate(trained.priors):
        rows = arms == one.arm
        now = Estimate(
            float(expected[place]), None, float((expected - spread)[place]), float((expected + spread)[place])
        )
        note = f"judged {one.score:.2f} by {one.judge}, weighs as {one.n:.1f} rewards"
        metrics.append(_metric(one.arm, trained.version, now, int(rows.sum()), "for the average person and moment"))
        metrics.append(_metric(one.arm, PRIOR, Estimate(one.mean, None, one.low, one.high), 0, note))
        lived = prediction.mean_of(trained.tips.rewards[rows], _codes(trained.tips.users[rows]), confidence=CONFIDENCE)
        if lived is not None:
            metrics.append(_metric(one.arm, PEOPLE, lived, int(rows.sum()), ""))
    return metrics


def _metric(arm: str, of: str, found: Estimate, n: int, note: str) -> Metric:
    return Metric(
        name=f"reward with {arm}", of=of, value=found.value, low=found.low, high=found.high, confidence=CONFIDENCE,
        is_higher_better=True, n_rows=n, note=note,
    )  # fmt: skip


def _middle(trained: TrainedPromptPolicy) -> Floats:
    """The context of the average tip that was learnt from; of nobody where there is none."""
    if not trained.is_learnt.any():
        return np.zeros(len(policy_context.NAMES))
    middle: Floats = trained.tips.contexts[trained.is_learnt].mean(axis=0)
    return middle


def _codes(users: NDArray[np.str_]) -> NDArray[np.int64]:
    return np.unique(users, return_inverse=True)[1].astype(np.int64)


def _arms(trained: TrainedPromptPolicy) -> Table:
    """At the context of an average person and moment, what the policy does."""
    drawn = trained.policy.probabilities(_middle(trained))
    arms = np.array(trained.tips.arms, np.str_)
    rows = []
    for one, probability in zip(trained.priors, drawn.tolist(), strict=True):
        mine = trained.tips.rewards[arms == one.arm]
        lived = float(mine.mean()) if mine.size else None
        rows.append((one.arm, one.score, one.mean, one.n, float(mine.size), lived, probability))
    return Table(
        title="Arms",
        note=(
            "Points of the judge, the prior made of them and its weight in rewards; then what people did, and how "
            "often the policy draws the arm for the average person."
        ),
        columns=("arm", "points", "prior", "weighs", "tips shown", "reward", "drawn"),
        rows=tuple(rows),
    )


def _prompt_fairness(trained: TrainedPromptPolicy) -> Fairness:
    tips = trained.tips
    known = np.isfinite(tips.vectors).any(axis=1) if tips.n else np.empty(0, np.bool_)
    if not known.any():
        reason = (
            "No written tip was shown yet."
            if not tips.n
            else (
                "Written tips were shown without being scored, and what is logged of those does not say which group a "
                "person belongs to."
            )
        )
        return Fairness(groups=(), gaps={}, findings=(), not_measured=reason)
    rows = fairness.Rows(tips.rewards[known], np.ones(int(known.sum())), _codes(tips.users[known]))
    return fairness.by_group(rows, groups.labelled(groups.OF_PEOPLE, tips.vectors[known]), fairness.OF_REWARDS)
