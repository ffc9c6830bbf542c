"""Changes as they happen: noted once, gone on after a break, and streamed only as long as one may watch."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from support.admin import ANA, BEN, VERA, opened, served
from support.bench import EXPERIMENT, create, fill

from tip_serving.admin.api import events
from tip_serving.admin.assembly import Admin
from tip_serving.admin.service.errors import ForbiddenError
from tip_serving.admin.service.users import Role
from tip_serving.admin.service.watch import Numbered
from tip_serving.bench import requests
from tip_serving.bench.identity import Cell
from tip_serving.lake import layout

PATIENCE_S = 0.2


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    made = opened(tmp_path)
    yield made
    made.close()


async def _next(changes: AsyncIterator[Numbered | None]) -> Numbered:
    async with asyncio.timeout(10):
        async for found in changes:
            if found is not None:
                return found
    raise AssertionError


def test_what_changed_is_told_once_and_in_its_order(admin: Admin) -> None:
    place = admin.bench.workshop
    create(place, experiment="tip-bench-old")
    admin.watch.look(is_first=True)

    async def watched() -> list[tuple[str, str, int]]:
        changes = admin.watch.changes(VERA, None, PATIENCE_S)
        assert await anext(changes) is None, "what was there is no change"
        told = []
        asked = create(place)
        for change in (
            lambda: None,
            lambda: fill(place, asked, Cell("embedded/first", "v1")),
            lambda: requests.cancel(place.lake, EXPERIMENT, "ana"),
        ):
            change()
            admin.watch.look()
            admin.watch.look()
            found = (await _next(changes)).change
            assert found is not None
            told.append((found.experiment, found.phase, found.n_done))
        for entry in place.lake.find(layout.experiment("tip-bench-old")):
            place.lake.delete(entry.path)
        admin.watch.look()
        gone = (await _next(changes)).change
        assert gone is not None
        assert await anext(changes) is None
        await changes.aclose()
        return [*told, (gone.experiment, gone.phase, gone.n_done)]

    assert asyncio.run(watched()) == [
        (EXPERIMENT, "waiting", 0),
        (EXPERIMENT, "waiting", 6),
        (EXPERIMENT, "cancelled", 6),
        ("tip-bench-old", "gone", 0),
    ]
    assert admin.watch._wakers == set()


def test_a_watcher_that_was_away_goes_on_after_the_last_it_saw(admin: Admin) -> None:
    admin.watch.look(is_first=True)
    for number in range(3):
        create(admin.bench.workshop, experiment=f"tip-bench-{number}")
        admin.watch.look()

    async def resumed(after: str) -> list[str | None]:
        changes = admin.watch.changes(VERA, after, PATIENCE_S)
        told: list[str | None] = []
        async for found in changes:
            if found is None:
                break
            told.append(found.change.experiment if found.change else None)
        await changes.aclose()
        return told

    life = admin.watch._id(0).rpartition("-")[0]
    assert asyncio.run(resumed(f"{life}-1")) == ["tip-bench-1", "tip-bench-2"]
    assert asyncio.run(resumed(f"{life}-3")) == []
    for unknown in (f"{life}-4", "another-1", "nonsense", f"{life}-x"):
        assert asyncio.run(resumed(unknown)) == [None], unknown


def test_only_readers_may_watch(admin: Admin) -> None:
    with pytest.raises(ForbiddenError):
        asyncio.run(anext(admin.watch.changes(BEN, None, PATIENCE_S)))


def _events(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    """Each event as it comes, with its data."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")


@pytest.mark.parametrize("end", ["expired", "signed-out", "demoted"])
def test_a_stream_ends_when_the_one_who_watches_may_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(events, "PATIENCE_S", PATIENCE_S)
    admin = opened(tmp_path)
    with served(admin) as address:
        begun = admin.doorman.let_in(VERA, "tests")
        cookies = {admin.doorman.cookie_name: begun.cookie}
        with (
            httpx.Client(base_url=address, cookies=cookies, timeout=20) as browser,
            browser.stream("GET", "/api/bench/events") as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            stream = _events(answer)
            create(admin.bench.workshop)
            name, data = next(stream)
            assert (name, json.loads(data)["experiment"]) == ("experiment", EXPERIMENT)
            if end == "expired":
                admin.database.clock.now += admin.settings.tip_session_s  # type: ignore[attr-defined]
            elif end == "signed-out":
                browser.request("DELETE", "/api/session", headers={"X-CSRF-Token": begun.session.csrf})
            else:
                admin.people.set_role(ANA, "vera", Role.JUDGE)
            create(admin.bench.workshop, experiment="tip-bench-secret")
            rest = list(stream)
        assert rest == [("signed-out", "{}")], "nothing is told after that"


def test_what_judges_left_goes_in_when_the_process_ends(admin: Admin) -> None:
    place = admin.bench.workshop
    fill(place, create(place), Cell("embedded/first", "v1"))
    turn = admin.judging.turn(BEN, EXPERIMENT)
    assert turn.item is not None
    admin.watch.start()
    points = {criterion.name: 3 for criterion in turn.criteria}
    admin.judging.judge(BEN, EXPERIMENT, turn.item.item, scores=points)
    admin.watch.end()
    assert place.lake.find(layout.append_only(layout.SCORES, "ben", "r1"))
