"""How many requests one server gets at once, and when: the slots of a chat model, step by step."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from docutune.chat.pace import Pace
from docutune.errors import DocutuneError


class Crowd:
    """Requests that want a slot; each keeps it until it is let go."""

    def __init__(self, pace: Pace, count: int) -> None:
        self.pace = pace
        self.began: dict[int, int] = {}
        self.gone = [asyncio.Event() for _ in range(count)]
        self.tasks = [asyncio.create_task(self._hold(place)) for place in range(count)]

    async def _hold(self, place: int) -> None:
        async with self.pace.slot() as began:
            self.began[place] = began
            await self.gone[place].wait()

    async def settled(self) -> list[int]:
        """Who has had a slot, once nobody moves any more."""
        for _ in range(10):
            await asyncio.sleep(0)
        return sorted(self.began)

    async def leave(self, *places: int) -> list[int]:
        """Let these go; who has had a slot then."""
        for place in places:
            self.gone[place].set()
        return await self.settled()


def test_a_burst_of_failures_halves_the_slots_once_and_answers_bring_them_back_one_by_one() -> None:
    async def check() -> None:
        pace = Pace(8)
        crowd = Crowd(pace, 40)
        assert await crowd.settled() == list(range(8)), "all slots at once, and no more"
        assert [pace.slow_down(crowd.began[place]) for place in range(4)] == [True, False, False, False]
        assert await crowd.leave(0, 1, 2, 3) == list(range(8)), "four are busy, and four is the limit"
        assert await crowd.leave(4) == list(range(9)), "a free slot is used at once"
        assert pace.slow_down(crowd.began[5]) is False, "sent before the last decrease"
        assert pace.slow_down(crowd.began[8]) is True
        assert await crowd.leave(5, 6) == list(range(9)), "two are busy, and two is the limit"
        for _ in range(2):
            pace.speed_up()
        assert await crowd.settled() == list(range(9)), "not yet as many answers as there were slots and a part of one"
        pace.speed_up()
        assert await crowd.settled() == list(range(10)), "three slots"
        for _ in range(100):
            pace.speed_up()
        assert await crowd.settled() == list(range(15)), "eight busy ones, and never more"
        for task in crowd.tasks:
            task.cancel()

    asyncio.run(check())


def test_one_slot_is_left_however_much_fails_and_who_gives_up_waiting_takes_none() -> None:
    async def check() -> None:
        pace = Pace(4)
        for _ in range(9):
            async with pace.slot() as began:
                pace.slow_down(began)
        crowd = Crowd(pace, 4)
        assert await crowd.settled() == [0]
        crowd.tasks[1].cancel()
        assert await crowd.leave(0) == [0, 2]
        crowd.gone[2].set()
        await asyncio.sleep(0)  # its slot is given to the next one, which is stopped before it can take it
        await asyncio.sleep(0)
        crowd.tasks[3].cancel()
        await crowd.settled()
        async with AsyncExitStack() as stack:
            await asyncio.wait_for(stack.enter_async_context(pace.slot()), 30)

    asyncio.run(check())


def test_nobody_passes_in_a_pause_and_nobody_ever_after_a_refusal() -> None:
    async def check() -> None:
        pace, clock = Pace(2), asyncio.get_running_loop().time
        pace.pause(0.2)
        pace.pause(0.1)  # the later end counts
        until = clock() + 0.19
        await asyncio.gather(*(pace.opened() for _ in range(3)))
        assert clock() >= until
        pace.refuse(DocutuneError("the first reason"))
        pace.refuse(DocutuneError("another one"))
        with pytest.raises(DocutuneError, match="the first reason"):
            await pace.opened()

    asyncio.run(check())
