"""`tip bench run`, `list`, `show` and `cancel`: start, watch and stop experiments.

Commands only parse, call one function and print; what they print stands in `display`. Dagster is imported by `run`
alone, and only when something is left to do.
"""

import getpass
import sys
from contextlib import suppress
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tip_assets import display
from tip_assets.boards import boards
from tip_assets.commands.opening import BAD_INPUT, FAILED, INTERRUPTED, Names, find, open_workshop
from tip_serving.bench import leaderboard, requests, spec
from tip_serving.bench.estimate import estimate
from tip_serving.bench.spec import Fault, SpecError
from tip_serving.bench.state import ExperimentState, experiments
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout
from tip_serving.lake.storage import LakeError, MissingError

DEFAULT_EXPERIMENT = "tip-bench-embedded"


@click.command()
@click.option(
    "--experiment", default=DEFAULT_EXPERIMENT, show_default=True, help="tip-bench-...; its spec never changes."
)
@click.option("--models", type=Names(), help="Comma-separated, such as ollama/llama3.2:3b. Default: the embedded ones.")
@click.option("--prompts", type=Names(), help="Comma-separated versions. Default: all.")
@click.option("--n-tips", type=int, help="Tips per scenario and cell. Default: 1.")
@click.option("--n-scenarios", type=int, help="Default: 40.")
@click.option("--scenarios", help="`generated` (default) or the name of an imported set.")
@click.option("--temperature", type=float, help="Default: 0.7.")
@click.option("--max-model-b", type=float, help="Skip models with more billion parameters, and those of unknown size.")
@click.option("--sampling-seed", type=int, help="Seeds scenarios and samples. Default: 0.")
@click.option("--max-cost-usd", type=float, help="Stop when the experiment has cost this much.")
@click.option("--concurrency", type=click.IntRange(1, 2_000), help="Calls at once. Default: TIP_CONCURRENCY or 64.")
@click.option("--dry-run", is_flag=True, help="Tell the number of calls, an estimate of cost and time, and stop.")
def run(experiment: str, concurrency: int | None, *, dry_run: bool, **asked: Any) -> None:
    """Run an experiment to its leaderboard, or go on with one.

    Options that are not given are taken from the experiment where it exists. What is in the lake is never asked for
    again; failed cells are.
    """
    console, errors = Console(), Console(stderr=True)
    workshop = open_workshop(concurrency)
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        wanted = _wanted(workshop, experiment, given)
        if dry_run:
            spec.refuse_conflict(workshop.lake, wanted)
            display.estimate(console, wanted, estimate(workshop, wanted))
            return
        is_new = spec.create(workshop.lake, wanted)
    except SpecError as error:
        display.faults(errors, error.faults)
        sys.exit(BAD_INPUT)
    except LakeError as error:
        errors.print(f"[red]{error}[/red]")
        sys.exit(FAILED)
    if not is_new:
        _ask_again(workshop, experiment)
    sys.exit(_run_to_end(workshop, experiment, console, errors))


def _wanted(workshop: Workshop, experiment: str, given: dict[str, Any]) -> spec.Spec:
    """The spec in the lake with what was given laid over it, or a new one. Raises SpecError."""
    there: dict[str, Any] = {}
    if not spec.name_fault(experiment):
        with suppress(MissingError):
            there = workshop.spec(experiment).model_dump()
    return spec.parse({**there, **given, "experiment": experiment}, workshop.lake, workshop.catalog)


def _ask_again(workshop: Workshop, experiment: str) -> None:
    """Failed cells once more, and no longer cancelled: that is what the same command means."""
    state = workshop.state(experiment)
    if state.is_cancelled:
        requests.resume(workshop.lake, experiment)
    if state.failed:
        requests.retry(workshop.lake, experiment, getpass.getuser(), [result.cell for result in state.failed])


def _run_to_end(workshop: Workshop, experiment: str, console: Console, errors: Console) -> int:
    state = workshop.state(experiment)
    try:
        if state.step is not None or not state.is_collected:
            if state.pending:
                workshop.pool.prepare()  # LiteLLM's import runs on the other core while Dagster's runs here
            from tip_assets.bench.running import StuckError, run_to_end

            live = display.Live(console, workshop.progress)
            try:
                with live.shown():
                    state = run_to_end(workshop, experiment, live.waiting_for)
            except StuckError as error:
                errors.print(f"[red]{error}[/red]")
                return FAILED
    except BaseException as error:
        # Dagster raises an interrupt of its own while a run is under way.
        if "Interrupt" in type(error).__name__:
            errors.print("Interrupted. What came back is kept; the same command goes on from here.")
            return INTERRUPTED
        raise
    finally:
        workshop.pool.close()
    return _conclude(workshop, state, console)


def _conclude(workshop: Workshop, state: ExperimentState, console: Console) -> int:
    """Print the leaderboard, what failed, and where to look next."""
    if state.is_ranked:
        boards(console, leaderboard.read_boards(workshop.lake, state.experiment))
    display.failures(console, state)
    progress = workshop.progress
    if state.is_cancelled:
        console.print(f"Cancelled. `tip bench run --experiment {state.experiment}` goes on.")
    made = f"{progress.n_called:,} calls"
    if not progress.n_called:
        made = "No call brought a tip" if progress.n_failed else "No call was needed"
    if progress.first_call_at is not None and progress.last_call_at is not None:
        made += f" in {progress.last_call_at - progress.first_call_at:.1f} s ({progress.calls_per_s:,.0f}/s)"
    console.print(
        f"{made}. Everything lies in {workshop.lake.locate(layout.experiment(state.experiment))}", soft_wrap=True
    )
    if state.is_ranked:
        where = workshop.lake.locate(layout.leaderboard_page(state.experiment))
        console.print(f"All of it on one page, with the tips: {where}", soft_wrap=True)
    console.print(
        f"Next: `tip bench show {state.experiment}`, `tip bench export {state.experiment} --judge NAME`, or `make up` "
        f"and {workshop.settings.tip_dagster_ui}",
        soft_wrap=True,
    )
    return FAILED if state.failed or state.is_cancelled else 0


@click.command(name="list")
def list_experiments() -> None:
    """All experiments with their phase."""
    workshop = open_workshop()
    table = Table("experiment", "phase", "cells", "failed", "scenarios", "tips", "created")
    for name in experiments(workshop.lake):
        try:
            state = workshop.state(name)
        except (LakeError, ValueError) as error:
            table.add_row(name, "[red]damaged[/red]", "-", "-", "-", "-", escape(f"{error}"[:60]))
            continue
        asked = state.spec or state.brought
        created = state.created_at.astimezone().strftime("%Y-%m-%d %H:%M") if state.created_at else ""
        table.add_row(
            name,
            state.phase,
            str(len(state.cells)),
            str(len(state.failed)),
            str(asked.n_scenarios) if asked else "-",
            str(state.spec.n_tips) if state.spec else "-",
            created,
        )
    Console().print(table if table.row_count else "No experiment yet. `tip bench run` makes one.")


@click.command()
@click.argument("experiment")
def show(experiment: str) -> None:
    """The cells of an experiment, its leaderboard, and what failed."""
    workshop = open_workshop()
    console = Console()
    state = find(workshop, experiment)
    if state.faults:
        display.faults(console, [Fault(*fault.split(": ", 1)) for fault in state.faults])
        sys.exit(FAILED)
    display.cells(console, state)
    if state.is_ranked:
        boards(console, leaderboard.read_boards(workshop.lake, experiment))
    display.failures(console, state)


@click.command()
@click.argument("experiment")
def cancel(experiment: str) -> None:
    """Ask whoever works on an experiment to stop; `tip bench run` goes on with it."""
    workshop = open_workshop()
    find(workshop, experiment)
    requests.cancel(workshop.lake, experiment, getpass.getuser())
    click.echo(f"Asked. Calls on the wire may still finish. `tip bench run --experiment {experiment}` goes on.")
