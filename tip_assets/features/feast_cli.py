"""`tip features feast` and `tip features feast-export`: the contract as a Feast repository, and its answers served.

The server never imports Feast: it reads what the export writes, through the same port as ever.
"""

import datetime as dt
from pathlib import Path

import click

from tip_assets.features import feast_repository
from tip_assets.features.feast_repository import SQLITE, FeastRepositoryError, folder_of
from tip_assets.features.feast_source import source
from tip_assets.features.feast_store import FeastProfiles
from tip_serving import settings as environment
from tip_serving.features.contract import IN_FORCE, contract_hash
from tip_serving.lake.storage import Lake
from tip_serving.scoring.online_store import StoreError, write_profiles
from tip_serving.scoring.online_store.port import StoreBusyError, StoreDownError
from tip_serving.scoring.online_store.profile import KEPT_S
from tip_serving.training.profiles import end_of

_REPO = click.option(
    "--repo", type=click.Path(file_okay=False, path_type=Path), help="Its folder; without it, `feast` in TIP_HOME."
)
_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.command()
@_REPO
@click.option("--online", default=SQLITE, show_default=True, help="Feast's online store: sqlite, or redis://host:port.")
@click.option("--from", "start", type=_DAY, help="UTC; without it, as long before --to as any feature lives.")
@click.option("--to", "end", type=_DAY, help="UTC; without it, the last snapshot's.")
def feast(repo: Path | None, online: str, start: dt.datetime | None, end: dt.datetime | None) -> None:
    """Write the contract as a Feast repository, apply it, and fill its online store from the lake's snapshots.

    Do it again after each change of the contract: the files are replaced, and an online store in SQLite is made anew.
    `feast` itself works in the folder too.
    """
    chosen = environment.load()
    folder = repo or folder_of(chosen)
    try:
        snapshots = source(Lake(chosen.lake_url))
        last = _utc(end) or end_of(snapshots.days[-1])
        first = _utc(start) or last - dt.timedelta(seconds=KEPT_S)
        if first > last:
            raise click.UsageError(f"--from {first:%Y-%m-%d %H:%M} comes after --to {last:%Y-%m-%d %H:%M}.")
        feast_repository.write(folder, IN_FORCE, snapshots.location, online)
        found = FeastProfiles(folder)
        found.apply()
        found.materialize(first, last)
    except FeastRepositoryError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{folder}: {len(feast_repository.views(IN_FORCE.profile))} views of contract {contract_hash()}, "
        f"filled with snapshots from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC."
    )


@click.command(name="feast-export")
@_REPO
@click.option("--to", "url", help="sqlite:///file or redis://host:port/db; without it, TIP_ONLINE_STORE.")
def feast_export(repo: Path | None, url: str | None) -> None:
    """Put what Feast answers online into the store that the server reads.

    Asks Feast about everybody in the snapshots of the last 30 days. What the server's store knows newer stays.
    """
    chosen = environment.load()
    address = url or chosen.tip_online_store
    if address is None:
        raise click.UsageError("Say where to with --to, or set TIP_ONLINE_STORE.")
    try:
        found = FeastProfiles(repo or folder_of(chosen))
        written = write_profiles(address, found.profiles(source(Lake(chosen.lake_url)).people))
    except (FeastRepositoryError, StoreError, StoreDownError, StoreBusyError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{written.n_profiles} profiles with {written.n_features} features exported, "
        f"{written.n_newer} features were newer there."
    )


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment and moment.replace(tzinfo=dt.UTC)
