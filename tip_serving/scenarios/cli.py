"""`tip scenarios`: a team's own task lists as scenarios of a bench."""

import datetime as dt
import sys
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from tip_serving import settings
from tip_serving.features.profile import ProfileError, resolve
from tip_serving.lake.storage import Lake
from tip_serving.scenarios import sets, todoist
from tip_serving.scenarios.imported import scenarios_from

BAD_INPUT = 2


@click.group()
def scenarios() -> None:
    """Bench on your own task lists."""


@scenarios.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="What specs will ask for: lower-case letters, digits and hyphens.")
@click.option("--partial", is_flag=True, help="Keep the good rows of a file that has bad ones.")
@click.option("--replace", is_flag=True, help="Put these scenarios in the place of a set of that name.")
@click.option("--now", help="The day to count from, such as 2026-03-02. Default: when the newest file was saved.")
@click.option("--time-zone", default="UTC", show_default=True, help="IANA name, such as Europe/Berlin.")
@click.option("--language", default="en", show_default=True, help="BCP 47 tag of the tips to write.")
def import_(
    files: tuple[Path, ...], name: str, *, partial: bool, replace: bool, now: str | None, time_zone: str, language: str
) -> None:
    """Turn Todoist exports (CSV template, JSON of the API) into a named set; one FILE per person."""
    fault = sets.name_fault(name)
    if fault is not None:
        raise click.UsageError(fault)
    zone = _zone(time_zone)
    moment = _moment(files, now, zone)
    profile = {"language": language, "time_zone": time_zone}
    try:
        resolve(profile, None, moment)
    except ProfileError as error:
        raise click.UsageError(str(error)) from None
    lists = {path: todoist.read(path.read_bytes(), str(path), moment.date(), zone) for path in files}
    faults = [(path, fault) for path, found in lists.items() for fault in found.faults]
    for path, row_fault in faults:
        click.echo(f"{path}: {row_fault.place}: {row_fault.reason}", err=True)
    n_tasks = sum(len(found.tasks) for found in lists.values())
    if faults and not (partial and n_tasks):
        click.echo("Nothing was imported. Mend these rows, or keep the others with --partial.", err=True)
        sys.exit(BAD_INPUT)
    if not n_tasks:
        raise click.UsageError("there is no open task in " + ", ".join(map(str, files)))
    made = scenarios_from([found.tasks for found in lists.values()], moment, profile)
    lake = Lake(settings.load().lake_url)
    try:
        sets.save_set(lake, name, made, replace=replace)
    except sets.SetError as error:
        raise click.UsageError(str(error)) from None
    n_completed = sum(found.n_completed for found in lists.values())
    left_out = f", {n_completed} done ones left out" if n_completed else ""
    click.echo(
        f"{n_tasks} tasks{left_out}, counted from {moment:%A %Y-%m-%d}: {len(made)} scenarios in the set {name}."
    )
    click.echo(
        f"Next: tip bench run --experiment tip-bench-{name} --scenarios {name} --n-scenarios {min(40, len(made))}"
    )


def _zone(time_zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.UsageError(f"--time-zone {time_zone!r} is no IANA time zone, such as Europe/Berlin") from None


def _moment(files: tuple[Path, ...], now: str | None, zone: ZoneInfo) -> dt.datetime:
    if now is None:
        moment = dt.datetime.fromtimestamp(max(path.stat().st_mtime for path in files), zone)
    else:
        try:
            moment = dt.datetime.fromisoformat(now).replace(tzinfo=zone)
        except ValueError:
            raise click.UsageError(f"--now {now!r} is no date, such as 2026-03-02") from None
    return moment.replace(tzinfo=dt.timezone(moment.utcoffset() or dt.timedelta()))


@scenarios.command(name="list")
def list_() -> None:
    """The imported sets."""
    lake = Lake(settings.load().lake_url)
    names = sets.list_sets(lake)
    for name in names:
        click.echo(f"{name}: {len(sets.load_set(lake, name))} scenarios")
    if not names:
        click.echo("No set yet. `tip scenarios import FILE --name NAME` makes one.")


@scenarios.command()
@click.argument("name")
@click.option("--first", default=3, show_default=True, help="How many scenarios to show in full.")
def show(name: str, first: int) -> None:
    """What a set holds."""
    try:
        found = sets.load_set(Lake(settings.load().lake_url), name)
    except sets.SetError as error:
        raise click.UsageError(str(error)) from None
    sizes = Counter(len(scenario.situation.tasks) for scenario in found)
    click.echo(f"{name}: {len(found)} scenarios with " + ", ".join(f"{n} x {size} tasks" for size, n in sizes.items()))
    for scenario in found[:first]:
        situation = scenario.situation
        click.echo(f"\n{scenario.scenario_id}  {situation.now:%a %Y-%m-%d %H:%M}  {len(situation.tasks)} tasks")
        for task in situation.tasks[:8]:
            due = f"  due {task.due.date or task.due.string}" if task.due else ""
            click.echo(f"  - {task.content[:80]}{due}")
