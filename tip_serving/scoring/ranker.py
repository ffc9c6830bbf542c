"""Answers /score: reads the request, fetches the profile, asks one release from first to last, logs the decision."""

import datetime as dt
import time
from typing import NamedTuple

from tip_serving.events import vectors as packing
from tip_serving.events.event import new_id
from tip_serving.events.exposure import Authorship, Exposure
from tip_serving.features import contract, vector
from tip_serving.scoring import scorer, swift
from tip_serving.scoring.answers import ScoreAnswer, ScoredCandidate
from tip_serving.scoring.arms import ReadyArm, Release
from tip_serving.scoring.errors import ConflictError
from tip_serving.scoring.event_clock import EventClock
from tip_serving.scoring.failures import Failures
from tip_serving.scoring.online_store import Fetched, Profiles
from tip_serving.scoring.released import Releases
from tip_serving.scoring.request import ScoreRequest, read
from tip_serving.scoring.scorer import Outcome, Question
from tip_serving.scoring.shadow import Log, Shadow


class _Decided(NamedTuple):
    began: float
    """On `time.perf_counter`."""
    at: dt.datetime
    decision_id: str
    request: ScoreRequest
    fetched: Fetched
    release: Release
    arm: ReadyArm
    asked: Question
    outcome: Outcome
    error: str | None
    """Its kind."""


class Ranker:
    """Ranks candidates for whoever asks.

    Args:
        releases: what is served.
        profiles: asked where the caller ships no profile features.
        log: takes the decisions.
        shadow: takes those that arms in the shadow are to score, too.
        retention: how long a decision is kept.
        clock: of the events.
    """

    def __init__(
        self,
        releases: Releases,
        profiles: Profiles,
        log: Log,
        shadow: Shadow,
        retention: dt.timedelta,
        clock: EventClock,
    ) -> None:
        self._releases = releases
        self._profiles = profiles
        self._log = log
        self._shadow = shadow
        self._retention = retention
        self._clock = clock
        self._failures = Failures()
        self._swiftly = swift.reader(ScoreRequest)

    async def answer(self, body: bytes) -> ScoreAnswer:
        """The answer to one body of /score.

        Raises:
            RequestError: the request has faults; all of them.
            ConflictError: the caller computed for another feature contract.
        """
        release, began = self._releases.current, time.perf_counter()
        request = self._swiftly(body) or read(ScoreRequest, body)
        _check_contract(request)
        at = self._clock.of_decision(request)
        fetched = await self._profiles.of(request.user, request.profile_features)
        asked = scorer.question(request, scorer.moment(request, fetched.features, at, request.context))
        arm = release.arm_of(request.user)
        decision_id = request.decision_id or new_id()
        outcome = scorer.score_or_default(arm, asked, decision_id)
        error = self._failures.kind(release, arm, outcome.error)
        decided = _Decided(began, at, decision_id, request, fetched, release, arm, asked, outcome, error)
        self._keep(decided)
        return _answer(decided)

    def _keep(self, decided: _Decided) -> None:
        exposure = _exposure(decided, self._clock, self._retention)
        if decided.release.shadows:
            self._shadow.offer(exposure, decided.asked, decided.release.shadows)
        else:
            self._log.append(exposure)


def _check_contract(request: ScoreRequest) -> None:
    here = contract.contract_hash()
    if request.contract_hash not in {None, here}:
        raise ConflictError(
            f"The request was made for feature contract {request.contract_hash}, this server has {here}. "
            "Export the contract again: tip features export."
        )


def _answer(decided: _Decided) -> ScoreAnswer:
    asked, (scored, by, _) = decided.asked, decided.outcome
    positions, propensities, floor = scored.order
    ranks = [0] * len(positions)
    for rank, position in enumerate(positions, start=1):
        ranks[position] = rank
    return ScoreAnswer(
        decision_id=decided.decision_id,
        order=tuple([asked.ids[position] for position in positions]),
        candidates=tuple(map(ScoredCandidate, asked.ids, scored.scores, propensities, ranks)),
        floor=floor,
        arm=decided.arm.name,
        is_default=by.is_default,
        error=decided.error,
        manifest_version=decided.release.version,
        model_version=by.model_version,
        policy_version=by.policy_version,
        contract_hash=contract.contract_hash(),
        profile_source=decided.fetched.source,
        fell_back=asked.moment.fell_back,
        without_text=asked.without_text,
    )


def _exposure(decided: _Decided, clock: EventClock, retention: dt.timedelta) -> Exposure:
    asked, (scored, by, _) = decided.asked, decided.outcome
    packed = packing.pack(asked.vectors, vector.N_SHARED)
    return Exposure(
        event_id=clock.event_id("score", decided.decision_id),
        at=decided.at,
        user=decided.request.user,
        retain_until=decided.at + retention,
        decision_id=decided.decision_id,
        kind="score",
        arm=decided.arm.name,
        manifest_version=decided.release.version,
        policy_version=by.policy_version,
        model_version=by.model_version,
        contract_hash=contract.contract_hash(),
        tip_ids=asked.ids,
        propensities=scored.order.propensities,
        scores=tuple(scored.scores),
        order=scored.order.positions,
        vector_hash=packing.digest(packed),
        vectors=packed,
        fell_back=asked.moment.fell_back,
        latency_ms=clock.latency_ms(decided.began),
        error=decided.error,
        profile_source=decided.fetched.source,
        profile_computed_at=asked.moment.profile.computed_at,
        written=_written(decided.request),
    )


def _written(request: ScoreRequest) -> tuple[Authorship | None, ...]:
    """By what each candidate was written; empty where nobody says so of any."""
    told = [None if isinstance(tip, str) else tip.written for tip in request.candidates]
    if not any(told):
        return ()
    return tuple([
        None if one is None
        else Authorship(decision_id=one.decision_id, prompt_version=one.prompt_version, model=one.model)
        for one in told
    ])  # fmt: skip
