"""What the terminal shows of a bench: faults, estimates, live progress, leaderboards."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tip_serving.bench.estimate import Estimate
from tip_serving.bench.progress import Progress as Counts
from tip_serving.bench.spec import Fault, Spec
from tip_serving.bench.state import CellPhase, ExperimentState

REFRESH_S = 0.25
WIDE = 96  # columns from which on a bar fits beside the score
QUIET_LINE_S = 15.0  # between lines where the output is no terminal
_PHASE_STYLES = {
    CellPhase.COMPLETE: "green",
    CellPhase.FAILED: "red",
    CellPhase.RUNNING: "yellow",
    CellPhase.CANCELLED: "magenta",
    CellPhase.PENDING: "dim",
}


def money(usd: float | None) -> str:
    """US dollars, with as many digits as tell something."""
    if usd is None:
        return "unknown"
    return "$0" if usd == 0 else f"${usd:.4f}" if usd < 1 else f"${usd:,.2f}"


def faults(console: Console, found: Sequence[Fault]) -> None:
    """Every fault on its own line."""
    for fault in found:
        console.print(f"[red]{escape(fault.field)}[/red]: {escape(fault.message)}", soft_wrap=True)


def estimate(console: Console, spec: Spec, found: Estimate) -> None:
    """What a dry run tells."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("experiment", spec.experiment)
    table.add_row("cells", f"{found.n_cells} (model x prompt)")
    table.add_row("candidates", f"{found.n_needed:,} needed, {found.n_there:,} already there")
    table.add_row("calls", f"[bold]{found.n_calls:,}[/bold]")
    unpriced = f" (price unknown: {escape(', '.join(found.unpriced))})" if found.unpriced else ""
    table.add_row("cost", f"at most {money(found.cost_usd)}{unpriced}" if not unpriced else f"unknown{unpriced}")
    table.add_row("time", f"about {timedelta(seconds=round(found.seconds))} once started")
    for skip in found.skipped:
        table.add_row("skipped", f"{escape(skip.model)}: {escape(skip.reason)}")
    console.print(table)


class Live:
    """The live progress of one command."""

    def __init__(self, console: Console, counts: Counts) -> None:
        self._console = console
        self._counts = counts
        is_wide = console.width >= WIDE
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=24 if is_wide else 8),
            TaskProgressColumn(),
            TextColumn("{task.fields[detail]}"),
            *([TimeElapsedColumn()] if is_wide else []),
            console=console,
            transient=True,
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("starting", total=None, detail="")
        self._ended = threading.Event()
        self._others: str | None = None

    @contextmanager
    def shown(self) -> Iterator["Live"]:
        """Show the counts until the block ends."""
        thread = threading.Thread(target=self._refresh_for_ever, daemon=True)
        if self._console.is_terminal:
            self._progress.start()
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()
            self._progress.stop()

    def waiting_for(self, state: ExperimentState) -> None:
        """Show how far the other processes are that work on the experiment."""
        held = [cell.holding for cell in state.cells if cell.holding is not None]
        n_done, n_needed = sum(holding.n_done for holding in held), sum(holding.n_needed for holding in held)
        self._others = f"{len(held)} cells in the hands of another process: {n_done}/{n_needed} candidates"

    def _refresh_for_ever(self) -> None:
        silent_s = 0.0
        while not self._ended.wait(REFRESH_S):
            self._update()
            silent_s += REFRESH_S
            if not self._console.is_terminal and silent_s >= QUIET_LINE_S:
                silent_s = 0.0
                self._console.print(f"{self._description()}: {self._detail()}", soft_wrap=True)

    def _update(self) -> None:
        counts = self._counts
        self._progress.update(
            self._task,
            description=self._description(),
            total=counts.n_needed or None,
            completed=min(counts.n_over, counts.n_needed),
            detail=self._detail(),
        )

    def _description(self) -> str:
        counts = self._counts
        if counts.stopping:
            return f"stopping ({escape(counts.stopping[:40])})"
        if self._others or counts.others:
            return "waiting"
        if counts.first_call_at is None:
            return "starting"
        return "collecting" if counts.n_cells_done < counts.n_cells else "judging"

    def _detail(self) -> str:
        counts = self._counts
        if self._others:
            return self._others
        parts = [
            f"{counts.n_cells_done}/{counts.n_cells} cells",
            f"{counts.n_called:,} calls",
            money(counts.cost_usd),
        ]
        if counts.calls_per_s:
            left = max(counts.n_needed - counts.n_over, 0)
            parts.append(f"{counts.calls_per_s:,.0f}/s, {timedelta(seconds=round(left / counts.calls_per_s))} left")
        if counts.n_failed:
            parts.append(f"[red]{counts.n_failed} failed[/red]")
        if counts.others:
            parts.append(f"{len(counts.others)} cells in other hands")
        return ", ".join(parts)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004


def cells(console: Console, state: ExperimentState) -> None:
    """The cells of an experiment with their phase."""
    table = Table(title=f"{state.experiment}: {state.phase}")
    for name in ("model", "prompt", "phase", "candidates", "cost", "p50 ms", "p95 ms", "why"):
        table.add_column(name, overflow="fold")
    for cell in state.cells:
        result, holding = cell.result, cell.holding
        done = (
            f"{result.n_done}/{result.n_needed}"
            if result
            else f"{holding.n_done}/{holding.n_needed}"
            if holding
            else "-"
        )
        table.add_row(
            escape(cell.cell.model),
            escape(cell.cell.prompt),
            f"[{_PHASE_STYLES[cell.phase]}]{cell.phase.value}",
            done,
            money(result.cost_usd) if result else "-",
            _number(result.latency_p50_ms) if result else "-",
            _number(result.latency_p95_ms) if result else "-",
            escape(result.reason or "") if result else "",
        )
    console.print(table)


def failures(console: Console, state: ExperimentState) -> None:
    """Failed cells and skipped models, each with its reason."""
    for result in state.failed:
        console.print(f"[red]failed[/red]  {escape(result.cell.key)}: {escape(result.reason or '')}", soft_wrap=True)
    for skip in state.skipped:
        console.print(f"[yellow]skipped[/yellow] {escape(skip.model)}: {escape(skip.reason)}", soft_wrap=True)
