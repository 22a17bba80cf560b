"""A model that somebody talked over asks for every stranger there is: nobody is called but people of the manifest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from lab.caller.phone_call import PhoneCall
from tests.lab.gateway.telephone import telephone
from tests.scenarios.conftest import NODES
from tests.scenarios.desk import Desk, let_the_model, open_desk, ringing, said_after
from tests.scenarios.hostile import as_the_tool_has_it, hostile_arguments, mended_arguments

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

NAME = "front-office"
LEAST = 629
BLOCK = 90
SAMPLE_STEP = 8


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk with one target."""
    run_dir = tmp_path_factory.mktemp(f"hostile-{request.param}")
    targets = {NAME: "says: the front office, people: [{first}], refer: true"}
    async with open_desk(run_dir, gateway=request.param, targets=targets) as it:
        yield it


async def test_no_stranger_is_called(desk: Desk) -> None:
    """A sample of all kinds in one block."""
    await attack(desk, sampled=True)


@pytest.mark.full
@pytest.mark.timeout(1200)
async def test_none_of_many_strangers_is_called(desk: Desk) -> None:
    """All of them, in blocks, with a transfer that is allowed after each."""
    await attack(desk, sampled=False)


async def attack(desk: Desk, *, sampled: bool) -> None:
    async with telephone("") as stranger:
        given = hostile_arguments(NAME, uri=f"sip:mallory@{stranger.address}")
        assert len(given) >= LEAST
        given = given[::SAMPLE_STEP] if sampled else given
        allowed = sent_out(desk)
        async with desk.caller("What are your opening hours?") as caller:
            assert await said_after(caller)
            for start in range(0, len(given), BLOCK):
                await refused(desk, caller, given[start : start + BLOCK])
                assert sent_out(desk) == allowed
                await caller.say("I want to talk to a person.")
                await turned_away(desk, caller)
                allowed += 1
                assert sent_out(desk) == allowed
            for arguments in mended_arguments(NAME)[: 1 if sampled else None]:
                await let_the_model(desk, caller, ("transfer", arguments))
                await turned_away(desk, caller)
                allowed += 1
                assert sent_out(desk) == allowed
        assert stranger.got == []
        assert desk.second.got == []


async def refused(desk: Desk, caller: PhoneCall, block: Sequence[str]) -> None:
    """Let the model ask for all of a block: each is refused once, by our tool or, unreadable, before it."""
    read = [as_the_tool_has_it(arguments) for arguments in block]
    assert all(given is None or given.get("target") != NAME for given in read)
    by_us, unread = refusals(desk)
    wanted = (by_us + len(read) - read.count(None), unread + read.count(None))
    await let_the_model(desk, caller, *(("transfer", arguments) for arguments in block))
    assert await said_after(caller)
    assert refusals(desk) == wanted


async def turned_away(desk: Desk, caller: PhoneCall) -> None:
    """Let the colleague be busy: the caller is told, and the talk goes on."""
    await (await ringing(desk.first)).reject(486)
    assert await said_after(caller)


def sent_out(desk: Desk) -> int:
    """Count what LiveKit was asked to call or to refer: whatever the end, and to whomever."""
    log = (desk.stack.options.run_dir / "livekit.log").read_text()
    return log.count('"API SIP.CreateSIPParticipant"') + log.count('"API SIP.TransferSIPParticipant"')


def refusals(desk: Desk) -> tuple[int, int]:
    """Count the requests that our tool refused, and those that livekit-agents could not read."""
    logs = [worker.log_path.read_text() for worker in desk.stack.workers]
    return (
        sum(log.count("a target that is not there") for log in logs),
        sum(log.count("invalid arguments for AI function `transfer`") for log in logs),
    )
