"""From a call to its result: times to figures."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from lab.caller.measure import answer_after, spoke_into, stopped_after
from lab.caller.phone_call import PhoneCall
from lab.caller.result import AgentTurn, CallResult, EndedBy, Turn, WireFigures
from lab.caller.talk import Talk, Utterance
from lab.sip.call import OutgoingCall


def result_of(call: PhoneCall) -> CallResult:
    """Return what a call was; best after `aclose`, when everything is recognised."""
    start_s = call.sip.invited_s
    talk = call.talk
    return CallResult(
        number=call.number,
        call_id=call.sip.call_id,
        answered=talk is not None,
        status=call.status,
        reason=call.reason,
        trying_ms=_progress_ms(call, range(100, 101)),
        ringing_ms=_progress_ms(call, range(180, 184)),
        answer_ms=_progress_ms(call, range(200, 300)) if talk else None,
        first_audio_ms=_ms(talk.peer.first_audible_from(start_s) if talk else None, start_s),
        duration_ms=_ms(call.ended_at_s, start_s),
        turns=_turns(talk, start_s) if talk else (),
        agent_turns=tuple(
            AgentTurn(
                started_ms=round((turn.started_s - start_s) * 1000, 1),
                ended_ms=round((turn.ended_s - start_s) * 1000, 1),
                text=turn.text,
            )
            for turn in call.heard
        ),
        ended_by=_ended_by(call),
        codec=talk.codec.name if talk else None,
        recording=str(call.recorded) if call.recorded else None,
        caller=_wire(talk) if talk else WireFigures(),
        failures=tuple(call.failures),
    )


def _turns(talk: Talk, start_s: float) -> tuple[Turn, ...]:
    spoken = [utterance for utterance in talk.utterances if utterance.first_s is not None]
    nexts = [utterance.first_s or inf for utterance in spoken[1:]] + [inf]
    return tuple(
        _turn(utterance, next_s, talk.peer.audible_s, start_s) for utterance, next_s in zip(spoken, nexts, strict=False)
    )


def _turn(utterance: Utterance, next_s: float, heard_s: Sequence[float], start_s: float) -> Turn:
    first_s, last_s = utterance.first_s or 0.0, utterance.last_s or 0.0
    cut_off = spoke_into(heard_s, first_s, last_s)
    answer_s = None if cut_off else answer_after(heard_s, last_s)
    stopped_s = stopped_after(heard_s, first_s) if utterance.barged_in else None
    return Turn(
        said=utterance.text,
        started_ms=round((first_s - start_s) * 1000, 1),
        ended_ms=round((last_s - start_s) * 1000, 1),
        voice_to_voice_ms=_ms(answer_s, last_s) if answer_s is not None and answer_s < next_s else None,
        cut_off=cut_off,
        barged_in=utterance.barged_in,
        barge_in_ms=_ms(stopped_s, first_s),
    )


def _ended_by(call: PhoneCall) -> EndedBy:
    if call.talk is None or call.sip.end_reason is None:
        return "none"
    return "caller" if call.sip.end_reason.by == "local" else "agent"


def _wire(talk: Talk) -> WireFigures:
    stats = talk.rtp.stats
    return WireFigures(
        sent=stats.sent,
        received=stats.received,
        lost=stats.lost,
        send_jitter_p50_ms=stats.send_jitter_p50_ms,
        send_jitter_p99_ms=stats.send_jitter_p99_ms,
    )


def _progress_ms(call: PhoneCall, statuses: range) -> float | None:
    progress = call.sip.progress if isinstance(call.sip, OutgoingCall) else []
    steps = (step.at_s for step in progress if step.status in statuses)
    return _ms(next(steps, None), call.sip.invited_s)


def _ms(at_s: float | None, since_s: float) -> float | None:
    return None if at_s is None else round((at_s - since_s) * 1000, 1)
