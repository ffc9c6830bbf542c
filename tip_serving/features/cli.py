"""`tip features`: the feature contract for those who compute and ship features."""

import json
import sys
from pathlib import Path

import click

from tip_serving.entry_points import EntryPointGroup
from tip_serving.features import export, typescript
from tip_serving.features.contract import IN_FORCE, contract_hash
from tip_serving.features.registry import differences

DIFFERENT = 1
BAD_INPUT = 2
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(cls=EntryPointGroup, entry_point_group="tip.features")
def features() -> None:
    """The features that requests ship, and what they must be."""


@features.command()
@click.argument("registry", type=_FILE)
def check(registry: Path) -> None:
    """Compare names and TTLs of a TypeScript REGISTRY with the contract; print every difference.

    Exits with 0 where they agree, 1 where they differ, 2 where the file cannot be made out.
    """
    try:
        found = typescript.read(registry.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{registry} is not UTF-8: {error.reason} at byte {error.start}") from None
    for place in found.unread:
        click.echo(f"{registry}:{place.line}: {place.reason}", err=True)
    if not any(entry.ttl_s is not None for entry in found.entries):
        click.echo(f"{registry}: no object with a name and a ttlSec was found", err=True)
        sys.exit(BAD_INPUT)
    differing = differences(found, IN_FORCE)
    for difference in differing:
        click.echo(difference)
    if found.unread:
        sys.exit(BAD_INPUT)
    if differing:
        click.echo(f"{len(differing)} differences from contract {contract_hash()}.", err=True)
        sys.exit(DIFFERENT)
    click.echo(f"{len(IN_FORCE.profile)} profile features agree with contract {contract_hash()}.")


@features.command(name="export")
@click.option("--format", "form", type=click.Choice(["typescript", "json-schema"]), required=True)
def export_(form: str) -> None:
    """Print the contract, for the caller to build on."""
    if form == "typescript":
        click.echo(export.as_typescript(IN_FORCE), nl=False)
    else:
        click.echo(json.dumps(export.as_json_schema(IN_FORCE), indent=2, ensure_ascii=False))


@features.command(name="list")
def list_() -> None:
    """Every declared feature, one a line."""
    click.echo(f"contract {contract_hash()}")
    for feature in IN_FORCE.profile:
        click.echo(
            f"profile  {feature.name:<20} {feature.dtype:<8} ttl {feature.ttl_s:>7} s  else {feature.fallback!r:<8} "
            f"{feature.meaning} ({feature.source})"
        )
    for derived in IN_FORCE.context:
        click.echo(
            f"context  {derived.name:<20} {derived.dtype:<8} at each call   else {derived.fallback!r:<8} "
            f"{derived.meaning} ({derived.source})"
        )
