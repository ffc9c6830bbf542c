"""Whatever a request meets is answered, counted and told, without quoting what it held."""

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tip_serving.api.accounting import Accounting
from tip_serving.api.auth import CALLER
from tip_serving.api.metrics import Meter

QUOTED = "call Ottilie"


async def _answers(scope: Scope, receive: Receive, send: Send) -> None:
    scope[CALLER] = "recommender"
    await send({"type": "http.response.start", "status": 201, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"x"})


async def _fails(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError(QUOTED)


async def _fails_halfway(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError(QUOTED)


async def _sees_the_caller_leave(scope: Scope, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "http.disconnect"


def _account(app: ASGIApp, path: str = "/score") -> tuple[list[Message], dict[str, Any], str]:
    """What was sent, logged and counted."""
    sent: list[Message] = []
    entries: list[dict[str, Any]] = []
    meter = Meter()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    accounting = Accounting(app, frozenset({"/score"}), meter, entries.append, None)
    scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    asyncio.run(accounting(scope, receive, send))
    [entry] = entries
    return sent, entry, meter.render().decode()


def test_an_answer_carries_the_id_under_which_it_is_logged_and_counted() -> None:
    sent, entry, figures = _account(_answers)
    assert dict(sent[0]["headers"]) == {b"a": b"b", b"x-request-id": entry["request_id"].encode()}
    assert (entry["route"], entry["status"], entry["caller"]) == ("/score", 201, "recommender")
    assert 'tip_request_seconds_count{route="/score",status="201"} 1.0' in figures


def test_a_defect_is_a_500_that_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        sent, entry, figures = _account(_fails)
    problem = json.loads(sent[1]["body"])
    assert (problem["status"], entry["status"]) == (500, 500)
    assert dict(sent[0]["headers"])[b"x-request-id"].decode() == entry["request_id"]
    assert "POST /score failed: ValueError." in [record.getMessage() for record in caplog.records]
    assert QUOTED not in json.dumps(problem) + "".join(record.getMessage() for record in caplog.records)
    assert 'status="500"} 1.0' in figures


def test_a_defect_after_the_answer_began_sends_no_second_one() -> None:
    sent, entry, _ = _account(_fails_halfway)
    assert len(sent) == 1
    assert entry["status"] == 200


def test_a_caller_who_left_is_counted_as_such() -> None:
    sent, entry, _ = _account(_sees_the_caller_leave)
    assert sent == []
    assert entry["status"] == 499


def test_a_path_that_nobody_declared_is_not_named() -> None:
    _, entry, figures = _account(_answers, f"/{QUOTED}")
    assert entry["route"] == "other"
    assert QUOTED not in figures + json.dumps(entry, default=str)
