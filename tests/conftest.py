"""Fixtures that tests of several packages share."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from support import openai_server
from support.openai_server import OpenAIServer


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """What a test exports (`DAGSTER_HOME`, say) ends with it."""
    with mock.patch.dict("os.environ"):
        yield


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OpenAIServer]:
    """An OpenAI-compatible server on loopback that takes 50 ms for an answer."""
    with openai_server.running(tmp_path / "asked.jsonl", latency_ms=50) as running:
        yield running
