"""How the checks of the assets behind a release candidate came out, read from a Dagster instance as plain data.

A check that a day or a version has passed says nothing of another one: results are those of the candidate's own
versions, and of every day from the first that it was made from.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from dagster import AssetCheckSeverity
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from tip_assets.events.examining import DAYS_FAILED, FIRST_DAY, LAST_DAY
from tip_assets.models.showing import ABOUT_NAME, ABOUT_VERSION
from tip_serving.releasing.ports import CheckResult
from tip_serving.training.candidate import Candidate

CANDIDATE = dg.AssetKey("release_candidate")
"""Where what was trained ends; its checks and those of all assets before it count."""
_OTHER_GROUPS = ("bench",)  # a cell that failed in some bench says nothing of a model
_FAILED = AssetCheckExecutionRecordStatus.FAILED
_OVER = {AssetCheckExecutionRecordStatus.SUCCEEDED, _FAILED}
_AT_ONCE = 100
_MOST_READ = 5_000  # results of one check: a quarter of an hour apart they reach back seven weeks


class InstanceChecks:
    """The checks of one code location on one instance.

    Args:
        instance: where checks ran.
        assets: all definitions, from which lineage is read.
    """

    def __init__(self, instance: dg.DagsterInstance, assets: dg.Definitions) -> None:
        self._instance = instance
        self._assets = assets

    def results(self, candidate: Candidate) -> Sequence[CheckResult]:
        """What every check behind the candidate that ran to its end says last of its versions and days."""
        graph = self._assets.resolve_asset_graph()
        if CANDIDATE not in graph.get_all_asset_keys():
            return ()
        behind = {CANDIDATE, *graph.get_ancestor_asset_keys(CANDIDATE)}
        behind = {key for key in behind if graph.get(key).group_name not in _OTHER_GROUPS}
        found = (self._result(key, candidate) for key in graph.asset_check_keys if key.asset_key in behind)
        return [result for result in found if result is not None]

    def _result(self, key: dg.AssetCheckKey, candidate: Candidate) -> CheckResult | None:
        newest = next(self._records(key), None)
        if newest is None:
            return None
        about = _metadata(newest)
        if ABOUT_NAME in about:
            return self._of_version(key, candidate)
        if FIRST_DAY in about:
            return self._of_days(key, newest, candidate.data.first_day.isoformat())
        return _told(key, newest)

    def _of_version(self, key: dg.AssetCheckKey, candidate: Candidate) -> CheckResult | None:
        """The last result of the version that is in the candidate; None where it has no such part."""
        versions = {**candidate.cards, CANDIDATE.to_user_string(): candidate.candidate_id}
        named: set[str] = set()
        for record in self._records(key):
            about = _metadata(record)
            name = str(about.get(ABOUT_NAME))
            if versions.get(name) == about.get(ABOUT_VERSION):
                return _told(key, record)
            named |= {name} & versions.keys()
        if not named:
            return None
        unseen = ", ".join(f"{name} {versions[name]}" for name in sorted(named))
        return CheckResult(
            key.asset_key.to_user_string(), key.name, is_green=False, is_blocking=True,
            at=dt.datetime.fromtimestamp(0, dt.UTC), words=f"it never ran for {unseen}",
        )  # fmt: skip

    def _of_days(self, key: dg.AssetCheckKey, newest: Any, first: str) -> CheckResult:
        """The last failure of a day from `first` on that no later result has made good for, else the newest result."""
        failures = [one for one in self._records(key, _FAILED) if any(day >= first for day in _failed_days(one))]
        told = _told(key, newest)
        if not failures:
            return told._replace(is_green=told.is_green or bool(_failed_days(newest)))  # of days before
        if not told.is_blocking:
            return told
        made_good: set[str] = set()
        for record in self._records(key):
            if record.id < failures[-1].id:
                break
            if any(day >= first and day not in made_good for day in _failed_days(record)):
                return _told(key, record)
            made_good |= _days(record)
        return told._replace(is_green=True)

    def _records(self, key: dg.AssetCheckKey, *statuses: AssetCheckExecutionRecordStatus) -> Iterator[Any]:
        """Results that ran to their end, the newest first."""
        cursor: int | None = None
        for _ in range(_MOST_READ // _AT_ONCE):
            records = self._instance.event_log_storage.get_asset_check_execution_history(
                key, limit=_AT_ONCE, cursor=cursor, status={*statuses} or _OVER
            )
            yield from records
            if len(records) < _AT_ONCE:
                return
            cursor = records[-1].id


def _evaluation(record: Any) -> Any:
    return record.event.dagster_event.event_specific_data


def _metadata(record: Any) -> dict[str, Any]:
    return {name: one.value for name, one in _evaluation(record).metadata.items()}


def _failed_days(record: Any) -> list[str]:
    return list(_metadata(record).get(DAYS_FAILED, ()))


def _days(record: Any) -> set[str]:
    """The days that a result speaks of."""
    about = _metadata(record)
    if FIRST_DAY not in about:
        return set()
    first, last = (dt.date.fromisoformat(about[name]) for name in (FIRST_DAY, LAST_DAY))
    return {(first + dt.timedelta(days=n)).isoformat() for n in range((last - first).days + 1)}


def _told(key: dg.AssetCheckKey, record: Any) -> CheckResult:
    evaluation = _evaluation(record)
    return CheckResult(
        asset=key.asset_key.to_user_string(),
        check=key.name,
        is_green=bool(evaluation.passed),
        is_blocking=evaluation.severity is AssetCheckSeverity.ERROR,
        at=dt.datetime.fromtimestamp(record.create_timestamp, dt.UTC),
        words=evaluation.description or "",
    )
