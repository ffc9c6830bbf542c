"""POST /score, asked through ASGI with everything behind it: releases, profiles, the shadow and the decision log."""

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import pytest
from support.in_process import Running, exposures, served
from support.released import NOON, Shelf, ask, model_file, softmax

from tip_serving.events import kinds
from tip_serving.events import vectors as packing
from tip_serving.events.exposure import Authorship
from tip_serving.features import contract, vector
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.scoring import ranking
from tip_serving.scoring.arms import DEFAULT_POLICY
from tip_serving.scoring.online_store import Profile, write_profiles
from tip_serving.scoring.released import Releases
from tip_serving.scoring.reward_model import RewardModel

T = TypeVar("T")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(Lake(str(tmp_path / "lake")))


def run(home: Path, use: Callable[[Running], Awaitable[T]], **settings: Any) -> T:
    async def main() -> T:
        async with served(home, **settings) as running:
            return await use(running)

    return asyncio.run(main())


def asked(home: Path, *bodies: bytes, **settings: Any) -> list[httpx.Response]:
    async def use(running: Running) -> list[httpx.Response]:
        return [await running.client.post("/score", content=body) for body in bodies]

    return run(home, use, **settings)


def answered(home: Path, body: bytes, **settings: Any) -> dict[str, Any]:
    (response,) = asked(home, body, **settings)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_with_nothing_released_the_default_policy_ranks_and_the_answer_says_so(tmp_path: Path) -> None:
    found = answered(tmp_path, ask("Rest.", "Call the dentist now, ten minutes."))
    assert (found["is_default"], found["manifest_version"], found["arm"]) == (True, None, "default")
    assert (found["model_version"], found["policy_version"]) == ("default-rule/1", DEFAULT_POLICY.version)
    assert found["contract_hash"] == contract.contract_hash()
    scores = [candidate["score"] for candidate in found["candidates"]]
    drawn = ranking.order(
        DEFAULT_POLICY, tuple(tip["id"] for tip in found["candidates"]), scores, None, found["decision_id"]
    )
    assert [tip["propensity"] for tip in found["candidates"]] == list(drawn.propensities)
    assert found["order"] == [found["candidates"][place]["id"] for place in drawn.positions]
    assert [tip["rank"] for tip in found["candidates"]] == [drawn.positions.index(place) + 1 for place in (0, 1)]


def test_a_released_model_scores_what_lightgbm_scores_on_the_same_vectors(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish("r1", shelf.arm("a", 1))
    found = answered(tmp_path, ask(decision_id="d-1"))
    (event,) = exposures(tmp_path)
    assert event.vectors is not None
    rows = packing.unpack(event.vectors)
    model = RewardModel(model_file(1), vector.names(), contract.contract_hash())
    assert [tip["score"] for tip in found["candidates"]] == model.predict(rows).tolist() == list(event.scores)
    assert (found["is_default"], found["manifest_version"], found["model_version"]) == (False, "r1", "reward-1")


def test_the_logged_event_is_the_answer(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish("r1", shelf.arm("a", 1))
    found = answered(
        tmp_path, ask("Rest.", {"id": "known", "text": "Walk."}, {"id": "x"}, profile_features={"tips_7d": None})
    )
    (event,) = exposures(tmp_path)
    assert (event.decision_id, event.user, event.kind) == (found["decision_id"], "u-1", "score")
    assert [event.tip_ids[place] for place in event.order] == found["order"]
    assert list(event.propensities) == [tip["propensity"] for tip in found["candidates"]]
    assert (event.arm, event.manifest_version, event.policy_version, event.model_version, event.contract_hash) == tuple(
        found[name] for name in ("arm", "manifest_version", "policy_version", "model_version", "contract_hash")
    )
    assert event.vectors is not None
    assert event.vector_hash == packing.digest(event.vectors)
    assert event.fell_back == found["fell_back"]
    assert event.fell_back["tips_7d"] == "null"
    assert event.fell_back["streak_days"] == "missing"
    assert found["without_text"] == ["x"]
    assert event.retain_until is not None
    assert event.retain_until - event.at == dt.timedelta(days=180)


def test_neither_a_task_nor_a_tip_is_in_what_is_logged(tmp_path: Path) -> None:
    tasks = [{"id": "1", "content": "Zanzibar ledger", "description": "Quixotic"}]
    answered(tmp_path, ask("Wombat tip about Zanzibar.", tasks=tasks))
    logged = b"".join(path.read_bytes() for path in (tmp_path / "wal").rglob("*") if path.is_file())
    assert logged
    for word in (b"Zanzibar", b"Quixotic", b"Wombat"):
        assert word not in logged


def test_the_same_decision_id_draws_the_same_order(tmp_path: Path) -> None:
    bodies = [ask(*(f"Tip {n}." for n in range(20)), decision_id=f"d{place}") for place in [1, 1, *range(2, 12)]]
    first, again, *others = (response.json() for response in asked(tmp_path, *bodies))
    assert first == again
    assert any(other["order"] != first["order"] for other in others)


def test_a_profile_that_was_not_shipped_is_asked_of_the_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'profiles.db'}"
    write_profiles(url, [Profile("u-1", NOON, {"completion_rate": 0.9, "tips_7d": 4})])
    store = {"tip_online_store": url, "tip_online_store_budget_s": 5.0}
    known, shipped, stranger = (
        response.json() for response in asked(tmp_path, ask(), ask(profile_features={}), ask(user="nobody"), **store)
    )
    assert known["profile_source"] == "store"
    assert "completion_rate" not in known["fell_back"]
    assert shipped["profile_source"] == "request"
    assert shipped["fell_back"]["completion_rate"] == "missing"
    assert stranger["profile_source"] == "store does not know the user"
    by_user = {event.decision_id: event for event in exposures(tmp_path)}
    rows = by_user[known["decision_id"]].vectors
    assert rows is not None
    assert packing.unpack(rows)[0, vector.names().index("profile_completion_rate")] == 0.9


def test_what_the_store_knew_too_long_ago_falls_back_as_stale(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'profiles.db'}"
    write_profiles(url, [Profile("u-1", NOON - dt.timedelta(days=3), {"tips_7d": 4})])
    store = {"tip_online_store": url, "tip_online_store_budget_s": 5.0}
    assert answered(tmp_path, ask(), **store)["fell_back"]["tips_7d"] == "stale"


def test_a_broken_store_fails_no_request_and_is_named(tmp_path: Path) -> None:
    found = answered(
        tmp_path, ask(), tip_online_store=f"sqlite:///{tmp_path / 'absent.db'}", tip_online_store_budget_s=5.0
    )
    assert found["profile_source"] == "store cannot be reached"


def test_all_faults_are_told_as_a_problem(tmp_path: Path) -> None:
    (response,) = asked(tmp_path, ask(user=1, profile_features={"colour": 1, "completion_rate": 7}))
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["title"], problem["status"]) == ("Unprocessable Entity", 422)
    assert len(problem["faults"]) == 3


def test_another_contract_is_a_conflict_and_this_one_is_none(tmp_path: Path) -> None:
    other, same = asked(tmp_path, ask(contract_hash="feedfeedfeedfeed"), ask(contract_hash=contract.contract_hash()))
    assert (other.status_code, same.status_code) == (409, 200)
    assert contract.contract_hash() in other.json()["detail"]


def test_what_is_not_there_is_a_problem_too(tmp_path: Path) -> None:
    async def use(running: Running) -> list[tuple[int, str]]:
        answers = [await running.client.post("/generate"), await running.client.get("/score")]
        return [(answer.status_code, answer.headers["content-type"]) for answer in answers]

    assert run(tmp_path, use) == [(404, "application/problem+json"), (405, "application/problem+json")]


def test_a_shadow_changes_no_answer_and_is_logged_beside_it(shelf: Shelf, tmp_path: Path) -> None:
    async def use(running: Running) -> dict[str, Any]:
        found: dict[str, Any] = (await running.client.post("/score", content=ask(decision_id="d"))).json()
        assert running.services.shadow.n_scored == 0  # the answer is there, and the shadow has not begun
        async with asyncio.timeout(5):
            while running.services.shadow.n_scored == 0:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.001)
        return found

    shelf.publish("r1", shelf.arm("a", 1), shelf.arm("dark", 2, "shadow", 0.0))
    found = run(tmp_path, use)
    (event,) = exposures(tmp_path)
    assert [result.arm for result in event.shadow] == ["dark"]
    assert len(event.shadow[0].scores) == 3
    assert list(event.shadow[0].scores) != list(event.scores)
    shelf.publish("r1", shelf.arm("a", 1))
    assert answered(tmp_path / "other", ask(decision_id="d"), tip_lake=str(tmp_path / "lake")) == found


def test_a_decision_that_waits_for_the_shadow_when_the_server_ends_is_logged(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish("r1", shelf.arm("a", 1), shelf.arm("dark", 2, "shadow", 0.0))
    answers = asked(tmp_path, *(ask() for _ in range(5)))
    logged = [event.decision_id for event in exposures(tmp_path)]
    assert sorted(logged) == sorted(answer.json()["decision_id"] for answer in answers)


def test_users_stick_to_their_arm(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish("r1", shelf.arm("old", 1, weight=0.5), shelf.arm("new", 2, "challenger", 0.5))
    bodies = [ask(user=f"user-{number % 40}") for number in range(80)]
    arms = [response.json()["arm"] for response in asked(tmp_path, *bodies)]
    assert arms[:40] == arms[40:]
    assert {"old", "new"} == set(arms)


def test_a_new_release_is_noticed_and_a_bad_one_is_not_served(shelf: Shelf, tmp_path: Path) -> None:
    async def use(running: Running) -> list[str]:
        async def serving(version: str | None) -> dict[str, Any]:
            async with asyncio.timeout(10):
                while True:
                    found: dict[str, Any] = (await running.client.post("/score", content=ask())).json()
                    if found["manifest_version"] == version:
                        return found
                    await asyncio.sleep(0.02)

        await serving(None)
        shelf.publish("r1", shelf.arm("a", 1))
        first = await serving("r1")
        bad = shelf.arm("b", 2)
        shelf.publish("r2", bad | {"model": bad["model"] | {"sha256": "0" * 64}})
        async with asyncio.timeout(10):
            while running.services.releases.refusal is None:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.02)
        kept = await serving("r1")
        shelf.publish("r3", shelf.arm("c", 3))
        return [first["model_version"], kept["model_version"], (await serving("r3"))["model_version"]]

    assert run(tmp_path, use, tip_manifest_poll_s=0.05) == ["reward-1", "reward-1", "reward-3"]


def test_200_swaps_under_load_fail_no_request_and_mix_no_versions(shelf: Shelf, tmp_path: Path) -> None:
    n_swaps, n_models = 200, 4
    shadow = shelf.arm("c", 9, "shadow")
    arms = [(shelf.arm("a", 2 * k, weight=0.5), shelf.arm("b", 2 * k + 1, "challenger", 0.5), shadow) for k in range(4)]
    shelf.publish("r0", *arms[0])
    names = vector.names()
    models = {f"reward-{seed}": RewardModel(model_file(seed), names, contract.contract_hash()) for seed in range(8)}

    async def use(running: Running) -> list[httpx.Response]:
        answers: list[httpx.Response] = []
        is_over = asyncio.Event()

        async def press(worker: int) -> None:
            number = 0
            while not is_over.is_set():
                number += 1
                answers.append(await running.client.post("/score", content=ask(user=f"{worker}-{number}")))
                await asyncio.sleep(0.001)  # through ASGI nothing waits, so nobody else would have a turn

        pressing = [asyncio.create_task(press(worker)) for worker in range(4)]
        for swap in range(1, n_swaps + 1):
            shelf.publish(f"r{swap}", *arms[swap % n_models])
            await asyncio.to_thread(running.services.releases.refresh)
            assert running.services.releases.current.version == f"r{swap}"
        is_over.set()
        await asyncio.gather(*pressing)
        return answers

    answers = run(tmp_path, use)
    assert {answer.status_code for answer in answers} == {200}
    found = [answer.json() for answer in answers]
    assert len({answer["manifest_version"] for answer in found}) > n_swaps / 2
    events = {event.decision_id: event for event in exposures(tmp_path)}
    assert len(events) == len(found)
    for answer in found:
        seed = 2 * (int(answer["manifest_version"][1:]) % n_models) + (answer["arm"] == "b")
        assert answer["model_version"] == f"reward-{seed}"
        assert answer["policy_version"] == softmax(f"reward-{seed}").version
        event = events[answer["decision_id"]]
        assert event.vectors is not None
        expected = models[f"reward-{seed}"].predict(packing.unpack(event.vectors)).tolist()
        assert [tip["score"] for tip in answer["candidates"]] == expected
        assert event.manifest_version == answer["manifest_version"]


def test_the_openapi_file_names_every_schema_that_it_refers_to(tmp_path: Path) -> None:
    async def use(running: Running) -> dict[str, Any]:
        found: dict[str, Any] = (await running.client.get("/openapi.json")).json()
        return found

    document = run(tmp_path, use)
    text = json.dumps(document)
    referred = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert {"ScoreRequest", "ScoreAnswer", "Problem"} <= referred <= set(document["components"]["schemas"])
    assert set(document["paths"]["/score"]["post"]["responses"]) == {"200", "409", "422"}


def test_a_lake_that_cannot_be_read_keeps_the_default_serving(tmp_path: Path) -> None:
    (tmp_path / "lake" / layout.released_manifest()).mkdir(parents=True)
    found = answered(tmp_path, ask())
    assert found["is_default"]
    releases = Releases(Lake(str(tmp_path / "lake")))
    releases.refresh()
    assert releases.refusal is not None


def test_an_arm_that_fails_is_named_and_the_default_arm_answers_in_its_place(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(running: Running) -> list[httpx.Response]:
        monkeypatch.setattr(RewardModel, "predict", _broken)
        return [await running.client.post("/score", content=ask(decision_id="d")) for _ in range(3)]

    plain = answered(tmp_path / "other", ask(decision_id="d"))
    shelf.publish("r1", shelf.arm("a", 1))
    answers = run(tmp_path, use)
    assert {answer.status_code for answer in answers} == {200}
    found = answers[0].json()
    assert (found["arm"], found["manifest_version"], found["error"]) == ("a", "r1", "ZeroDivisionError")
    same = ("order", "candidates", "floor", "is_default", "model_version", "policy_version")
    assert {name: found[name] for name in same} == {name: plain[name] for name in same}
    first = exposures(tmp_path)[0]
    assert (first.arm, first.error, first.model_version) == ("a", "ZeroDivisionError", "default-rule/1")
    assert list(first.propensities) == [tip["propensity"] for tip in plain["candidates"]]


def test_scores_that_are_no_numbers_are_an_error_of_the_arm(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(running: Running) -> dict[str, Any]:
        monkeypatch.setattr(RewardModel, "predict", lambda *_: np.array([0.1, np.nan, 0.2]))
        found: dict[str, Any] = (await running.client.post("/score", content=ask())).json()
        return found

    shelf.publish("r1", shelf.arm("a", 1))
    assert run(tmp_path, use)["error"] == "ArithmeticError"


def test_a_broken_arm_is_told_once_however_often_it_breaks(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(running: Running) -> None:
        monkeypatch.setattr(RewardModel, "predict", _broken)
        for _ in range(20):
            await running.client.post("/score", content=ask())

    shelf.publish("r1", shelf.arm("a", 1))
    run(tmp_path, use)
    (told,) = [record for record in caplog.records if "failed" in record.message]
    assert "Arm a of r1 failed: ZeroDivisionError" in told.message


def _broken(*_: object) -> None:
    raise ZeroDivisionError


def test_what_an_event_says_of_time_profile_and_authors(tmp_path: Path) -> None:
    earlier, stale = "2026-03-02T11:30:00+00:00", "2026-02-01T00:00:00Z"
    features = {
        "completion_rate": {"value": 0.5, "computed_at": "2026-03-02T10:00:00Z"},
        "acceptance_rate": {"value": 0.5, "computed_at": earlier},
        "tips_7d": {"value": 3, "computed_at": stale},
        "streak_days": 4,
    }
    written = {"decision_id": "g-1", "prompt_version": "v2", "model": "openai/x"}
    answered(tmp_path, ask("Rest.", {"text": "Walk.", "written": written}, profile_features=features))
    (event,) = exposures(tmp_path)
    assert event.latency_ms is not None
    assert 0 < event.latency_ms < 10_000
    assert event.profile_source == "request"
    assert event.profile_computed_at == dt.datetime.fromisoformat(earlier)
    assert event.written == (None, Authorship(decision_id="g-1", prompt_version="v2", model="openai/x"))


def test_where_nobody_says_who_wrote_a_tip_and_no_age_is_told_the_event_says_nothing(tmp_path: Path) -> None:
    answered(tmp_path, ask(profile_features={"streak_days": 4}))
    (event,) = exposures(tmp_path)
    assert (event.written, event.profile_computed_at) == ((), None)


def test_on_the_requests_clock_a_replay_makes_the_same_events_byte_for_byte(shelf: Shelf, tmp_path: Path) -> None:
    async def use(running: Running) -> None:
        for number in range(20):
            answer = await running.client.post("/score", content=ask(user=f"u-{number % 3}", decision_id=f"d{number}"))
            assert answer.status_code == 200
        async with asyncio.timeout(5):
            while running.services.shadow.n_scored < 20:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.001)

    def replay(name: str) -> list[bytes]:
        run(tmp_path / name, use, tip_event_clock="request", tip_lake=str(tmp_path / "lake"))
        return [kinds.encode(event) for event in exposures(tmp_path / name)]

    shelf.publish("r1", shelf.arm("a", 1), shelf.arm("dark", 2, "shadow", 0.0))
    first, second = replay("one"), replay("two")
    assert len(first) == 20
    assert first == second
    event = exposures(tmp_path / "one")[0]
    assert (event.at, event.latency_ms, event.shadow[0].latency_ms) == (NOON, None, None)


def test_on_the_requests_clock_a_request_without_a_moment_or_an_id_is_told_both(tmp_path: Path) -> None:
    (refused,) = asked(tmp_path, ask(now=None), tip_event_clock="request")
    assert refused.status_code == 422
    assert [fault.partition(":")[0] for fault in refused.json()["faults"]] == ["now", "decision_id"]
