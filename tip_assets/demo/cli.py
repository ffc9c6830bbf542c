"""`tip demo`: the whole life of this software in minutes, with simulated people."""

import os
import shutil
import sys
from pathlib import Path

import click

from tip_serving import settings as environment


@click.command()
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Default: `demo` under TIP_HOME.")
@click.option("--seed", default=7, show_default=True, help="From which everything follows.")
@click.option("--days", default=14, show_default=True, type=click.IntRange(2, 60), help="Virtual days to live.")
@click.option("--people", default=240, show_default=True, type=click.IntRange(20, 5_000), help="Who lives them.")
@click.option("--fresh", is_flag=True, help="Throw away what an earlier demo left in this home.")
def demo(home: Path | None, seed: int, days: int, people: int, *, fresh: bool) -> None:
    """Live with simulated people: serve, learn from them, train, release what has earned it; ends with a page.

    Everything lies in a home of its own. Interrupted or killed at any moment, the same command goes on.
    """
    where = (home or environment.load().home / "demo").expanduser().absolute()
    if fresh:
        _throw_away(where)
    where.mkdir(parents=True, exist_ok=True)
    arguments = [str(where), str(seed), str(days), str(people)]
    # In this very process, so that whoever kills it by its id kills the demo; and with no setting of another home.
    os.execve(  # noqa: S606  our own module
        sys.executable, [sys.executable, "-m", "tip_assets.demo", *arguments], environment.environment_of(where)
    )


def _throw_away(home: Path) -> None:
    """Remove a demo; anything else stays."""
    if home.exists() and any(home.iterdir()) and not (home / "plan.json").exists():
        raise click.ClickException(f"{home} holds something that is no demo. Nothing was removed.")
    shutil.rmtree(home, ignore_errors=True)
