"""`tip bench judge`: a language model judges what waits in an experiment.

How it judges stands in `tip_serving.bench.judging.language_model`; here is what a person sees of it.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from tip_assets import display
from tip_assets.boards import boards
from tip_assets.commands.judging import told_round
from tip_assets.commands.opening import BAD_INPUT, FAILED, INTERRUPTED, find_judgeable, open_workshop
from tip_serving.bench import leaderboard
from tip_serving.bench.judging.anchors import AnchorError
from tip_serving.bench.judging.sessions import Ending, Session
from tip_serving.bench.judging.sitting import SittingProgress
from tip_serving.bench.judging.terms import Terms
from tip_serving.bench.leases import LostLeaseError
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout
from tip_serving.lake.storage import LakeError

_SHOWN_CHARACTERS = 200  # of a reason; the session file holds it whole


@click.command()
@click.argument("experiment")
@click.option("--model", required=True, help="Any that LiteLLM knows: openai/gpt-4o-mini. Judges as llm:MODEL.")
@click.option("--pairs", "partners", type=click.IntRange(1, 20), help="Pairs of tips: so many per tip, in both orders.")
@click.option("--concurrency", type=click.IntRange(1, 2_000), help="Calls at once. Default: TIP_CONCURRENCY or 64.")
@click.option("--max-cost-usd", type=click.FloatRange(0, min_open=True), help="Stop when this judge has cost as much.")
@click.option("--anchors", "anchor_set", help="Mix tips of this anchor set into every batch.")
@click.option("--limit", type=click.IntRange(1), help="Items to judge at most. Default: all that wait.")
@click.option("--race", "round_size", type=click.IntRange(1), help="In rounds of so many scenarios, losers dropped.")
@click.option("--error-rate", default=0.05, show_default=True, help="Of a race: chance that the best cell is dropped.")
def judge(
    experiment: str,
    model: str,
    partners: int | None,
    concurrency: int | None,
    max_cost_usd: float | None,
    anchor_set: str | None,
    limit: int | None,
    round_size: int | None,
    error_rate: float,
) -> None:
    """Have a language model judge what it has not judged yet, and rank anew.

    The same command goes on where an earlier one ended. What stays unscored is asked again by the next one. With
    --race it judges in rounds, and cells that cannot win any more are left out of the next one.
    """
    console, errors = Console(), Console(stderr=True)
    workshop = open_workshop(concurrency)
    find_judgeable(workshop, experiment)
    terms = Terms(model, partners, anchor_set, limit, max_cost_usd)
    faults = terms.faults(workshop.catalog)
    if faults:
        display.faults(errors, faults)
        sys.exit(BAD_INPUT)
    if round_size is not None and partners is not None:
        raise click.UsageError("a race is run on single tips: without --pairs")
    progress = SittingProgress()
    try:
        if round_size is None:
            with _shown(console, progress, terms):
                session = workshop.judge_with_model(experiment, terms, progress)
        else:
            session = _race(workshop, experiment, terms, progress, console, (round_size, error_rate))
        code = _conclude(workshop, experiment, terms, session, progress, console)
    except KeyboardInterrupt:
        words = f"Interrupted. {progress.n_judged:,} verdicts are kept ({display.money(progress.cost_usd)})"
        errors.print(f"{words}; the same command goes on from here.", soft_wrap=True)
        sys.exit(INTERRUPTED)
    except AnchorError as error:
        raise click.UsageError(str(error)) from None
    except (LakeError, LostLeaseError) as error:
        errors.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        sys.exit(FAILED)
    sys.exit(code)


def _race(
    workshop: Workshop,
    experiment: str,
    terms: Terms,
    progress: SittingProgress,
    console: Console,
    rules: tuple[int, float],
) -> Session | None:
    """Judge in rounds until the race is over, the limit is reached or a session ends early; the last session."""
    size, error_rate = rules
    left = terms.limit
    asked: set[str] = set()
    session = None
    while True:
        ids = told_round(workshop, experiment, terms.judge, error_rate, size, asked)
        if not ids:
            return session
        asked |= ids
        with _shown(console, progress, terms):
            session = workshop.judge_with_model(experiment, replace(terms, limit=left), progress, ids)
        if session is not None and session.ending is not Ending.COMPLETE:
            return session
        if session is not None and left is not None:
            left -= session.n_items
            if left == 0:
                return session


def _conclude(
    workshop: Workshop,
    experiment: str,
    terms: Terms,
    session: Session | None,
    progress: SittingProgress,
    console: Console,
) -> int:
    """Rank anew, print the judge's leaderboard and what the session took; the exit code."""
    if progress.n_recovered:
        console.print(f"{progress.n_recovered:,} verdicts that a process had left when it died are in.")
    if session is None:
        console.print(f"Nothing waits for {escape(terms.judge)} in {experiment}.", soft_wrap=True)
    workshop.rank(experiment)
    found = leaderboard.read_boards(workshop.lake, experiment)
    boards(console, tuple(board for board in found if board.judge == terms.judge))
    return _report(workshop, session, console) if session is not None else 0


def _report(workshop: Workshop, session: Session, console: Console) -> int:
    """Print what the session took and why anything is unscored; the exit code."""
    kind = "pairs" if session.is_pairs else "tips"
    not_reached = session.n_items - session.n_judged - session.n_unscored
    left = f", {not_reached:,} not reached" if not_reached else ""
    console.print(
        f"{escape(session.judge)}, rubric {session.rubric_version}: {session.n_judged:,} of {session.n_items:,} {kind} "
        f"judged, {session.n_unscored:,} unscored{left}.",
        soft_wrap=True,
    )
    latency = "" if session.latency_p50_ms is None else f", p50 {session.latency_p50_ms:,.0f} ms"
    latency += "" if session.latency_p95_ms is None else f", p95 {session.latency_p95_ms:,.0f} ms"
    tokens = f"{session.prompt_tokens:,} + {session.completion_tokens:,} tokens"
    console.print(f"{session.n_calls:,} calls, {tokens}, cost {display.money(session.cost_usd)}{latency}.")
    for kind, n_unscored in session.unscored_reasons.items():
        example = next(reason for reason in session.unscored.values() if reason.kind == kind)
        words = escape(example.words[:_SHOWN_CHARACTERS])
        console.print(f"[yellow]unscored[/yellow] {n_unscored:,} {kind}, such as: {words}", soft_wrap=True)
    where = workshop.lake.locate(layout.judging_session(session.experiment, session.judge, session.session_id))
    console.print(f"The session lies in {where}", soft_wrap=True)
    if session.ending is not Ending.COMPLETE:
        why = (session.reason or session.ending)[: 2 * _SHOWN_CHARACTERS]
        console.print(f"[red]Stopped[/red]: {escape(why)}", soft_wrap=True)
        return FAILED
    return FAILED if session.n_judged == 0 else 0


@contextmanager
def _shown(console: Console, counts: SittingProgress, terms: Terms) -> Iterator[None]:
    """Show the counts until the block ends: a bar in a terminal, elsewhere a line for each phase and now and then."""
    bar = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=24 if console.width >= display.WIDE else 8),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        refresh_per_second=4,
    )
    task = bar.add_task("starting", total=None, detail="")
    ended = threading.Event()

    def refresh() -> None:
        next_line_at, last_words = 0.0, ""
        while not ended.wait(display.REFRESH_S):
            words, detail = _description(counts, terms), _detail(counts)
            if console.is_terminal:
                n_over = counts.n_judged + counts.n_unscored
                bar.update(task, description=words, total=counts.n_items or None, completed=n_over, detail=detail)
            elif words != last_words or time.monotonic() >= next_line_at:
                next_line_at, last_words = time.monotonic() + display.QUIET_LINE_S, words
                console.print(f"{words}: {detail}" if detail else words, soft_wrap=True)

    thread = threading.Thread(target=refresh, daemon=True)
    if console.is_terminal:
        bar.start()
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if console.is_terminal:
            bar.stop()


def _description(counts: SittingProgress, terms: Terms) -> str:
    if counts.stopping:
        return f"stopping ({escape(counts.stopping[:40])})"
    if counts.held_by:
        return "waiting"
    return f"{escape(terms.model)} judges" if counts.n_items else "exporting"


def _detail(counts: SittingProgress) -> str:
    if counts.held_by is not None:
        holder = counts.held_by
        where = f"process {holder.process.pid} on {holder.process.machine.partition('/')[0]}"
        return f"{where} judges under this name: {holder.n_done:,}/{holder.n_needed:,}"
    if not counts.n_items:
        return ""
    n_over = counts.n_judged + counts.n_unscored
    parts = [f"{counts.n_judged:,} judged", f"{counts.n_unscored:,} unscored", display.money(counts.cost_usd)]
    if counts.first_call_at is not None and n_over:
        per_item_s = (time.monotonic() - counts.first_call_at) / n_over
        parts.append(f"{timedelta(seconds=round((counts.n_items - n_over) * per_item_s))} left")
    return ", ".join(parts)
