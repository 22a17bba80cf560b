"""A call with two telephones on the terminal: who said what, and who heard what. Pure."""

from __future__ import annotations

from lab.caller.events import CallEvent


def transfer_line(who: str, event: CallEvent, *, offset_s: float) -> str:
    """Return the line for an event at one of the telephones; `offset_s` is when its call came after the first one."""
    words = _words(who, event)
    return f"  {event.t_s + offset_s:7.2f} s  {words}" if words else ""


def _words(who: str, event: CallEvent) -> str:
    match event.kind:
        case "invited" if who == "caller":
            return "INVITE sent"
        case "invited":
            return "the colleague's telephone rings"
        case "answered":
            return "200 OK" if who == "caller" else "the colleague answers"
        case "said":
            return f"{who:<9} | {event.text}"
        case "digits":
            return f"{who:<9} | presses {event.text}"
        case "agent":
            return f"{who:<9} hears | {event.text or '(speech)'}"
        case "ended":
            other = "caller's" if who == "caller" else "colleague's"
            return f"the {other} line is down"
        case "refused" | "failed":
            return f"NOT AS EXPECTED: {event.text}"
        case _:
            return ""
