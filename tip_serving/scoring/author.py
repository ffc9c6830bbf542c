"""Answers /generate: the context is built, the prompt version chosen, the tip written within its budget and logged."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tip_serving.events import vectors as packing
from tip_serving.events.event import new_id
from tip_serving.events.exposure import Exposure
from tip_serving.generation.model import CompletionRequest
from tip_serving.prompts import registry
from tip_serving.prompts.rendering import render
from tip_serving.scoring import policy_context, prompt_choice, scorer, writing
from tip_serving.scoring.answers import GenerateAnswer
from tip_serving.scoring.arms import ReadyArm, Release
from tip_serving.scoring.event_clock import EventClock
from tip_serving.scoring.failures import Failures
from tip_serving.scoring.online_store import Profiles
from tip_serving.scoring.prompt_choice import PromptChoice
from tip_serving.scoring.released import Releases
from tip_serving.scoring.request import GenerateRequest
from tip_serving.scoring.request import tip_id as tip_id_of
from tip_serving.scoring.scorer import Moment
from tip_serving.scoring.shadow import Log
from tip_serving.scoring.writing import Models, Written


@dataclass(frozen=True)
class Habits:
    """What a request leaves open."""

    model: str
    fallback_model: str | None
    prompt_version: str
    """Registered."""
    budget_s: float
    temperature: float
    retention: dt.timedelta


@dataclass(frozen=True)
class Plan:
    """A request that can be answered: everything is chosen, nothing is written."""

    started: float
    at: dt.datetime
    user: str
    decision_id: str
    release: Release
    arm: ReadyArm
    moment: Moment
    profile_source: str
    choice: PromptChoice
    error: str | None
    """The kind of error with which the released prompt policy failed."""
    order: writing.Order


class Author:
    """Writes a tip for whoever asks.

    Args:
        models: the gateway.
        releases: what is served.
        profiles: asked where the caller ships no profile features.
        log: takes the decisions.
        habits: what a request leaves open.
        clock: of the events.
    """

    def __init__(
        self,
        models: Models,
        releases: Releases,
        profiles: Profiles,
        log: Log,
        habits: Habits,
        clock: EventClock,
    ) -> None:
        registry.get(habits.prompt_version)  # a default that nobody registered is told at start, not to the first user
        self._models = models
        self._releases = releases
        self._profiles = profiles
        self._log = log
        self._habits = habits
        self._clock = clock
        self._failures = Failures()

    async def plan(self, request: GenerateRequest) -> Plan:
        """What will be asked of which model.

        Raises:
            RequestError: features are not as declared, or nobody registered the prompt version.
        """
        started, at = time.perf_counter(), self._clock.of_decision(request)
        budget_s = self._habits.budget_s if request.budget_ms is None else request.budget_ms / 1e3
        deadline = asyncio.get_running_loop().time() + budget_s
        release = self._releases.current
        arm = release.arm_of(request.user)
        decision_id = request.decision_id or new_id()
        fetched = await self._profiles.of(request.user, request.profile_features)
        found = scorer.moment(request, fetched.features, at)
        choice = prompt_choice.choose(
            request.prompt_version, self._habits.prompt_version, arm.prompt_policy, found.policy_context, decision_id
        )
        prompt = registry.get(choice.version)
        call = CompletionRequest(
            model=choice.model or self._habits.model,
            messages=render(prompt, found.situation),
            temperature=self._habits.temperature,
            max_tokens=prompt.max_tokens,
        )
        order = writing.Order(call, self._habits.fallback_model, deadline, request.allow_embedded)
        error = self._failures.kind(release, arm, choice.error)
        return Plan(started, at, request.user, decision_id, release, arm, found, fetched.source, choice, error, order)

    async def answer(self, plan: Plan) -> GenerateAnswer:
        """The tip as a whole. Raises UpstreamError."""
        return self._finished(plan, await writing.write(self._models, plan.order))

    async def pieces(self, plan: Plan) -> AsyncIterator[writing.Began | str | writing.Abandoned | GenerateAnswer]:
        """The tip as it is written, the answer at the end. Raises UpstreamError."""
        async for piece in writing.write_in_pieces(self._models, plan.order):
            yield self._finished(plan, piece) if isinstance(piece, Written) else piece

    def _finished(self, plan: Plan, written: Written) -> GenerateAnswer:
        tip_id = tip_id_of(written.text)
        self._log.append(_exposure(plan, written, tip_id, self._clock, self._habits.retention))
        choice = plan.choice
        return GenerateAnswer(
            decision_id=plan.decision_id,
            tip_id=tip_id,
            tip=written.text,
            written_by=written.by,
            model=written.model,
            prompt_version=choice.version,
            prompt_source=choice.source,
            failures=written.failures,
            latency_ms=(time.perf_counter() - plan.started) * 1e3,
            prompt_tokens=written.prompt_tokens,
            completion_tokens=written.completion_tokens,
            cost_usd=written.cost_usd,
            arm=plan.arm.name,
            manifest_version=plan.release.version,
            policy_version=choice.policy_version,
            propensity=choice.propensity,
            profile_source=plan.profile_source,
            fell_back=plan.moment.fell_back,
        )


def _exposure(plan: Plan, written: Written, tip_id: str, clock: EventClock, retention: dt.timedelta) -> Exposure:
    """The event of a written tip; its one row of features is what the prompt policy reads, or would have read."""
    packed = packing.pack(plan.moment.policy_context[None, :])
    return Exposure(
        event_id=clock.event_id("generate", plan.decision_id),
        at=plan.at,
        user=plan.user,
        retain_until=plan.at + retention,
        decision_id=plan.decision_id,
        kind="generate",
        arm=plan.arm.name,
        manifest_version=plan.release.version,
        policy_version=plan.choice.policy_version,
        model_version=None,
        contract_hash=policy_context.contract_hash(),
        prompt_version=plan.choice.version,
        model=written.model,
        tip_ids=(tip_id,),
        propensities=(plan.choice.propensity,),
        scores=(),
        order=(0,),
        vector_hash=packing.digest(packed),
        vectors=packed,
        fell_back=plan.moment.fell_back,
        latency_ms=clock.latency_ms(plan.started),
        error=plan.error,
        profile_source=plan.profile_source,
        profile_computed_at=plan.moment.profile.computed_at,
    )
