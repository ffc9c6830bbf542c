"""Numbers as a reader sees them, and the sentences that say what a board comes to.

Names are wrapped in Unicode isolates, so that a right-to-left name does not turn the sentence around it.
"""

from collections.abc import Iterable

from tip_serving.bench.identity import Cell
from tip_serving.bench.page.content import JudgeBoard, Separation, Verdict

MINUS = "\u2212"
NONE = "\u2013"
"""Shown where a number is not known or cannot be told."""
_ISOLATE, _END = "\u2068", "\u2069"
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])
_ROUNDED = 0.01
"""By how much the difference of two means with two digits may be off."""
NAMED = 3
"""Cells named in a sentence before it only counts."""


def number(value: float | None, digits: int = 2) -> str:
    """The value with a true minus and no negative zero."""
    if value is None:
        return NONE
    text = f"{abs(value):,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and float(text.replace(",", "")) else text


def signed(value: float | None, digits: int = 2) -> str:
    """The value with its sign, also a plus."""
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and float(text.replace(",", "")) else text


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """`1.20 to 1.40`; a dash without an interval."""
    return NONE if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"


def percent(share: float | None) -> str:
    """A share in whole percent, except that only nothing is 0% and only everything 100%."""
    if share is None:
        return NONE
    if 0 < share < 0.005:  # noqa: PLR2004 - what would round to 0%
        return "<1%"
    if 0.995 <= share < 1:  # noqa: PLR2004 - what would round to 100%
        return ">99%"
    return f"{share:.0%}"


def money(usd: float | None) -> str:
    """US dollars: to the cent from a dollar on, to a tenth of a cent below, two digits of what is smaller still."""
    if usd is None:
        return "unknown"
    if usd == 0:
        return "free"
    if usd >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.3f}" if usd >= 0.01 else f"${float(f'{usd:.1e}'):.12f}".rstrip("0")  # noqa: PLR2004 - one cent


def duration(ms: float | None) -> str:
    """Milliseconds below a second, seconds above."""
    if ms is None:
        return NONE
    if ms < 10:  # noqa: PLR2004 - below, a digit matters
        return f"{ms:.1f} ms"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"  # noqa: PLR2004 - a second


def ranks(low: int | None, high: int | None) -> str:
    """`2 to 5`, or `2` alone where the data leave one rank."""
    if low is None or high is None:
        return NONE
    return str(low) if low == high else f"{low} to {high}"


def counted(n: int, one: str, many: str | None = None) -> str:
    """`1 cell`, `3 cells`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def named(cell: Cell) -> str:
    """The cell inside a sentence."""
    return f"{isolated(cell.model)} with {isolated(cell.prompt)}"


def isolated(name: str) -> str:
    """The name as an island: characters that turn the direction are taken out, the rest stays among itself."""
    return f"{_ISOLATE}{name.translate(_TURNS)}{_END}"


def verdict(board: JudgeBoard) -> str:
    """One paragraph: who leads, whether the lead is real, what it would take to know, what is already out."""
    placed = [row for row in board.rows if row.score_mean is not None]
    if not placed:
        return f"Nothing is scored yet, so there is no ranking.{_missing(board)}"
    first = placed[0]
    is_scale = board.scale_min < board.scale_max
    scale = f"on the scale of {board.scale_min:g} to {board.scale_max:g}" if is_scale else "as every score is"
    told = f"{named(first.cell)} has the highest mean, {number(first.score_mean)} {scale}"
    if first.verdict is Verdict.ESTIMATED:
        told += f" (95% interval {interval(first.score_low, first.score_high)})."
    else:
        told += f", without an interval that could be trusted: {first.verdict.value}."
    if len(placed) == 1:
        told += " No other cell has a mean, so there is nothing to compare it with."
    elif board.separation is None:
        told += " The data do not say whether it is really ahead of the second."
    else:
        told += f" {_lead(board.separation, board)}"
    return f"{told}{_dropped(board)}{_missing(board)}"


def _lead(lead: Separation, board: JudgeBoard) -> str:
    means = {row.cell: row.score_mean for row in board.rows if row.score_mean is not None}
    whose = "Its lead" if lead.first == next(iter(means)) else f"The lead of {named(lead.first)}"
    by = f"{number(lead.difference)} points"
    if not _is_difference_of(lead, means.get(lead.first), means.get(lead.second)):
        by += " on the scenarios that both were scored on"
    if lead.low is not None and lead.high is not None:
        by += f" ({interval(lead.low, lead.high)})"
    if lead.is_real:
        return f"{whose} over {named(lead.second)} is {by} and more than chance explains."
    start = f"{whose} over {named(lead.second)} is {by} and may be chance"
    if lead.n_more_scenarios is None:
        return f"{start}. {lead.reason or 'They are too close for more scenarios to separate them.'}"
    more = counted(lead.n_more_scenarios, "more scenario")
    return f"{start}: if the difference is what it seems, {more} would show it with a probability of {lead.power:.0%}."


def _is_difference_of(lead: Separation, first: float | None, second: float | None) -> bool:
    """Whether the lead is what a reader gets who subtracts the two means, up to their rounding."""
    return first is not None and second is not None and abs(first - second - lead.difference) < _ROUNDED


def _dropped(board: JudgeBoard) -> str:
    out = [row.cell for row in board.rows if row.is_droppable]
    if not out:
        return ""
    left = sum(row.score_mean is not None for row in board.rows) - len(out)
    stay = "one stays" if left == 1 else f"{left} stay"
    which = f" ({_listing(out)})" if len(out) <= NAMED else ""
    return f" {counted(len(out), 'cell')}{which} can be dropped, no longer in the race to be best; {stay} in it."


def _missing(board: JudgeBoard) -> str:
    told = ""
    for verdict_, tells in ((Verdict.UNSCORED, "not scored"), (Verdict.FAILED, "failed")):
        cells = [row.cell for row in board.rows if row.verdict is verdict_]
        if cells:
            which = f" ({_listing(cells)})" if len(cells) <= NAMED else ""
            verb = "" if verdict_ is Verdict.FAILED else ("is " if len(cells) == 1 else "are ")
            told += f" {counted(len(cells), 'cell')}{which} {verb}{tells}."
    return told


def _listing(cells: Iterable[Cell]) -> str:
    return ", ".join(named(cell) for cell in cells)
