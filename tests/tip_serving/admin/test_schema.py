"""Whatever comes, no route fails: requests made from the schema, good ones and bad ones, by several people."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.admin import ANA, BEN, VERA, opened, ranked, served

from tip_serving.admin.app import create_app, described
from tip_serving.admin.assembly import Admin
from tip_serving.admin.service.users import User

SKIPPED = {"/api/bench/events", "/api/bench/runs/{experiment}/mlflow"}
"""Streams for ever; says 503, since nothing answers as MLflow here."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Site(NamedTuple):
    admin: Admin
    address: str


@schemathesis.serializer("application/x-ndjson")
def _lines(_: object, value: object) -> bytes:
    """A body of the route of scores, which takes any bytes."""
    return value.encode(errors="replace") if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    admin = opened(tmp_path_factory.mktemp("home"))
    ranked(admin, n_scenarios=2)
    with served(admin) as address:
        yield Site(admin, address)


def _operations(site: Site) -> list[Any]:
    schema = schemathesis.openapi.from_dict(described(create_app(site.admin)))  # type: ignore[arg-type]
    found = [result.ok() for result in schema.get_all_operations()]
    return [operation for operation in found if operation.path not in SKIPPED]


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("user", [ANA, BEN, VERA], ids=lambda user: user.role)
def test_no_request_fails_the_server_or_gets_an_answer_that_the_schema_does_not_tell(
    site: Site, user: User, mode: GenerationMode
) -> None:
    token = site.admin.people.make_token(user, "schema", None).token
    headers = {"Authorization": f"Bearer {token}"}
    tried = 0

    for operation in _operations(site):
        cases = operation.as_strategy(generation_mode=mode)

        @settings(
            max_examples=10,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def attempt(case: Any) -> None:
            nonlocal tried
            if tried % 2 and "experiment" in (case.path_parameters or {}):
                case.path_parameters["experiment"] = "tip-bench-test"
                case.headers.pop("Tip-Key", None)  # else a signature that cannot hold would be all that is tried
            tried += 1
            answer = case.call(base_url=site.address, headers=headers)
            case.validate_response(answer, checks=CHECKS)

        with suppress(Unsatisfiable):  # nothing can be wrong with a request that takes nothing
            attempt()
    assert tried > (150 if mode is GenerationMode.POSITIVE else 50)
    assert site.admin.doorman.by_token(token) == user, "whatever was tried, the account is what it was"
