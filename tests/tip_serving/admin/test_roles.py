"""No route answers without its role: the schema is walked as everybody, so a new route is tried at once."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.routing import APIRoute
from support.admin import ANA, BEN, SPEC, VERA, Browser, client, opened, ranked, signed_in

from tip_serving.admin.app import ROOMS, create_app, described
from tip_serving.admin.assembly import Admin
from tip_serving.admin.service.rows import ExperimentRow
from tip_serving.admin.service.users import Role

ANYBODY = "anybody"
FORMS = {"/sign-in", "/sign-out", "/setup/{token}", "/openid/begin", "/openid/callback"}
"""Routes of the door that are no part of the schema; `test_door` tries them."""
BODIES: Mapping[tuple[str, str], Any] = {
    ("post", "/api/session"): {"name": "nobody", "password": "nothing"},
    ("post", "/api/bench/run"): {**SPEC, "experiment": "tip-bench-walked"},
    ("post", "/api/bench/estimate"): {**SPEC, "experiment": "tip-bench-planned"},
    ("post", "/api/judge/{experiment}"): {"item": "none"},
    ("post", "/api/judge/{experiment}/later"): {"item": "none"},
    ("post", "/api/users"): {"name": "new", "role": "viewer", "password": "a long enough password"},
    ("patch", "/api/users/{name}"): {"role": "judge"},
    ("post", "/api/session/password"): {"current": "a", "new": "b"},
    ("post", "/api/tokens"): {"label": "walked"},
    ("post", "/api/webhooks"): {"judge": "agent"},
    ("post", "/api/releases/{proposal}/approve"): {"reason": "walked"},
    ("post", "/api/releases/{proposal}/rollback"): {"reason": "walked"},
}
QUERIES = {"/api/prompts/diff": {"old": "v1", "new": "v2"}}
VALUES = {
    "experiment": "tip-bench-test",
    "name": "nobody",
    "token_id": "none",
    "key_id": "none",
    "scenario_id": "none",
    "proposal": "none",
    "version": "none",
}


class Operation(NamedTuple):
    method: str
    path: str
    roles: frozenset[str]


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    made = opened(tmp_path_factory.mktemp("home"))
    ranked(made)
    made.watch._ending.set()  # streams of changes end at once
    yield made
    made.close()


def _operations(admin: Admin) -> list[Operation]:
    schema: Any = described(create_app(admin))
    return [
        Operation(method, path, frozenset(operation["x-roles"]))
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    ]


def _status(browser: Browser, operation: Operation) -> int:
    url = operation.path.format(**VALUES)
    body = BODIES.get((operation.method, operation.path))
    query = QUERIES.get(operation.path)
    return browser.request(operation.method.upper(), url, json=body, params=query).status_code


def test_every_route_says_who_may_call_it(admin: Admin) -> None:
    routes = [route for room in ROOMS for route in room.ROUTES.routes if isinstance(route, APIRoute)]
    told = {found.path for found in _operations(admin)}
    assert told == {route.path for route in routes if route.include_in_schema} | {"/openapi.json"}
    assert {route.path for route in routes if not route.include_in_schema} == FORMS
    for route in routes:
        if route.include_in_schema:
            said = (route.openapi_extra or {}).get("x-roles")
            assert said, f"{route.path} says no role"
            assert set(said) <= {*Role, ANYBODY}


def test_only_health_and_the_door_are_open(admin: Admin) -> None:
    is_open = {(found.method, found.path) for found in _operations(admin) if ANYBODY in found.roles}
    assert is_open == {("get", "/healthz"), ("post", "/api/session")}


def test_nobody_gets_an_answer_without_being_known(admin: Admin) -> None:
    stranger = client(admin)
    for operation in _operations(admin):
        if ANYBODY not in operation.roles:
            assert _status(stranger, operation) == 401, operation


@pytest.mark.parametrize("user", [VERA, BEN, ANA], ids=lambda user: user.role)
def test_a_role_gets_what_is_its_own_and_403_for_the_rest(admin: Admin, user: Any) -> None:
    browser = signed_in(admin, user)
    for operation in _operations(admin):
        if operation.path == "/api/session" and operation.method in {"post", "delete"}:
            continue  # would sign in or out; see test_door
        status = _status(browser, operation)
        if operation.path == "/api/session/password":
            assert status == 403, "everybody may try, and the current password is wrong"
        elif user.role in operation.roles or ANYBODY in operation.roles:
            assert status not in {401, 403, 500}, operation
        else:
            assert status == 403, operation


def test_a_write_from_a_browser_must_show_the_token_of_its_session(admin: Admin) -> None:
    browser = signed_in(admin, ANA)
    for shown in ("", "0" * 64):
        browser.headers["X-CSRF-Token"] = shown
        for operation in _operations(admin):
            if operation.method != "get" and ANYBODY not in operation.roles:
                assert _status(browser, operation) == 403, operation


def test_the_token_of_another_session_does_not_count(admin: Admin) -> None:
    browser, other = signed_in(admin, ANA), signed_in(admin, ANA)
    browser.headers["X-CSRF-Token"] = other.headers["X-CSRF-Token"]
    assert browser.post("/api/webhooks", json={"judge": "agent"}).status_code == 403


def test_answers_are_refused_as_problems(admin: Admin) -> None:
    for answer in (
        client(admin).get("/api/bench/experiments"),
        signed_in(admin, BEN).get("/api/bench/experiments"),
        signed_in(admin, ANA).get("/api/bench/experiments/tip-bench-none"),
        signed_in(admin, ANA).get("/api/bench/experiments?limit=many"),
        signed_in(admin, ANA).get("/nowhere"),
        signed_in(admin, ANA).request("PUT", "/api/bench/experiments"),
    ):
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) == {"title", "status", "detail", "faults"}
        assert answer.json()["status"] == answer.status_code


def test_a_judge_never_sees_model_prompt_or_candidate_in_any_answer(admin: Admin) -> None:
    candidates = admin.bench.workshop.candidates("tip-bench-test")
    secret = {*candidates["candidate_id"], "embedded", '"v1"', '"v2"', "prompt_hash", '"model"', '"prompt"'}
    browser = signed_in(admin, BEN)
    answers = [
        browser.request(operation.method, operation.path.format(**VALUES), params=QUERIES.get(operation.path)).text
        for operation in _operations(admin)
        if operation.method == "get" and operation.path != "/openapi.json" and "judge" in operation.roles
    ]
    for kind in ("tip", "pair"):
        answers.append(browser.get("/api/bench/export/tip-bench-test", params={"kind": kind}).text)
        turn = browser.get("/api/judge/tip-bench-test", params={"kind": kind}).json()
        answers.append(json.dumps(turn))
        said = {"preferred": "first"} if kind == "pair" else {"scores": {one["name"]: 3 for one in turn["criteria"]}}
        taken = browser.post("/api/judge/tip-bench-test", json={"item": turn["item"]["item"], "kind": kind, **said})
        assert taken.status_code == 200
        answers += [taken.text, browser.post("/api/judge/tip-bench-test/undo", json={"kind": kind}).text]
        bad = browser.post("/api/judge/tip-bench-test", json={"item": turn["item"]["item"], "kind": kind})
        assert bad.status_code == 422
        answers.append(bad.text)
    assert sum(map(len, answers)) > 10_000
    for answer in answers:
        assert not [word for word in secret if word in answer]


def test_the_schema_shows_examples_and_every_answer_of_a_list(admin: Admin) -> None:
    schema: Any = signed_in(admin, VERA).get("/openapi.json").json()
    run = schema["paths"]["/api/bench/run"]["post"]["requestBody"]["content"]["application/json"]
    assert {"offline", "priced"} <= set(run["examples"])
    row = schema["components"]["schemas"]["ExperimentRow"]["properties"]
    assert set(row) == set(ExperimentRow.model_fields)


def test_the_home_of_the_process_is_closed_to_others(tmp_path: Path) -> None:
    admin = opened(tmp_path)
    for name in ("secret", "admin.db"):
        assert (admin.settings.admin_directory / name).stat().st_mode & 0o077 == 0, name
    admin.close()
