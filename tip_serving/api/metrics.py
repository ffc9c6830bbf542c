"""Figures of a server in Prometheus' format; with several workers, those of all of them together.

Workers share a directory that prometheus-client learns from the environment of the process, before it is imported.
"""

from functools import lru_cache
from pathlib import Path

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from tip_serving.events.decision_log import LogState
from tip_serving.events.event import Event
from tip_serving.events.exposure import Exposure
from tip_serving.events.feedback import Feedback
from tip_serving.scoring.shadow import ShadowState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Meter:
    """The figures of one worker.

    Args:
        shared: the directory of all workers' figures; None where there is one worker.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self._shared = shared
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each one, which nobody reads
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._seconds = Histogram(
            "tip_request_seconds", "From the head of a request to the end of its answer.", ("route", "status"),
            buckets=_BUCKETS_S, registry=self._registry,
        )  # fmt: skip
        self._decisions = Counter(
            "tip_decisions", "Decisions by what made them.", ("kind", "arm", "manifest"), registry=self._registry
        )
        self._fell_back = Counter(
            "tip_feature_fallbacks", "Features that fell back.", ("feature", "reason"), registry=self._registry
        )
        self._errors = Counter(
            "tip_arm_errors", "Decisions whose arm failed; the default made them.", ("kind", "arm", "error"),
            registry=self._registry,
        )  # fmt: skip
        self._reactions = Counter("tip_feedback", "Reactions reported.", ("reaction",), registry=self._registry)
        self._events = Gauge(
            "tip_events", "Events of the decision log by what became of them.", ("outcome",),
            registry=self._registry, multiprocess_mode="sum",
        )  # fmt: skip
        self._waiting = Gauge(
            "tip_events_waiting", "Events in memory, on their way to the broker or the disk.",
            registry=self._registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._shadow = Gauge(
            "tip_shadow", "Decisions offered to arms in the shadow, by what became of them.", ("outcome",),
            registry=self._registry, multiprocess_mode="sum",
        )  # fmt: skip
        # Finding a series by its labels costs five times what counting does.
        self._by_route = lru_cache(maxsize=None)(self._seconds.labels)
        self._by_fallback = lru_cache(maxsize=None)(self._fell_back.labels)
        self._by_decision = lru_cache(maxsize=256)(self._decisions.labels)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is one of few."""
        self._by_route(route, str(status)).observe(seconds)

    def event(self, event: Event) -> None:
        """Count what was decided or reported."""
        if isinstance(event, Exposure):
            self._by_decision(event.kind, event.arm, event.manifest_version or "none").inc()
            for feature, reason in event.fell_back.items():
                self._by_fallback(feature, reason).inc()
            if event.error is not None:
                self._errors.labels(event.kind, event.arm, event.error).inc()
        elif isinstance(event, Feedback):
            self._reactions.labels(event.reaction).inc()

    def log_state(self, state: LogState) -> None:
        """Show how the decision log fares."""
        self._waiting.set(state.waiting)
        for outcome in ("published", "written", "dropped"):
            self._events.labels(outcome).set(getattr(state, outcome))

    def shadow_state(self, state: ShadowState) -> None:
        """Show how the shadow fares."""
        for outcome, n in state._asdict().items():
            self._shadow.labels(outcome).set(n)

    def render(self) -> bytes:
        """The page that Prometheus reads."""
        if self._shared is None:
            return generate_latest(self._registry)
        _forget_the_dead(self._shared)
        together = CollectorRegistry()
        MultiProcessCollector(together, path=str(self._shared))  # type: ignore[no-untyped-call]
        return generate_latest(together)


def _forget_the_dead(shared: Path) -> None:
    """Take away what workers that were killed still seem to hold; what they have counted stays."""
    for path in shared.glob("gauge_live*_*.db"):
        if not psutil.pid_exists(int(path.stem.rpartition("_")[2])):
            path.unlink(missing_ok=True)
