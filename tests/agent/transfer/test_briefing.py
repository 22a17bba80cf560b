"""agent/transfer/briefing.py: whoever picks up hears who calls, whatever they say meanwhile, and that counts."""

from __future__ import annotations

import asyncio

import pytest

from agent.conversation.handing_over import announcement
from lab.speech.voice import Voice
from tests.agent.scripted import UseTool
from tests.agent.talking import SILENCE, in_breaths, then_silent, without_pause
from tests.agent.transfer.in_private import in_private

OPENING = "I have a caller for you. Anita asks about a bill."
ASKED = announcement(OPENING)
END = "Say yes or press one, no or press two."


async def test_who_is_silent_hears_it_once() -> None:
    """And the model is not asked."""
    async with in_private(OPENING) as human:
        await human.hears(ASKED)
        await asyncio.sleep(2)
        assert human.ear.words == ASKED.split()
        assert human.model.asked == []


async def test_who_talks_without_a_pause_hears_it(caller_voice: Voice) -> None:
    """From the first packet on, for ever: nothing waits for their end."""
    async with in_private(OPENING, talk=without_pause(caller_voice)) as human:
        await human.hears(END)


async def test_whose_noise_is_taken_for_words_hears_it(caller_voice: Voice) -> None:
    """Again and again; the model answers some of them."""
    async with in_private(OPENING, *["What?"] * 20, talk=in_breaths(caller_voice)) as human:
        await human.hears(END)


async def test_who_picks_up_with_a_name_hears_all_of_it_after_that(caller_voice: Voice) -> None:
    """The name alone is not answered; the model has it when the human decides."""
    talk = then_silent(caller_voice, 1.2)
    async with in_private(OPENING, *[UseTool("accept_caller")] * 3, talk=talk) as human:
        human.line.words = "Asha speaking."
        await human.hears(ASKED)
        await asyncio.sleep(2)
        assert human.answers == []
        human.says(then_silent(caller_voice, 0.8), "Yes.")
        assert await human.decides() == "accepted"
        assert human.model.asked[-1].items[-1].text_content == "Asha speaking. Yes."


async def test_a_recording_that_was_over_before_it_is_told(caller_voice: Voice) -> None:
    """When nobody says anything more."""
    talk = then_silent(caller_voice, 1.2)
    async with in_private(OPENING, *[UseTool("a_recording_answers")] * 3, talk=talk) as human:
        human.line.words = "Leave a message."
        assert await human.decides() == "voicemail"
        assert "two." in human.ear.words


async def test_who_decides_before_its_end_is_understood(caller_voice: Voice) -> None:
    """They need not hear it all, and hear nothing more."""
    async with in_private(OPENING, *[UseTool("decline_caller")] * 3) as human:
        await human.hears("I have a caller")
        human.says(then_silent(caller_voice, 0.8), "No, not now.")
        assert await human.decides() == "declined"
        await asyncio.sleep(2)
        assert "two." not in human.ear.words


async def test_who_asks_before_its_end_is_answered_and_hears_the_rest(caller_voice: Voice) -> None:
    """From the sentence on that was cut."""
    async with in_private(OPENING, *["It is Anita."] * 3) as human:
        await human.hears("I have a caller for you. Anita")
        human.says(then_silent(caller_voice, 0.8), "Who is it?")
        await human.hears("It is Anita. Anita asks about a bill. " + ASKED.removeprefix(OPENING).strip())


async def test_what_was_said_over_it_is_answered_after_it(caller_voice: Voice) -> None:
    """Also words that came when it could no longer be interrupted."""
    async with in_private(OPENING, *[UseTool("accept_caller")] * 3, talk=without_pause(caller_voice)) as human:
        await human.hears("Anita asks")
        human.says(lambda: SILENCE, "Yes, put them through.")
        assert await human.decides() == "accepted"


@pytest.mark.parametrize(("key", "answer"), [("1", "accepted"), ("2", "declined"), ("3", "callback")])
async def test_a_key_ends_it(key: str, answer: str) -> None:
    """Nothing is said anew."""
    async with in_private(OPENING) as human:
        await human.hears("I have")
        human.briefing.press(key)
        assert human.answers == [answer]
