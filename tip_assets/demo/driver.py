"""Runs a demo in this process, whose environment is that of the demo's home alone, and says how it goes."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tip_assets.demo.assets import AssetsError, Materializing
from tip_assets.demo.installation import installation
from tip_assets.demo.journal import Journal
from tip_assets.demo.living import LivingError
from tip_assets.demo.page.content import Page
from tip_assets.demo.page.render import lead, render
from tip_assets.demo.plan import Plan, PlanError, begin
from tip_assets.demo.processes import ProgramError
from tip_assets.demo.story import Story
from tip_assets.demo.world import World
from tip_assets.releases.opening import release_sources
from tip_assets.resources.instance import open_instance
from tip_serving import settings as environment
from tip_serving.lake.storage import Lake

INTERRUPTED = 130
PAGE = "demo.html"


class _Teller(Protocol):
    def __call__(self, what: str, share: float) -> None: ...


def main() -> None:
    """Run the demo that the arguments describe: home, seed, days, people."""
    home, seed, days, people = sys.argv[1:]
    signal.signal(signal.SIGTERM, _interrupt)
    console, errors = Console(), Console(stderr=True)
    try:
        page = _run(Path(home), Plan(seed=int(seed), n_days=int(days), n_people=int(people)), console)
    except (PlanError, ProgramError, LivingError, AssetsError) as error:
        errors.print(f"[red]{error}[/red]", soft_wrap=True)
        sys.exit(1)
    except BaseException as error:
        # Dagster raises an interrupt of its own while a run is under way.
        if "Interrupt" in type(error).__name__:
            errors.print("Interrupted. The same command goes on from here.")
            sys.exit(INTERRUPTED)
        raise
    _summarize(console, page, Path(home) / PAGE)


def _run(home: Path, asked: Plan, console: Console) -> Page:
    plan = begin(home, asked)
    settings = environment.load()
    world = World(plan.n_people, plan.seed, plan.first_day, plan.n_days)
    lake = Lake(settings.lake_url)
    with (
        _progress(console) as tell,
        installation(home, settings, world) as up,
        open_instance(settings) as instance,
        release_sources(settings, instance) as sources,
    ):
        materializing = Materializing(instance, up.store, lake)
        materializing.begin()
        page = Story(plan, home, up, lake, materializing, sources, Journal(home), tell).run()
    Lake(str(home)).write(PAGE, render(page).encode())
    return page


@contextmanager
def _progress(console: Console) -> Iterator[_Teller]:
    """A bar in a terminal, lines anywhere else."""
    if not console.is_terminal:
        began, told = time.monotonic(), ""

        def line(what: str, share: float) -> None:
            nonlocal told
            if what != told:
                console.print(f"{time.monotonic() - began:6.1f} s  {share:4.0%}  {what}", soft_wrap=True)
            told = what

        yield line
        return
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        task = progress.add_task("starting", total=1.0)
        yield lambda what, share: progress.update(task, description=what, completed=share)


def _summarize(console: Console, page: Page, where: Path) -> None:
    console.print(lead(page), soft_wrap=True)
    table = Table("proposal", "what became of it", box=None, pad_edge=False)
    for lane in page.lanes:
        table.add_row(lane.title, f"[bold]{lane.outcome}[/bold]")
    console.print(table)
    console.print(f"{page.n_events:,} events, each once in the store; {page.n_restarts} programs were started again.")
    console.print(f"The whole story: {where}", soft_wrap=True)
    console.print(f"Look further: TIP_HOME={where.parent} tip up", soft_wrap=True)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise KeyboardInterrupt
