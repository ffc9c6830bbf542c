"""`tip demo`: the whole life of this software in minutes, with simulated people."""

import os
import shutil
import sys
from pathlib import Path

import click

from tip_assets.demo.plan import TEMPERATURE, USUAL_DAYS
from tip_serving import settings as environment


@click.command()
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Default: `demo` under TIP_HOME.")
@click.option("--seed", default=7, show_default=True, help="From which everything follows.")
@click.option("--days", default=USUAL_DAYS, show_default=True, type=click.IntRange(2, 60), help="Virtual days to live.")
@click.option("--people", default=400, show_default=True, type=click.IntRange(20, 5_000), help="Who lives them.")
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
    command = [sys.executable, "-m", "tip_assets.demo", *arguments]
    os.execve(sys.executable, command, _environment(where))  # noqa: S606  our own module


def _environment(home: Path) -> dict[str, str]:
    """Of the driver and of all programs that it starts.

    Events take the clock of their requests, and whatever could make an answer depend on how busy the machine is has
    room enough: the same requests are to make the same events.
    """
    return {
        **environment.environment_of(home),
        "TIP_EVENT_CLOCK": "request",
        "TIP_ONLINE_STORE": f"sqlite:///{home / 'online.db'}",
        "TIP_ONLINE_STORE_BUDGET_S": "20",
        "TIP_GENERATE_BUDGET_S": "100",
        "TIP_GENERATE_TEMPERATURE": str(TEMPERATURE),
        "TIP_MANIFEST_POLL_S": "0.2",
        "TIP_SHADOW_QUEUE": "100000",
        "TIP_EVENT_QUEUE": "1000000",
        "TIP_RETENTION_DAYS": "3650",  # the virtual days may lie in the past
        "TIP_WAL_ROTATE_S": "0.3",
        "TIP_LOG_LEVEL": "warning",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",  # two would add up in another order
    }


def _throw_away(home: Path) -> None:
    """Remove a demo; anything else stays."""
    if home.exists() and any(home.iterdir()) and not (home / "plan.json").exists():
        raise click.ClickException(f"{home} holds something that is no demo. Nothing was removed.")
    shutil.rmtree(home, ignore_errors=True)
