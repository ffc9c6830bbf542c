"""`tip bench export`, `import` and `anchors`: hand tips to judges and take their scores back."""

import sys
from collections.abc import Collection
from pathlib import Path

import click
import polars as pl
from rich.console import Console

from tip_assets.boards import boards
from tip_assets.commands.opening import BAD_INPUT, JudgeName, Names, find_judgeable, open_workshop
from tip_serving.bench import leaderboard
from tip_serving.bench.judging import anchors as anchor_sets
from tip_serving.bench.judging import intake, scores
from tip_serving.bench.judging.allocation import AllocationError, Share
from tip_serving.bench.judging.anchors import AnchorError
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.judging.intake import Report
from tip_serving.bench.judging.racing import RaceError
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.workshop import Workshop

_SHOWN_FAULTS = 100


@click.command()
@click.argument("experiment")
@click.option("--judge", required=True, type=JudgeName(), help="Who will score: scores are kept under this name.")
@click.option("--batch-size", type=click.IntRange(1), help="Items of a batch. Default: one batch of everything.")
@click.option("--share-with", type=Names(), help="Comma-separated names of all judges that divide the scenarios.")
@click.option("--overlap", type=click.FloatRange(0, 1), default=0.2, show_default=True, help="Share that all get.")
@click.option("--pairs", "partners", type=click.IntRange(1, 20), help="Pairs of tips: so many per tip, in both orders.")
@click.option("--anchors", "anchor_set", help="Mix tips of this anchor set into every batch.")
@click.option("--race", "round_size", type=click.IntRange(1), help="Only the next round of so many scenarios.")
@click.option("--error-rate", default=0.05, show_default=True, help="Of a race: chance that the best cell is dropped.")
@click.option("--redact", "is_redacted", is_flag=True, help="Leave out names, addresses, e-mails and long numbers.")
def export(
    experiment: str,
    judge: str,
    *,
    batch_size: int | None,
    share_with: list[str] | None,
    overlap: float,
    partners: int | None,
    anchor_set: str | None,
    round_size: int | None,
    error_rate: float,
    is_redacted: bool,
) -> None:
    """Hand a judge blind batches of what it has not judged yet.

    With --race a judge scores in rounds, and cells that cannot win any more are left out of the next one.
    """
    workshop = open_workshop()
    state = find_judgeable(workshop, experiment)
    if round_size is not None and (share_with or partners):
        raise click.UsageError("a race is run by one judge on single tips: without --share-with and --pairs")
    faults = [fault for name in share_with or () if (fault := intake.judge_fault(name)) is not None]
    if faults:
        raise click.UsageError("--share-with: " + "; ".join(faults))
    if all(cell.result is None for cell in state.cells):
        raise click.UsageError(f"{experiment} has no tips yet; `tip bench run --experiment {experiment}` makes them")
    only = None
    if round_size is not None:
        only = told_round(workshop, experiment, judge, error_rate, round_size)
    share = Share(tuple(sorted({judge, *share_with})), overlap) if share_with else None
    ask = Ask(judge, batch_size, share, partners, anchor_set, only=only, is_redacted=is_redacted)
    try:
        batches = workshop.export(experiment, ask)
    except (AllocationError, AnchorError) as error:
        raise click.UsageError(str(error)) from None
    if not batches:
        click.echo(f"Nothing waits for {judge} in {experiment}.")
        return
    for batch in batches:
        click.echo(f"{batch.n_items} items for {judge}:")
        if anchor_set and not batch.n_anchors:
            click.echo(f"  no anchor among them: all of {anchor_set} are in the batch as tips of this experiment")
        click.echo(f"  {workshop.lake.locate(batch.rows_path)}")
        click.echo(f"  {workshop.lake.locate(batch.instructions_path)}")
    click.echo(f"Scores come back with `tip bench import {experiment} FILE`.")


def told_round(
    workshop: Workshop, experiment: str, judge: str, error_rate: float, size: int, unscorable: Collection[str] = ()
) -> frozenset[str]:
    """The candidates of the next round; says where the race stands."""
    try:
        coming = workshop.next_round(experiment, judge, error_rate, size, unscorable)
    except RaceError as error:
        raise click.UsageError(str(error)) from None
    for cell, reason in coming.dropped().items():
        click.echo(f"dropped {cell.written}: {reason}")
    if coming.winner is not None:
        click.echo(f"The race is over: {coming.winner.written} is the best, with an error rate of {error_rate:g}.")
    elif coming.candidate_ids:
        click.echo(f"{len(coming.survivors)} of {len(coming.cells)} cells are in the race.")
    else:
        left = ", ".join(cell.written for cell in coming.survivors)
        click.echo(f"The race is over without a winner: all is scored, and any of these may be the best: {left}.")
    return coming.candidate_ids


@click.command(name="import")
@click.argument("experiment")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--partial", is_flag=True, help="Keep the good lines of a file that has bad ones.")
def import_scores(experiment: str, files: tuple[Path, ...], *, partial: bool) -> None:
    """Take a judge's score files and rank anew."""
    workshop = open_workshop()
    find_judgeable(workshop, experiment)
    n_taken = 0
    for file in files:
        report = intake.submit(workshop.lake, experiment, file.read_bytes(), file.stem, partial=partial)
        _list_faults(workshop, file, report)
        n_taken += report.is_taken
        if report.is_taken:
            click.echo(
                f"{file}: {report.accepted:,} judgements " + ("were in already." if report.is_repeat else "are in.")
            )
        else:
            click.echo(f"Nothing of {file} was kept. Mend the lines, or keep the good ones with --partial.", err=True)
    if n_taken:
        workshop.rank(experiment)
        boards(Console(), leaderboard.read_boards(workshop.lake, experiment))
    if n_taken < len(files):
        sys.exit(BAD_INPUT)


def _list_faults(workshop: Workshop, file: Path, report: Report) -> None:
    """The first faults; where there are more, the file that lists all."""
    for fault in report.faults[:_SHOWN_FAULTS]:
        where = f"{file}:{fault.line}" if fault.line else str(file)
        click.echo(f"{where}: {fault.reason}", err=True)
    n_more = len(report.faults) - _SHOWN_FAULTS
    if n_more > 0 and report.listed_in is not None:
        click.echo(f"{n_more:,} more faults are listed in {workshop.lake.locate(report.listed_in)}", err=True)


@click.command()
@click.argument("experiment")
@click.option("--name", required=True, help="What exports will ask for: lower-case letters, digits and hyphens.")
@click.option("--judges", required=True, type=Names(), help="Comma-separated names of the people whose scores count.")
@click.option("--n", "n_anchors", type=click.IntRange(2, 1_000), default=20, show_default=True)
def anchors(experiment: str, name: str, judges: list[str], n_anchors: int) -> None:
    """Make an anchor set of tips that people scored, from the worst to the best."""
    workshop = open_workshop()
    find_judgeable(workshop, experiment)
    rubric = load_rubric()
    candidates = workshop.candidates(experiment)
    view = scores.view(workshop.lake, candidates)
    trusted = view.filter(pl.col("judge").is_in(judges), pl.col("rubric_version") == rubric.version)
    unknown = sorted(set(judges) - set(trusted["judge"].unique()))
    if unknown:
        raise click.UsageError(f"no scores of {', '.join(unknown)} in {experiment} under rubric {rubric.version}")
    texts = dict(candidates.select("candidate_id", "text").iter_rows())
    chosen = anchor_sets.choose(trusted, texts, workshop.scenarios(experiment), rubric, n_anchors)
    try:
        anchor_sets.save(workshop.lake, name, chosen)
    except AnchorError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{len(chosen)} anchors in the set {name}.")
    click.echo(f"Next, in another experiment: tip bench export EXPERIMENT --judge NAME --anchors {name}")
