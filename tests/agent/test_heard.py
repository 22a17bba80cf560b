"""agent/heard.py: what the caller heard of an interrupted reply."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities, PlaybackFinishedEvent

from agent.heard import HeardAudio, heard_part

TEXT = "We are open from nine in the morning to six in the evening."


@pytest.mark.parametrize(
    ("played_s", "made_s", "complete", "heard"),
    [
        (4.0, 4.0, True, TEXT),
        (2.0, 4.0, True, "We are open from nine in the"),
        (0.0, 4.0, True, ""),
        (0.0, 0.0, False, ""),
        (9.0, 4.0, True, TEXT),
        (1.0, 1.0, False, "We are open from"),
    ],
)
def test_the_share_of_the_audio_decides_which_words_were_heard(
    played_s: float, made_s: float, complete: bool, heard: str
) -> None:
    """Whole words only. While the audio is still being made, nobody is taken to speak faster than people do."""
    assert heard_part(TEXT, played_s=played_s, made_s=made_s, complete=complete) == heard


class Line(AudioOutput):
    """A room's output that the test plays."""

    def __init__(self) -> None:
        super().__init__(label="line", capabilities=AudioOutputCapabilities(pause=True), sample_rate=16_000)
        self.cleared = 0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)

    def flush(self) -> None:
        super().flush()

    def clear_buffer(self) -> None:
        self.cleared += 1


async def say(output: HeardAudio, text: str, *, seconds: int) -> None:
    """Give a reply to the output as the session does."""
    for word in text.split(" "):
        await output.words.capture_text(f"{word} ")
    output.words.flush()
    for _ in range(seconds):
        await output.capture_frame(rtc.AudioFrame(bytes(32_000), 16_000, 1, 16_000))
    output.flush()


async def test_an_interrupted_reply_is_cut_where_the_caller_stopped_it() -> None:
    """The next reply begins with nothing of it."""
    line = Line()
    output, events = HeardAudio(line), list[PlaybackFinishedEvent]()
    output.on("playback_finished", events.append)

    await say(output, TEXT, seconds=4)
    await asyncio.sleep(0)
    output.clear_buffer()
    line.on_playback_finished(playback_position=2.0, interrupted=True)
    await say(output, "Very well.", seconds=1)
    line.on_playback_finished(playback_position=1.0, interrupted=False)

    assert line.cleared == 1
    assert [event.synchronized_transcript for event in events] == ["We are open from nine in the", None]
    assert (await output.wait_for_playout()).playback_position == 1.0


async def test_a_reply_that_is_interrupted_while_it_is_being_made_is_not_taken_for_whole() -> None:
    """The session flushes what there is, and clears it in the same breath: it is not the audio of all the words."""
    line = Line()
    output, events = HeardAudio(line), list[PlaybackFinishedEvent]()
    output.on("playback_finished", events.append)
    await say(output, TEXT, seconds=1)
    output.clear_buffer()
    line.on_playback_finished(playback_position=1.0, interrupted=True)
    await say(output, TEXT, seconds=4)
    await asyncio.sleep(0)
    output.clear_buffer()
    line.on_playback_finished(playback_position=3.0, interrupted=True)
    assert [event.synchronized_transcript for event in events] == [
        "We are open from",
        "We are open from nine in the morning to six",
    ]


async def test_words_that_were_never_spoken_are_not_put_before_the_next_ones() -> None:
    """A reply whose speech failed has text and no audio."""
    line = Line()
    output, events = HeardAudio(line), list[PlaybackFinishedEvent]()
    output.on("playback_finished", events.append)
    await output.words.capture_text("lost words ")
    output.words.flush()
    await say(output, "one two three four", seconds=4)
    line.on_playback_finished(playback_position=2.0, interrupted=True)
    assert [event.synchronized_transcript for event in events] == ["one two"]
