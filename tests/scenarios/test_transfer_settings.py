"""What a target's settings make of a transfer, on the whole stack with real SIP legs."""

from __future__ import annotations

import json
import wave
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from livekit import api

from lab.caller.phone_call import PhoneCall
from lab.media.codec import Samples
from telephony.manifest.hours import DAYS
from tests.lab.gateway.telephone import PHONE_HZ, Line
from tests.scenarios.conftest import NODES, eventually
from tests.scenarios.desk import (
    HEAR_S,
    MESSAGES,
    Desk,
    ask_for,
    briefed,
    heard,
    let_the_model,
    open_desk,
    outcomes,
    records,
    ringing,
    said_after,
    told,
)

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

MUSIC_HZ, TONE_HZ, CHIME_HZ, BEEP_HZ = 900, 425, 523, 1000


def another_day() -> str:
    """Return hours that are neither today nor near it, wherever the worker is."""
    day = datetime.now(ZoneInfo("Asia/Kolkata")) + timedelta(days=3)
    return f'["{DAYS[day.weekday()]} 10:00-12:00"]'


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk with a target for each of the settings."""
    run_dir = tmp_path_factory.mktemp(f"settings-{request.param}")
    write_music(run_dir / "music.wav")
    targets = {
        "closed": f"says: the night shift, people: [{{first}}], hours: {another_day()}",
        "elsewhere": f"says: the day shift, people: [{{first}}], hours: {another_day()}, on_closed: {{target: talked}}",
        "busy": 'says: the busy ones, people: [{first}], on_busy: {say: "Please try again at nine."}',
        "message": "says: the silent ones, people: [{first}], on_no_answer: voicemail",
        "last": "says: the last ones, people: [{first}], on_declined: hang_up",
        "talked": 'says: the sales team, people: [{first}], introduction: "You are both on the line now.", '
        'briefing: "Call for sales: {reason}", headers: {X-VH-Team: sales}',
        "strict": "says: the lawyers, people: [{first}], privacy: strict",
        "music": "says: the choir, people: [{first}], hold: music.wav",
        "tone": "says: the tuners, people: [{first}], hold: tone",
        "updates": 'says: the slow ones, people: [{first}], hold: silence, update: "Still calling.", update_every_s: 8',
    }
    async with open_desk(run_dir, gateway=request.param, targets=targets) as it:
        yield it


def write_music(path: Path) -> None:
    """Write a second of a tone."""
    samples = np.sin(2 * np.pi * MUSIC_HZ * np.arange(16_000) / 16_000) * 6000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.astype("<i2").tobytes())


async def taken(desk: Desk, caller: PhoneCall, human: Line) -> None:
    """Let a human who is briefed take the call, and both hear each other."""
    await briefed(human)
    human.rtp.send_dtmf("1")
    await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)

    async def is_told() -> bool:
        return (await outcomes(desk, caller))[-1:] == ["bridged"]

    await eventually(is_told, limit_s=HEAR_S)


async def may_hear(desk: Desk) -> bool:
    """Ask the server whether the caller's leg may hear anything at all."""
    livekit = desk.stack.livekit
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        rooms = (await client.room.list_rooms(api.ListRoomsRequest())).rooms
        for room in rooms:
            there = await client.room.list_participants(api.ListParticipantsRequest(room=room.name))
            for participant in there.participants:
                if participant.identity.startswith("sip_"):
                    return participant.permission.can_subscribe
    raise AssertionError(rooms)


async def test_after_hours_nobody_is_dialled(desk: Desk) -> None:
    """The caller is told at once, and the talk goes on."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "closed")
        await told(desk, "the night shift cannot be called at this hour")
        assert await said_after(caller)
        assert await outcomes(desk, caller) == ["not_allowed"]
        assert desk.first.received.empty()
        await caller.say("What are your opening hours?")
        assert await said_after(caller)


async def test_after_hours_another_target_is_called_with_words_and_headers_of_its_own(desk: Desk) -> None:
    """The INVITE carries the header; both hear the introduction before they hear each other."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "elsewhere", "Anita wants a quote")
        call = await ringing(desk.first)
        assert call.request.headers.getlist("X-VH-Team") == ["sales"]
        async with desk.first.pick_up(call) as human:
            await told(desk, "Call for sales: Anita wants a quote. Shall I put them through?")
            await taken(desk, caller, human)
        await told(desk, "You are both on the line now.")
    assert await outcomes(desk, caller) == ["not_allowed", "bridged"]


async def test_a_busy_line_may_have_words_of_its_own(desk: Desk) -> None:
    """Instead of what happened; the record has the SIP status."""
    before = len(records(desk, "transfer attempt"))
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "busy")
        await (await ringing(desk.first)).reject(486)
        await told(desk, "Please try again at nine.")
        assert await said_after(caller)
    (attempt,) = records(desk, "transfer attempt")[before:]
    for field in ("target=busy", "outcome=busy", "sip_status=486", "ended_by=human", "way=dial"):
        assert f" {field}" in attempt


async def test_a_caller_leaves_a_message(desk: Desk) -> None:
    """It is kept in a file, with both numbers."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "message")
        await (await ringing(desk.first)).reject(480)
        await told(desk, "Would you like to leave a message?")
        assert await said_after(caller)
        await let_the_model(desk, caller, ("take_message", json.dumps({"message": "Please call Anita back."})))
        assert await said_after(caller)
    path = desk.stack.options.run_dir / MESSAGES
    (kept,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert kept["message"] == "Please call Anita back."
    assert kept["to"] == "+918071000501"


async def test_a_caller_may_be_hung_up_on_with_the_reason(desk: Desk) -> None:
    """When that is what the target says."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "last")
        await (await ringing(desk.first)).reject(603)
        await told(desk, "the last ones cannot take your call right now")
        assert await caller.wait_hang_up(timeout_s=HEAR_S)
    assert await outcomes(desk, caller) == ["declined"]


async def test_a_strict_briefing_is_heard_by_nobody_and_the_caller_is_told_to_wait(desk: Desk) -> None:
    """From the answer on the caller's leg may hear nothing, but words between closed gates; then both talk."""

    async def deaf() -> bool:
        return not await may_hear(desk)

    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "strict")
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            await eventually(deaf)
            assert await said_after(caller)
            await told(desk, "I am still connecting you")
            await eventually(deaf)
            assert not await heard(caller, PHONE_HZ)
            await taken(desk, caller, human)


@pytest.mark.parametrize(("target", "hertz"), [("music", MUSIC_HZ), ("tone", TONE_HZ)])
async def test_the_caller_waits_with_the_sound_that_the_target_names(desk: Desk, target: str, hertz: int) -> None:
    """A file, or a tone."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, target)
        call = await ringing(desk.first)
        await eventually(lambda: heard(caller, hertz), limit_s=HEAR_S)
        assert not await heard(caller, CHIME_HZ)
        await call.reject(486)
        assert await said_after(caller)


async def test_the_caller_is_told_that_it_goes_on(desk: Desk) -> None:
    """While it rings for long."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "updates")
        call = await ringing(desk.first)
        assert await said_after(caller)
        await told(desk, "Still calling.")
        await call.reject(486)


async def test_the_beep_of_a_voicemail_gives_the_caller_back(desk: Desk) -> None:
    """A machine that greets, beeps and waits: nobody hears it, and the caller is told."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "busy")
        async with desk.first.pick_up(await ringing(desk.first)) as machine:
            machine.rtp.next_frame = Voicemail(8000)
            assert await machine.ended() == ("remote", "bye")
        assert await said_after(caller)
        assert not await heard(caller, BEEP_HZ)
    assert await outcomes(desk, caller) == ["voicemail"]


class Voicemail:
    """Three seconds of a greeting with several tones at once, a beep, silence."""

    def __init__(self, rate: int) -> None:
        self._rate, self._at = rate, 0

    def __call__(self) -> Samples:
        size = self._rate // 50
        time_s = (self._at * size + np.arange(size)) / self._rate
        self._at += 1
        if self._at < 150:
            sound = sum(np.sin(2 * np.pi * hertz * time_s) for hertz in (200, 610, 1450)) * 2000
        elif self._at < 175:
            sound = np.sin(2 * np.pi * BEEP_HZ * time_s) * 8000
        else:
            sound = np.zeros(size)
        return sound.astype(np.int16)
