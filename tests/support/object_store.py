"""A real S3 server on a free loopback port, with one empty bucket."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from support.nats_server import free_port
from support.terminal import wait_until

BUCKET = "tips"


@dataclass(frozen=True)
class ObjectStore:
    """The running server."""

    environment: dict[str, str]
    """What a process needs to find it."""

    @property
    def url(self) -> str:
        """A lake in it."""
        return f"s3://{BUCKET}/lake"


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """The server, found by this process too for as long as `monkeypatch` lasts."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            endpoint = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(endpoint))
            environment = {
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ACCESS_KEY_ID": "loopback",
                "AWS_SECRET_ACCESS_KEY": "loopback",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            import boto3

            boto3.client("s3").create_bucket(Bucket=BUCKET)
            yield ObjectStore(environment)
        finally:
            process.kill()


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint, timeout=1):  # noqa: S310  a loopback address
            return True
    except OSError:
        return False
