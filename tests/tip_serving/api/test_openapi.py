"""The OpenAPI file says what the server does, and whatever follows from it makes no 500."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.released import ask
from support.serving import Serving, serving
from support.terminal import ROOT, Terminal

FILE = ROOT / "docs" / "openapi.json"
SCHEMA = schemathesis.openapi.from_path(FILE)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("openapi"), routes="all", TIP_BODY_TIMEOUT_S="3") as running:
        yield running
        assert [line for line in running.log if line["level"] == "error"] == []


def test_the_file_is_what_the_server_tells_and_what_the_command_prints(server: Serving, tmp_path: Path) -> None:
    kept = FILE.read_text(encoding="utf-8")
    assert json.loads(kept) == server.get("/openapi.json").json, "python -m tip_serving openapi > docs/openapi.json"
    assert Terminal(tmp_path).run("openapi").stdout == kept


def test_every_reference_of_the_file_leads_somewhere() -> None:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    referenced = {reference.rpartition("/")[2] for reference in _references(document)}
    assert referenced == set(document["components"]["schemas"])


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_a_server_that_only_scores_has_no_route_that_writes(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert running.post("/generate", ask()).status == 404
        assert "/generate" not in running.get("/openapi.json").json["paths"]


@SCHEMA.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_what_follows_from_the_file_is_answered_as_the_file_says(server: Serving, case: schemathesis.Case) -> None:
    case.call_and_validate(base_url=server.url, checks=CHECKS, timeout=30)


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
def test_much_that_follows_from_the_file_is_answered_as_the_file_says(server: Serving, case: schemathesis.Case) -> None:
    case.call_and_validate(base_url=server.url, checks=CHECKS, timeout=30)
