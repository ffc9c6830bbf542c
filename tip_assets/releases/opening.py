"""The sources of a release as this installation has them: event store, MLflow, and the checks of a Dagster instance."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import dagster as dg

from tip_assets.releases.checks import InstanceChecks
from tip_assets.releases.registry import MlflowRegistry
from tip_serving.releasing.ports import Sources
from tip_serving.releasing.sources import open_sources
from tip_serving.settings import Settings


@contextmanager
def release_sources(chosen: Settings, instance: dg.DagsterInstance) -> Iterator[Sources]:
    """Open until the block ends.

    Raises:
        EventStoreError: the event store cannot be opened.
    """
    from tip_assets.definitions import defs  # which names the sensor that calls this

    sources = open_sources(chosen, InstanceChecks(instance, defs), MlflowRegistry(chosen))
    with closing(sources.events):
        yield sources
