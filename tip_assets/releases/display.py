"""What a terminal shows of releases: who is where, how far a stage is, what guardrails say, and what is next."""

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tip_serving.releasing.advancing import Advance
from tip_serving.releasing.decision import Progress
from tip_serving.releasing.state import Phase, ReleaseState
from tip_serving.releasing.step import Finding, Outcome, Step, StepKind

_BAR = 24
_PHASE_STYLES = {
    Phase.FINISHED: "green",
    Phase.REFUSED: "red",
    Phase.ROLLED_BACK: "red",
    Phase.ROLLOUT: "cyan",
    Phase.SHADOW: "cyan",
    Phase.APPROVAL: "yellow",
}
_OUTCOME_STYLES = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.UNDETERMINED: ("…", "yellow"),
    Outcome.NOT_MEASURED: ("-", "dim"),
}


def overview(console: Console, found: Sequence[ReleaseState]) -> None:
    """Every proposal on a line, the newest first."""
    table = Table(box=None, pad_edge=False)
    for name in ("proposal", "what", "phase", "users", "since", "next"):
        table.add_column(name, overflow="fold")
    for one in reversed(found):
        since = one.steps[-1].at if one.steps else one.proposal.at
        table.add_row(
            one.proposal_id, escape(one.proposal.title), phase(one), f"{one.share:.0%}", f"{since:%Y-%m-%d %H:%M}",
            escape(one.next),
        )  # fmt: skip
    console.print(table)


def phase(found: ReleaseState) -> str:
    """The phase in its colour."""
    style = _PHASE_STYLES.get(found.phase, "dim")
    return f"[{style}]{found.phase}[/{style}]"


def proposal(console: Console, found: ReleaseState, seen: Advance | None) -> None:
    """One proposal with its stages, numbers, what is next and all that was decided.

    Args:
        console: of the command.
        found: as the steps have it.
        seen: the numbers as they stand; None where nothing is being measured.
    """
    parts: list[RenderableType] = [stages(found)]
    if seen is not None:
        if seen.progress is not None:
            parts.append(progress(seen.progress))
        if seen.findings:
            parts.append(findings(seen.findings))
        parts.append(Text.from_markup(f"[bold]now[/bold]   {escape(seen.words)}"))
    parts += [Text.from_markup(f"[bold]next[/bold]  {escape(found.next)}"), steps(found.steps)]
    title = f"{found.proposal_id}  {escape(found.proposal.title)}  {phase(found)}"
    console.print(Panel(Group(*parts), title=title, title_align="left"))


def stages(found: ReleaseState) -> Text:
    """The way from the gate to everybody, with where it is now."""
    reached = {step.kind for step in found.steps}
    shares = {step.share for step in found.steps if step.kind is StepKind.STAGE}
    way: list[tuple[str, bool]] = [
        ("gate", StepKind.GATE_PASSED in reached),
        ("shadow", StepKind.SHADOW_PASSED in reached),
        ("approval", StepKind.APPROVED in reached),
        *((f"{share:.0%}", share in shares) for share in found.proposal.plan.stages),
        ("champion", StepKind.FINISHED in reached),
    ]
    told = Text()
    for name, is_reached in way:
        told.append(f"{'●' if is_reached else '○'} {name}  ", style="green" if is_reached else "dim")
    return told


def progress(found: Progress) -> Table:
    """Two bars: decisions and hours."""
    table = Table.grid(padding=(0, 1))
    bars = (("decisions", found.n_decisions, found.min_decisions), ("hours", found.hours, found.min_hours))
    for name, done, needed in bars:
        bar = ProgressBar(total=max(needed, 1e-9), completed=min(done, needed), width=_BAR)
        table.add_row(name, bar, f"{done:,.0f}/{needed:,.0f}" if name == "decisions" else f"{done:.1f}/{needed:g}")
    return table


def findings(found: Iterable[Finding]) -> Table:
    """What was found, requirement by requirement."""
    table = Table.grid(padding=(0, 1))
    for one in found:
        mark, style = _OUTCOME_STYLES[one.outcome]
        table.add_row(f"[{style}]{mark}[/{style}]", escape(one.sentence))
    return table


def steps(found: Sequence[Step]) -> Table:
    """All that was decided, in order."""
    table = Table.grid(padding=(0, 1))
    for step in found:
        share = "" if step.share is None else f" {step.share:.0%}"
        table.add_row(f"[dim]{step.at:%m-%d %H:%M}[/dim]", f"{step.kind}{share}", escape(step.by), escape(step.reason))
    return table


def markdown(found: Sequence[Step]) -> str:
    """The same as a table of Markdown."""
    rows = [
        f"| {step.at:%Y-%m-%d %H:%M} | {step.kind} {'' if step.share is None else f'{step.share:.0%}'} | {step.by} "
        f"| {step.reason.replace('|', '/')} |"
        for step in found
    ]
    return "\n".join(["| when | what | by | why |", "|---|---|---|---|", *rows])
