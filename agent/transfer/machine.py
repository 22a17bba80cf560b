"""The transfer as a pure value: state × event → state, commands. No socket, no clock, no framework.

    notice ─► closing ─► dialling ─► screening ─► consulting ─► introducing ─► merging ─► over (bridged)
       │         ▲            └───────────┴────────────┴────────────┴─► returning ─► over (any other outcome)
       │         └──────────────────── the next person ◄─────────────────────┘
       └─► referring ─► over (referred, unknown), or closing when it is refused

With the strategy `redial`: consulting ─► parting ─► redialling ─► closing ─► dialling ─► merging ─► over (bridged).

A blind transfer has no consulting, and by way of referring where the trunk takes REFER.

Whatever happens in whichever state, there is a way out: every state but `over` has a timer, and the caller's leaving,
the human's leaving and a gate that cannot be confirmed are answered in each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Literal, assert_never, get_args

from agent.transfer.afterwards import after
from agent.transfer.commands import (
    Brief,
    CloseCaller,
    CloseGates,
    Command,
    Dial,
    Finish,
    Introduce,
    LetCallerHear,
    Merge,
    Refer,
    RemoveHuman,
    SayNotice,
    SetTimer,
    TellOfRedial,
    Where,
)
from agent.transfer.events import (
    Answered,
    CallerGone,
    Cancelled,
    Decided,
    DialFailed,
    Event,
    GateLost,
    GatesClosed,
    HumanGone,
    HumanShutOut,
    Introduced,
    Merged,
    MergeFailed,
    NoticeHeard,
    RedialTold,
    ReferFailed,
    Referred,
    ReferRefused,
    TimedOut,
)
from agent.transfer.outcome import Outcome
from telephony.manifest.targets import Mode, Strategy, Target

Phase = Literal[
    "notice",
    "referring",
    "closing",
    "dialling",
    "screening",
    "consulting",
    "introducing",
    "parting",
    "redialling",
    "merging",
    "returning",
    "over",
]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)

NOTICE_LIMIT_S: Final = 20.0
GATE_LIMIT_S: Final = 5.0
"""A gate that is not confirmed by then calls the transfer off; until then the caller hears silence."""
RING_MARGIN_S: Final = 10.0
"""LiveKit ends the ringing; this is for when it does not say so."""
RETURN_LIMIT_S: Final = 5.0
INTRODUCTION_LIMIT_S: Final = 20.0
AWAY_LIMIT_S: Final = 5.0
"""How long a REFER's answer may come after the caller's leg has left: both a success and a hang-up look so."""


Step = tuple["Transfer", tuple[Command, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Where a transfer is. `person` is who is dialled, `shut_out` whether their gate is confirmed.

    `dialled` says that a leg was, so that no REFER follows: it would leave that one's gates open or shut for nothing.
    `again` says that this person has taken the call, and is dialled a second time, into the caller's room.
    `away` says that the caller's leg has left while a REFER was on its way. `outcome` is how the attempt ended, from
    `returning` on; `tried` has the outcomes of those before.
    """

    target: Target
    strategy: Strategy = "gated_room"
    closed: frozenset[int] = frozenset()
    phase: Phase = "notice"
    person: int = 0
    shut_out: bool = False
    dialled: bool = False
    again: bool = False
    away: bool = False
    serial: int = 0
    outcome: Outcome | None = None
    tried: tuple[Outcome, ...] = ()


def begin(target: Target, *, closed: Collection[int] = (), strategy: Strategy = "gated_room") -> Step:
    """Return the first state: the caller is told. `closed` are the people who may not be called at this hour.

    `strategy` is one that the server can do.
    """
    state = Transfer(target=target, closed=frozenset(closed), strategy=strategy)
    person = _open_person(state, 0)
    if person is None:
        return _over(state, "not_allowed")
    return _to(replace(state, person=person), "notice", NOTICE_LIMIT_S, SayNotice())


def step(state: Transfer, event: Event) -> Step:
    """Return what an event makes of a state. What does not matter there changes nothing."""
    if state.phase == "over" or (isinstance(event, TimedOut) and event.serial != state.serial):
        return state, ()
    if isinstance(event, CallerGone):
        return _caller_gone(state)
    match state.phase:
        case "notice":
            return _in_notice(state, event)
        case "referring":
            return _in_referring(state, event)
        case "closing":
            return _in_closing(state, event)
        case "dialling":
            return _in_dialling(state, event)
        case "screening":
            return _in_screening(state, event)
        case "consulting":
            return _in_consulting(state, event)
        case "introducing":
            return _in_introducing(state, event)
        case "parting":
            return _in_parting(state, event)
        case "redialling":
            return _in_redialling(state, event)
        case "merging":
            return _in_merging(state, event)
        case "returning":
            return _in_returning(state, event)
        case _:
            assert_never(state.phase)


def _caller_gone(state: Transfer) -> Step:
    if state.phase in ("notice", "closing"):
        return _over(state, "caller_left")
    if state.phase == "referring":
        return (state, ()) if state.away else _to(replace(state, away=True), "referring", AWAY_LIMIT_S)
    return _give_back(state, "caller_left")


def _in_notice(state: Transfer, event: Event) -> Step:
    match event:
        case NoticeHeard() | TimedOut():
            return _reach(state)
        case Cancelled():
            return _over(state, "cancelled")
        case _:
            return state, ()


def _in_referring(state: Transfer, event: Event) -> Step:
    """The caller's side calls the human; it cannot be called off."""
    match event:
        case Referred():
            return _over(state, "referred")
        case ReferRefused() | ReferFailed() | TimedOut() if state.away:
            return _over(state, "caller_left")
        case ReferRefused():
            return _close(state)
        case ReferFailed("unknown") | TimedOut():
            return _over(state, "unknown")  # a second call to the same person could be the second telephone that rings
        case ReferFailed(outcome):
            return _next(state, outcome)
        case _:
            return state, ()


def _in_closing(state: Transfer, event: Event) -> Step:
    match event:
        case GatesClosed():
            ring_s = state.target.people[state.person].ring_s
            mode: Mode = _mode(state) if _is_asked(state) else "blind"
            dial = Dial(state.person, mode, _where(state))
            return _to(replace(state, shut_out=False), "dialling", ring_s + RING_MARGIN_S, dial)
        case GateLost() | TimedOut():
            return _over(state, "failed")
        case Cancelled():
            return _over(state, "cancelled")
        case _:
            return state, ()


def _in_dialling(state: Transfer, event: Event) -> Step:
    match event:
        case HumanShutOut():
            return replace(state, shut_out=True), (LetCallerHear(),)
        case Answered() if state.shut_out:
            return _win(state)
        case Answered():
            return _to(state, "screening", GATE_LIMIT_S)
        case DialFailed(outcome):
            return _next(state, outcome)
        case _:
            return _call_off(state, event, late="no_answer")


def _in_screening(state: Transfer, event: Event) -> Step:
    """The human is there, and it is not sure yet that the caller cannot hear them."""
    match event:
        case HumanShutOut():
            return _win(replace(state, shut_out=True), LetCallerHear())
        case HumanGone():
            return _next(state, "human_left")
        case _:
            return _call_off(state, event, late="failed")


def _win(state: Transfer, *commands: Command) -> Step:
    """The human is there, behind a gate that is confirmed: they are asked, or not."""
    if not _is_asked(state):
        return _to(state, "merging", GATE_LIMIT_S, *commands, Merge())
    if state.target.privacy == "strict" and _mode(state) == "warm" and _where(state) == "callers_room":
        commands = (CloseCaller(),)  # a leg that reconnects would subscribe to the human again
    return _to(state, "consulting", state.target.briefing_s, *commands, Brief())


def _in_consulting(state: Transfer, event: Event) -> Step:
    match event:
        case Decided("accepted") if state.strategy == "redial":
            return _to(state, "parting", INTRODUCTION_LIMIT_S, TellOfRedial())
        case Decided("accepted") if state.target.introduction:
            return _to(state, "introducing", INTRODUCTION_LIMIT_S, Introduce())
        case Decided("accepted"):
            return _to(state, "merging", GATE_LIMIT_S, Merge())
        case Decided("declined"):
            return _give_back(state, "declined")
        case Decided("callback"):
            return _give_back(state, "callback")
        case Decided("voicemail"):
            return _give_back(state, "voicemail")
        case HumanGone():
            return _next(state, "human_left")
        case _:
            return _call_off(state, event, late="voicemail" if _mode(state) == "press-1" else "no_answer")


def _in_introducing(state: Transfer, event: Event) -> Step:
    """Both hear who they are going to talk to, each on a track of their own: the gates are still closed."""
    match event:
        case Introduced() | TimedOut():
            return _to(state, "merging", GATE_LIMIT_S, Merge())
        case HumanGone():
            return _next(state, "human_left")
        case _:
            return _call_off(state, event, late="failed")


def _in_parting(state: Transfer, event: Event) -> Step:
    """The human has taken the call, and hears that their telephone is going to ring again."""
    match event:
        case RedialTold() | TimedOut():
            return _to(state, "redialling", RETURN_LIMIT_S, RemoveHuman())
        case HumanGone():
            return _close(replace(state, again=True))
        case _:
            return _call_off(state, event, late="failed")


def _in_redialling(state: Transfer, event: Event) -> Step:
    """Nobody is dialled a second time whose first leg is not known to be down."""
    match event:
        case HumanGone():
            return _close(replace(state, again=True))
        case _:
            return _call_off(state, event, late="failed")


def _in_merging(state: Transfer, event: Event) -> Step:
    match event:
        case Merged():
            return _over(state, "bridged")
        case HumanGone():
            return _next(state, "human_left")
        case MergeFailed() | TimedOut():
            return _give_back(state, "failed")
        case _:
            return state, ()


def _in_returning(state: Transfer, event: Event) -> Step:
    """The gate stays closed, so the caller is given back whether the leg is seen to be gone or not."""
    match event:
        case HumanGone() | DialFailed() | TimedOut():
            return _next(state, state.outcome or "failed")
        case _:
            return state, ()


def _call_off(state: Transfer, event: Event, *, late: Outcome) -> Step:
    match event:
        case Cancelled():
            return _give_back(state, "cancelled")
        case GateLost():
            return _give_back(state, "failed")
        case TimedOut():
            return _give_back(state, late)
        case _:
            return state, ()


def _give_back(state: Transfer, outcome: Outcome) -> Step:
    if state.phase == "returning":
        return replace(state, outcome=outcome), ()
    return _to(replace(state, outcome=outcome), "returning", RETURN_LIMIT_S, RemoveHuman())


def _next(state: Transfer, outcome: Outcome) -> Step:
    """Dial the next person where the target says so, else end."""
    person = _open_person(state, state.person + 1)
    if person is None or after(state.target, outcome) != "next":
        return _over(state, outcome)
    tried = (*state.tried, outcome)
    return _reach(replace(state, person=person, again=False, outcome=None, tried=tried))


def _open_person(state: Transfer, start: int) -> int | None:
    """Return the first person from there on who may be called at this hour."""
    return next((person for person in range(start, len(state.target.people)) if person not in state.closed), None)


def _mode(state: Transfer) -> Mode:
    return state.target.mode_of(state.person)


def _is_asked(state: Transfer) -> bool:
    return _mode(state) != "blind" and not state.again


def _where(state: Transfer) -> Where:
    return "consultation_room" if _is_asked(state) and state.strategy != "gated_room" else "callers_room"


def _reach(state: Transfer) -> Step:
    if _mode(state) == "blind" and state.target.refer and not state.dialled:
        ring_s = state.target.people[state.person].ring_s
        return _to(state, "referring", ring_s + RING_MARGIN_S, Refer(state.person))
    return _close(state)


def _close(state: Transfer) -> Step:
    return _to(replace(state, shut_out=False, dialled=True), "closing", GATE_LIMIT_S, CloseGates(_where(state)))


def _over(state: Transfer, outcome: Outcome) -> Step:
    tried = (*state.tried, outcome)
    ended = replace(state, phase="over", serial=state.serial + 1, outcome=outcome, tried=tried)
    back = () if outcome in ("bridged", "referred", "caller_left") else (LetCallerHear(),)
    return ended, (*back, Finish(outcome))


def _to(state: Transfer, phase: Phase, seconds: float, *commands: Command) -> Step:
    serial = state.serial + 1
    return replace(state, phase=phase, serial=serial), (SetTimer(serial, seconds), *commands)
