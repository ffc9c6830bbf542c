"""`tip streams`: makes streams and consumers, shows how they fare, looks after dead letters, imports files."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from tip_serving import settings
from tip_serving.consumers import dead_letters
from tip_serving.consumers import declared as declarations
from tip_serving.consumers.app import terms
from tip_serving.consumers.connection import connected
from tip_serving.consumers.declared import State
from tip_serving.events.database import EventStoreError
from tip_serving.events.importing import import_files
from tip_serving.events.store import open_store
from tip_serving.events.streams import CONSUMER, DEAD_LETTERS, STREAMS

DIFFERENT = 1
_SHOWN_LETTERS = 50
_T = TypeVar("_T")


@click.group()
def streams() -> None:
    """Streams of events between the server and the event store."""


@streams.command()
@click.option("--mend", "mends", is_flag=True, help="Change what differs from its declaration.")
def setup(*, mends: bool) -> None:
    """Create the streams and durable consumers that are missing, and say what differs.

    Exits with 0 where all is as declared in the end, 1 where something differs.
    """
    chosen = settings.load()
    findings = _with_broker(lambda context: declarations.setup(context, terms(chosen), mends=mends))
    for finding in findings:
        click.echo(f"{finding.name:<32} {finding.state}")
        for difference in finding.differences:
            click.echo(f"    {difference}")
    if any(finding.state is State.DIFFERS for finding in findings):
        click.echo("`tip streams setup --mend` changes what differs.", err=True)
        sys.exit(DIFFERENT)


@streams.command()
def status() -> None:
    """How much lies in each stream, what waits for the event store, and what the store holds."""
    for line in _with_broker(_stream_lines):
        click.echo(line)
    try:
        store = open_store(settings.load())
    except EventStoreError as error:
        raise click.ClickException(str(error)) from None
    counts, n_conflicts = store.counts(), store.n_conflicts()
    store.close()
    held = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    click.echo(f"event store: {held}; {n_conflicts} other events under ids that were taken")


@streams.command(name="import-wal")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_wal(folder: Path) -> None:
    """Bring the server's write-ahead files in FOLDER into the event store.

    Files that are done move to FOLDER/imported, lines that are no event to FOLDER/refused. A file that a server still
    writes waits for the next call.
    """
    n_files = n_refused = 0
    try:
        store = open_store(settings.load())
        for done in import_files(store, folder):
            n_files, n_refused = n_files + 1, n_refused + done.n_refused
            kept = done.kept
            others = f"{kept.n_repeated} repeated, {kept.n_conflicting} conflicting, {done.n_refused} refused"
            click.echo(f"{done.path.name}: {kept.n_new} new, {others}")
        store.close()
    except (EventStoreError, OSError) as error:
        raise click.ClickException(f"{n_files} files were imported, the others wait: {error}") from None
    click.echo(f"{n_files} files imported.")
    if n_refused:
        click.echo(f"{n_refused} lines are no event; see {folder / 'refused'}", err=True)
        sys.exit(DIFFERENT)


@streams.group()
def dead() -> None:
    """Messages that are no event, set aside with the reason."""


@dead.command(name="list")
@click.option("--limit", default=_SHOWN_LETTERS, show_default=True, type=click.IntRange(1), help="Show so many.")
def list_(limit: int) -> None:
    """The dead letters, the oldest first."""

    async def first(context: JetStreamContext) -> list[dead_letters.DeadLetter]:
        letters: list[dead_letters.DeadLetter] = []
        async for letter in dead_letters.listed(context):
            letters.append(letter)
            if len(letters) > limit:
                break
        return letters

    letters = _with_broker(first)
    for letter in letters[:limit]:
        click.echo(f"{letter.sequence:>8}  {letter.at:%Y-%m-%d %H:%M:%S}  {letter.subject:<28} {letter.reason}")
    if len(letters) > limit:
        click.echo(f"More than {limit}; --limit shows more.")
    elif not letters:
        click.echo("There are no dead letters.")


@dead.command()
@click.argument("sequence", type=click.IntRange(1))
@click.option("--body", "is_body_alone", is_flag=True, help="Print the body alone, to mend it in a file.")
def show(sequence: int, *, is_body_alone: bool) -> None:
    """One dead letter with its headers and its body."""
    letter = _with_broker(lambda context: dead_letters.found(context, sequence))
    if is_body_alone:
        click.echo(letter.body, nl=False)
        return
    click.echo(f"reason      {letter.reason}")
    click.echo(f"came under  {letter.subject}, message {letter.stream_sequence} of {letter.stream}")
    click.echo(f"set aside   {letter.at.isoformat()}, after {letter.n_deliveries} deliveries")
    for name, value in letter.headers.items():
        click.echo(f"header      {name}: {value}")
    click.echo(letter.body.decode(errors="backslashreplace"))


@dead.command()
@click.argument("sequences", nargs=-1, type=click.IntRange(1))
@click.option("--all", "is_all", is_flag=True, help="Every dead letter.")
@click.option(
    "--body",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send this instead of the body of the one dead letter.",
)
def replay(sequences: tuple[int, ...], *, is_all: bool, body: Path | None) -> None:
    """Send dead letters once more, now that whoever reads them is mended, or with a mended --body."""
    _refuse_unclear(sequences, is_all=is_all)
    if body is not None and len(sequences) != 1:
        raise click.UsageError("--body belongs to exactly one dead letter")
    mended = None if body is None else body.read_bytes()

    async def send(context: JetStreamContext) -> int:
        letters = await _chosen(context, sequences)
        for letter in letters:
            await dead_letters.replay(context, letter, mended)
        return len(letters)

    click.echo(f"{_with_broker(send)} messages were sent once more.")


@dead.command()
@click.argument("sequences", nargs=-1, type=click.IntRange(1))
@click.option("--all", "is_all", is_flag=True, help="Every dead letter.")
def drop(sequences: tuple[int, ...], *, is_all: bool) -> None:
    """Delete dead letters for good."""
    _refuse_unclear(sequences, is_all=is_all)

    async def delete(context: JetStreamContext) -> int:
        letters = await _chosen(context, sequences)
        for letter in letters:
            await dead_letters.drop(context, letter.sequence)
        return len(letters)

    click.echo(f"{_with_broker(delete)} dead letters were deleted.")


def _refuse_unclear(sequences: tuple[int, ...], *, is_all: bool) -> None:
    if is_all == bool(sequences):
        raise click.UsageError("name dead letters by their numbers, or say --all")


async def _chosen(context: JetStreamContext, sequences: tuple[int, ...]) -> list[dead_letters.DeadLetter]:
    """The named dead letters, or all; raises before anything is done where one is not there."""
    if not sequences:
        return [letter async for letter in dead_letters.listed(context)]
    return [await dead_letters.found(context, sequence) for sequence in sequences]


async def _stream_lines(context: JetStreamContext) -> list[str]:
    lines = []
    for declared in STREAMS:
        held = (await context.stream_info(declared.name)).state
        consumer = await context.consumer_info(declared.name, CONSUMER)
        waiting = f"{consumer.num_pending} wait, {consumer.num_ack_pending} under way"
        lines.append(f"{declared.name:<14} {held.messages} messages, {held.bytes / 1e6:.1f} MB; {waiting}")
    held = (await context.stream_info(DEAD_LETTERS.name)).state
    lines.append(f"{DEAD_LETTERS.name:<14} {held.messages} dead letters")
    return lines


def _with_broker(act: Callable[[JetStreamContext], Awaitable[_T]]) -> _T:
    """What `act` returns, given the broker of the settings; its errors as one sentence."""
    url = settings.load().tip_nats_url
    if url is None:
        raise click.ClickException(
            "No broker is set: TIP_NATS_URL names none. Write-ahead files come in by `tip streams import-wal FOLDER`."
        )

    async def run() -> _T:
        async with connected(url) as context:
            return await act(context)

    try:
        return asyncio.run(run())
    except NotFoundError as error:
        raise click.ClickException(f"{error.description}; `tip streams setup` makes streams and consumers.") from None
    except dead_letters.NoDeadLetterError as error:
        raise click.ClickException(str(error)) from None
    except (Error, OSError, TimeoutError) as error:
        raise click.ClickException(
            f"The broker of TIP_NATS_URL does not do it: {error or type(error).__name__}"
        ) from None
