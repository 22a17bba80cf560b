"""A leg that livekit-server makes join anew in the middle of a transfer: nobody has hung up, and nobody is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lab.servers.link import Link
from tests.lab.gateway.ears import until
from tests.lab.gateway.telephone import PHONE_HZ
from tests.scenarios.conftest import eventually
from tests.scenarios.desk import HEAR_S, Desk, briefed, heard, now_s, open_desk, outcomes, ringing
from tests.scenarios.test_conversation import caller_number

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk whose legs' signalling can be spoiled. livekit-sip publishes no track anew: docs/transfer.md."""
    targets = {"front-office": "says: the front office, people: [{people}]"}
    async with open_desk(tmp_path_factory.mktemp("anew"), gateway="lab", targets=targets, linked=True) as it:
        yield it


@pytest.mark.parametrize("leg", ["caller", "human"])
async def test_a_leg_that_has_to_join_anew_loses_nobody(desk: Desk, leg: str) -> None:
    """The colleague is briefed, nothing of them is heard before, and both talk."""
    number, link = caller_number(), desk.stack.link
    assert link is not None
    async with desk.caller(from_number=number) as caller:
        if leg == "human":
            link.spoil_negotiation("human-")
        call = await ringing(desk.first)
        if leg == "caller":
            link.spoil_negotiation(number)
        async with desk.first.pick_up(call) as human:
            await briefed(human)
            await eventually(lambda: _spoiled(link), limit_s=HEAR_S)
            await asyncio.sleep(2)
            assert caller.is_up
            accepted_s = now_s()
            human.rtp.send_dtmf("1")
            await eventually(lambda: heard(caller, PHONE_HZ, since_s=accepted_s), limit_s=HEAR_S)
            await caller.say("Hello, are you there?")
            await until(lambda: human.ear.frequency is not None, "words of the caller at the human")
            await caller.hang_up()
            assert (await human.ended())[0] == "remote"
    assert await outcomes(desk, caller) == ["bridged"]


async def _spoiled(link: Link) -> bool:
    return link.to_be_spoiled == 0
