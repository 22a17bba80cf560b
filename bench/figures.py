"""Calls → figures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.calls import HeldCall
from lab.figures import Figure, figure


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One arm. The first turn of each call is in no figure.

    `voice_to_voice.missed` counts questions without an answer, and those that a lost call never asked; a turn into
    which the agent spoke is in `cut_off` and nowhere else. `odd` names each of them.
    """

    name: str
    answer: Figure
    first_audio: Figure
    voice_to_voice: Figure
    cut_off: int
    odd: tuple[str, ...]
    calls: tuple[dict[str, Any], ...]


def arm_figures(name: str, held: Sequence[HeldCall]) -> ArmFigures:
    """Summarise the calls of one arm."""
    turns = [turn for call in held for turn in call.counted]
    return ArmFigures(
        name=name,
        answer=figure("INVITE → 200", [call.result.answer_ms for call in held]),
        first_audio=figure("INVITE → first audible", [call.result.first_audio_ms for call in held]),
        voice_to_voice=figure(
            "voice to voice",
            [turn.voice_to_voice_ms if turn else None for turn in turns if not (turn and turn.cut_off)],
        ),
        cut_off=sum(turn.cut_off for turn in turns if turn),
        odd=tuple(f"{name}, call {index}: {what}" for index, call in enumerate(held, 1) for what in _odd(call)),
        calls=tuple(_plain(call) for call in held),
    )


def _odd(call: HeldCall) -> list[str]:
    result = call.result
    if not result.answered:
        return [f"not answered ({result.status or 'no final response'} {result.reason})".rstrip()]
    found = [
        f"turn {index} {'cut off' if turn.cut_off else 'missed'} at {turn.ended_ms / 1000:.1f} s: {turn.said}"
        for index, turn in enumerate(result.turns, 1)
        if turn.cut_off or turn.voice_to_voice_ms is None
    ]
    if len(result.turns) < call.planned:
        found.append(f"ended by the {result.ended_by} after {len(result.turns)} of {call.planned} turns")
    return found


def _plain(call: HeldCall) -> dict[str, Any]:
    result = call.result
    return {
        "call_id": result.call_id,
        "answer_ms": result.answer_ms,
        "first_audio_ms": result.first_audio_ms,
        "duration_ms": result.duration_ms,
        "lost_packets": result.caller.lost,
        "send_jitter_p99_ms": result.caller.send_jitter_p99_ms,
        "turns": [
            {"said": turn.said, "voice_to_voice_ms": turn.voice_to_voice_ms, "cut_off": turn.cut_off}
            for turn in result.turns
        ],
    }
