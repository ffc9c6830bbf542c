"""The admin process on a lake in an object store: a real S3 server, and nothing of it on this disk."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import object_store as object_stores
from support.admin import ANA, BEN, SPEC, VERA, Browser, files, opened, signed_in
from support.bench import EXPERIMENT, fill_all
from support.judging import NAMES

from tip_serving.admin.assembly import Admin
from tip_serving.lake import layout


@pytest.fixture
def admin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Admin]:
    with object_stores.running(monkeypatch) as store:
        made = opened(tmp_path, tip_lake=store.url)
        yield made
        made.close()


@pytest.fixture
def browser(admin: Admin) -> Browser:
    return signed_in(admin, ANA)


def test_an_experiment_is_started_once_watched_judged_and_ranked(admin: Admin, browser: Browser) -> None:
    answers = [browser.post("/api/bench/run", json=SPEC) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert browser.post("/api/bench/run", json={**SPEC, "n_scenarios": 7}).status_code == 409
    assert list(files(admin)) == [layout.spec(EXPERIMENT)]
    listed = browser.get("/api/bench/experiments")
    assert [row["phase"] for row in listed.json()["items"]] == ["waiting"]

    admin.watch.look(is_first=True)
    parsed = admin.bench.state(EXPERIMENT).spec
    assert parsed is not None
    fill_all(admin.bench.workshop, parsed)
    admin.bench.overview.forget_listing()
    asyncio.run(_told_of(admin))
    tag = {"If-None-Match": listed.headers["etag"]}
    assert browser.get("/api/bench/experiments", headers=tag).status_code == 200, "it is not as it was"

    turn = admin.judging.turn(BEN, EXPERIMENT)
    assert turn.item is not None
    admin.judging.judge(BEN, EXPERIMENT, turn.item.item, scores=dict.fromkeys(NAMES, 4))
    admin.scores.settle_due(float("inf"))
    boards = browser.get(f"/api/bench/leaderboard/{EXPERIMENT}").json()
    assert {board["judge"] for board in boards} == {"ben", "automatic-rules"}
    assert sum(row["n_scored"] for board in boards if board["judge"] == "ben" for row in board["rows"]) == 1
    assert browser.get(f"/api/bench/experiments/{EXPERIMENT}").json()["phase"] == "ranked"


async def _told_of(admin: Admin) -> None:
    """Somebody who watches is told of the tips that came."""
    changes = admin.watch.changes(VERA, None, 0.2)
    assert await anext(changes) is None
    admin.watch.look()
    async with asyncio.timeout(10):
        found = await anext(changes)
    assert found is not None
    assert found.change is not None
    assert (found.change.experiment, found.change.n_done) == (EXPERIMENT, 24)
    await changes.aclose()


def test_a_cancellation_is_seen_at_once_by_whoever_asked_for_it(admin: Admin, browser: Browser) -> None:
    browser.post("/api/bench/run", json=SPEC)
    assert browser.post(f"/api/bench/cancel/{EXPERIMENT}").status_code == 202
    assert browser.get(f"/api/bench/experiments/{EXPERIMENT}").json()["phase"] == "cancelled"
    assert browser.post(f"/api/bench/retry/{EXPERIMENT}").status_code == 202
    assert browser.get("/api/bench/experiments").json()["items"][0]["phase"] == "waiting"
    assert {layout.cancel_request(EXPERIMENT), layout.retry_request(EXPERIMENT)} & set(files(admin))


def test_while_the_object_store_is_away_the_routes_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with object_stores.running(monkeypatch) as store:
        admin = opened(tmp_path, tip_lake=store.url)
        browser = signed_in(admin, ANA)
        assert browser.post("/api/bench/run", json=SPEC).status_code == 202
        assert browser.get("/api/bench/experiments").status_code == 200
    admin.bench.overview.forget_listing()
    for method, path in (
        ("GET", "/api/bench/experiments"),
        ("GET", f"/api/bench/leaderboard/{EXPERIMENT}"),
        ("POST", f"/api/bench/cancel/{EXPERIMENT}"),
    ):
        answer = browser.request(method, path)
        assert answer.status_code == 503, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "5"
    admin.close()
