"""Fixtures that tests of several packages share."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import hypothesis
import pytest
from support import openai_server
from support.openai_server import OpenAIServer

# A gate must say the same twice about the same commit; at a desk every run looks elsewhere.
hypothesis.settings.register_profile("gate", derandomize=True, deadline=None)
hypothesis.settings.register_profile("desk", deadline=None)  # a busy machine is no fault of the code
hypothesis.settings.load_profile("gate" if os.environ.get("CI") else "desk")


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
