"""Calls that must not be answered: each is watched for a while, with a welcome call answered in between."""

from __future__ import annotations

import asyncio

import pytest
from livekit import api

from lab.caller.caller import Caller
from lab.speech.voice import Voice
from lab.stack import Stack
from tests.scenarios.conftest import rooms_of
from tests.scenarios.test_conversation import caller_number, connected

pytestmark = pytest.mark.scenario
WATCHED_S = 6.5


@pytest.mark.parametrize(
    ("number", "host"),
    [
        pytest.param("+918071999999", "127.0.0.1", id="a number that nobody has"),
        pytest.param(None, "127.0.0.2", id="an address that is not the carrier's"),
    ],
)
async def test_an_unwelcome_call_is_never_answered_and_makes_no_room(
    phone: Caller, stack: Stack, voice: Voice, livekit_api: api.LiveKitAPI, number: str | None, host: str
) -> None:
    """No 200 within the time watched and no room, while the same number answers a welcome caller."""
    stranger = caller_number()
    seen: list[str] = []

    async def watch_rooms() -> None:
        while True:
            seen.extend(await rooms_of(livekit_api, stranger[1:]))
            await asyncio.sleep(0.2)

    watch = asyncio.create_task(watch_rooms())
    async with Caller(voice, host=host) as unwelcome:
        call = await unwelcome.start_call(number or stack.numbers[0], sip=stack.sip.address, from_number=stranger)
        silence = asyncio.create_task(asyncio.sleep(WATCHED_S))
        welcome = await connected(phone, stack)
        await silence
        watch.cancel()
        assert welcome.is_up
        assert not call.is_up
        assert {step.status for step in call.sip.progress} <= {100, 180}
        await call.hang_up()
    assert seen == []
