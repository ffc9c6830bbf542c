"""Answers that pages share: one asking for many, never older than asked for, and no failure that stays."""

import asyncio
import threading

import pytest

from tip_serving.admin.panel.live import MAX_KEPT, Live


class Counter:
    """Answers with how often it was asked, as slowly as it is told to."""

    def __init__(self) -> None:
        self.n_asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self) -> int:
        self.n_asked += 1
        assert self.may_answer.wait(5)
        return self.n_asked


def test_many_who_ask_at_once_share_one_asking() -> None:
    async def ask() -> list[int]:
        live, counter = Live(), Counter()
        counter.may_answer.clear()
        asking = [asyncio.create_task(live.ask("q", counter, 60)) for _ in range(50)]
        await asyncio.sleep(0.05)
        counter.may_answer.set()
        return await asyncio.gather(*asking)

    assert asyncio.run(ask()) == [1] * 50


def test_an_answer_is_found_anew_once_it_has_aged_and_not_before() -> None:
    async def ask() -> list[int]:
        live, counter = Live(), Counter()
        kept = [await live.ask("q", counter, 60) for _ in range(3)]
        aged = [await live.ask("other", counter, -60) for _ in range(3)]
        return kept + aged

    assert asyncio.run(ask()) == [1, 1, 1, 2, 3, 4]


def test_an_answer_to_one_question_is_none_to_another() -> None:
    async def ask() -> list[str]:
        live = Live()
        roles = ("admin", "viewer", "admin")
        return [await live.ask(("cells", role), lambda role=role: f"for {role}", 60) for role in roles]

    assert asyncio.run(ask()) == ["for admin", "for viewer", "for admin"]


def test_a_failure_reaches_all_who_wait_and_is_tried_again() -> None:
    def fail() -> int:
        raise OSError("the disk is away")

    async def ask() -> int:
        live = Live()
        asking = [asyncio.create_task(live.ask("q", fail, 60)) for _ in range(3)]
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert [str(one) for one in outcomes] == ["the disk is away"] * 3
        return await live.ask("q", lambda: 7, 60)

    assert asyncio.run(ask()) == 7


def test_one_who_leaves_does_not_take_the_answer_from_the_others() -> None:
    async def ask() -> int:
        live, counter = Live(), Counter()
        counter.may_answer.clear()
        leaving = asyncio.create_task(live.ask("q", counter, 60))
        staying = asyncio.create_task(live.ask("q", counter, 60))
        await asyncio.sleep(0.05)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        counter.may_answer.set()
        return await staying

    assert asyncio.run(ask()) == 1


def test_what_nobody_asked_for_longest_is_forgotten_first() -> None:
    async def ask() -> tuple[int, int]:
        live, first, often = Live(), Counter(), Counter()
        await live.ask("first", first, 60)
        for number in range(MAX_KEPT + 10):
            await live.ask("often", often, 60)
            await live.ask(number, lambda number=number: number, 60)
        return await live.ask("first", first, 60), await live.ask("often", often, 60)

    assert asyncio.run(ask()) == (2, 1)
