"""The detector itself: one packet in a minute of chime is found, and nothing is where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from agent.transfer.hold import RATE, _chime
from lab.caller.tape import amplitudes
from lab.media.codec import Codec, Samples
from lab.speech.voice import ToneVoice
from tests.scenarios.privacy.sound import EVERYBODY_HZ, HUMAN_HZ, HUMAN_LEAST, VOICE_LEAST, Voices, voices

PACKET = 160
WORDS = "Hello. I have a caller for you. Anita has a question about a bill. Shall I put them through?"


def chimes(seconds: int = 60) -> Samples:
    """The hold sound as the caller hears it, at 8 kHz, in packets."""
    chime = _chime()[:: RATE // 8000]
    return np.tile(chime, 1 + seconds * 8000 // len(chime))[: seconds * 8000].reshape(-1, PACKET)


def on_the_wire(packets: Samples) -> Voices:
    """Who is in packets that were PCMU."""
    codec = Codec("PCMU")
    came = np.stack([codec.decode(codec.encode(packet)) for packet in packets])
    return voices(np.arange(len(came)) * 0.02, amplitudes(came, EVERYBODY_HZ, rate=8000))


def places(heard: Voices) -> tuple[list[int], list[int]]:
    """In which packets the human is, and in which the agent."""
    return list(np.flatnonzero(heard.human >= HUMAN_LEAST)), list(np.flatnonzero(heard.agent >= VOICE_LEAST))


def human(samples: int = PACKET) -> Samples:
    return (np.sin(2 * np.pi * HUMAN_HZ * np.arange(samples) / 8000) * 8000).astype(np.int16)


def briefing() -> Samples:
    spoken = ToneVoice().speak(WORDS, sample_rate=8000)
    return spoken[: len(spoken) // PACKET * PACKET].reshape(-1, PACKET)


def mixed(one: Samples, other: Samples) -> Samples:
    return np.clip(one.astype(np.int32) + other, -32768, 32767).astype(np.int16)


def test_the_chime_and_silence_are_nobodys_voice() -> None:
    heard = on_the_wire(chimes())
    assert len(heard.at_s) == 3000
    assert places(heard) == ([], [])


@pytest.mark.parametrize("quieter", [1, 2, 4])
def test_one_packet_of_the_human_is_found(quieter: int) -> None:
    """Anywhere, over the chime too, and a quarter as loud."""
    for place in range(40):
        packets = chimes(2)
        packets[place] = mixed(packets[place], human() // quieter)
        assert places(on_the_wire(packets)) == ([place], [])


def test_one_packet_of_the_briefing_is_found() -> None:
    """Every packet of it that is neither a pause nor the very edge of a word."""
    for index, packet in enumerate(briefing()):
        packets, place = chimes(2), index % 40
        packets[place] = mixed(packets[place], packet)
        is_loud = np.abs(packet[PACKET // 4 : -PACKET // 4]).max() > 3000
        assert places(on_the_wire(packets)) in ([([], [place])] if is_loud else [([], []), ([], [place])])


def test_the_agents_voice_is_not_taken_for_the_human() -> None:
    assert not places(on_the_wire(briefing()))[0]


def test_the_human_is_not_taken_for_the_agents_voice() -> None:
    assert not places(on_the_wire(np.stack([mixed(packet, human()) for packet in chimes(2)])))[1]
