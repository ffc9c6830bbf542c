"""The assets of a demo, materialized in this process on the demo's own Dagster instance, so that its UI shows them.

What is lacking is asked of lake and store, as the sensors of an installation ask; time is the demo's.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import dagster as dg

from tip_assets.definitions import defs
from tip_assets.events.requesting import requests
from tip_assets.events.sensor import refresh_days
from tip_assets.models.jobs import train
from tip_assets.releases.sensor import observe_released
from tip_assets.resources.dead_runs import bury, process_tags
from tip_assets.rewards.sensor import analyse_rewards
from tip_serving.events.store import EventStore
from tip_serving.lake.storage import Lake
from tip_serving.training.upkeep import lacking

_QUIET: Mapping[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_MOST_ROUNDS = 4


class AssetsError(Exception):
    """Assets that were materialized and still are not what store and lake say they must be."""


@dataclass(frozen=True)
class Materializing:
    """Materializes what a demo needs.

    Args:
        instance: of Dagster.
        store: of events.
        lake: of the demo.
    """

    instance: dg.DagsterInstance
    store: EventStore
    lake: Lake

    def begin(self) -> None:
        """Mark runs of a driver that died as failed."""
        bury(self.instance)

    def day(self, day: dt.date, now: dt.datetime) -> None:
        """One day of events, profiles and training set; what late reactions opened again waits for `days`."""
        for run in requests(lacking(self.store, self.lake, now), now):
            if run.first <= day <= run.last:
                self._run(refresh_days.name, _seen_from(now), tags=run.tags, assets=run.assets)

    def days(self, now: dt.datetime) -> None:
        """Every day of events, profiles and training sets that lacks something at `now`.

        Raises:
            AssetsError: a day still lacks something afterwards.
        """
        for _ in range(_MOST_ROUNDS):
            wanted = requests(lacking(self.store, self.lake, now), now)
            if not wanted:
                return
            for run in wanted:
                self._run(refresh_days.name, _seen_from(now), tags=run.tags, assets=run.assets)
        left = [f"{lack.day}: {', '.join((*lack.kinds, *lack.tables))}" for lack in lacking(self.store, self.lake, now)]
        raise AssetsError(
            f"After {_MOST_ROUNDS} rounds of runs these days still lack something: {'; '.join(left[:10])}. `tip up` "
            "with the demo's TIP_HOME shows the runs."
        )

    def models(self, first: dt.date, last: dt.date, seed: int, now: dt.datetime) -> str | None:
        """Reward model, policies and the candidate for release, of these days; what kept it from being made.

        Args:
            first: UTC day.
            last: UTC day.
            seed: of the training.
            now: aware.
        """
        asked = {"first_day": first.isoformat(), "last_day": last.isoformat(), "seed": seed, "by": "demo"}
        names = ("reward_model", "tip_policy", "policy_evaluation", "prompt_policy", "release_candidate")
        return self._run(train.name, {**_seen_from(now), "ops": {name: {"config": asked} for name in names}})

    def rewards(self, now: dt.datetime) -> None:
        """What people did with tips, the judge against the people, and what is released."""
        self._run(analyse_rewards.name, {"ops": {"prompt_rewards": {"config": {"as_of": now.isoformat()}}}})
        self._run(observe_released.name, {})

    def _run(
        self,
        job: str,
        config: Mapping[str, Any],
        tags: Mapping[str, str] = MappingProxyType({}),
        assets: Sequence[str] | None = None,
    ) -> str | None:
        """One run; what it failed of, which the UI tells in full."""
        result = defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            run_config={**_QUIET, **config},
            tags={**process_tags(), **tags},
            asset_selection=None if assets is None else [dg.AssetKey(name) for name in assets],
            run_id=str(uuid.uuid4()),
            raise_on_error=False,
        )
        if result.success:
            return None
        failed = result.filter_events(lambda event: event.is_step_failure)
        told = [event.step_failure_data.error_display_string.strip().splitlines()[0] for event in failed]
        return "; ".join(told) or f"run {result.run_id} of {job} failed"


def _seen_from(now: dt.datetime) -> dict[str, Any]:
    return {"resources": {"archive": {"config": {"as_of": now.isoformat()}}}}
