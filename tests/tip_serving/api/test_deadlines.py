"""One timer for the limits of many tasks: who is late is ended, and nobody else."""

import asyncio

import pytest

from tip_serving.api.deadlines import TICK_S, Deadlines


def test_a_late_block_is_ended_within_a_tick_and_what_follows_it_runs() -> None:
    async def run() -> float:
        deadlines, loop = Deadlines(), asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(TimeoutError), deadlines.within(0.02):
            await asyncio.sleep(30)
        took = loop.time() - began
        await asyncio.sleep(0)  # the task goes on as if it had never been cancelled
        assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
        return took

    assert 0.02 <= asyncio.run(run()) < 0.02 + 10 * TICK_S


def test_of_many_tasks_those_that_are_late_are_ended() -> None:
    async def wait(deadlines: Deadlines, needs_s: float) -> str:
        try:
            with deadlines.within(0.1):
                await asyncio.sleep(needs_s)
        except TimeoutError:
            return "late"
        return "done"

    async def run() -> list[str]:
        deadlines = Deadlines()
        return await asyncio.gather(*(wait(deadlines, 30 if number % 3 else 0.001) for number in range(30)))

    assert asyncio.run(run()) == ["late" if number % 3 else "done" for number in range(30)]


def test_a_block_that_is_given_more_time_has_it() -> None:
    async def run() -> None:
        with Deadlines().within(0.01) as limit:
            limit.extend(30)
            await asyncio.sleep(3 * TICK_S)
        assert not limit.has_expired

    asyncio.run(run())


def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def run() -> None:
        async def waits() -> None:
            with Deadlines().within(30):
                await asyncio.sleep(30)

        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_an_error_of_the_block_comes_out_as_it_is() -> None:
    async def run() -> None:
        with pytest.raises(ZeroDivisionError), Deadlines().within(30):
            raise ZeroDivisionError

    asyncio.run(run())


def test_where_nobody_is_watched_no_timer_runs() -> None:
    async def run() -> int:
        deadlines, ticks = Deadlines(), 0
        original = deadlines._tick

        def counted() -> None:
            nonlocal ticks
            ticks += 1
            original()

        deadlines._tick = counted  # type: ignore[method-assign]
        for _ in range(100):
            with deadlines.within(30):
                await asyncio.sleep(0)
        await asyncio.sleep(4 * TICK_S)
        return ticks

    assert asyncio.run(run()) == 1
