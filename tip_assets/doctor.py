"""`tip doctor`: what is missing or broken in this installation, and how to mend it.

Each check looks at one thing and returns findings; one that breaks is itself a finding and hides no other.
"""

import asyncio
import importlib.metadata
import re
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tip_assets.up import port_holder
from tip_serving import settings as environment
from tip_serving.bench import leases
from tip_serving.bench.identity import Cell
from tip_serving.generation.catalog import Catalog, known_key_variables
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.scoring.online_store import Profiles, ProfileSource, open_store
from tip_serving.settings import Settings

LOW_DISK_GB = 2.0
ANSWER_S = 2.0
PORTS = {3000: "the Dagster UI", 3100: "the admin panel", 5000: "the MLflow UI", 8000: "the server"}
OLLAMA = "http://127.0.0.1:11434"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?:\s*;\s*(.*?))?\s*\\?$")


class Level(StrEnum):
    """How much a finding matters."""

    FINE = "fine"
    NOTE = "note"
    BROKEN = "broken"


class Finding(NamedTuple):
    """What was found, and what to do about it."""

    level: Level
    what: str
    mend: str = ""


def check_python(_: Settings) -> Iterator[Finding]:
    """The interpreter is the one that the lock was made for."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] == (3, 11):
        yield Finding(Level.FINE, f"Python {found}")
    else:
        yield Finding(Level.BROKEN, f"Python {found}, expected 3.11", "make clean, then make bench with python3.11")


def check_versions(_: Settings) -> Iterator[Finding]:
    """What is installed is what the lock pins."""
    lock = Path("requirements.lock")
    if not lock.exists():
        yield Finding(Level.NOTE, "no requirements.lock in this folder to compare versions with")
        return
    pins = [match for line in lock.read_text(encoding="utf-8").splitlines() if (match := _PIN.match(line))]
    astray = []
    for name, version, marker in (match.groups() for match in pins):
        if marker and not _holds(marker):
            continue
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            astray.append(f"{name} is missing")
            continue
        if installed != version:
            astray.append(f"{name} is {installed}, pinned {version}")
    if astray:
        yield Finding(
            Level.BROKEN, f"{len(astray)} packages astray: {', '.join(astray[:5])}", "make clean, then make bench"
        )
    else:
        yield Finding(Level.FINE, f"{len(pins)} pinned packages as locked")


def _holds(marker: str) -> bool:
    from packaging.markers import Marker

    return Marker(marker.rstrip(" \\")).evaluate()


def check_disk(chosen: Settings) -> Iterator[Finding]:
    """There is room where TIP_HOME lies."""
    place = chosen.home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 1e9
    level = Level.FINE if free >= LOW_DISK_GB else Level.BROKEN
    yield Finding(
        level, f"{free:.1f} GB free for {chosen.home}", "" if level is Level.FINE else "make room, or set TIP_HOME"
    )


def check_lake(chosen: Settings) -> Iterator[Finding]:
    """The lake can be written, also conditionally, as leases need it."""
    lake = Lake(chosen.lake_url)
    path = layout.probe()
    lake.delete(path)
    lake.swap(path, b"probe", None)
    lake.delete(path)
    yield Finding(Level.FINE, f"the lake at {lake.url} takes writes")


def check_catalog(chosen: Settings) -> Iterator[Finding]:
    """The team's model catalog can be read."""
    Catalog.load(chosen)
    yield Finding(Level.FINE, "the model catalog can be read")


def check_keys(_: Settings) -> Iterator[Finding]:
    """Which providers have a key; values are never shown."""
    there = [name for name in known_key_variables() if environment.is_set(name)]
    if there:
        yield Finding(Level.FINE, "keys set: " + ", ".join(there))
    else:
        yield Finding(
            Level.NOTE, "no provider key is set", "embedded and local models need none; else export OPENAI_API_KEY"
        )


def check_ollama(_: Settings) -> Iterator[Finding]:
    """Whether local models can be asked."""
    base = environment.value("OLLAMA_API_BASE") or OLLAMA
    try:
        with urllib.request.urlopen(f"{base}/api/version", timeout=1):  # noqa: S310  the user's own server
            yield Finding(Level.FINE, f"Ollama answers at {base}")
    except (urllib.error.URLError, OSError, ValueError):
        yield Finding(Level.NOTE, f"no Ollama at {base}", "start `ollama serve` to bench ollama/... models")


def check_ports(_: Settings) -> Iterator[Finding]:
    """The ports of `tip up` are free, or held by a program that is named."""
    for port, what in PORTS.items():
        holder = port_holder(port)
        if holder:
            yield Finding(
                Level.NOTE, f"port {port} ({what}) is held by {holder}", "fine if `tip up` runs; else see its --help"
            )
        else:
            yield Finding(Level.FINE, f"port {port} is free for {what}")


def check_leases(chosen: Settings) -> Iterator[Finding]:
    """No lease is left by a worker that is gone."""
    lake = Lake(chosen.lake_url)
    stale = []
    for entry in lake.find(layout.CANDIDATES):
        if entry.path.endswith("/lease.json"):
            _, _, model, prompt, _ = entry.path.split("/")
            cell = Cell(layout.decode(model), layout.decode(prompt))
            holding = leases.read(lake, cell)
            if holding is not None and not leases.seems_live(holding, chosen.tip_lease_ttl_s, datetime.now(UTC)):
                stale.append(cell.key)
    if stale:
        yield Finding(
            Level.NOTE, f"{len(stale)} leases of dead workers: {', '.join(stale[:3])}", "the next run takes them over"
        )
    else:
        yield Finding(Level.FINE, "no stale lease")


def check_spool(chosen: Settings) -> Iterator[Finding]:
    """No candidate waits in the local spool for an object store."""
    waiting = [path for path in (chosen.home / "spool").rglob("*.jsonl") if path.stat().st_size]
    if waiting:
        yield Finding(
            Level.NOTE, f"{len(waiting)} spool files wait to be shipped", "the next run of their cells ships them"
        )
    else:
        yield Finding(Level.FINE, "the spool is empty")


def check_mlflow(chosen: Settings) -> Iterator[Finding]:
    """The tracking store answers."""
    database = chosen.home / "mlflow.db"
    if not chosen.tracking_uri.startswith("http") and not database.exists():
        yield Finding(Level.FINE, "MLflow: no database yet; the first run makes one")
        return
    from mlflow import MlflowClient

    n_found = len(MlflowClient(chosen.tracking_uri).search_experiments(max_results=1000))
    yield Finding(Level.FINE, f"MLflow at {chosen.tracking_uri}: {n_found} experiments")


def check_online_store(chosen: Settings) -> Iterator[Finding]:
    """The online feature store answers, as a server asks it; a server goes on without it, on fallbacks."""
    if chosen.tip_online_store is None:
        yield Finding(Level.FINE, "no online feature store is configured: callers ship profile features")
        return
    answer = asyncio.run(_asked(chosen.tip_online_store))
    if answer in {ProfileSource.STORE, ProfileSource.UNKNOWN_USER}:
        yield Finding(Level.FINE, "the online feature store answers")
    else:
        yield Finding(
            Level.BROKEN, f"the online feature store: {answer}",
            "start it, or materialize `online_features`; until then profiles fall back",
        )  # fmt: skip


async def _asked(url: str) -> ProfileSource:
    profiles = Profiles(open_store(url), ANSWER_S)
    try:
        return (await profiles.of("", None)).source
    finally:
        await profiles.aclose()


def check_dagster(chosen: Settings) -> Iterator[Finding]:
    """The instance can be opened and no run of a dead process stands open."""
    if not (chosen.dagster_directory / "dagster.yaml").exists():
        yield Finding(Level.FINE, "Dagster: no instance yet; the first run makes one")
        return
    from tip_assets.resources.dead_runs import dead_runs
    from tip_assets.resources.instance import open_instance

    with open_instance(chosen) as instance:
        dead = dead_runs(instance)
        yield Finding(Level.FINE, f"Dagster at {chosen.dagster_directory}: {instance.get_runs_count()} runs")
        if dead:
            yield Finding(
                Level.NOTE, f"{len(dead)} runs stand open whose process died", "the next `tip bench run` ends them"
            )
        beats = instance.get_daemon_heartbeats()
        latest = max((beat.timestamp for beat in beats.values()), default=0.0)
        is_live = datetime.now(UTC).timestamp() - latest < 60  # noqa: PLR2004
        yield (
            Finding(Level.FINE, "the daemon runs")
            if is_live
            else Finding(Level.NOTE, "the daemon does not run: specs wait until it does", "make up")
        )


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    check_python,
    check_versions,
    check_disk,
    check_lake,
    check_catalog,
    check_keys,
    check_ollama,
    check_ports,
    check_leases,
    check_spool,
    check_mlflow,
    check_online_store,
    check_dagster,
)


def examine(chosen: Settings) -> list[Finding]:
    """The findings of all checks; a check that raises is a finding of its own."""
    found = []
    for check in CHECKS:
        try:
            found += list(check(chosen))
        except Exception as error:  # noqa: BLE001  whatever is broken is what this command is there to tell
            name = check.__name__.removeprefix("check_")
            found.append(Finding(Level.BROKEN, f"{name}: {type(error).__name__}: {error}", "see the message"))
    return found


@click.command()
def doctor() -> None:
    """Tell what is missing or broken here, and how to mend it."""
    found = examine(environment.load())
    colours = {Level.FINE: "green", Level.NOTE: "yellow", Level.BROKEN: "red"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in found:
        table.add_row(f"[{colours[finding.level]}]{finding.level.value}", escape(finding.what), escape(finding.mend))
    Console().print(table)
    sys.exit(1 if any(finding.level is Level.BROKEN for finding in found) else 0)
