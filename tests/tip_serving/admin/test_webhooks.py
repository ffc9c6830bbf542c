"""Signed requests of machines that judge: what is taken, and what is refused, written down and changes nothing."""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from httpx import Response
from support.admin import ANA, PASSWORD, Browser, Clock, client, files, filled, opened
from support.judging import NAMES

from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.webhooks import TOLERANCE_S, NewWebhook, signature
from tip_serving.admin.limits import MAX_BYTES
from tip_serving.admin.service.errors import ConflictError, FaultsError
from tip_serving.admin.service.users import Role
from tip_serving.bench.judging.scores import SCORES

SCORES_PATH, EXPORT_PATH = "/api/bench/scores/tip-bench-test", "/api/bench/export/tip-bench-test"


class Agent(NamedTuple):
    """A machine with a key."""

    admin: Admin
    clock: Clock
    key: NewWebhook
    browser: Browser

    def headers(self, method: str, target: str, body: bytes = b"", **wrong: str) -> dict[str, str]:
        timestamp = wrong.get("timestamp", str(self.clock.now))
        signed = signature(wrong.get("secret", self.key.secret), timestamp, method, target, body)
        return {"Tip-Key": self.key.row.key_id, "Tip-Timestamp": timestamp, "Tip-Signature": signed}

    def send(self, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
        return self.browser.post(SCORES_PATH, content=body, headers=headers or self.headers("POST", SCORES_PATH, body))

    def export(self) -> list[dict[str, Any]]:
        self.clock.now += 0.25  # the very same request would be a replay
        answer = self.browser.get(EXPORT_PATH, headers=self.headers("GET", EXPORT_PATH))
        assert answer.status_code == 200
        return [json.loads(line) for line in answer.text.splitlines()]

    def judged(self, n: int = 5) -> bytes:
        rows = [{name: row[name] for name in ("item", "judge", "rubric_version")} for row in self.export()[:n]]
        return "".join(json.dumps({**row, "scores": dict.fromkeys(NAMES, 4)}) + "\n" for row in rows).encode()

    def n_scores(self) -> int:
        return SCORES.latest(self.admin.bench.workshop.lake, "agent", "r1").height


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    clock = Clock()
    admin = opened(tmp_path, clock)
    filled(admin)
    yield Agent(admin, clock, admin.people.make_webhook(ANA, "agent"), client(admin))
    admin.close()


def test_a_machine_gets_its_batch_and_hands_in_its_scores_by_signature_alone(agent: Agent) -> None:
    assert len(agent.export()) == 24
    taken = agent.send(agent.judged())
    assert (taken.status_code, taken.json()["n_accepted"], taken.json()["is_repeat"]) == (200, 5, False)
    assert agent.n_scores() == 5
    assert len(agent.export()) == 19, "what is judged is not handed out again"


def test_the_same_scores_signed_anew_are_taken_and_change_nothing(agent: Agent) -> None:
    body = agent.judged()
    assert agent.send(body).status_code == 200
    before = files(agent.admin)
    agent.clock.now += 1
    again = agent.send(body)
    assert (again.status_code, again.json()["is_repeat"]) == (200, True)
    assert files(agent.admin) == before


def _refusals(agent: Agent, body: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    late, early = (str(int(agent.clock.now + shift * (TOLERANCE_S + 1))) for shift in (-1, 1))
    good = agent.headers("POST", SCORES_PATH, body)
    yield "another secret", agent.headers("POST", SCORES_PATH, body, secret="tipw_00")  # noqa: S106  a wrong one
    yield "an old timestamp", agent.headers("POST", SCORES_PATH, body, timestamp=late)
    yield "a timestamp to come", agent.headers("POST", SCORES_PATH, body, timestamp=early)
    yield "no number", agent.headers("POST", SCORES_PATH, body, timestamp="nan")
    yield "another time than was signed", {**good, "Tip-Timestamp": str(int(agent.clock.now) - 1)}
    yield "another body", agent.headers("POST", SCORES_PATH, body + b"\n")
    yield "another route", agent.headers("POST", "/api/bench/scores/tip-bench-other", body)
    yield "another query", agent.headers("POST", SCORES_PATH + "?partial=true", body)
    yield "another method", agent.headers("GET", SCORES_PATH, body)
    yield "no signature", {**good, "Tip-Signature": ""}
    yield "an unknown key", {**good, "Tip-Key": "0" * 12}


def test_a_signature_that_does_not_hold_is_refused_logged_and_changes_nothing(
    agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    body = agent.judged()
    before = files(agent.admin)
    for what, headers in _refusals(agent, body):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            refused = agent.send(body, headers)
        assert refused.status_code == 401, what
        assert refused.headers["content-type"] == "application/problem+json"
        assert any("was refused" in record.message for record in caplog.records), what
    assert files(agent.admin) == before
    told = agent.admin.audit.entries(ANA, "webhook-refused")
    assert told.n_total == 10, "all but that of the unknown key, which could be anybody's"
    assert agent.send(body).status_code == 200, "none of this spoiled the good one"


def test_a_replay_is_refused_also_when_much_has_come_since(agent: Agent) -> None:
    body = agent.judged()
    headers = agent.headers("POST", SCORES_PATH, body)
    assert agent.send(body, headers).status_code == 200
    before = files(agent.admin)
    assert agent.send(body, headers).status_code == 401
    agent.clock.now += TOLERANCE_S
    agent.send(b"{}\n")
    refused = agent.send(body, headers)
    assert (refused.status_code, "came before" in refused.json()["detail"]) == (401, True)
    assert files(agent.admin) == before


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{not json", "line 1"),
        (b"[1, 2]\n", "line 1"),
        (b"\xff\xfe\x00", "line 1"),
        (b"", "line 0"),
        (b"[" * 100_000, "line 1"),
        (b'{"item": "unknown", "judge": "agent", "rubric_version": "r1", "scores": {}}\n', "line 1"),
    ],
)
def test_broken_judgements_are_refused_by_line_and_nothing_is_kept(agent: Agent, body: bytes, told: str) -> None:
    agent.export()
    before = files(agent.admin)
    refused = agent.send(body)
    assert refused.status_code == 422
    assert refused.json()["faults"][0]["field"] == told
    assert files(agent.admin) == before


def test_one_faulty_line_refuses_all_unless_the_good_ones_are_to_be_kept(agent: Agent) -> None:
    body = agent.judged(3) + b'{"item": 1}\n{"item": "unknown"}\n'
    before = files(agent.admin)
    refused = agent.send(body)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["faults"]] == ["line 4", "line 5"]
    assert files(agent.admin) == before
    target = SCORES_PATH + "?partial=true"
    taken = agent.browser.post(target, content=body, headers=agent.headers("POST", target, body))
    assert (taken.status_code, taken.json()["n_accepted"], len(taken.json()["faults"])) == (200, 3, 2)
    assert agent.n_scores() == 3


def test_ten_megabytes_are_refused_and_logged_whether_announced_or_not(
    agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    body = agent.judged()
    body += b" " * (MAX_BYTES + 1 - len(body))
    headers = agent.headers("POST", SCORES_PATH, body)
    before = files(agent.admin)

    async def in_pieces() -> Any:
        for start in range(0, len(body), 1 << 20):
            yield body[start : start + (1 << 20)]

    for content in (body, in_pieces()):
        caplog.clear()
        refused = agent.browser.post(SCORES_PATH, content=content, headers=headers)
        assert refused.status_code == 413
        assert refused.headers["content-type"] == "application/problem+json"
        assert "was refused" in caplog.text
    assert files(agent.admin) == before
    smaller = body[:MAX_BYTES]
    assert agent.send(smaller, agent.headers("POST", SCORES_PATH, smaller)).status_code == 200


def test_a_machine_speaks_for_itself_alone_and_reaches_nothing_else(agent: Agent) -> None:
    body = agent.judged().replace(b'"agent"', b'"ben"')
    assert agent.send(body).status_code == 403
    target = EXPORT_PATH + "?judge=ben"
    assert agent.browser.get(target, headers=agent.headers("GET", target)).status_code == 403
    for path in ("/api/bench/experiments", "/api/judge/tip-bench-test", "/api/audit"):
        assert agent.browser.get(path, headers=agent.headers("GET", path)).status_code == 401


def test_a_machine_and_a_person_never_have_one_name(agent: Agent) -> None:
    people = agent.admin.people
    with pytest.raises(FaultsError) as refused:
        people.make_webhook(ANA, "ben")
    assert "name of a person" in refused.value.faults[0].message
    with pytest.raises(ConflictError, match="a machine that judges"):
        people.add(ANA, "agent", Role.JUDGE, PASSWORD)
    people.revoke_webhook(ANA, agent.key.row.key_id)
    assert people.add(ANA, "agent", Role.JUDGE, PASSWORD).name == "agent"


def test_a_revoked_key_signs_nothing(agent: Agent) -> None:
    body = agent.judged()
    agent.admin.people.revoke_webhook(ANA, agent.key.row.key_id)
    assert agent.send(body).status_code == 401
