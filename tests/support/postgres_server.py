"""A real PostgreSQL server on a free loopback port, run by an account that is not root (it refuses to be)."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from support.nats_server import free_port
from support.terminal import wait_until


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    program = shutil.which(name) or (str(found[-1]) if found else None)
    if program is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return program


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def running() -> Iterator[str]:
    """The address of an empty database; skips the test where PostgreSQL is not installed."""
    initdb, postgres = _program("initdb"), _program("postgres")
    account = pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else None
    with TemporaryDirectory(prefix="tip-postgres-") as folder:
        if account:
            shutil.chown(folder, account)
        made = [initdb, "-D", f"{folder}/data", "-U", "tip", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, user=account, cwd=folder, capture_output=True, check=True)
        port = free_port()
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
        process = subprocess.Popen(
            [postgres, "-D", f"{folder}/data", "-p", str(port), *options],
            user=account, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            url = f"postgresql://tip@127.0.0.1:{port}/postgres"
            wait_until(lambda: _answers(url), timeout=30)
            yield url
        finally:
            process.send_signal(signal.SIGINT)  # ends its sessions and itself, without leaving shared memory
            process.wait(30)
