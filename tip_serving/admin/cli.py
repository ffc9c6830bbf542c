"""`tip admin`: accounts, tokens and webhook keys from a terminal, by whoever may read the installation's files."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tip_serving import settings as environment
from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.secret import SecretError
from tip_serving.admin.service.errors import ServiceError
from tip_serving.admin.service.users import Role, User
from tip_serving.generation.catalog import CatalogError

_ALL = 1_000_000
_ROLE = click.Choice([role.value for role in Role])
_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input, for scripts.")


@click.group()
def admin() -> None:
    """Accounts of the admin panel: `python -m tip_serving.admin` serves it."""


@admin.command()
@click.argument("name")
@click.option("--role", type=_ROLE, required=True)
@_STDIN
def add_user(name: str, role: str, *, password_stdin: bool) -> None:
    """Add an account; asks for its password."""
    with _opened() as (place, operator):
        place.people.add(operator, name, Role(role), _password(from_stdin=password_stdin))
    click.echo(f"{name} may sign in as {role}.")


@admin.command()
def list_users() -> None:
    """Every account."""
    with _opened() as (place, operator):
        accounts = place.people.accounts(operator, limit=_ALL).items
    table = Table("name", "role", "signs in by", "since")
    for account in accounts:
        way = "password" if account.has_password else "OpenID Connect"
        table.add_row(escape(account.name), account.role.value, way, f"{account.created_at:%Y-%m-%d}")
    Console().print(table if accounts else "No account yet. `tip admin add-user NAME --role admin` makes one.")


@admin.command()
@click.argument("name")
@_STDIN
def set_password(name: str, *, password_stdin: bool) -> None:
    """Set the password of an account; ends its sessions."""
    with _opened() as (place, operator):
        place.people.set_password(operator, name, _password(from_stdin=password_stdin))
    click.echo(f"{name} has another password and has to sign in again.")


@admin.command()
@click.argument("name")
@click.option("--role", type=_ROLE, required=True)
def set_role(name: str, role: str) -> None:
    """Give an account another role; ends its sessions."""
    with _opened() as (place, operator):
        place.people.set_role(operator, name, Role(role))
    click.echo(f"{name} is {role} now.")


@admin.command()
@click.argument("name")
def remove_user(name: str) -> None:
    """Remove an account with its sessions and tokens; what it judged stays."""
    with _opened() as (place, operator):
        place.people.remove(operator, name)
    click.echo(f"{name} is removed.")


@admin.command()
@click.argument("name")
@click.option("--label", default="made by `tip admin token`", show_default=True, help="What it is for.")
@click.option("--days", type=click.FloatRange(0, min_open=True), help="How long it holds. Default: until revoked.")
def token(name: str, label: str, days: float | None) -> None:
    """Make an API token of an account; it is shown this once."""
    with _opened() as (place, operator):
        made = place.people.make_token_of(operator, name, label, days)
    click.echo(made.token)


@admin.command()
@click.argument("judge")
def webhook(judge: str) -> None:
    """Make a key with which a machine hands in scores as JUDGE; its secret is shown this once."""
    with _opened() as (place, operator):
        made = place.people.make_webhook(operator, judge)
    click.echo(f"key    {made.row.key_id}\nsecret {made.secret}")


@contextmanager
def _opened() -> Iterator[tuple[Admin, User]]:
    """The installation, and whoever sits at the terminal as its admin."""
    try:
        place = Admin.open(environment.load())
    except (SecretError, CatalogError) as error:
        raise click.ClickException(str(error)) from None
    try:
        yield place, User(f"{getpass.getuser()} (terminal)", Role.ADMIN)
    except ServiceError as error:
        faults = "".join(f"\n  {fault.field}: {fault.message}" for fault in error.faults)
        raise click.ClickException(error.detail + faults) from None
    finally:
        place.close()


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
