"""The resource `mirror`: MLflow's mirror of finished cells, one child process a run."""

from collections.abc import Iterator

import dagster as dg

from tip_assets.bench.mirror import Mirror


@dg.resource(description="Mirrors finished cells into MLflow, in a process of its own.")
def mirror_resource(_: dg.InitResourceContext) -> Iterator[Mirror]:
    """A mirror for runs that Dagster starts."""
    mirror = Mirror()
    try:
        yield mirror
    finally:
        mirror.close()
