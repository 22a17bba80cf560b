"""How much of an interrupted reply the caller heard: the rest is no part of the conversation.

Stands between the session and the room's audio output and passes everything on. livekit-agents has a synchroniser for
this, which analyses the sound of each reply while it begins; here the share of the audio that was played decides.
"""

from __future__ import annotations

import asyncio
from typing import Final

from livekit import rtc
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities, TextOutput

FASTEST_CHARACTERS_PER_S: Final = 17.0
"""Of speech, about 200 words a minute: bounds the guess while the end of a reply is still being made."""


def heard_part(text: str, *, played_s: float, made_s: float, complete: bool) -> str:
    """Return the words of `text` of which `played_s` were heard.

    `made_s` is how much audio there is by now; with `complete` it is that of the whole text.
    """
    share = min(played_s / made_s, 1.0) if made_s > 0 else 0.0
    length = share * len(text)
    if not complete:
        length = min(length, played_s * FASTEST_CHARACTERS_PER_S)
    end = round(length)
    if end < len(text) and not text[end].isspace():
        end = text.rfind(" ", 0, end) + 1
    return text[:end].rstrip()


class HeardAudio(AudioOutput):
    """The audio side. `words` is the text side: both are given to the session's output."""

    def __init__(self, room_audio: AudioOutput) -> None:
        super().__init__(
            label="heard",
            capabilities=AudioOutputCapabilities(pause=True),
            next_in_chain=room_audio,
            sample_rate=room_audio.sample_rate,
        )
        self.words = _Words()
        self._made_s = 0.0
        self._complete = self._just_flushed = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Pass a frame on."""
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)
        await super().capture_frame(frame)
        if self._complete:
            self._made_s, self._complete = 0.0, False
        self._made_s += frame.duration

    def flush(self) -> None:
        """Mark the reply's audio as complete."""
        super().flush()
        self._complete = self._just_flushed = True
        asyncio.get_running_loop().call_soon(self._forget_flush)
        if self.next_in_chain:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        """Stop playing."""
        if self._just_flushed:
            # A reply that is interrupted while it is being made is flushed, too, and cleared in the same breath.
            self._complete = False
        if self.next_in_chain:
            self.next_in_chain.clear_buffer()

    def _forget_flush(self) -> None:
        self._just_flushed = False

    def on_playback_finished(
        self, *, playback_position: float, interrupted: bool, synchronized_transcript: str | None = None
    ) -> None:
        """Tell the session what was heard, called by the room's output."""
        if not self._pending_playback_count:
            return  # the capture was cancelled before it was counted here
        text = self.words.take()
        if interrupted:
            synchronized_transcript = heard_part(
                text, played_s=playback_position, made_s=self._made_s, complete=self._complete
            )
        self._made_s, self._complete = 0.0, False
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=synchronized_transcript,
        )


class _Words(TextOutput):
    def __init__(self) -> None:
        super().__init__(label="heard", next_in_chain=None)
        self._text = ""
        self._complete = False

    async def capture_text(self, text: str) -> None:
        if self._complete:
            self._text, self._complete = "", False
        self._text += text

    def flush(self) -> None:
        self._complete = True

    def take(self) -> str:
        text, self._text = self._text, ""
        return text
