"""How the checks of the assets behind a release candidate came out, read from a Dagster instance as plain data."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg
from dagster import AssetCheckSeverity
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from tip_serving.releasing.ports import CheckResult

CANDIDATE = dg.AssetKey("release_candidate")
"""Where what was trained ends; its checks and those of all assets before it count."""
_OTHER_GROUPS = ("bench",)  # a cell that failed in some bench says nothing of a model
_OVER = (AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED)


class InstanceChecks:
    """The checks of one code location on one instance.

    Args:
        instance: where checks ran.
        assets: all definitions, from which lineage is read.
    """

    def __init__(self, instance: dg.DagsterInstance, assets: dg.Definitions) -> None:
        self._instance = instance
        self._assets = assets

    def results(self) -> Sequence[CheckResult]:
        """The last result of every check behind a candidate that ran to its end."""
        graph = self._assets.resolve_asset_graph()
        if CANDIDATE not in graph.get_all_asset_keys():
            return ()
        behind = {CANDIDATE, *graph.get_ancestor_asset_keys(CANDIDATE)}
        behind = {key for key in behind if graph.get(key).group_name not in _OTHER_GROUPS}
        wanted = [key for key in graph.asset_check_keys if key.asset_key in behind]
        storage = self._instance.event_log_storage
        found = (storage.get_asset_check_execution_history(key, limit=10) for key in wanted)
        latest = [next((record for record in records if record.status in _OVER), None) for records in found]
        return [_result(key, record) for key, record in zip(wanted, latest, strict=True) if record is not None]


def _result(key: dg.AssetCheckKey, record: object) -> CheckResult:
    evaluation = record.event.dagster_event.event_specific_data  # type: ignore[attr-defined]  # an untyped record
    return CheckResult(
        asset=key.asset_key.to_user_string(),
        check=key.name,
        is_green=bool(evaluation.passed),
        is_blocking=evaluation.severity is AssetCheckSeverity.ERROR,
        at=dt.datetime.fromtimestamp(record.create_timestamp, dt.UTC),  # type: ignore[attr-defined]  # the same
        words=evaluation.description or "",
    )
