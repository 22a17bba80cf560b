"""Many callers at once, and several workers that share them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.caller.crowd import number_after, run_crowd
from lab.caller.result import CallResult
from lab.caller.script import parse_script
from lab.servers.process import Child
from lab.speech.voice import Voice
from lab.stack import Stack, StackOptions, local_stack
from tests.scenarios.conftest import eventually, speech_log

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(300)]

# Ten calls are more than two cores can carry beside their own callers, and what the agent says may arrive torn.
HEAR = "hear: {timeout_s: 60, silence_s: 3}"
ASKING = parse_script(f"""
ring_timeout_s: 60
steps:
  - {HEAR}
  - say: What are your opening hours?
  - {HEAR}
  - hang_up
""")
LINGERING = parse_script(f"""
ring_timeout_s: 60
steps:
  - {HEAR}
  - say: What are your opening hours?
  - {HEAR}
  - wait: 4
  - say: Where is the clinic?
  - {HEAR}
  - hang_up
""")


async def test_ten_callers_at_once_are_all_answered(stack: Stack, voice: Voice) -> None:
    """Each hears the greeting and the answer to its question."""
    before = len([text for text in await speech_log(stack, "spoken") if "nine in the morning" in text])
    results = await run_crowd(
        ASKING, stack.numbers[0], callers=10, voice=voice, sip=stack.sip.address, speech_url=stack.speech_url
    )
    assert [result.failures for result in results] == [()] * 10
    assert all(result.passed for result in results)
    after = len([text for text in await speech_log(stack, "spoken") if "nine in the morning" in text])
    assert after - before == 10


@pytest.fixture
async def two_workers(tmp_path: Path) -> AsyncIterator[Stack]:
    """Yield a stack of its own without a worker: the test adds them one after the other."""
    async with local_stack(StackOptions(run_dir=tmp_path, ears="oracle", workers=0)) as running:
        yield running


async def test_two_workers_share_calls_and_one_that_stops_finishes_its_own(two_workers: Stack, voice: Voice) -> None:
    """SIGTERM in the middle: the calls of that worker go on to their end, new ones go to the other."""
    first = await two_workers.add_worker(max_calls=7)
    early = asyncio.create_task(_calls(two_workers, voice, count=4, caller="+919810000000"))
    await eventually(lambda: _taken(first, at_least=4), limit_s=60)
    second = await two_workers.add_worker(max_calls=50)
    # The first has room for three more, so at least three of these six have to go to the second.
    more = asyncio.create_task(_calls(two_workers, voice, count=6, caller="+919820000000"))
    await eventually(lambda: _taken(first, second, at_least=10), limit_s=60)
    first.process.send_signal(signal.SIGTERM)
    taken_by_first = _count(first)
    late = await _calls(two_workers, voice, count=2, caller="+919830000000")
    for results in (await early, await more, late):
        assert [result.failures for result in results] == [()] * len(results)
    assert await first.wait() == 0
    assert 4 <= taken_by_first <= 7
    assert _count(first) == taken_by_first
    assert _count(second) == 12 - taken_by_first
    two_workers.processes.remove(first)


async def _calls(stack: Stack, voice: Voice, *, count: int, caller: str) -> list[CallResult]:
    return await run_crowd(
        LINGERING,
        stack.numbers[0],
        callers=count,
        voice=voice,
        sip=stack.sip.address,
        from_number=number_after(caller, 0),
        speech_url=stack.speech_url,
    )


def _count(*workers: Child) -> int:
    return sum(worker.log_path.read_text().count("call taken") for worker in workers)


async def _taken(*workers: Child, at_least: int) -> bool:
    return _count(*workers) >= at_least
