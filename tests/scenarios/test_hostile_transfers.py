"""A model that somebody talked over asks for every stranger there is: nobody is called but people of the manifest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.lab.gateway.telephone import telephone
from tests.scenarios.conftest import NODES
from tests.scenarios.desk import Desk, let_the_model, open_desk, ringing, said_after
from tests.scenarios.hostile import hostile_arguments

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
        assert all(not is_object(arguments) or json.loads(arguments).get("target") != NAME for arguments in given)
        allowed = sent_out(desk)
        async with desk.caller("What are your opening hours?") as caller:
            assert await said_after(caller)
            for start in range(0, len(given), BLOCK):
                block = given[start : start + BLOCK]
                before, objects = refusals(desk), sum(is_object(arguments) for arguments in block)
                await let_the_model(desk, caller, *(("transfer", arguments) for arguments in block))
                assert await said_after(caller)
                assert before + objects <= refusals(desk) <= before + len(block)
                assert sent_out(desk) == allowed
                await caller.say("I want to talk to a person.")
                await (await ringing(desk.first)).reject(486)
                assert await said_after(caller)
                allowed += 1
                assert sent_out(desk) == allowed
        assert stranger.got == []
        assert desk.second.got == []


def sent_out(desk: Desk) -> int:
    """Count what LiveKit was asked to call or to refer: whatever the end, and to whomever."""
    log = (desk.stack.options.run_dir / "livekit.log").read_text()
    return log.count('"API SIP.CreateSIPParticipant"') + log.count('"API SIP.TransferSIPParticipant"')


def refusals(desk: Desk) -> int:
    """Count the requests that reached our tool and were refused there."""
    return sum(worker.log_path.read_text().count("a target that is not there") for worker in desk.stack.workers)


def is_object(arguments: str) -> bool:
    """Say whether a tool is called with this for certain; of the rest livekit-agents mends some."""
    try:
        return isinstance(json.loads(arguments), dict)
    except ValueError:
        return False
