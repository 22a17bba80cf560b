"""The pace of one run: bounds that no busy machine can break, since noise only makes everything later."""

from __future__ import annotations

import asyncio
import time

from provision.pace import Pace


async def places(pace: Pace, count: int) -> list[float]:
    """Ask `count` times at once; return when each was let through."""
    at_s: list[float] = []

    async def one() -> None:
        async with pace.place():
            at_s.append(time.monotonic())
            await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(count)))
    return at_s


async def test_no_more_than_parallel_are_on_their_way() -> None:
    """The others wait until one is back."""
    pace, inside, most = Pace(parallel=3, first_wait_s=1), 0, 0

    async def one() -> None:
        nonlocal inside, most
        async with pace.place():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == 3


async def test_all_wait_for_as_long_as_the_server_says() -> None:
    """Whoever asks next, and not longer for the other refusals of the same burst."""
    pace = Pace(parallel=8, first_wait_s=60)
    pace.taken()
    refused_s = time.monotonic()
    pace.refused(asked_s=0.3)
    pace.refused(asked_s=60)
    assert min(await asyncio.wait_for(places(pace, 3), 30)) >= refused_s + 0.3


async def test_without_a_word_of_the_server_the_pause_doubles_until_one_is_taken() -> None:
    """0.1 s, 0.2 s, then from the beginning."""
    pace = Pace(parallel=1, first_wait_s=0.1)
    for expected_s in (0.1, 0.2):
        refused_s = time.monotonic()
        pace.refused(asked_s=0)
        assert (await places(pace, 1))[0] >= refused_s + expected_s
    pace.taken()
    pace.refused(asked_s=0)
    assert pace._wait_s == 0.2


async def test_after_a_refusal_requests_leave_evenly() -> None:
    """20 were taken in half a second: 28 per second from then on, at most, so 15 take half a second."""
    pace = Pace(parallel=50, first_wait_s=0.01)
    for _ in range(20):
        pace.taken()
    pace.refused(asked_s=0)
    at_s = await places(pace, 15)
    assert at_s[-1] - at_s[0] >= 14 / 29
