"""Both sides of a call as one stereo WAV, left the caller, right the agent, and a JSON file with the events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from lab.caller.events import CallEvent
from lab.caller.talk import Talk


def write_recording(path: Path, talk: Talk, *, from_s: float, to_s: float) -> None:
    """Write the WAV at the codec's rate; time 0 is `from_s` (time.monotonic). Blocks. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    both = np.column_stack([talk.own.sound(from_s, to_s), talk.peer.sound(from_s, to_s)])
    soundfile.write(path, both, talk.codec.sample_rate, subtype="PCM_16", format="WAV")


def write_notes(path: Path, events: Sequence[CallEvent], result: dict[str, Any]) -> Path:
    """Write the events and the result beside the recording `path`; return where. Raises OSError."""
    beside = path.with_suffix(".json")
    told = [{key: value for key, value in asdict(event).items() if value is not None} for event in events]
    beside.write_text(json.dumps({"events": told, "result": result}, ensure_ascii=False, indent=2) + "\n")
    return beside
