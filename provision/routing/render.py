"""A verdict as text for a person. Pure; `Verdict.to_dict` is the same for programs."""

from __future__ import annotations

from collections.abc import Iterator

from provision.routing.verdict import Cause, Outcome, Verdict

_RED, _GREEN, _YELLOW, _RESET = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
_MARKS = {True: "ok", False: "NO", None: "?"}
_TINTS = {True: _GREEN, False: _RED, None: _YELLOW}
_WORDS = {
    Outcome.ANSWERED: "is answered",
    Outcome.ELSEWHERE: "leaves for another place, as the manifest says",
    Outcome.PIN: "is asked for a PIN",
    Outcome.RINGS: "rings until it times out",
    Outcome.REFUSED: "is refused",
    Outcome.DROPPED: "rings once and then hears nothing",
    Outcome.LOST: "does not reach LiveKit",
}


def render(verdict: Verdict, *, colour: bool = False) -> str:
    """Return the verdict: what the caller hears, the hops, what is wrong and how it is mended."""
    lines = [_headline(verdict), ""]
    width = max((len(step.hop) for step in verdict.steps), default=0)
    for step in verdict.steps:
        mark = _painted(f"{_MARKS[step.is_ok]:<2}", _TINTS[step.is_ok], colour=colour)
        lines.append(f"  {mark}  {step.hop:<{width}}  {step.text}")
    for cause in verdict.causes:
        lines += ["", *_cause(cause, colour=colour)]
    lines += _variants(verdict)
    return "\n".join(lines) + "\n"


def _headline(verdict: Verdict) -> str:
    status = f" ({verdict.status})" if verdict.status else ""
    agent = f" by {verdict.agent}" if verdict.agent and verdict.outcome is Outcome.ANSWERED else ""
    way = f"To {verdict.to_form}, from {verdict.source_ip}"
    return f"A call to {verdict.number} {_WORDS[verdict.outcome]}{status}{agent}.  [{way}]"


def _cause(cause: Cause, *, colour: bool) -> Iterator[str]:
    word, tint = ("Wrong:", _RED) if cause.level == "error" else ("Warning:", _YELLOW)
    yield f"  {_painted(word, tint, colour=colour)} {cause.object}, {cause.field}  [{cause.code}]"
    yield f"      {cause.sentence}"
    yield f"      To mend it: {cause.mend}"
    if cause.command:
        yield f"        {cause.command}"


def _variants(verdict: Verdict) -> Iterator[str]:
    differing = [variant for variant in verdict.variants if variant.outcome is not verdict.outcome]
    if differing and verdict.outcome is not Outcome.LOST:
        yield ""
        for variant in differing:
            yield f"  The same call, To {variant.to_form}, from {variant.source_ip}: {_WORDS[variant.outcome]}."


def _painted(text: str, tint: str, *, colour: bool) -> str:
    return f"{tint}{text}{_RESET}" if colour else text
