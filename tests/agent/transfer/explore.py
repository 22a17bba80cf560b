"""Every state of the transfer machine that can be reached, by every event that may come: for tests and for the docs."""

from __future__ import annotations

from collections import deque
from typing import get_args

from agent.transfer import commands, events, machine
from agent.transfer.machine import Transfer, begin, step
from telephony.manifest.targets import Strategy, Target

PEOPLE = ["sip:asha@127.0.0.1", "sip:ravi@127.0.0.1"]
ANSWERS: tuple[events.Answer, ...] = get_args(events.Answer)
DIAL_OUTCOMES = ("busy", "no_answer", "declined", "unreachable", "failed")

Edge = tuple[Transfer, events.Event, Transfer, tuple[commands.Command, ...]]


def target(**policy: object) -> Target:
    """Return a target of two people; `policy` has its other settings."""
    return Target.model_validate({"says": "the sales team", "people": PEOPLE, **policy})


def every_event(state: Transfer) -> list[events.Event]:
    """Return every event that may come, the stale timer too."""
    return [
        events.NoticeHeard(),
        events.GatesClosed(),
        events.HumanShutOut(),
        events.GateLost(),
        events.Answered(),
        *(events.DialFailed(outcome) for outcome in DIAL_OUTCOMES),  # type: ignore[arg-type]
        events.Referred(),
        events.ReferRefused(),
        *(events.ReferFailed(outcome) for outcome in (*DIAL_OUTCOMES, "unknown")),  # type: ignore[arg-type]
        events.HumanGone(),
        events.CallerGone(),
        *(events.Decided(answer) for answer in ANSWERS),
        events.Introduced(),
        events.RedialTold(),
        events.Cancelled(),
        events.Merged(),
        events.MergeFailed(),
        events.TimedOut(state.serial),
        events.TimedOut(state.serial - 1),
    ]


def explored(wanted: Target, strategy: Strategy = "gated_room") -> list[Edge]:
    """Return every step from every state that can be reached."""
    first, _ = begin(wanted, strategy=strategy)
    found: list[Edge] = []
    seen, waiting = {_without_serial(first)}, deque([first])
    while waiting:
        state = waiting.popleft()
        for event in every_event(state):
            after, told = step(state, event)
            found.append((state, event, after, told))
            if _without_serial(after) not in seen:
                seen.add(_without_serial(after))
                waiting.append(after)
    return found


def _without_serial(state: Transfer) -> tuple[object, ...]:
    flags = (state.shut_out, state.dialled, state.again, state.away)
    return (state.phase, state.person, flags, state.outcome, state.tried)


def diagram() -> str:
    """Return the machine as a Mermaid state diagram: an arrow for each pair of phases, with the events that make it."""
    arrows: dict[tuple[str, str], set[str]] = {}
    steps = [
        *explored(target()),
        *explored(target(introduction="Here is a caller.")),
        *explored(target(mode="blind", refer=True)),
        *explored(target(), "redial"),
    ]
    for before, event, after, _ in steps:
        if before.phase != after.phase:
            arrows.setdefault((before.phase, after.phase), set()).add(_name(event))
    lines = ["stateDiagram-v2", "    [*] --> notice"]
    for (one, other), names in sorted(arrows.items(), key=lambda arrow: [machine.PHASES.index(p) for p in arrow[0]]):  # type: ignore[call-overload]
        lines.append(f"    {one} --> {other}: {', '.join(sorted(names))}")
    return "\n".join([*lines, "    over --> [*]"])


def _name(event: events.Event) -> str:
    return event.answer if isinstance(event, events.Decided) else type(event).__name__
