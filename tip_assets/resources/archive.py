"""The resource `archive`: the event store and the lake, and the moment at which a run looks at both."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import dagster as dg

from tip_assets.resources.dead_runs import tag_with_process
from tip_serving import settings
from tip_serving.events.store import EventStore, open_store
from tip_serving.lake.storage import Lake


class Archive(NamedTuple):
    """What has happened, as store and lake have it."""

    store: EventStore
    lake: Lake
    now: dt.datetime
    """Aware: what is over and what is settled."""
    online_store: str | None
    """Where profiles are put that a server asks for, if anywhere."""


@dg.resource(
    config_schema={
        "as_of": dg.Field(
            dg.String, is_required=False, description="ISO 8601 with an offset: the moment to look from, for a replay."
        )
    },
    description="The event store and the lake of this installation.",
)
def archive_resource(context: dg.InitResourceContext) -> Iterator[Archive]:
    """An archive for runs that Dagster starts."""
    if context.instance is not None and context.run is not None:
        tag_with_process(context.instance, context.run.run_id)
    chosen = settings.load()
    as_of = context.resource_config.get("as_of")
    now = dt.datetime.now(dt.UTC) if as_of is None else dt.datetime.fromisoformat(as_of)
    if now.tzinfo is None:
        raise ValueError(f"as_of is {as_of!r}; expected a moment with its offset, such as 2026-03-02T12:00+00:00")
    with closing(open_store(chosen)) as store:
        yield Archive(store, Lake(chosen.lake_url), now, chosen.tip_online_store)
