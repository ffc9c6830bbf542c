"""`tip serve`, `tip token` and `tip openapi`: the server, one process per worker, and what its callers need."""

import ipaddress
import json
import logging
import os
import shutil
import signal
import socket
import sys
import uuid
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from tip_serving import settings as environment
from tip_serving.settings import Settings

_SHARED_FIGURES = "PROMETHEUS_MULTIPROC_DIR"
_GRACE_S = 25  # for requests under way; orchestrators kill after 30 s
_HANGS_AFTER_S = 30  # a worker that does not speak to its parent; one that starts on a busy machine takes its time
_KEEP_ALIVE_S = 75  # longer than a load balancer keeps a connection idle, so that it is never the one surprised


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes; one per core.")
@click.option(
    "--routes", default="all", show_default=True, type=click.Choice(["score", "generate", "all"]), help="What to serve."
)
@click.option("--without-tokens", is_flag=True, help="Listen beyond loopback although everybody may call.")
def serve(host: str, port: int, workers: int, routes: str, *, without_tokens: bool) -> None:
    """Serve /score, /generate and /feedback over HTTP until SIGTERM or Ctrl-C.

    Callers are services with tokens (TIP_SERVICE_TOKENS); without any, only this machine may call.
    """
    chosen = environment.load()
    _refuse_strangers(chosen, host, is_meant=without_tokens)
    listening = _listening(host, port)
    shared = chosen.home / "metrics" / uuid.uuid4().hex if workers > 1 else None
    try:
        _run(chosen, listening, workers, routes, shared)
    finally:
        listening.close()
        if shared is not None:
            shutil.rmtree(shared, ignore_errors=True)


@click.command()
@click.argument("caller")
def token(caller: str) -> None:
    """Make a token for the service CALLER, and the entry by which TIP_SERVICE_TOKENS knows it."""
    from tip_serving.api.auth import new_token

    try:
        made = new_token(caller)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"token for {caller}, shown once:  {made.token}")
    click.echo(f"entry in TIP_SERVICE_TOKENS:  {made.entry}")


@click.command()
def openapi() -> None:
    """Print the OpenAPI file of the server."""
    from tip_serving.api.metrics import Meter
    from tip_serving.api.routes import Routes
    from tip_serving.api.serving import assemble

    app, _ = assemble(Settings(), Routes.ALL, Meter())
    click.echo(json.dumps(app.openapi(), indent=2, ensure_ascii=False))


def _refuse_strangers(chosen: Settings, host: str, *, is_meant: bool) -> None:
    from tip_serving.api.auth import TokenSettingError, parse_tokens

    try:
        has_tokens = bool(parse_tokens(chosen.tip_service_tokens))
    except TokenSettingError as error:
        raise click.ClickException(str(error)) from None
    if has_tokens or is_meant or _is_loopback(host):
        return
    raise click.ClickException(
        f"Anybody who reaches {host} could call: no service token is set. Set TIP_SERVICE_TOKENS (`tip token NAME` "
        "makes an entry), or say --without-tokens."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        raise click.ClickException(f"Cannot listen at {host}, port {port}: {error.strerror}.") from None
    listening.set_inheritable(True)
    return listening


def _run(chosen: Settings, listening: socket.socket, workers: int, routes: str, shared: Path | None) -> None:
    if shared is not None:
        shared.mkdir(parents=True)
        environment.export(**{_SHARED_FIGURES: str(shared)})  # read when prometheus-client is imported, here and below
    from uvicorn import Config, Server
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    from tip_serving.api import logs
    from tip_serving.api.connections import Connection
    from tip_serving.api.routes import Routes
    from tip_serving.api.serving import Worker

    worker = Worker(chosen, Routes(routes), shared, None if shared is None else os.getpid())
    config = Config(
        worker,
        factory=True,
        workers=workers,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody here asks who sits behind a proxy
        backlog=2048,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_worker_healthcheck=_HANGS_AFTER_S,
    )
    host, port = listening.getsockname()[:2]
    writer = logs.configure(chosen.tip_log_level)
    logging.getLogger(__name__).info("Listening at http://%s:%d, routes %s, %d workers.", host, port, routes, workers)
    writer.flush()
    signal.signal(signal.SIGTERM, _end)  # what is left to do once the server has ended because of it
    supervisor = Multiprocess(config, [listening]) if workers > 1 else None
    if supervisor is None:
        Server(config).run([listening])
    else:
        supervisor.run()
    writer.close()
    if supervisor is not None and any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)  # as one worker alone does


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise SystemExit(0)
