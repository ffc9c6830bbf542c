"""`tip up`: everything that a team works with, started together and ended together, on loopback.

Each program writes to a log file of its own under `TIP_HOME/logs`; the terminal shows addresses and what to do next.
"""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
import psutil
from rich.console import Console
from rich.table import Table

from tip_assets.resources.instance import ensure_instance_directory
from tip_assets.resources.tracking_store import ensure_tracking_store
from tip_serving import settings as environment
from tip_serving.settings import Settings

STARTS_WITHIN_S = 120.0
ENDS_WITHIN_S = 15.0
LAST_LINES = 20
POLL_S = 0.3


@dataclass(frozen=True)
class Service:
    """One program of the installation."""

    name: str
    command: tuple[str, ...]
    url: str | None
    """Where a browser finds it; None for one without pages."""
    probe: str | None
    """What answers once it is ready."""
    port: int | None
    what: str


class UpError(Exception):
    """A program that cannot be started, or that ended by itself."""


def services(
    chosen: Settings, host: str, port: int, mlflow_port: int, serving_port: int, admin_port: int
) -> list[Service]:
    """What `tip up` starts, in this order."""
    workspace = Path("workspace.yaml")
    loaded = ("-w", str(workspace)) if workspace.exists() else ("-m", "tip_assets.definitions")
    binaries = Path(sys.executable).parent
    dagster, mlflow = f"http://{host}:{port}", f"http://{host}:{mlflow_port}"
    found = [
        Service(
            "dagster-webserver",
            (str(binaries / "dagster-webserver"), *loaded, "-h", host, "-p", str(port)),
            dagster,
            f"{dagster}/server_info",
            port,
            "assets, partitions, checks, runs",
        ),
        Service(
            "dagster-daemon", (str(binaries / "dagster-daemon"), "run", *loaded), None, None, None, "sensor and queue"
        ),
    ]
    if not chosen.tracking_uri.startswith("http"):
        serve = (sys.executable, "-m", "mlflow", "server", "--backend-store-uri", chosen.tracking_uri)
        artifacts = ("--default-artifact-root", str(chosen.artifact_root))
        address = ("--host", host, "--port", str(mlflow_port), "--workers", "1")
        what = "one run per experiment and cell"
        found.append(Service("mlflow", (*serve, *artifacts, *address), mlflow, f"{mlflow}/health", mlflow_port, what))
    if find_spec("uvicorn") is not None:  # the extra `serving` is installed
        command = (
            *(sys.executable, "-m", "tip_serving", "--host", host, "--port", str(serving_port)),
            "--without-tokens",  # nothing here asks for a password, as --host says
        )
        server = f"http://{host}:{serving_port}"
        what = "/score, /generate, /feedback; /openapi.json tells how"
        found.append(Service("server", command, server, f"{server}/readyz", serving_port, what))
    if find_spec("nicegui") is not None:  # the extra `admin` is installed
        run = (sys.executable, "-m", "tip_serving.admin", "--host", host, "--port", str(admin_port))
        panel = f"http://{host}:{admin_port}"
        what = "start benches, watch them, judge tips"
        found.append(Service("admin-panel", run, panel, f"{panel}/healthz", admin_port, what))
    return found


@contextmanager
def running(asked: Sequence[Service], logs: Path) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """The services, ready; ended by process id at the end, children too.

    Raises:
        UpError: a port is taken, or a service ended or did not answer in time; with its last log lines.
    """
    for service in asked:
        if service.port is not None:
            _refuse_taken_port(service)
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)  # that of the panel holds the set-up link
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for service in asked:
            with (logs / f"{service.name}.log").open("wb") as log:
                processes[service.name] = subprocess.Popen(
                    service.command,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the others in order
                    env=environment.child_environment(
                        MLFLOW_DISABLE_TELEMETRY="true",
                        DO_NOT_TRACK="true",
                        MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
                        PYTHONWARNINGS="ignore",
                    ),
                )
        _wait_until_ready(asked, processes, logs)
        yield processes
    finally:
        _end(processes)


def watch(processes: dict[str, "subprocess.Popen[bytes]"], logs: Path) -> NoReturn:
    """Wait for ever. Raises UpError when one of the services ends."""
    while True:
        _refuse_ended(processes, logs)
        time.sleep(POLL_S)


def _refuse_taken_port(service: Service) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", service.port or 0))
        except OSError:
            holder = port_holder(service.port or 0)
            held = f" by {holder}" if holder else ""
            raise UpError(
                f"{service.name} needs port {service.port}, which is taken{held}. See `tip up --help`."
            ) from None


def port_holder(port: int) -> str | None:
    """The process that listens on `port`, as far as this user may see it."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        is_listening = connection.status == psutil.CONN_LISTEN and connection.laddr
        if is_listening and tuple(connection.laddr)[1:2] == (port,) and connection.pid:
            return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None


def _wait_until_ready(asked: Sequence[Service], processes: dict[str, "subprocess.Popen[bytes]"], logs: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    waiting = [service for service in asked if service.probe is not None]
    while waiting:
        _refuse_ended(processes, logs)
        waiting = [service for service in waiting if not _answers(service.probe or "")]
        if time.monotonic() > end:
            names = ", ".join(service.name for service in waiting)
            raise UpError(f"{names} did not answer within {STARTS_WITHIN_S:.0f} s.\n" + _tail(logs, waiting[0].name))
        time.sleep(POLL_S)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own http addresses
            return bool(answer.status < 500)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _refuse_ended(processes: dict[str, "subprocess.Popen[bytes]"], logs: Path) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            raise UpError(f"{name} ended with exit code {process.returncode}. Its last lines:\n" + _tail(logs, name))


def _tail(logs: Path, name: str) -> str:
    lines = (logs / f"{name}.log").read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join(f"  {line}" for line in lines)


def _end(processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    family = []
    for process in processes.values():
        try:
            parent = psutil.Process(process.pid)
            family += [*parent.children(recursive=True), parent]
        except psutil.NoSuchProcess:
            continue
    for process in processes.values():
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    _, left = psutil.wait_procs(family, timeout=ENDS_WITHIN_S)
    for member in left:
        member.kill()
    for process in processes.values():
        process.wait()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; only the panel asks who one is.")
@click.option("--port", default=3000, show_default=True, help="Of the Dagster UI.")
@click.option(
    "--mlflow-port", default=5000, show_default=True, help="Of the MLflow UI; not used with a tracking server."
)
@click.option("--serving-port", default=8000, show_default=True, help="Of the server that ranks and writes tips.")
@click.option("--admin-port", default=3100, show_default=True, help="Of the admin API and panel.")
def up(host: str, port: int, mlflow_port: int, serving_port: int, admin_port: int) -> None:
    """Start the Dagster UI, its daemon, the MLflow UI, the server and the admin panel, until Ctrl-C."""
    chosen = environment.load()
    environment.export(TIP_MLFLOW_UI=f"http://{host}:{mlflow_port}", TIP_DAGSTER_UI=f"http://{host}:{port}")
    ensure_instance_directory(chosen)
    ensure_tracking_store(chosen)
    console = Console()
    logs = chosen.home / "logs"
    asked = services(chosen, host, port, mlflow_port, serving_port, admin_port)
    signal.signal(signal.SIGTERM, _interrupt)
    console.print("Starting " + ", ".join(service.name for service in asked) + " ...")
    try:
        with running(asked, logs) as processes:
            _print_page(console, asked, chosen, logs)
            watch(processes, logs)
    except UpError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        console.print("Everything has ended.")


def _print_page(console: Console, asked: Sequence[Service], chosen: Settings, logs: Path) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for service in asked:
        table.add_row(f"[bold]{service.name}[/bold]", service.url or "-", service.what)
    table.add_row("lake", chosen.lake_url, "what serving and benches share")
    table.add_row("logs", str(logs), "one file a program")
    console.print(table)
    link = chosen.admin_directory / "setup-link"  # lies there until somebody has made the first account
    if link.exists():
        console.print(f"Make the first account, once and within a day: {link.read_text().strip()}", soft_wrap=True)
    console.print(
        "A spec written into the lake is picked up within seconds; so is `tip bench run` in another terminal."
    )
    console.print("Ctrl-C ends everything.")


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise KeyboardInterrupt
