"""The sources of a release as an installation has them: the event store, logged evidence, boards of judges."""

from tip_serving.bench.ranking.board import Judged
from tip_serving.bench.ranking.report import judged_of
from tip_serving.bench.workshop import Workshop
from tip_serving.events.store import open_store
from tip_serving.releasing.ports import Checks, JudgedOf, Registry, Sources
from tip_serving.settings import Settings
from tip_serving.training.evidence import evidence


def open_sources(chosen: Settings, checks: Checks, registry: Registry) -> Sources:
    """What a release is decided by here; close its `events` after use.

    Args:
        chosen: say where the event store lies and what writes tips by default.
        checks: of assets.
        registry: is told what becomes of versions.

    Raises:
        EventStoreError: the event store cannot be opened.
    """
    return Sources(
        events=open_store(chosen),
        evidence=evidence,
        judged=_judged(chosen),
        checks=checks,
        registry=registry,
        default_cell=f"{chosen.tip_generate_model}@{chosen.default_prompt_version}",
    )


def _judged(chosen: Settings) -> JudgedOf:
    def judged(experiment: str, judge: str, rubric_version: str) -> Judged:
        workshop = Workshop.open(chosen)
        try:
            return judged_of(workshop.evidence(experiment), judge, rubric_version)
        finally:
            workshop.pool.close()

    return judged
