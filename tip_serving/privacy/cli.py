"""`tip privacy`: removes a person's data, or what is kept too long, from every place of this installation."""

import datetime as dt
import sys
from collections.abc import Callable

import click

from tip_serving import settings
from tip_serving.privacy.places import Cleared, Place, clear

NOT_ALL = 1


@click.group()
def privacy() -> None:
    """Data about people: remove what must go."""


@privacy.command()
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(user: str, *, yes: bool) -> None:
    """Delete all that is kept about USER up to now; what is still on its way is refused when it comes.

    Exits with 0 once nothing is left, 1 where something could not be removed yet: call it again then.
    """
    if not yes:
        lake = settings.load().lake_url
        click.confirm(f"Nothing brings it back. Delete all about {user!r}, also in {lake}?", abort=True)
    now = dt.datetime.now(dt.UTC)
    _do(lambda place: place.erase(user, now))


@privacy.command()
def expire() -> None:
    """Remove what has been kept for as long as it may. Exits as `delete`."""
    now = dt.datetime.now(dt.UTC)
    _do(lambda place: place.expire(now))


def _do(act: Callable[[Place], Cleared]) -> None:
    outcomes = clear(settings.load(), act)
    for place, cleared, fault in outcomes:
        left = f", {cleared.n_left} left: a process holds them" if cleared.n_left else ""
        click.echo(f"{place:<16} {fault or f'{cleared.n_removed} removed{left}'}")
    if any(fault or cleared.n_left for _, cleared, fault in outcomes):
        click.echo("Not all could be removed; call this again once that is mended.", err=True)
        sys.exit(NOT_ALL)
