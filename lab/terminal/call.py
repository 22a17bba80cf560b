"""A call on the terminal: each event as a line while it happens, then the figures. Pure but for `Screen.show`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import typer

from lab.caller.events import CallEvent
from lab.caller.result import CallResult, Turn
from lab.figures import figure
from lab.running import shown

_LOOK = "Is the number set up (`dialroom provision plan`), and does a worker run?"
_SPEAKERS = {"said": "caller", "agent": "agent ", "digits": "caller"}


def event_line(event: CallEvent, *, caller: int | None = None) -> str:
    """Return one line: seconds since the INVITE, who, what. `caller` numbers the call when there are several."""
    who = f"[{caller + 1}] " if caller is not None else ""
    return f"  {event.t_s:7.2f} s  {who}{_words(event)}"


def summary(results: Sequence[CallResult]) -> str:
    """Return the figures of one call, or of many as percentiles."""
    return _one(results[0]) if len(results) == 1 else _many(results)


def _words(event: CallEvent) -> str:
    match event.kind:
        case "invited":
            return "INVITE sent"
        case "progress":
            return event.text
        case "answered":
            return "200 OK"
        case "said" | "agent":
            return f"{_SPEAKERS[event.kind]} | {event.text or '(speaks)'}"
        case "digits":
            return f"caller | presses {event.text}"
        case "ended":
            return f"the {event.text} hangs up"
        case "refused":
            return f"not answered: {event.text}"
        case "failed":
            return f"NOT AS EXPECTED: {event.text}"


def _one(result: CallResult) -> str:
    if not result.answered:
        return f"No talk: {result.status or ''} {result.reason}".replace("  ", " ").rstrip() + f"\n{_LOOK}"
    lines = ["", f"Call to {result.number}: {_end(result)}, codec {result.codec}"]
    lines.append(
        f"  INVITE → 180 {_ms(result.ringing_ms)}   → 200 {_ms(result.answer_ms)}"
        f"   → first audible agent audio {_ms(result.first_audio_ms)}"
    )
    lines.append("  voice to voice (caller's last audible packet → agent's first):")
    lines += [f"    {_ms(turn.voice_to_voice_ms):>9}  {_note(turn)}{turn.said}" for turn in result.turns]
    lines.append(f"    {_voice_to_voice([result])}")
    wire = result.caller
    lines.append(
        f"  packets at the caller: {wire.sent} sent (late by {wire.send_jitter_p50_ms:.1f} ms p50,"
        f" {wire.send_jitter_p99_ms:.1f} ms p99), {wire.received} received, {wire.lost} lost"
    )
    if result.recording:
        lines.append(f"  recording (left: caller, right: agent): {shown(result.recording)}")
    failures = [*result.failures, *(result.human.failures if result.human else ())]
    lines += [f"  NOT AS EXPECTED: {failure}" for failure in failures]
    return "\n".join(lines)


def _many(results: Sequence[CallResult]) -> str:
    answered = [result for result in results if result.answered]
    lines = ["", f"{len(results)} calls: {len(answered)} answered, {sum(r.passed for r in results)} as expected"]
    for name, samples in (
        ("INVITE → 200", [result.answer_ms for result in results]),
        ("INVITE → first audible agent audio", [result.first_audio_ms for result in results]),
    ):
        told = figure(name, samples)
        lines.append(f"  {name}: p50 {_ms(told.p50)}, p95 {_ms(told.p95)}, missed {told.missed}")
    lines.append(f"  voice to voice: {_voice_to_voice(results)}")
    lines += [f"  [{i + 1}] NOT AS EXPECTED: {failure}" for i, r in enumerate(results) for failure in r.failures]
    return "\n".join(lines)


def _voice_to_voice(results: Sequence[CallResult]) -> str:
    told = figure("voice to voice", [turn.voice_to_voice_ms for result in results for turn in spoken_turns(result)])
    left_out = sum(len(result.turns) - len(spoken_turns(result)) for result in results)
    rest = f", left out {left_out} (barge-in or cut off)" if left_out else ""
    return f"p50 {_ms(told.p50)}, p95 {_ms(told.p95)}, n {told.n}, without an answer {told.missed}{rest}"


def spoken_turns(result: CallResult) -> list[Turn]:
    """Return the turns whose voice to voice counts: not a barge-in, not one that the agent cut off."""
    return [turn for turn in result.turns if not turn.barged_in and not turn.cut_off]


def _note(turn: Turn) -> str:
    if turn.barged_in:
        stopped = "" if turn.barge_in_ms is None else f", agent silent after {_ms(turn.barge_in_ms)}"
        return f"(barge-in{stopped}) "
    return "(cut off) " if turn.cut_off else ""


def _end(result: CallResult) -> str:
    lasted = "" if result.duration_ms is None else f" after {result.duration_ms / 1000:.1f} s"
    return f"the {result.ended_by} hung up{lasted}"


def _ms(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.0f} ms"


class Screen:
    """Shows lines on stdout as they come; `quiet` shows nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def show(self, line: str) -> None:
        """Show a line now."""
        if not self._quiet:
            typer.echo(line)

    def event(self, event: CallEvent) -> None:
        """Show an event of the only call."""
        self.show(event_line(event))

    def numbered(self, caller: int, event: CallEvent) -> None:
        """Show an event of one of many calls."""
        self.show(event_line(event, caller=caller))
