"""Many callers at once, and several workers that share them."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.caller.caller import Caller
from lab.caller.crowd import number_after, run_crowd
from lab.caller.phone_call import PhoneCall
from lab.caller.script import parse_script
from lab.servers.process import Child
from lab.speech.voice import ToneVoice
from lab.stack import Stack, StackOptions, local_stack
from tests.scenarios.conftest import DOORS, eventually, logs_of_calls, options_of

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(300)]

# Ten calls are more than two cores carry beside their own callers, and what the agent says may arrive torn: who took
# the rest of a greeting for the answer would hang up before it.
HEAR = "hear: {timeout_s: 60, silence_s: 7}"
ASKING = parse_script(f"""
ring_timeout_s: 60
steps:
  - {HEAR}
  - say: What are your opening hours?
  - {HEAR}
  - hang_up
""")
RING_TIMEOUT_S = HEAR_TIMEOUT_S = 60.0


@pytest.fixture(params=DOORS)
async def one_worker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stack]:
    """Yield a stack of its own that speaks in tones: real voices for ten would take the cores from their calls."""
    options = options_of(request.param, tmp_path, voice="tone", ears="oracle", warm=3)
    async with local_stack(options) as running:
        yield running


async def test_ten_callers_at_once_are_all_answered(one_worker: Stack) -> None:
    """Each hears the greeting, and the answer after its question. One that arrives torn may get two."""
    results = await run_crowd(
        ASKING,
        one_worker.numbers[0],
        callers=10,
        voice=ToneVoice(),
        sip=one_worker.calls_to,
        speech_url=one_worker.speech_url,
    )
    assert [result.failures for result in results] == [()] * 10
    assert all(result.passed for result in results)
    assert [[turn.voice_to_voice_ms is not None for turn in result.turns] for result in results] == [[True]] * 10
    (log,) = logs_of_calls(one_worker)
    await eventually(lambda: _ended(log, 10))
    for call in _calls(log):
        assert (call["turns"] >= 1, call["replies"] >= 2) == (True, True), call


@pytest.fixture
async def two_workers(tmp_path: Path) -> AsyncIterator[Stack]:
    """Yield a stack of its own without a worker: the test adds them one after the other."""
    options = StackOptions(run_dir=tmp_path, voice="tone", ears="oracle", workers=0)
    async with local_stack(options) as running:
        yield running


async def test_two_workers_share_calls_and_one_that_stops_finishes_its_own(two_workers: Stack) -> None:
    """SIGTERM in the middle: the calls of that worker go on to their end, new ones go to the other."""
    async with Caller(ToneVoice(), speech_url=two_workers.speech_url, keep_sound=False) as caller:
        first = await two_workers.add_worker(max_calls=5)
        early = await _dial(caller, two_workers, count=3, after="+919810000000")
        assert _count(first) == 3
        second = await two_workers.add_worker(max_calls=50)
        # The first has room for two more, so at least two of these four have to go to the second.
        more = await _dial(caller, two_workers, count=4, after="+919820000000")
        taken_by_first = _count(first)
        assert 3 <= taken_by_first <= 5
        assert _count(second) == 7 - taken_by_first
        first.process.send_signal(signal.SIGTERM)
        await eventually(lambda: _logged(first, "the running ones finish"))
        late = await _dial(caller, two_workers, count=2, after="+919830000000")
        assert _count(first) == taken_by_first
        assert _count(second) == 9 - taken_by_first
        for call in early:
            await call.say("What are your opening hours?")
            assert await call.hear_turn(timeout_s=HEAR_TIMEOUT_S), "a call of the worker that stops"
        assert first.process.returncode is None
        for call in (*early, *more, *late):
            assert call.is_up
            await call.hang_up()
        assert await first.wait() == 0
    two_workers.processes.remove(first)


async def _dial(caller: Caller, stack: Stack, *, count: int, after: str) -> list[PhoneCall]:
    """Call `count` times at once; return the calls when the agent has greeted each."""

    async def one(index: int) -> PhoneCall:
        call = await caller.dial(
            stack.numbers[0],
            sip=stack.sip.address,
            from_number=number_after(after, index),
            ring_timeout_s=RING_TIMEOUT_S,
        )
        assert call.is_up, call.reason
        assert await call.hear_turn(timeout_s=HEAR_TIMEOUT_S), "no greeting"
        return call

    return await asyncio.gather(*(one(index) for index in range(count)))


def _count(*workers: Child) -> int:
    return sum(worker.log_path.read_text().count("call taken") for worker in workers)


def _calls(log: Path) -> list[dict[str, int]]:
    """Return what a log counts of each call that is over."""
    lines = [line for line in log.read_text().splitlines() if "call ended" in line]
    return [{name: int(count) for name, count in re.findall(r"\b(turns|replies)=(\d+)", line)} for line in lines]


async def _ended(log: Path, count: int) -> bool:
    return len(_calls(log)) == count


async def _logged(worker: Child, words: str) -> bool:
    return words in worker.log_path.read_text()
