"""`python -m lab.speech`: the stand-ins as a process of their own. Prints one JSON line when ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

import numpy as np

from lab.speech.ears import Ears
from lab.speech.faults import ServiceSettings, Settings
from lab.speech.receptionist import DEFAULT_RULES, Receptionist
from lab.speech.server import serving
from lab.speech.state import State
from lab.speech.voice import RealVoice, ToneVoice, Voice
from telephony.errors import DialroomError


def main() -> int:
    """Serve until SIGTERM or SIGINT; exit 1 with one line when something is missing."""
    arguments = _arguments()
    try:
        state = _state(arguments)
        asyncio.run(_serve(state, arguments.port))
    except DialroomError as error:
        sys.stderr.write(f"lab.speech: {error}\n")
        return error.exit_code
    return 0


async def _serve(state: State, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(state, port) as base_url:
        ears = state.ears.name if state.ears else "oracle"
        ready = {"ready": True, "base_url": base_url, "voice": state.voice.name, "ears": ears}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _state(arguments: argparse.Namespace) -> State:
    voice: Voice = RealVoice() if arguments.voice == "real" else ToneVoice()
    ears = Ears() if arguments.ears == "real" else None
    voice.speak("Hello.", sample_rate=24_000)
    if ears:
        ears.recognise(np.zeros(8000, np.int16), sample_rate=16_000)
    return State(voice=voice, ears=ears, receptionist=Receptionist(arguments.receptionist), settings=arguments.delays)


def _delays(text: str) -> Settings:
    pairs = dict(part.split("=", 1) for part in text.split(",") if part)
    return Settings.model_validate({name: ServiceSettings(delay_ms=int(value)) for name, value in pairs.items()})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.speech", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--voice", choices=["real", "tone"], default="real")
    parser.add_argument("--ears", choices=["real", "oracle"], default="real")
    parser.add_argument("--delays", type=_delays, default=Settings(), help="milliseconds: stt=100,llm=300,tts=150")
    parser.add_argument("--receptionist", type=Path, default=DEFAULT_RULES, help="rules as YAML")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
