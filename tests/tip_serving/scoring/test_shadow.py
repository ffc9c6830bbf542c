"""The shadow: scores after the answer, drops under load, and loses no event in any case."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from support.released import NOON, Shelf, ask

from tip_serving.events.event import Event
from tip_serving.events.exposure import Exposure
from tip_serving.lake.storage import Lake
from tip_serving.scoring import scorer
from tip_serving.scoring.arms import DEFAULT_ARM, DEFAULT_POLICY, ReadyArm
from tip_serving.scoring.event_clock import EventClock
from tip_serving.scoring.released import Releases
from tip_serving.scoring.request import ScoreRequest, read
from tip_serving.scoring.shadow import Shadow


class Kept:
    """A log that keeps its events."""

    def __init__(self) -> None:
        self.events: list[Exposure] = []

    def append(self, event: Event) -> None:
        assert isinstance(event, Exposure)
        self.events.append(event)


def question() -> scorer.Question:
    request = read(ScoreRequest, ask())
    return scorer.question(request, scorer.moment(request, None, NOON))


def exposure(number: int) -> Exposure:
    return Exposure(
        event_id=f"e{number}", at=NOON, user="u", decision_id=f"d{number}", kind="score", arm="a", contract_hash="c",
        manifest_version=None, policy_version=None, model_version=None, tip_ids=("x", "y", "z"),
        propensities=(1.0, 0.0, 0.0), scores=(1.0, 0.0, 0.0), order=(0, 1, 2),
    )  # fmt: skip


def run(
    capacity: int, use: Callable[[Shadow], Awaitable[None]], *, is_replay: bool = False
) -> tuple[Shadow, list[Exposure]]:
    kept = Kept()

    async def main() -> Shadow:
        shadow = Shadow(kept, capacity, EventClock(is_replay))
        working = asyncio.create_task(shadow.run())
        await asyncio.sleep(0)
        await use(shadow)
        working.cancel()
        await asyncio.wait([working])
        shadow.close()
        return shadow

    return asyncio.run(main()), kept.events


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.001)


def test_the_event_holds_what_each_arm_of_the_shadow_would_have_said(tmp_path: Path) -> None:
    shelf = Shelf(Lake(str(tmp_path)))
    shelf.publish("r1", shelf.arm("a", 1), shelf.arm("dark", 2, "shadow", 0.0))
    releases = Releases(shelf.lake)
    releases.refresh()
    dark = releases.current.shadows[0]

    async def use(shadow: Shadow) -> None:
        shadow.offer(exposure(1), question(), [dark, DEFAULT_ARM])
        assert shadow.n_scored == 0  # not before the caller has gone on
        await until(lambda: shadow.n_scored == 1)

    _, (event,) = run(8, use)
    first, second = event.shadow
    direct = scorer.score(dark, question(), "d1")
    assert (first.arm, first.model_version, first.policy_version) == ("dark", "reward-2", dark.policy_version)
    assert (list(first.scores), first.propensities) == (direct.scores, direct.order.propensities)
    assert second.scores == tuple(scorer.score(DEFAULT_ARM, question(), "d1").scores)
    assert first.latency_ms is not None
    assert event.scores == (1.0, 0.0, 0.0)


def test_on_the_requests_clock_the_shadow_takes_no_time() -> None:
    async def use(shadow: Shadow) -> None:
        shadow.offer(exposure(1), question(), [DEFAULT_ARM])
        await until(lambda: shadow.n_scored == 1)

    first, second = (run(8, use, is_replay=True)[1] for _ in range(2))
    assert first == second
    assert first[0].shadow[0].latency_ms is None


def test_a_full_queue_drops_the_shadow_and_keeps_the_event() -> None:
    async def use(shadow: Shadow) -> None:
        asked = question()
        for number in range(10):
            shadow.offer(exposure(number), asked, [DEFAULT_ARM])
        await until(lambda: shadow.n_waiting == 0 and shadow.n_scored == 4)

    shadow, events = run(4, use)
    assert (shadow.n_scored, shadow.n_dropped) == (4, 6)
    assert sorted(event.decision_id for event in events) == sorted(f"d{number}" for number in range(10))
    assert sum(bool(event.shadow) for event in events) == 4


def test_what_waits_at_the_end_is_logged_as_it_is() -> None:
    async def use(shadow: Shadow) -> None:
        for number in range(5):
            shadow.offer(exposure(number), question(), [DEFAULT_ARM])

    _, events = run(8, use)
    assert [event.decision_id for event in events] == [f"d{number}" for number in range(5)]


class _Broken:
    """A model that fails."""

    def predict(self, _: object) -> object:
        raise ZeroDivisionError("a secret of somebody's task")


def test_what_fails_in_the_shadow_stays_there_and_is_named_by_its_kind() -> None:
    broken = ReadyArm("broken", _Broken(), None, "m", DEFAULT_POLICY, None)  # type: ignore[arg-type]

    async def use(shadow: Shadow) -> None:
        shadow.offer(exposure(1), question(), [broken, DEFAULT_ARM])
        shadow.offer(exposure(2), question(), [DEFAULT_ARM])
        await until(lambda: shadow.n_scored == 2)

    _, events = run(8, use)
    assert events[0].shadow[0].error == "ZeroDivisionError"
    assert "secret" not in str(events[0])
    assert events[0].shadow[1].scores
    assert events[1].shadow[0].scores


def test_requests_go_before_the_shadow_while_it_has_a_long_queue() -> None:
    async def use(shadow: Shadow) -> None:
        asked = question()
        for number in range(100):
            shadow.offer(exposure(number), asked, [DEFAULT_ARM])
        for turn in range(20):
            await asyncio.sleep(0)
            assert shadow.n_scored <= turn + 1  # one job at most between two turns of the loop

    shadow, events = run(200, use)
    assert shadow.n_scored > 5
    assert len(events) == 100
