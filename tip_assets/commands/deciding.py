"""`tip bench leaderboard`, `page`, `tips`, `gate`, `promote` and `import-results`: read results and act on them."""

import datetime as dt
import getpass
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import polars as pl
from rich.console import Console

from tip_assets.boards import boards
from tip_assets.commands.opening import BAD_INPUT, FAILED, CellName, find, open_workshop
from tip_serving.bench import brought, deciding, leaderboard
from tip_serving.bench.brought import BroughtError, RowFault
from tip_serving.bench.deciding import DecisionError
from tip_serving.bench.identity import Cell
from tip_serving.bench.page import text
from tip_serving.bench.page.content import JudgeBoard
from tip_serving.bench.ranking.report import judged_of
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout

_FORMATS = ("table", "markdown", "csv", "json")


def _boards(workshop: Workshop, experiment: str) -> tuple[JudgeBoard, ...]:
    if not find(workshop, experiment).is_ranked:
        raise click.UsageError(
            f"{experiment} has no leaderboard yet; `tip bench run --experiment {experiment}` makes it"
        )
    return leaderboard.read_boards(workshop.lake, experiment)


@click.command(name="leaderboard")
@click.argument("experiment")
@click.option("--judge", help="Only this judge's. Default: all, one after the other.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True)
def show_leaderboard(experiment: str, judge: str | None, form: str) -> None:
    """Print the leaderboard as a table, Markdown, CSV or JSON."""
    workshop = open_workshop()
    found = _boards(workshop, experiment)
    try:
        chosen = found if judge is None else (deciding.board_of(found, judge),)
    except DecisionError as error:
        raise click.UsageError(str(error)) from None
    if form == "table":
        boards(Console(), chosen)
    elif form == "json":
        click.echo("[" + ",\n".join(board.model_dump_json() for board in chosen) + "]")
    else:
        click.echo(_as_csv(chosen) if form == "csv" else "\n".join(map(text.markdown, chosen)), nl=False)


def _as_csv(chosen: tuple[JudgeBoard, ...]) -> str:
    """All boards as one table: each row says whose it is."""
    first, *others = map(text.csv, chosen)
    return first + "".join(other.partition("\r\n")[2] for other in others)


@click.command()
@click.argument("experiment")
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser.")
def page(experiment: str, *, is_opened: bool) -> None:
    """Say where the leaderboard's page lies: one file that needs no network."""
    workshop = open_workshop()
    _boards(workshop, experiment)
    where = workshop.lake.locate(layout.leaderboard_page(experiment))
    click.echo(where)
    if is_opened:
        click.launch(where)


@click.command()
@click.argument("experiment")
@click.option("--cell", type=CellName(), help="MODEL,PROMPT. Default: every cell.")
@click.option("--scenario", help="Only the tips for this scenario.")
def tips(experiment: str, cell: Cell | None, scenario: str | None) -> None:
    """Print every tip with its scores as CSV."""
    workshop = open_workshop()
    state = find(workshop, experiment)
    known = [one.cell for one in state.cells]
    if cell is not None and cell not in known:
        raise click.UsageError(_unknown(cell, experiment, known))
    found = workshop.tips(experiment, cell, scenario)
    if scenario is not None and found.is_empty():
        raise click.UsageError(f"there are no tips for scenario {scenario!r} in {experiment}")
    names = found.select(pl.col(pl.String)).columns
    safe = found.with_columns(pl.col(names).map_elements(text.guarded, return_dtype=pl.String))
    click.echo(safe.write_csv(), nl=False)


def _unknown(cell: Cell, experiment: str, known: Iterable[Cell]) -> str:
    return f"{cell.written} is not in {experiment}; there are {', '.join(one.written for one in known)}"


@click.command()
@click.argument("experiment")
@click.option("--cell", type=CellName(), required=True, help="MODEL,PROMPT: the one that wants to pass.")
@click.option("--baseline", type=CellName(), required=True, help="MODEL,PROMPT: the one to beat.")
@click.option("--min-gain", type=float, default=0.0, show_default=True, help="Points it must be better by.")
@click.option("--judge", help="By whose scores. Default: the only judge that is not automatic.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of the one-sided bound.")
def gate(experiment: str, cell: Cell, baseline: Cell, min_gain: float, judge: str | None, confidence: float) -> None:
    """Exit with 0 where a cell beats a baseline by enough, else with 1 and the reason."""
    workshop = open_workshop()
    found = _boards(workshop, experiment)
    try:
        board = deciding.board_of(found, judge)
        judged = judged_of(workshop.evidence(experiment), board.judge, board.rubric_version)
        verdict = deciding.gate(judged, cell, baseline, min_gain, confidence)
    except DecisionError as error:
        raise click.UsageError(str(error)) from None
    click.echo(verdict.reason)
    sys.exit(0 if verdict.is_passed else FAILED)


@click.command()
@click.argument("experiment")
@click.option("--cell", type=CellName(), required=True, help="MODEL,PROMPT")
@click.option("--judge", help="By whose scores. Default: the only judge that is not automatic.")
@click.option("--note", default="", help="What whoever decides should know.")
def promote(experiment: str, cell: Cell, judge: str | None, note: str) -> None:
    """Propose a cell for release, with the evidence; nothing is released by that."""
    workshop = open_workshop()
    found = _boards(workshop, experiment)
    done = {result.cell: result for result in workshop.results(experiment)}
    if cell not in done:
        raise click.UsageError(_unknown(cell, experiment, done))
    try:
        board = deciding.board_of(found, judge)
        now = dt.datetime.now(dt.UTC)
        made = deciding.propose(workshop.lake, experiment, board, done[cell], getpass.getuser(), note, now)
    except DecisionError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"Proposal {made.proposal_id}: {cell.written}, judged by {made.judge}.")
    for warning in made.warnings:
        click.echo(f"  mind: {warning}")
    click.echo(f"  {workshop.lake.locate(layout.proposal(made.proposal_id))}")


@click.command(name="import-results")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--experiment", required=True, help="tip-bench-...; a new one.")
@click.option("--partial", is_flag=True, help="Keep the good rows of a file that has bad ones.")
def import_results(file: Path, experiment: str, *, partial: bool) -> None:
    """Make an experiment of results that were measured elsewhere (JSON lines or CSV).

    Columns: model, prompt, scenario, score; optional: sample_index, text, judge.
    """
    workshop = open_workshop()
    try:
        taken = brought.bring(workshop.lake, experiment, file.read_bytes(), file.name, partial=partial)
    except BroughtError as error:
        _list_faults(file, error.faults)
        click.echo("Nothing was imported.", err=True)
        sys.exit(BAD_INPUT)
    _list_faults(file, taken.faults)
    held, are_in = taken.held, "were in already" if taken.is_repeat else "are in"
    counts = f"{held.n_candidates:,} results of {len(held.cells)} cells on {held.n_scenarios:,} scenarios"
    click.echo(f"{counts} {are_in}.")
    workshop.rank(experiment)
    boards(Console(), leaderboard.read_boards(workshop.lake, experiment))
    click.echo(f"Page: {workshop.lake.locate(layout.leaderboard_page(experiment))}")


def _list_faults(file: Path, faults: Iterable[RowFault]) -> None:
    for fault in faults:
        where = f"{file}:{fault.line}" if fault.line else str(file)
        click.echo(f"{where}: {fault.reason}", err=True)
