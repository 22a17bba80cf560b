"""Calls through the carrier's stand-in, which sends them where its own state says: is what `apply` made reached?"""

from __future__ import annotations

import pytest

from lab.caller.caller import Caller
from lab.caller.phone_call import PhoneCall
from lab.stack import Stack
from tests.scenarios.conftest import DOORS
from tests.scenarios.test_conversation import LIMIT_S, caller_number

pytestmark = [pytest.mark.scenario, pytest.mark.parametrize("stack", DOORS, indirect=True, scope="session")]


async def dialled(phone: Caller, stack: Stack, number: str) -> PhoneCall:
    return await phone.dial(number, sip=stack.carrier_sip, from_number=caller_number())


async def test_a_provisioned_number_is_answered_by_its_agent(phone: Caller, stack: Stack) -> None:
    """Telephone network → carrier → SIP node or socket → agent, and the talk goes both ways."""
    call = await dialled(phone, stack, stack.numbers[0])
    assert call.status == 200
    greeting = await call.hear_turn(timeout_s=LIMIT_S)
    assert greeting is not None
    assert "lotus dental clinic" in (greeting.text or "").lower()
    await call.say("Where is the clinic?")
    answer = await call.hear_turn(timeout_s=LIMIT_S)
    assert answer is not None
    assert "park street" in (answer.text or "").lower()
    await call.hang_up()


async def test_a_number_that_the_account_has_not_is_refused_by_the_carrier(phone: Caller, stack: Stack) -> None:
    """It never reaches an agent."""
    call = await dialled(phone, stack, "+918071999999")
    assert call.status == 404
