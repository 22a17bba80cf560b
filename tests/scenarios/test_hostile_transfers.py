"""A model that somebody talked over asks for every stranger there is: nobody is called but people of the manifest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

import pytest
from livekit import api

from agent.conversation.handing_over import LONGEST_OPENING, announcement
from lab.caller.phone_call import PhoneCall
from lab.sip.call import IncomingCall
from tests.lab.gateway.telephone import Telephone, telephone
from tests.scenarios.conftest import NODES, eventually, speech_log
from tests.scenarios.desk import (
    NUMBER,
    Desk,
    answers_next,
    ask_for,
    briefed,
    let_the_model,
    open_desk,
    ringing,
    said_after,
    says,
)
from tests.scenarios.hostile import (
    as_the_tool_has_it,
    hostile_arguments,
    hostile_invites,
    hostile_reasons,
    mended_arguments,
)

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

NAME = "front-office"
LEAST = 629
BLOCK = 90
SAMPLE_STEP = 8
LONGEST_SPOKEN = LONGEST_OPENING + len(announcement("")) + 1
DIALLING = ("transfer", "cancel_transfer", "end_call", "take_message")


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk with one target."""
    run_dir = tmp_path_factory.mktemp(f"hostile-{request.param}")
    targets = {NAME: "says: the front office, people: [{first}], refer: true, headers: {X-VH-Team: sales}"}
    settings = "headers_to_attributes: {X-Clinic: clinic, X-Note: note}"
    async with open_desk(run_dir, gateway=request.param, targets=targets, settings=settings) as it:
        yield it


async def test_no_stranger_is_called(desk: Desk) -> None:
    """A sample of all kinds in one block."""
    await attack(desk, sampled=True)


@pytest.mark.full
@pytest.mark.timeout(1200)
async def test_none_of_many_strangers_is_called(desk: Desk) -> None:
    """All of them, in blocks, with a transfer that is allowed after each."""
    await attack(desk, sampled=False)


@pytest.mark.parametrize("which", [0, *(pytest.param(n, marks=pytest.mark.full) for n in range(1, 5))])
async def test_what_a_caller_writes_calls_nobody(desk: Desk, which: int) -> None:
    """Display name, user part and headers, some of them attributes of the leg, and a room that names strangers, too.

    The model asks for what stands there; a colleague is called as the manifest says, and hears words. Nothing that
    the caller wrote is in their INVITE.
    """
    async with telephone("") as stranger:
        uri = f"sip:mallory@{stranger.address}"
        written = hostile_invites(NAME, uri=uri)[which]
        allowed = sent_out(desk)
        dialled = {"from_number": written.user, "from_name": written.name, "headers": written.headers}
        async with desk.caller("What are your opening hours?", **dialled) as caller:
            assert await said_after(caller)
            await name_strangers(desk, uri)
            wanted = [written.name, written.user, *(value for _, value in written.headers if value != NAME)]
            block = [json.dumps({"target": target, "reason": written.name}) for target in wanted if target != NAME]
            await refused(desk, caller, block)
            assert sent_out(desk) == allowed
            await ask_for(desk, caller, NAME, written.name)
            call = await ringing(desk.first)
            as_the_manifest_says(call, stranger)
            await call.reject(486)
            assert await said_after(caller)
        assert sent_out(desk) == allowed + 1
        assert stranger.got == desk.second.got == desk.third.got == []


@pytest.mark.parametrize("which", [0, *(pytest.param(n, marks=pytest.mark.full) for n in range(1, 9))])
async def test_what_a_briefing_says_calls_nobody(desk: Desk, which: int) -> None:
    """Nor does the model that briefs, whatever a colleague or a reason talks it into: it has no tool for it."""
    async with telephone("") as stranger:
        uri = f"sip:mallory@{stranger.address}"
        reason = hostile_reasons(NAME, uri=uri)[which]
        allowed = sent_out(desk)
        async with desk.caller("What are your opening hours?") as caller:
            assert await said_after(caller)
            await ask_for(desk, caller, NAME, reason)
            call = await ringing(desk.first)
            as_the_manifest_says(call, stranger)
            async with desk.first.pick_up(call) as human:
                await briefed(human)
                spoken = await speech_log(desk.stack, "spoken")
                assert all("\n" not in text and len(text) < LONGEST_SPOKEN for text in spoken)
                unknown = unknown_tools(desk)
                asked = [*((tool, json.dumps({"target": NAME, "reason": uri})) for tool in DIALLING), ("refer", uri)]
                await answers_next(desk, *asked)
                await says(desk, human, "Please call somebody else.")

                async def refused_all() -> bool:
                    return unknown_tools(desk) == unknown + len(asked)

                await eventually(refused_all)
                assert sent_out(desk) == allowed + 1
                human.rtp.send_dtmf("2")
                assert await human.ended() == ("remote", "bye")
        assert sent_out(desk) == allowed + 1
        assert stranger.got == desk.second.got == desk.third.got == []


async def name_strangers(desk: Desk, uri: str) -> None:
    """Write a stranger into the metadata of every room, and into metadata and attributes of everybody there."""
    livekit = desk.stack.livekit
    written = json.dumps({"targets": {NAME: {"people": [uri]}}, "target": uri, "transfer_to": uri})
    attributes = {"target": uri, "transfer_to": uri, "sip.callTo": uri, "sip.transferTo": uri, NAME: uri}
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        for room in (await client.room.list_rooms(api.ListRoomsRequest())).rooms:
            await client.room.update_room_metadata(api.UpdateRoomMetadataRequest(room=room.name, metadata=written))
            there = await client.room.list_participants(api.ListParticipantsRequest(room=room.name))
            for participant in there.participants:
                await client.room.update_participant(
                    api.UpdateParticipantRequest(
                        room=room.name, identity=participant.identity, metadata=written, attributes=attributes
                    )
                )


def as_the_manifest_says(call: IncomingCall, stranger: Telephone) -> None:
    """Check that an INVITE is for the colleague, with the manifest's header, and has nothing from anybody else."""
    request = call.request
    assert str(request.uri).startswith("sip:asha@")
    assert NUMBER in str(request.headers["From"])
    assert request.headers.getlist("X-VH-Team") == ["sales"]
    text = str(request)
    for foreign in ("mallory", stranger.address, "X-VH-Route", "Refer-To", "X-Target", "1900555000"):
        assert foreign not in text


def unknown_tools(desk: Desk) -> int:
    """Count the calls of tools that a model does not have."""
    return sum(worker.log_path.read_text().count("unknown AI function") for worker in desk.stack.workers)


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
