"""What only the carrier's `<Stream>` has: a socket that breaks and comes again."""

from __future__ import annotations

import pytest

from lab.caller.caller import Caller
from lab.stack import Stack
from tests.scenarios.conftest import carrier_lab, eventually, speech_log
from tests.scenarios.test_conversation import LIMIT_S, connected

pytestmark = [pytest.mark.scenario, pytest.mark.parametrize("stack", ["stream"], indirect=True, scope="session")]


async def test_a_socket_that_breaks_and_comes_again_goes_on_with_the_same_talk(phone: Caller, stack: Stack) -> None:
    """The agent knows what was said over the socket before, greets nobody twice, and the call ends as any other."""
    call = await connected(phone, stack)
    await call.say("My name is Anita.")
    assert await call.hear_turn(timeout_s=LIMIT_S)
    assert (await carrier_lab(stack, "DELETE", "sockets"))["cut"] == 1
    await call.say("I would like to know my appointment code.")
    answer = await call.hear_turn(timeout_s=LIMIT_S)
    assert answer is not None
    assert "appointment code is" in (answer.text or "").lower(), answer.text
    assert "anita" in (await speech_log(stack, "looked up"))[-1].lower()
    await call.hang_up()

    async def recorded() -> bool:
        calls = (await carrier_lab(stack, "GET", "calls"))["calls"]
        return any(len((record["stream"] or {"stream_ids": ()})["stream_ids"]) == 2 for record in calls)

    await eventually(recorded)
    greetings = [heard.text for heard in call.heard if "how can i help" in (heard.text or "").lower()]
    assert len(greetings) == 1
