"""From a request to scores and a drawn order: features once, then whichever arms are asked, on the same vectors."""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tip_serving.features import vector
from tip_serving.features.context import resolve_context
from tip_serving.features.declared import FeatureError, shown
from tip_serving.features.profile import Resolved, resolve
from tip_serving.scenarios.model import Situation
from tip_serving.scoring import ranking, swift
from tip_serving.scoring.arms import DEFAULT_ARM, ReadyArm
from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.policy_context import policy_context
from tip_serving.scoring.ranking import Order
from tip_serving.scoring.request import Asking, ScoreRequest, faults_of, tip_id
from tip_serving.scoring.rule import rule_scores


class Moment(NamedTuple):
    """Person and moment as features, and the situation that they were derived from."""

    situation: Situation
    profile: Resolved
    context: Resolved

    @property
    def fell_back(self) -> dict[str, str]:
        """Feature to reason, profile and context together."""
        return {**self.profile.fell_back, **self.context.fell_back}

    @property
    def policy_context(self) -> NDArray[np.float64]:
        """What a contextual policy reads."""
        return policy_context(self.profile.values, self.context.values)


class Question(NamedTuple):
    """A moment with K candidates."""

    moment: Moment
    ids: tuple[str, ...]
    """(K,) all different."""
    without_text: tuple[str, ...]
    """The ids of which no text is known: their features of the text are missing."""
    vectors: NDArray[np.float64]
    """(K, F) float64, named by `features.vector.names()`."""


class Scored(NamedTuple):
    """What one arm says of a question."""

    scores: list[float]
    """(K,) finite: expected rewards, or the rule's points in [0, 1]."""
    order: Order


class Outcome(NamedTuple):
    """What a person gets, from their arm or, where that failed, from the default one."""

    scored: Scored
    by: ReadyArm
    error: Exception | None
    """With which the person's own arm failed."""


def moment(
    asking: Asking,
    profile_features: dict[str, Any] | None,
    clock: dt.datetime,
    context: Mapping[str, Any] | None = None,
) -> Moment:
    """The features of person and moment.

    Args:
        asking: the request.
        profile_features: as shipped, or as the online store knows them.
        clock: aware; holds where the request names no moment, in the person's time zone.
        context: context features that the caller derived, in place of ours.

    Raises:
        RequestError: features that are not as declared; all of them.
    """
    try:
        return _moment(asking, profile_features, clock, context)
    except FeatureError:
        at = asking.now or clock
        features = {"profile_features": profile_features, "context": context}
        raise RequestError([
            *faults_of("profile_features", lambda found: resolve(found, None, at), features),
            *faults_of("context", lambda found: resolve_context(found, Situation(now=at)), features),
        ]) from None  # fmt: skip


def _moment(
    asking: Asking,
    profile_features: dict[str, Any] | None,
    clock: dt.datetime,
    context: Mapping[str, Any] | None,
) -> Moment:
    profile = resolve(profile_features, None, asking.now or clock)
    now = asking.now or clock.astimezone(ZoneInfo(profile.values["time_zone"]))
    # The parts were checked when the request was read.
    situation = swift.made(Situation, now=now, tasks=asking.tasks, profile_features=profile_features)
    return Moment(situation, profile, resolve_context(context, situation))


def question(request: ScoreRequest, found: Moment) -> Question:
    """The candidates of `request` in this moment.

    Raises:
        RequestError: two candidates have the same id.
    """
    ids, texts, without_text = [], [], []
    for candidate in request.candidates:
        if isinstance(candidate, str):
            ids.append(tip_id(candidate))
            texts.append(candidate)
            continue
        ids.append(candidate.id or tip_id(candidate.text or ""))
        texts.append(candidate.text or "")
        if candidate.text is None:
            without_text.append(ids[-1])
    if len(set(ids)) < len(ids):
        repeated = sorted({found for found in ids if ids.count(found) > 1})
        raise RequestError([f"candidates: {shown(name)} stands there more than once" for name in repeated])
    vectors = vector.vectors(found.profile, found.context.values, texts, found.situation)
    return Question(found, tuple(ids), tuple(without_text), vectors)


def score(arm: ReadyArm, asked: Question, decision_id: str) -> Scored:
    """Scores and order of the candidates under `arm`.

    Raises:
        Exception: whatever the arm's model or policy meets; none of it is the request's fault.
    """
    predicted = rule_scores(asked.vectors) if arm.model is None else arm.model.predict(asked.vectors)
    scores: list[float] = predicted.tolist()
    if not math.isfinite(sum(scores)):
        raise ArithmeticError(f"{arm.model_version} gave scores that are not finite.")
    context = asked.moment.policy_context if ranking.needs_context(arm.policy) else None
    return Scored(scores, ranking.order(arm.policy, asked.ids, scores, context, decision_id))


def score_or_default(arm: ReadyArm, asked: Question, decision_id: str) -> Outcome:
    """Scores and order under `arm`; where its model or policy fails, under the default arm, so that there is a tip."""
    try:
        return Outcome(score(arm, asked, decision_id), arm, None)
    except Exception as error:  # whatever a released file does, the person gets a tip
        if arm is DEFAULT_ARM:
            raise
        return Outcome(score(DEFAULT_ARM, asked, decision_id), DEFAULT_ARM, error)
