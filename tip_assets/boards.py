"""A judge's leaderboard in the terminal: places with their intervals, means with theirs drawn, counts, cost, time."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from tip_serving.bench.page import words
from tip_serving.bench.page.content import JudgeBoard, Pairwise, Row, Verdict

# Columns of a terminal from which on each has room; what matters most to a decision comes first.
TIMED, WIDE, RANKED, COMPARED, PRICED = 80, 104, 114, 122, 132
LEAST_MODEL = 14  # columns of a model's name, which folds beyond
_ISOLATES = str.maketrans("", "", "\u2068\u2069")  # which terminals show as boxes


class _Column(NamedTuple):
    name: str
    justify: JustifyMethod
    least_width: int
    """Of the terminal, for the column to be shown."""
    show: Callable[[Row], str]


def boards(console: Console, shown: Iterable[JudgeBoard]) -> None:
    """Each board under the other; judges are never averaged together."""
    for board_ in shown:
        board(console, board_)


def board(console: Console, shown: JudgeBoard) -> None:
    """One judge's board with its verdict in a sentence, and what the judge said of pairs."""
    if shown.pairwise is None or any(row.n_scored for row in shown.rows):
        _means(console, shown)
    if shown.pairwise is not None:
        _ratings(console, shown.judge, shown.pairwise)


def _means(console: Console, shown: JudgeBoard) -> None:
    title = f"Leaderboard, judged by {escape(shown.judge)}" if shown.judge else "Leaderboard: nothing is scored yet"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1))
    columns = [column for column in _columns(shown) if console.width >= column.least_width]
    for column in columns:
        wraps = column.name in {"model", "scored"}
        least = LEAST_MODEL if column.name == "model" else None
        table.add_column(column.name, justify=column.justify, overflow="fold", no_wrap=not wraps, min_width=least)
    for row in shown.rows:
        table.add_row(*(column.show(row) for column in columns), style="dim" if row.is_droppable else None)
    console.print(table)
    console.print(escape(words.verdict(shown).translate(_ISOLATES)), highlight=False)


def _ratings(console: Console, judge: str | None, said: Pairwise) -> None:
    """Cells by what was said of pairs; 0 is the average cell."""
    title = f"Pairs of tips, judged by {escape(judge or 'nobody')}"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("model", overflow="fold", min_width=LEAST_MODEL)
    table.add_column("prompt", overflow="fold")
    for name in ("rating", "95% interval", "at equal length and style", "verdicts"):
        table.add_column(name, justify="right")
    for rating in said.ratings:
        table.add_row(
            escape(rating.cell.model),
            escape(rating.cell.prompt),
            words.signed(rating.rating),
            words.interval(rating.low, rating.high),
            words.signed(rating.controlled),
            f"{rating.n_verdicts:,}",
        )
    console.print(table)
    told = f"Ratings in log odds over the average cell, from {words.counted(said.n_verdicts, 'verdict')}, "
    told += f"{words.percent(said.tie_share)} of them ties."
    if said.first_share is not None:
        told += f" Between equals, the tip shown first wins {words.percent(said.first_share)}; 50% is fair."
    if said.agree_share is not None:
        told += f" In the other order {words.percent(said.agree_share)} of the pairs ended the same way."
    console.print(told, highlight=False)


def _columns(shown: JudgeBoard) -> Sequence[_Column]:
    axis = _Axis.over(shown)
    return (
        _Column("#", "right", 0, lambda row: str(row.place or "-")),
        _Column("ranks", "left", RANKED, lambda row: words.ranks(row.rank_low, row.rank_high)),
        _Column("model", "left", 0, lambda row: escape(row.model)),
        _Column("prompt", "left", 0, lambda row: escape(row.prompt)),
        _Column("mean ± s.e.", "right", 0, _mean),
        _Column(axis.title, "left", WIDE, axis.drawn),
        _Column("wins", "right", COMPARED, lambda row: words.percent(row.win_share)),
        _Column("scored", "right", 0, _counts),
        _Column("$/1,000", "right", PRICED, lambda row: words.money(row.cost_usd_per_1000)),
        _Column("p50 / p95", "right", TIMED, _latency),
    )


def _mean(row: Row) -> str:
    if row.score_mean is None:
        return f"[yellow]{row.verdict.value}[/yellow]"
    if row.verdict is Verdict.ESTIMATED and row.score_se is not None:
        return f"{row.score_mean:.2f} ± {row.score_se:.2f}"
    return f"{row.score_mean:.2f} [yellow]{'constant' if row.verdict is Verdict.CONSTANT else 'too few'}[/yellow]"


def _counts(row: Row) -> str:
    """How many are scored, of how many where some are not, and how many failed."""
    scored = (
        f"[yellow]{row.n_scored:,} of {row.n_scored + row.n_unscored:,}[/yellow]"
        if row.n_unscored
        else f"{row.n_scored:,}"
    )
    return f"{scored}, [red]{row.n_failed:,} failed[/red]" if row.n_failed else scored


def _latency(row: Row) -> str:
    return f"{words.duration(row.latency_p50_ms)} / {words.duration(row.latency_p95_ms)}"


class _Axis(NamedTuple):
    """A line of characters on which all means and intervals of a board are drawn."""

    low: float
    high: float
    width: int = 26

    @classmethod
    def over(cls, shown: JudgeBoard) -> "_Axis":
        """The axis that holds all that is to be drawn."""
        drawn = [
            value
            for row in shown.rows
            for value in (row.score_mean, row.score_low, row.score_high)
            if value is not None
        ]
        low, high = min(drawn, default=shown.scale_min), max(drawn, default=shown.scale_max)
        return cls(low, high if high > low else low + 1.0)

    @property
    def title(self) -> str:
        """The ends of the axis."""
        left, right = f"{self.low:.2f}", f"{self.high:.2f}"
        return left + " " * max(self.width - len(left) - len(right), 1) + right

    def drawn(self, row: Row) -> str:
        """The mean as a dot between the ends of its interval."""
        if row.score_mean is None:
            return ""
        signs = [" "] * self.width
        if row.score_low is not None and row.score_high is not None:
            first, last = self._place(row.score_low), self._place(row.score_high)
            signs[first : last + 1] = ["─" if row.verdict is Verdict.ESTIMATED else "┄"] * (last - first + 1)
        signs[self._place(row.score_mean)] = "●"
        return f"[cyan]{''.join(signs)}[/cyan]"

    def _place(self, value: float) -> int:
        return round((value - self.low) / (self.high - self.low) * (self.width - 1))
