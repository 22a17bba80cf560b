"""A real AgentSession over ear and mouth: the conversation holds what the caller heard, and nothing else."""

from __future__ import annotations

import asyncio
from difflib import SequenceMatcher

import numpy as np
import pytest

from lab.speech.voice import RealVoice, VoiceMissingError
from tests.stream.conversation import FAST, SLOW, Conversation, talking

GREETING = "Good morning, this is the front desk of the clinic, how can I help you today?"
REPLY = (
    "The doctor is in from nine in the morning until one, and again from four in the afternoon until about eight in "
    "the evening, on every day of the week except Sundays and public holidays."
)
POSITION_ERROR_MS = 40


@pytest.fixture(scope="module")
def interjection() -> np.ndarray:
    """Return a caller's voice: voice activity detection takes no tones for speech."""
    try:
        return RealVoice().speak("No, wait a moment, please, I have a question.", sample_rate=8000)
    except VoiceMissingError:
        pytest.skip("the voice's wheel is not installed")


def is_cut_where_it_was_heard(talk: Conversation, text: str) -> None:
    """The carrier's truth, the position that was told, and the words of the conversation are one."""
    heard_ms = talk.carrier.cleared_at[0] // 8
    assert abs(talk.finished[0].playback_position * 1000 - heard_ms) <= POSITION_ERROR_MS
    message = talk.said("assistant")[0]
    assert message.interrupted
    words = (message.text_content or "").split()
    assert words == text.split()[: len(words)]
    heard = talk.voice.heard(talk.carrier.heard[: talk.carrier.cleared_at[0]]).split()
    assert abs(len(words) - len(heard)) <= 1


async def test_a_greeting_is_heard_whole() -> None:
    """One end, which no interruption made, and all its words in the conversation."""
    async with talking() as talk:
        await talk.session.say(GREETING)
        assert talk.words_heard == GREETING.split()
        (finished,) = talk.finished
        assert not finished.interrupted
        assert abs(finished.playback_position * 1000 - talk.carrier.heard_ms) <= POSITION_ERROR_MS
        assert [message.text_content for message in talk.said("assistant")] == [GREETING]
        assert talk.carrier.cleared_at == []


@pytest.mark.parametrize("until_ms", [500, 2500, 6000])
async def test_an_interrupted_reply_ends_where_the_caller_stopped_hearing_it(until_ms: int) -> None:
    """The carrier is told to clear, and the rest is no part of the conversation."""
    async with talking(REPLY) as talk:
        reply = talk.session.generate_reply(user_input="When is the doctor in?")
        await talk.listened(until_ms)
        talk.clock.speed = SLOW
        await talk.session.interrupt()
        await reply
        talk.clock.speed = FAST
        assert len(talk.carrier.cleared_at) == len(talk.finished) == 1
        is_cut_where_it_was_heard(talk, REPLY)
        heard_ms = talk.carrier.heard_ms
        await asyncio.sleep(0.3)
        assert talk.carrier.heard_ms == heard_ms


async def test_a_reply_that_is_interrupted_while_it_is_being_made() -> None:
    """Its length is not known yet."""
    async with talking(REPLY, made_per_s=FAST * 2) as talk:
        reply = talk.session.generate_reply(user_input="When is the doctor in?")
        await talk.listened(2500)
        talk.clock.speed = SLOW
        await talk.session.interrupt()
        await reply
        is_cut_where_it_was_heard(talk, REPLY)


async def test_the_reply_after_an_interruption_is_heard_whole() -> None:
    """Nothing of the first one is left in anybody's queue."""
    async with talking(REPLY, "Very well, goodbye.") as talk:
        talk.session.generate_reply(user_input="When is the doctor in?")
        await talk.listened(1500)
        await talk.session.interrupt()
        await talk.session.generate_reply(user_input="Never mind.")
        assert talk.words_heard[-3:] == ["Very", "well,", "goodbye."]
        assert [event.interrupted for event in talk.finished] == [True, False]


async def test_a_lost_socket_does_not_end_the_reply() -> None:
    """It goes on over the next one, and the conversation has all of it."""
    async with talking(REPLY) as talk:
        reply = talk.session.generate_reply(user_input="When is the doctor in?")
        await talk.listened(1500)
        talk.carrier.lost = True
        await asyncio.sleep(0.3)
        talk.carrier.lost = False
        talk.mouth.carry_over(talk.carrier)
        await reply
        assert talk.words_heard == REPLY.split()
        assert [message.text_content for message in talk.said("assistant")] == [REPLY]


async def test_a_caller_who_talks_into_a_reply_stops_it(interjection: np.ndarray) -> None:
    """His voice makes it pause, his words end it; what he said is answered."""
    async with talking(REPLY, "Of course, ask me.") as talk:
        talk.session.generate_reply(user_input="When is the doctor in?")
        await talk.listened(1000)
        talk.clock.speed = SLOW
        await talk.talk(interjection)
        talk.clock.speed = FAST
        talk.ears.recognise("No, wait a moment, please, I have a question.")
        while len(talk.finished) < 2:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        is_cut_where_it_was_heard(talk, REPLY)
        assert talk.words_heard[-4:] == ["Of", "course,", "ask", "me."]
        assert [event.interrupted for event in talk.finished] == [True, False]
        assert talk.said("user")[-1].text_content == "No, wait a moment, please, I have a question."


async def test_a_noise_without_words_costs_the_caller_no_word(interjection: np.ndarray) -> None:
    """The reply is silent while it lasts, and goes on where it stopped."""
    async with talking(REPLY) as talk:
        reply = talk.session.generate_reply(user_input="When is the doctor in?")
        await talk.listened(1000)
        talk.clock.speed = SLOW
        await talk.talk(interjection[:6400])
        talk.clock.speed = FAST
        await reply
        assert talk.false_alarms == [True]
        assert len(talk.carrier.cleared_at) == 1
        heard = talk.words_heard
        assert SequenceMatcher(None, heard, REPLY.split()).ratio() > 0.95
        assert set(heard) == set(REPLY.split())
        assert [message.text_content for message in talk.said("assistant")] == [REPLY]
        assert [event.interrupted for event in talk.finished] == [False]


async def test_a_silent_carrier_keeps_the_session_hearing() -> None:
    """Recognition and voice activity detection count time in sound."""
    async with talking() as talk:
        while talk.ears.sound_s < 0.2:
            await asyncio.sleep(0.02)
