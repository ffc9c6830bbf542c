"""Runs a demo in this process, whose environment is that of the demo's home alone."""

import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from tip_assets.demo.installation import installation
from tip_assets.demo.journal import Journal
from tip_assets.demo.living import LivingError
from tip_assets.demo.plan import Plan, PlanError, begin
from tip_assets.demo.processes import ProgramError
from tip_assets.demo.story import Story
from tip_assets.demo.world import World
from tip_serving import settings as environment

INTERRUPTED = 130


def main() -> None:
    """Run the demo that the arguments describe: home, seed, days, people."""
    home, seed, days, people = sys.argv[1:]
    signal.signal(signal.SIGTERM, _interrupt)
    console, errors = Console(), Console(stderr=True)
    try:
        _run(Path(home), Plan(seed=int(seed), n_days=int(days), n_people=int(people)), console)
    except (PlanError, ProgramError, LivingError) as error:
        errors.print(f"[red]{error}[/red]", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Interrupted. The same command goes on from here.")
        sys.exit(INTERRUPTED)


def _run(home: Path, asked: Plan, console: Console) -> None:
    plan = begin(home, asked)
    world = World(plan.n_people, plan.seed, plan.first_day, plan.n_days)
    began = time.monotonic()
    with installation(home, environment.load(), world) as up:
        console.print(f"up {time.monotonic() - began:.1f}")
        lived = Story(
            plan, up, Journal(home), lambda what, share: console.print(what, f"{time.monotonic() - began:.1f}")
        ).run()
    for stretch in lived:
        n = len(stretch.decisions)
        if n:
            regret = sum(one.best - one.chance for one in stretch.decisions) / n
            console.print(
                stretch.begin,
                n,
                stretch.n_events,
                len(stretch.later),
                f"{regret:.3f}",
                sum(d.is_taken for d in stretch.decisions) / n,
            )


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise KeyboardInterrupt
