"""The resource `workshop`: opened per run from the environment, and the run tagged with its process."""

from collections.abc import Iterator

import dagster as dg

from tip_assets.resources.dead_runs import tag_with_process
from tip_serving import settings
from tip_serving.bench.workshop import Workshop


@dg.resource(description="The lake, its candidates, the catalog and the generation workers of this run.")
def workshop_resource(context: dg.InitResourceContext) -> Iterator[Workshop]:
    """A workshop for runs that Dagster starts."""
    if context.instance is not None and context.run_id is not None:
        tag_with_process(context.instance, context.run_id)
    workshop = Workshop.open(settings.load())
    try:
        yield workshop
    finally:
        workshop.pool.close()
