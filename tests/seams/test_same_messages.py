"""What the bench sends is what production sends: the same functions, byte for byte, also after storage."""

import json
from pathlib import Path

import pytest
from support.bench import EXPERIMENT, create, workshop
from support.openai_server import OpenAIServer
from support.terminal import loopback

from tip_serving.bench.identity import Cell, needs
from tip_serving.features.context import context_features
from tip_serving.prompts import registry
from tip_serving.prompts.rendering import render
from tip_serving.scenarios.generator import generate
from tip_serving.scenarios.model import Situation


@pytest.mark.parametrize("version", registry.versions())
def test_the_bench_asks_with_the_messages_that_rendering_gives(tmp_path: Path, version: str) -> None:
    place = workshop(tmp_path)
    asked = create(place, n_scenarios=12)
    prompt = registry.get(version)
    stored = place.scenarios(EXPERIMENT)
    for need, scenario in zip(needs(asked, Cell("openai/x", version), prompt, stored), generate(12, 0), strict=True):
        assert need.request.messages == render(prompt, scenario.situation)
        assert need.request.max_tokens == prompt.max_tokens


def test_a_situation_that_a_caller_ships_as_json_gives_the_features_of_the_bench() -> None:
    for scenario in generate(24, seed=6):
        shipped = Situation.model_validate(json.loads(scenario.situation.model_dump_json()))
        assert context_features(shipped) == context_features(scenario.situation)
        assert render(registry.get("v2"), shipped) == render(registry.get("v2"), scenario.situation)


def test_a_real_run_puts_just_these_messages_on_the_wire(tmp_path: Path, server: OpenAIServer) -> None:
    terminal = loopback(tmp_path / "home", server)
    command = (
        "bench",
        "run",
        "--experiment",
        EXPERIMENT,
        "--models",
        "openai/alpha",
        "--prompts",
        "v3",
        "--n-scenarios",
        "6",
    )
    assert terminal.run(*command).returncode == 0
    expected = [
        [message._asdict() for message in render(registry.get("v3"), scenario.situation)] for scenario in generate(6, 0)
    ]
    sent = [json.loads(line) for line in server.log.read_text().splitlines()]
    asked = [entry["messages"] for entry in sent if entry["event"] == "asked"]
    assert sorted(asked, key=str) == sorted(expected, key=str)
