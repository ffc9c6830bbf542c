"""`tip release`: propose, look, approve, roll back, and have what is next done."""

import datetime as dt
import getpass
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import click
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tip_assets.releases import display
from tip_serving import settings as environment
from tip_serving.bench.deciding import Proposal as BenchProposal
from tip_serving.events.database import EventStoreError
from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake, LakeError
from tip_serving.releasing import people, proposing
from tip_serving.releasing.advancing import Advance, advance_all, watched
from tip_serving.releasing.journal import JournalError
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.ports import NoChecks, NoRegistry, Sources
from tip_serving.releasing.proposal import ProposalError
from tip_serving.releasing.sources import open_sources
from tip_serving.releasing.state import Phase, ReleaseState, proposals, state
from tip_serving.releasing.step import Step
from tip_serving.training.candidate import candidates as trained

_MEASURED = (Phase.SHADOW, Phase.ROLLOUT)
_SHORT = 12
"""Characters of a version that people are shown."""
_by = click.option("--by", default=getpass.getuser, show_default="who you are", help="In whose name.")
_as_json = click.option("--json", "is_json", is_flag=True, help="For programs.")
_proposal = click.argument("proposal")


@click.group()
def release() -> None:
    """Release what has earned it: gate, shadow, stages; back by itself where a guardrail says so."""


@release.command()
@_as_json
def candidates(*, is_json: bool) -> None:
    """List what can be proposed: trained candidates, and cells that `tip bench promote` proposed."""
    with _told():
        lake = _lake()
        found, cells = trained(lake), _bench_proposals(lake)
        phases = {one.proposal.source_id: one.phase for one in proposals(lake)}
    if is_json:
        ids = [one.candidate_id for one in found] + [one.proposal_id for one in cells]
        click.echo(json.dumps([{"id": name, "phase": phases.get(name)} for name in ids], indent=1))
        return
    if not found and not cells:
        click.echo("Nothing was trained or proposed yet: the job `train` in Dagster or `tip bench promote` does.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("id", "made", "what", "from", "proposed"):
        table.add_column(name, overflow="fold")
    for one in found:
        data = f"{one.data.n_rows:,} decisions to {one.data.last_day}"
        names = ", ".join(f"{name} {version[:_SHORT]}" for name, version in one.cards.items())
        table.add_row(
            one.candidate_id, f"{one.created_at:%Y-%m-%d %H:%M}", escape(names), data, phases.get(one.candidate_id, "-")
        )
    for cell in cells:
        what = escape(f"{cell.model},{cell.prompt}")
        table.add_row(
            cell.proposal_id, f"{cell.at:%Y-%m-%d %H:%M}", what, escape(f"{cell.experiment}, {cell.judge}"),
            phases.get(cell.proposal_id, "-"),
        )  # fmt: skip
    Console().print(table)


@release.command()
@click.argument("source")
@_by
@click.option("--note", default="", help="What whoever decides should know.")
@click.option(
    "--plan", "plan_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON with fields of the plan that shall differ.",
)  # fmt: skip
@click.option("--auto-approve", is_flag=True, help="Show it to people without asking one.")
@click.option("--accept-warnings", is_flag=True, help="Of the board that a cell is proposed by.")
@_as_json
def propose(
    source: str, by: str, note: str, plan_file: Path | None, *, auto_approve: bool, accept_warnings: bool, is_json: bool
) -> None:
    """Propose a candidate, or a cell of the bench, for release. Nothing is released by that."""
    with _told():
        plan = _plan(plan_file, auto_approve=auto_approve, accept_warnings=accept_warnings)
        made = proposing.propose(_lake(), source, by, _now(), plan, note)
    click.echo(made.model_dump_json(indent=1) if is_json else f"Proposal {made.proposal_id}: {made.title}.")


def _plan(file: Path | None, *, auto_approve: bool, accept_warnings: bool) -> RolloutPlan:
    try:
        given = json.loads(file.read_text(encoding="utf-8")) if file else {}
        flags = {"auto_approve": auto_approve, "accepts_warnings": accept_warnings}
        return RolloutPlan.model_validate({**given, **{name: True for name, is_set in flags.items() if is_set}})
    except (ValueError, TypeError) as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()] if isinstance(
            error, ValidationError
        ) else [str(error)]  # fmt: skip
        raise click.UsageError(f"the plan cannot be meant: {'; '.join(faults)}") from None


@release.command()
@click.argument("proposal", required=False)
@_as_json
def status(proposal: str | None, *, is_json: bool) -> None:
    """Show where releases are: stage, numbers, and what is next. Without a proposal: all of them."""
    with _told():
        lake = _lake()
        found = proposals(lake) if proposal is None else [state(lake, proposal)]
        in_turn = next((one for one in found if one.is_open and one.waits_for is None), None)
        shown = in_turn if proposal is None else found[0]
        seen = None if shown is None else _seen(lake, shown)
    if is_json:
        click.echo(json.dumps([_as_dict(one, seen if one is shown else None) for one in found], indent=1))
        return
    console = Console()
    if not found:
        console.print("Nothing was ever proposed; `tip release candidates` lists what could be.")
    if proposal is None and found:
        display.overview(console, found)
    if shown is not None:
        display.proposal(console, shown, seen)


def _seen(lake: Lake, found: ReleaseState) -> Advance | None:
    """The numbers as they stand, where something is being measured."""
    if found.phase not in _MEASURED or found.waits_for is not None:
        return None
    sources = open_sources(environment.load(), NoChecks(), NoRegistry())
    with closing(sources.events):
        return watched(lake, found.proposal_id, sources, _now())


def _as_dict(found: ReleaseState, seen: Advance | None) -> dict[str, object]:
    return {
        "proposal": found.proposal.model_dump(mode="json"),
        "phase": found.phase,
        "share": found.share,
        "is_asking": found.is_asking,
        "waits_for": found.waits_for,
        "next": found.next,
        "steps": [step.model_dump(mode="json") for step in found.steps],
        "now": None if seen is None else seen.words,
        "progress": None if seen is None or seen.progress is None else seen.progress._asdict(),
        "findings": [] if seen is None else [one.model_dump(mode="json") for one in seen.findings],
    }


@release.command()
@_proposal
@_by
@click.option("--reason", default="", help="Why.")
def approve(proposal: str, by: str, reason: str) -> None:
    """Let a proposal that waits for a person go to people."""
    with _told():
        _say(people.approve(_lake(), proposal, by, _now(), reason))


@release.command()
@_proposal
@_by
@click.option("--reason", required=True, help="Why.")
def rollback(proposal: str, by: str, reason: str) -> None:
    """Serve again what was served before, at once."""
    with _told():
        _say(people.rollback(_lake(), proposal, by, _now(), reason))


@release.command()
@_proposal
@_by
@click.option("--reason", default="", help="Why.")
def withdraw(proposal: str, by: str, reason: str) -> None:
    """Take a proposal back before anybody has it."""
    with _told():
        _say(proposing.withdraw(_lake(), proposal, by, _now(), reason))


@release.command()
@click.option("--every", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Do what can be done now, and end.")
def watch(every: float, *, once: bool) -> None:
    """Have what is next done, again and again, until no release is open. The sensor in Dagster does the same."""
    from tip_assets.releases.opening import release_sources
    from tip_assets.resources.instance import open_instance

    chosen = environment.load()
    lake, told = _lake(), ""
    with _told(), ExitStack() as opened:
        sources: Sources | None = None
        while any(one.is_open for one in proposals(lake)):
            if sources is None:
                instance = opened.enter_context(open_instance(chosen))
                sources = opened.enter_context(release_sources(chosen, instance))
            for step in advance_all(lake, sources, _now()):
                _say(step)
            words = _waiting(lake, sources)
            if words not in {"", told}:
                click.echo(words)
            told = words
            if once:
                return
            time.sleep(every if words else 0)
        click.echo("No release is open.")


def _waiting(lake: Lake, sources: Sources) -> str:
    """What the release under way waits for; empty where none is."""
    first = next((one for one in proposals(lake) if one.is_open and one.waits_for is None), None)
    if first is None:
        return ""
    seen = watched(lake, first.proposal_id, sources, _now()) if first.phase in _MEASURED else None
    return f"{first.proposal_id} is {first.phase}: {first.next if seen is None else seen.words}"


def _say(step: Step) -> None:
    share = "" if step.share is None else f" {step.share:.0%}"
    click.echo(f"{step.proposal_id}: {step.kind}{share}, by {step.by}: {step.reason}")


def _lake() -> Lake:
    return Lake(environment.load().lake_url)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _bench_proposals(lake: Lake) -> list[BenchProposal]:
    found = [BenchProposal.model_validate_json(lake.read(entry.path)) for entry in lake.find(layout.PROPOSALS)]
    return sorted(found, key=lambda one: one.at, reverse=True)


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be done, as a command says it."""
    try:
        yield
    except ProposalError as error:
        raise click.UsageError(str(error)) from None
    except ConflictError as error:
        raise click.ClickException(f"somebody else decided at this very moment; look again: {error}") from None
    except (LakeError, JournalError, EventStoreError, ValueError) as error:
        raise click.ClickException(str(error)) from None
