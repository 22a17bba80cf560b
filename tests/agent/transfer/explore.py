"""Every state of the transfer machine that can be reached, by every event that may come: for tests and for the docs."""

from __future__ import annotations

from collections import deque

from agent.transfer import machine
from agent.transfer.machine import Transfer, begin, step
from telephony.manifest.targets import Target

PEOPLE = ["sip:asha@127.0.0.1", "sip:ravi@127.0.0.1"]
ANSWERS: tuple[machine.Answer, ...] = ("accepted", "declined", "callback")
DIAL_OUTCOMES = ("busy", "no_answer", "declined", "unreachable", "failed")

Edge = tuple[Transfer, machine.Event, Transfer, tuple[machine.Command, ...]]


def target(**policy: str) -> Target:
    """Return a target of two people; `policy` has its on_… settings."""
    return Target.model_validate({"says": "the sales team", "people": PEOPLE, **policy})


def events(state: Transfer) -> list[machine.Event]:
    """Return every event that may come, the stale timer too."""
    return [
        machine.NoticeHeard(),
        machine.GatesClosed(),
        machine.HumanShutOut(),
        machine.GateLost(),
        machine.Answered(),
        *(machine.DialFailed(outcome) for outcome in DIAL_OUTCOMES),  # type: ignore[arg-type]
        machine.HumanGone(),
        machine.CallerGone(),
        *(machine.Decided(answer) for answer in ANSWERS),
        machine.Cancelled(),
        machine.Merged(),
        machine.MergeFailed(),
        machine.TimedOut(state.serial),
        machine.TimedOut(state.serial - 1),
    ]


def explored(wanted: Target) -> list[Edge]:
    """Return every step from every state that can be reached."""
    first, _ = begin(wanted)
    found: list[Edge] = []
    seen, waiting = {_without_serial(first)}, deque([first])
    while waiting:
        state = waiting.popleft()
        for event in events(state):
            after, commands = step(state, event)
            found.append((state, event, after, commands))
            if _without_serial(after) not in seen:
                seen.add(_without_serial(after))
                waiting.append(after)
    return found


def _without_serial(state: Transfer) -> tuple[object, ...]:
    return (state.phase, state.person, state.shut_out, state.outcome, state.tried)


def diagram() -> str:
    """Return the machine as a Mermaid state diagram: an arrow for each pair of phases, with the events that make it."""
    arrows: dict[tuple[str, str], set[str]] = {}
    for before, event, after, _ in explored(target()):
        if before.phase != after.phase:
            arrows.setdefault((before.phase, after.phase), set()).add(_name(event))
    lines = ["stateDiagram-v2", "    [*] --> notice"]
    for (one, other), names in sorted(arrows.items(), key=lambda arrow: [machine.PHASES.index(p) for p in arrow[0]]):  # type: ignore[call-overload]
        lines.append(f"    {one} --> {other}: {', '.join(sorted(names))}")
    return "\n".join([*lines, "    over --> [*]"])


def _name(event: machine.Event) -> str:
    return event.answer if isinstance(event, machine.Decided) else type(event).__name__
