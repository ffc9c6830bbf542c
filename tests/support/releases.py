"""Releases for tests: candidates with their cards, planted evidence, and people whose reactions are known by arm."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from support import logged
from support.released import Shelf, softmax

from tip_experiments.assignment.buckets import bucket_ranges, choose_variation
from tip_experiments.assignment.hashing import place
from tip_experiments.gate import Contender
from tip_serving.events.database import Sqlite
from tip_serving.events.exposure import Exposure, ShadowResult
from tip_serving.events.feedback import Feedback, Reaction
from tip_serving.events.kinds import AnyEvent
from tip_serving.events.store import EventStore
from tip_serving.features import contract
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.releasing.plan import Guardrails, RolloutPlan
from tip_serving.releasing.ports import CheckResult, Sources
from tip_serving.scoring.manifest import Manifest, ModelArtifact, PolicyArtifact, parse
from tip_serving.training.candidate import (
    REWARD_MODEL,
    TIP_POLICY,
    Candidate,
    DataWindow,
    candidate_id,
    write_candidate,
)
from tip_serving.training.cards.card import (
    SLICED_BY,
    CalibrationBin,
    Card,
    Fairness,
    Group,
    HistoryEntry,
    Input,
    Metric,
    Part,
)
from tip_serving.training.cards.keeping import write_card
from tip_serving.training.evidence import Evidence

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
QUICK = RolloutPlan(
    stages=(0.1, 0.5, 1.0), min_decisions_per_stage=300, min_hours_per_stage=2, shadow_min_decisions=200,
    shadow_min_hours=2, auto_approve=True,
    guardrails=Guardrails(reward=0.1, early_reward=0.1, dismissed=0.1, errors=0.05, slow=0.05),
)  # fmt: skip
"""Goes to people in hours, and tells harm of ten points."""


@dataclass
class Told:
    """A registry that keeps what it was told, and may be out of reach."""

    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    noted: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    artifacts: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    fault: Exception | None = None

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Kept."""
        self._reach()
        self.aliases[name, alias] = version

    def remove_alias(self, name: str, alias: str, version: str) -> None:
        """Forgotten, if it is that one."""
        self._reach()
        if self.aliases.get((name, alias)) == version:
            del self.aliases[name, alias]

    def tags(self, name: str, version: str) -> Mapping[str, str]:
        """What was kept."""
        self._reach()
        return self.noted.get((name, version), {})

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Kept."""
        self._reach()
        self.noted.setdefault((name, version), {}).update(tags)

    def log_artifact(self, name: str, version: str, filename: str, data: bytes) -> None:
        """Kept."""
        self._reach()
        self.artifacts[name, version, filename] = data

    def _reach(self) -> None:
        if self.fault is not None:
            raise self.fault


@dataclass
class Known:
    """Checks whose results are given."""

    found: list[CheckResult]

    def results(self, candidate: Candidate) -> Sequence[CheckResult]:  # noqa: ARG002  whatever is asked
        """Those."""
        return self.found


def green(name: str = "reward_model", check: str = "is_calibrated", **changes: Any) -> CheckResult:
    """A check that is green."""
    return CheckResult(name, check, is_green=True, is_blocking=True, at=START, words="")._replace(**changes)


class House:
    """A lake with its event store, and all that a release reads."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.lake = Lake(str(folder / "lake"))
        self.store = EventStore(Sqlite(folder / "events.db"))
        self.shelf = Shelf(self.lake)
        self.registry = Told()
        self.rng = np.random.default_rng(seed)
        self.sources = Sources(
            events=self.store, evidence=lambda *_: better(np.random.default_rng(7)), judged=_nobody,
            checks=Known([green()]), registry=self.registry, default_cell="embedded/planner@v1",
        )  # fmt: skip
        self.n_decisions = 0

    def with_sources(self, **changes: Any) -> Sources:
        """The sources with some others."""
        return replace(self.sources, **changes)

    @property
    def manifest(self) -> Manifest:
        """What is released."""
        return parse(self.lake.read(layout.released_manifest()))

    def candidate(self, seed: int = 1, **changes: Any) -> Candidate:
        """A trained candidate with complete cards."""
        model = ModelArtifact.model_validate(self.shelf.model(seed))
        policy = PolicyArtifact.model_validate(self.shelf.policy(softmax(model.version)))
        made = Candidate(
            candidate_id=candidate_id(model, policy, None), created_at=START, model=model, policy=policy,
            prompt_policy=None, example=None, cards={REWARD_MODEL: model.version, TIP_POLICY: policy.version},
            contract_hash=contract.contract_hash(), data=WINDOW, untouched_since=START - dt.timedelta(days=7),
            registered={REWARD_MODEL: "1", TIP_POLICY: "1"},
        )  # fmt: skip
        made = made.model_copy(update=changes)
        for name, version in made.cards.items():
            write_card(self.lake, card(name, version))
        return write_candidate(self.lake, made)

    def live(
        self,
        at: dt.datetime,
        hours: float,
        n: int,
        rates: Mapping[str, float] | float = 0.4,
        *,
        n_users: int = 200,
        **changes: Any,
    ) -> None:
        """People ask `n` times in these hours, and take tips with the rate of their arm.

        Args:
            at: aware, when they begin.
            hours: how long it takes.
            n: decisions.
            rates: by arm, or one for all.
            n_users: who ask in turn.
            changes: `errors`, `slow`, `dismissals`: share of decisions by arm; `shadow`: fields of its results;
                `latency`: None where no decision says it.
        """
        manifest = self.manifest
        names = [arm.name for arm in manifest.live]
        ranges = bucket_ranges(len(names), 1.0, [arm.weight for arm in manifest.live])
        events: list[AnyEvent] = []
        for number in range(n):
            user = f"user-{self.rng.integers(n_users)}"
            arm = names[max(choose_variation(place(manifest.seed, user, 2), ranges), 0)]
            moment = at + dt.timedelta(hours=hours * number / n)
            rate = rates if isinstance(rates, float) else rates.get(arm, 0.4)
            events += self._decided(user, arm, moment, manifest, rate, changes)
        self.store.keep(events)

    def _decided(
        self, user: str, arm: str, at: dt.datetime, manifest: Manifest, rate: float, changes: Mapping[str, Any]
    ) -> list[AnyEvent]:
        self.n_decisions += 1
        name = f"d{self.n_decisions}"

        def happens(what: str) -> bool:
            return bool(self.rng.random() < changes.get(what, {}).get(arm, 0.0))

        first = int(self.rng.random() < 0.5)
        shadow = tuple(
            ShadowResult(**{
                "arm": one.name, "scores": (0.5, 0.4), "propensities": (0.6, 0.4), "latency_ms": 0.2,
                **changes.get("shadow", {}),
            })
            for one in manifest.shadows
        )  # fmt: skip
        exposure = Exposure(
            event_id=f"e-{name}", at=at, user=user, decision_id=name, kind="score", arm=arm,
            manifest_version=manifest.version, policy_version="p", model_version="m",
            contract_hash=contract.contract_hash(), tip_ids=("t0", "t1"), propensities=(0.5, 0.5), scores=(0.5, 0.5),
            order=(first, 1 - first), latency_ms=200.0 if happens("slow") else changes.get("latency", 3.0),
            error="ArithmeticError" if happens("errors") else None, shadow=shadow,
        )  # fmt: skip
        told: list[tuple[Reaction, bool]] = [
            ("accepted", bool(self.rng.random() < rate)), ("dismissed", happens("dismissals"))
        ]  # fmt: skip
        reactions = [
            Feedback(
                event_id=f"f-{name}-{reaction}",
                at=at + dt.timedelta(minutes=5),
                user=user,
                decision_id=name,
                tip_id=f"t{first}",
                reaction=reaction,
            )
            for reaction, is_so in told
            if is_so
        ]
        return [exposure, *reactions]


WINDOW = DataWindow(
    first_day=dt.date(2026, 2, 1), last_day=dt.date(2026, 2, 20), n_rows=900, n_users=80, sha256="0" * 64
)


def card(name: str, version: str, **changes: Any) -> Card:
    """A card in which nothing is missing."""
    part = Part(name="fitting", first_at=START, last_at=START, n_rows=900, n_users=80, reward_rate=0.4)
    groups = tuple(
        Group(column=column, group="all", n_rows=9, n_users=3, values={}, low={}, high={}, is_large_enough=False)
        for column in SLICED_BY
    )
    made = Card(
        name=name, version=version, created_at=START, purpose="To rank tips.", algorithm="trees", parameters={},
        inputs=(Input(name="hour", meaning="of the day", low=0, high=23, may_be_missing=False, importance=None),),
        contract_hash=contract.contract_hash(), data=WINDOW, parts=(part,), sources={}, tables=(),
        metrics=(
            Metric(name="log loss", of=version, value=0.6, low=0.5, high=0.7, confidence=0.95, is_higher_better=False,
                   n_rows=900),
        ),
        calibration=(CalibrationBin(predicted=0.4, observed=0.4, low=0.3, high=0.5, n_rows=900, n_users=80),),
        fairness=Fairness(groups=groups, gaps={}, findings=(), not_measured=None), limits=("Few people.",),
        history=(HistoryEntry(at=START, event="registered", detail="as version 1", by="training"),),
    )  # fmt: skip
    return made.model_copy(update=changes)


def evidence(rng: np.random.Generator, target: Any, n: int = 3_000) -> Evidence:
    """What a log of known truth says of `target` (2, 4) against the policy that wrote it."""
    made = logged.draw(rng, n, target)
    probabilities = logged.LOGGING[made.contexts]
    return Evidence(
        rewards=made.columns["rewards"], actions=made.columns["actions"], propensities=made.columns["propensities"],
        probabilities=probabilities, champion=Contender("champion", probabilities),
        challenger=Contender("challenger", made.columns["target"]), reward_model=None, guardrails=(), slices={},
        users=np.arange(n), people=("person",) * n, n_left_out={},
    )  # fmt: skip


def better(rng: np.random.Generator) -> Evidence:
    """Of a challenger that earns twelve points more, on enough decisions."""
    return evidence(rng, logged.BETTER)


def _nobody(*_: object) -> Any:
    raise AssertionError("no judge is asked here")
