"""Checks of tables as checks of assets: declared on the asset, and told with their numbers for the days of a run."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import polars as pl

from tip_assets.resources.archive import Archive
from tip_serving.events import export
from tip_serving.training.quality.check import Check, Day, Outcome, Severity
from tip_serving.training.quality.limits import LIMITS

FIRST_DAY, LAST_DAY, DAYS_FAILED = "first_day", "last_day", "days_failed"
"""In the metadata of a result: the days in a row that it speaks of, and those of them that are not right."""
_SEVERITIES = {Severity.WARN: dg.AssetCheckSeverity.WARN, Severity.ERROR: dg.AssetCheckSeverity.ERROR}


def specs(asset: str, checks: Sequence[Check]) -> list[dg.AssetCheckSpec]:
    """The checks as they are declared; where one fails without which the rest would be wrong, the run stops there."""
    return [
        dg.AssetCheckSpec(check.name, asset=asset, description=check.claim, blocking=check.severity is Severity.ERROR)
        for check in checks
    ]


def days_of(context: dg.AssetExecutionContext) -> list[dt.date]:
    """The UTC days of a run, in order."""
    return sorted(dt.date.fromisoformat(key) for key in context.partition_keys)


def results(
    checks: Sequence[Check], archive: Archive, kind: str, frames: Mapping[dt.date, pl.DataFrame]
) -> Iterator[dg.AssetCheckResult]:
    """What each check finds in the days of a run; of several days it tells the numbers of the first that fails."""
    held = export.inventory(archive.lake, [kind] if kind in export.SCHEMAS else [])
    days = [Day(archive.lake, kind, day, archive.now, frame, held, LIMITS) for day, frame in frames.items()]
    for check in checks:
        found = [(day.day, check.examine(day)) for day in days]
        failed = [(day, outcome) for day, outcome in found if not outcome.passed]
        day, told = (failed or found)[0]
        yield dg.AssetCheckResult(
            check_name=check.name,
            passed=not failed,
            severity=_SEVERITIES[check.severity],
            description=_sentence(day, told),
            metadata={
                **told.numbers,
                "day": day.isoformat(),
                FIRST_DAY: min(frames).isoformat(),
                LAST_DAY: max(frames).isoformat(),
                DAYS_FAILED: [one.isoformat() for one, _ in failed],
            },
        )


def _sentence(day: dt.date, outcome: Outcome) -> str:
    return f"{day}: {outcome.words}."
