"""The synthetic caller against a peer that answers with tones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lab.caller.caller import Caller
from lab.caller.crowd import number_after, run_crowd
from lab.caller.events import CallEvent
from lab.caller.report import result_of
from lab.caller.run import run_script
from lab.caller.script import parse_script
from lab.media.codec import Samples
from lab.speech.voice import ToneVoice
from telephony.errors import UserError, WorldError
from tests.lab.caller.tone_agent import tone_agent

LIMIT_S = 60.0
SLACK_S = 0.25
"""What a busy machine may delay a packet; exact places are tested in test_track."""
NUMBER = "+918071000001"
TALK = parse_script("""
- hear: {timeout_s: 10, silence_s: 0.4}
- say: "good morning"
- hear: {timeout_s: 10, silence_s: 0.4}
- say: ["one", 0.1, "two"]
- hear: {timeout_s: 10, silence_s: 0.4}
- digits: "12#"
- hang_up
""")


class Length:
    """A recogniser that writes down how long the sound is, in tenths of a second."""

    def recognise(self, samples: Samples, *, sample_rate: int) -> str:
        return f"{len(samples) / sample_rate:.1f}"


@asynccontextmanager
async def caller(**settings: object) -> AsyncIterator[Caller]:
    async with asyncio.timeout(LIMIT_S), Caller(ToneVoice(), **settings) as phone:  # type: ignore[arg-type]
        yield phone


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_whole_call_by_script(tmp_path: Path) -> None:
    """Greeting, two turns, digits, hang-up: figures, events, recognised texts and files are all there."""
    events: list[CallEvent] = []
    path = tmp_path / "deep" / "call.wav"
    async with tone_agent() as agent:
        result = await run_script(
            TALK,
            NUMBER,
            voice=ToneVoice(),
            sip=agent.address,
            recording=path,
            recogniser=Length(),
            on_event=events.append,
        )
        assert agent.lines[0].call.local_uri.startswith(f"sip:{NUMBER}@")
        assert agent.lines[0].digits == ["1", "2", "#"]
    assert result.passed
    assert (result.status, result.codec, result.ended_by, result.failures) == (200, "PCMU", "caller", ())
    assert result.trying_ms is not None
    assert result.ringing_ms is not None
    assert result.answer_ms is not None
    assert result.first_audio_ms is not None
    assert result.trying_ms <= result.ringing_ms <= result.answer_ms <= result.first_audio_ms
    assert [turn.said for turn in result.turns] == ["good morning", "one two"]
    for turn in result.turns:
        assert turn.voice_to_voice_ms is not None
        assert 150 < turn.voice_to_voice_ms < 5000
        assert not turn.cut_off
        assert not turn.barged_in
    assert len(result.heard) == 3
    assert all(0.6 <= float(text) <= 1.2 for text in result.heard)
    assert result.caller.lost == 0
    kinds = [event.kind for event in events]
    assert kinds[:3] == ["invited", "progress", "answered"]
    assert kinds.count("said") == 2
    assert kinds.count("agent") == 3
    assert kinds[-1] == "ended" or kinds[-1] == "agent"
    assert json.loads(json.dumps(result.to_json()))["turns"][0]["said"] == "good morning"
    notes = json.loads(path.with_suffix(".json").read_text())
    assert [event["kind"] for event in notes["events"]].count("said") == 2
    assert notes["result"]["recording"] == str(path)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_the_recording_lies_on_the_wire_clock(tmp_path: Path, codec: str) -> None:
    """Left is the caller, right the agent; each sound stands where its packets were on the wire."""
    async with tone_agent() as agent, caller(codecs=(codec,)) as phone:
        call = await phone.dial(NUMBER, sip=agent.address)
        await call.hear_turn(timeout_s=10, silence_s=0.3)
        said = await call.say("a long and loud sentence")
        await call.hear_turn(timeout_s=10, silence_s=0.3)
        await call.hang_up()
        assert await call.recording(tmp_path / "call.wav")
        sound, rate = soundfile.read(tmp_path / "call.wav", dtype="int16")
        assert call.talk is not None
        assert said is not None
        assert said.first_s is not None
        assert said.last_s is not None
        assert (sound.shape[1], rate) == (2, 16000 if codec == "G722" else 8000)
        start_s = call.sip.invited_s
        left, right = (np.flatnonzero(np.abs(sound[:, side]) > 1000) / rate for side in (0, 1))
        assert left[0] == pytest.approx(said.first_s - start_s, abs=SLACK_S)
        assert left[-1] == pytest.approx(said.last_s - start_s, abs=SLACK_S)
        assert right[0] == pytest.approx(call.talk.peer.audible_s[0] - start_s, abs=SLACK_S)
        gaps = np.diff(right)
        assert (gaps > 0.1).sum() == 1
        assert len(sound) / rate == pytest.approx((call.ended_at_s or 0) - start_s, abs=0.01)


async def test_a_barge_in_stops_the_agent_and_is_measured() -> None:
    """The caller speaks into a long answer; the result says how long the agent went on."""
    script = parse_script("""
    - barge_in: {after_s: 0.5, say: "excuse me please"}
    - hear: {timeout_s: 10, silence_s: 0.6}
    - hang_up
    """)
    async with asyncio.timeout(LIMIT_S), tone_agent(sentence_s=8.0) as agent:
        result = await run_script(
            script.model_copy(update={"steps": script.steps[:1]}), NUMBER, voice=ToneVoice(), sip=agent.address
        )
        turn = result.turns[0]
        assert turn.barged_in
        assert turn.barge_in_ms is not None
        assert 0 <= turn.barge_in_ms < 2000
        assert len(result.agent_turns) >= 1
        assert result.agent_turns[0].ended_ms - result.agent_turns[0].started_ms < 3000


async def test_the_agent_hangs_up() -> None:
    """`expect_hang_up` is content, and the result says who ended the call."""
    script = parse_script("- hear: {silence_s: 0.3}\n- expect_hang_up: {timeout_s: 10}\n- hang_up")
    async with tone_agent(hang_up_after_s=1.5) as agent:
        result = await run_script(script, NUMBER, voice=ToneVoice(), sip=agent.address)
    assert (result.passed, result.ended_by) == (True, "agent")


@pytest.mark.parametrize(
    ("steps", "settings", "failure"),
    [
        ("- expect_hang_up: {timeout_s: 0.3}", {}, "step 1 (expect_hang_up): the agent did not hang up in 0.3 s"),
        ("- hear: {timeout_s: 0.4}", {"silent": True}, "step 1 (hear): the agent said nothing in 0.4 s"),
        ("- wait: 5\n- say: hello", {"hang_up_after_s": 0.2}, "step 2 (say): the agent had hung up"),
        ("- hear\n- hear", {"hang_up_after_s": 1.2}, "step 2 (hear): the agent hung up before it spoke"),
        (
            "- barge_in: {after_s: 1, say: x, timeout_s: 0.3}",
            {"greets": False},
            "step 1 (barge_in): the agent said nothing in 0.3 s",
        ),
    ],
)
async def test_what_the_script_expected_in_vain_is_a_failure_in_the_result(
    steps: str, settings: dict[str, object], failure: str
) -> None:
    """No exception: the call is answered, not passed, and says which step failed."""
    events: list[CallEvent] = []
    async with asyncio.timeout(LIMIT_S), tone_agent(**settings) as agent:
        result = await run_script(
            parse_script(steps), NUMBER, voice=ToneVoice(), sip=agent.address, on_event=events.append
        )
    assert (result.answered, result.passed, result.failures) == (True, False, (failure,))
    assert [event.text for event in events if event.kind == "failed"] == [failure]


async def test_a_refused_call_is_a_result(tmp_path: Path) -> None:
    """Status and reason, no recording."""
    async with tone_agent(status=486) as agent:
        result = await run_script(TALK, NUMBER, voice=ToneVoice(), sip=agent.address, recording=tmp_path / "none.wav")
    assert (result.answered, result.status, result.reason, result.ended_by) == (False, 486, "Busy Here", "none")
    assert (result.recording, result.passed) == (None, False)
    assert files_in(tmp_path) == []


async def test_an_unanswered_call_is_cancelled_and_is_a_result() -> None:
    """It rang, nobody answered, the caller gave up."""
    script = TALK.model_copy(update={"ring_timeout_s": 0.5})
    async with tone_agent(status=None) as agent:
        result = await run_script(script, NUMBER, voice=ToneVoice(), sip=agent.address)
    assert (result.answered, result.status, result.reason) == (False, None, "not answered in 0.5 s")
    assert result.ringing_ms is not None


async def test_an_answer_that_cannot_be_understood_ends_the_call() -> None:
    """A 200 with a codec that was not offered: BYE, and a failure in the result."""
    sdp = b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 111\r\na=rtpmap:111 OPUS/48000/2\r\n"
    async with tone_agent(sdp=sdp) as agent:
        result = await run_script(TALK, NUMBER, voice=ToneVoice(), sip=agent.address)
    assert (result.answered, result.status) == (False, 200)
    assert "OPUS" in result.failures[0]


@pytest.mark.parametrize(
    ("address", "error"),
    [("127.0.0.1:99999", UserError), ("127.0.0.1:sip", UserError), ("no.such.invalid", WorldError)],
)
async def test_a_bad_address_is_one_clear_error(address: str, error: type[Exception]) -> None:
    """What the user wrote is a UserError, what the world does not know a WorldError."""
    with pytest.raises(error):
        await run_script(TALK, NUMBER, voice=ToneVoice(), sip=address)


async def test_ten_callers_at_once(tmp_path: Path) -> None:
    """Each has its own number, its own recording and its own turns."""
    async with asyncio.timeout(LIMIT_S), tone_agent() as agent:
        results = await run_crowd(
            TALK, NUMBER, callers=10, voice=ToneVoice(), sip=agent.address, recording=tmp_path / "call.wav"
        )
        numbers = {line.call.remote_uri for line in agent.lines}
    assert [result.failures for result in results] == [()] * 10
    assert len({result.call_id for result in results}) == len(numbers) == 10
    assert sum(name.endswith(".wav") for name in files_in(tmp_path)) == 10
    assert all(len(result.turns) == 2 for result in results)


async def test_the_caller_takes_a_refer_and_reports(tmp_path: Path) -> None:
    """202, then NOTIFYs with the statuses that the test chose; by default 405."""
    async with tone_agent(greets=False) as agent, caller() as phone:
        call = await phone.dial(NUMBER, sip=agent.address)
        other = agent.lines[0].call
        assert (await other.refer("sip:9@127.0.0.1")).status == 405
        call.take_refers(100, 486)
        referral = await other.refer("sip:9@127.0.0.1")
        assert (referral.status, await referral.outcome()) == (202, 486)
        assert call.referred_to == ["sip:9@127.0.0.1"]


async def test_closing_the_caller_hangs_up() -> None:
    """No call outlives it."""
    async with tone_agent(greets=False) as agent:
        async with caller() as phone:
            call = await phone.dial(NUMBER, sip=agent.address)
        assert (await agent.lines[0].call.wait_ended()).by == "remote"
        assert result_of(call).ended_by == "caller"
        assert await call.say("too late") is None
        assert await call.hear_turn(timeout_s=1) is None
        await phone.aclose()


async def test_digits_of_the_agent_are_heard() -> None:
    """RFC 4733 the other way."""
    async with tone_agent(greets=False) as agent, caller() as phone:
        call = await phone.dial(NUMBER, sip=agent.address)
        for digit in "42":
            agent.lines[0].rtp.send_dtmf(digit)
        await agent.lines[0].rtp.dtmf_sent()
        assert call.talk is not None
        assert call.talk.digits == ["4", "2"]


async def test_a_moved_agent_gets_our_sound_at_its_new_address() -> None:
    """A re-INVITE changes where packets go; one that cannot be read is refused with 488."""
    async with tone_agent(greets=False) as agent, caller() as phone:
        call = await phone.dial(NUMBER, sip=agent.address)
        other = agent.lines[0].call
        assert (await other.reinvite(b"nonsense")).code == 488
        moved = other.local_sdp.replace(b"m=audio ", b"m=audio 1")[:0] or other.local_sdp
        assert (await other.reinvite(moved)).code == 200
        assert call.talk is not None
        assert call.talk.rtp.remote == ("127.0.0.1", agent.lines[0].rtp.port)
        held = other.local_sdp.replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 0.0.0.0")
        assert (await other.reinvite(held)).code == 200
        assert call.talk.rtp.remote is None
        assert await call.say("into the void") is not None


@pytest.mark.parametrize(
    ("number", "steps", "after"),
    [("+919812345678", 3, "+919812345681"), ("0099", 2, "0101"), ("99", 1, "00"), ("alice", 5, "alice")],
)
def test_callers_have_neighbouring_numbers(number: str, steps: int, after: str) -> None:
    """As many digits as before."""
    assert number_after(number, steps) == after
