"""Answers /score: reads the request, fetches the profile, asks one release from first to last, logs the decision."""

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from tip_serving.events import vectors as packing
from tip_serving.events.event import new_id
from tip_serving.events.exposure import Exposure
from tip_serving.features import contract
from tip_serving.scoring import scorer
from tip_serving.scoring.answers import ScoreAnswer, ScoredCandidate
from tip_serving.scoring.arms import ReadyArm, Release
from tip_serving.scoring.errors import ConflictError
from tip_serving.scoring.online_store import Profiles
from tip_serving.scoring.released import Releases
from tip_serving.scoring.request import ScoreRequest, read
from tip_serving.scoring.scorer import Question, Scored
from tip_serving.scoring.shadow import Log, Shadow


class _Decided(NamedTuple):
    decision_id: str
    release: Release
    arm: ReadyArm
    asked: Question
    scored: Scored


class Ranker:
    """Ranks candidates for whoever asks.

    Args:
        releases: what is served.
        profiles: asked where the caller ships no profile features.
        log: takes the decisions.
        shadow: takes those that arms in the shadow are to score, too.
        retention: how long a decision is kept.
        clock: aware.
    """

    def __init__(
        self,
        releases: Releases,
        profiles: Profiles,
        log: Log,
        shadow: Shadow,
        retention: dt.timedelta,
        clock: Callable[[], dt.datetime] = scorer.utc_now,
    ) -> None:
        self._releases = releases
        self._profiles = profiles
        self._log = log
        self._shadow = shadow
        self._retention = retention
        self._clock = clock

    async def answer(self, body: bytes) -> ScoreAnswer:
        """The answer to one body of /score.

        Raises:
            RequestError: the request has faults; all of them.
            ConflictError: the caller computed for another feature contract.
        """
        release = self._releases.current
        asked_at = self._clock()
        request = read(ScoreRequest, body)
        _check_contract(request)
        fetched = await self._profiles.of(request.user, request.profile_features)
        found = scorer.moment(request, fetched.features, asked_at, request.context)
        asked = scorer.question(request, found)
        arm = release.arm_of(request.user)
        decision_id = request.decision_id or new_id()
        scored = scorer.score(arm, asked, decision_id)
        decided = _Decided(decision_id, release, arm, asked, scored)
        self._keep(decided, _exposure(decided, request.user, asked_at, asked_at + self._retention))
        return _answer(decided, fetched.source)

    def _keep(self, decided: _Decided, exposure: Exposure) -> None:
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


def _answer(decided: _Decided, profile_source: str) -> ScoreAnswer:
    arm, asked, scored = decided.arm, decided.asked, decided.scored
    positions, propensities, floor = scored.order
    ranks = [0] * len(positions)
    for rank, position in enumerate(positions, start=1):
        ranks[position] = rank
    return ScoreAnswer(
        decision_id=decided.decision_id,
        order=tuple([asked.ids[position] for position in positions]),
        candidates=tuple(map(ScoredCandidate, asked.ids, scored.scores, propensities, ranks)),
        floor=floor,
        arm=arm.name,
        is_default=arm.is_default,
        manifest_version=decided.release.version,
        model_version=arm.model_version,
        policy_version=arm.policy_version,
        contract_hash=contract.contract_hash(),
        profile_source=profile_source,
        fell_back=asked.moment.fell_back,
        without_text=asked.without_text,
    )


def _exposure(decided: _Decided, user: str, at: dt.datetime, retain_until: dt.datetime) -> Exposure:
    arm, asked, scored = decided.arm, decided.asked, decided.scored
    packed = packing.pack(asked.vectors)
    return Exposure(
        event_id=new_id(),
        at=at,
        user=user,
        retain_until=retain_until,
        decision_id=decided.decision_id,
        kind="score",
        arm=arm.name,
        manifest_version=decided.release.version,
        policy_version=arm.policy_version,
        model_version=arm.model_version,
        contract_hash=contract.contract_hash(),
        tip_ids=asked.ids,
        propensities=scored.order.propensities,
        scores=tuple(scored.scores),
        order=scored.order.positions,
        vector_hash=packing.digest(packed),
        vectors=packed,
        fell_back=asked.moment.fell_back,
    )
