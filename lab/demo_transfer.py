"""The second act of `make demo`: the caller asks for a human, a colleague's telephone rings, they talk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lab.caller.caller import Caller
from lab.caller.result import CallResult
from lab.caller.script import load_script
from lab.dial import SCRIPTS
from lab.human import HumanPlan, call_with_human
from lab.stack import Stack
from lab.terminal.call import Screen

PRIVATE_WORDS: Final = ("through", "a bill", "for you")
"""Of the briefing: what the colleague hears, and the caller must not."""
GREETED_WORDS: Final = ("from the front",)
ANSWERED_WORDS: Final = ("paid", "twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """What was heard at both telephones, and what was not as it should be."""

    caller_heard: tuple[str, ...] = ()
    colleague_heard: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything was as it should be."""
        return not self.failures

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "caller_heard": list(self.caller_heard),
            "colleague_heard": list(self.colleague_heard),
            "failures": list(self.failures),
            "passed": self.passed,
        }

    def verdict(self) -> str:
        """Return the lines of the summary."""
        if self.failures:
            return "\n".join(f"  NOT AS EXPECTED: {failure}" for failure in self.failures)
        return "\n".join(
            [
                "  the colleague was told in private why the caller calls; the caller heard nothing of it",
                "  then both heard each other, and when the caller hung up, so did the colleague's line",
            ]
        )


async def run_transfer(
    stack: Stack, *, caller: Caller, colleague: Caller, from_number: str, screen: Screen
) -> TransferResult:
    """Make the call. `colleague` takes calls at the address that the manifest has."""
    return _judged(
        await call_with_human(
            load_script(SCRIPTS / "transfer.yaml"),
            stack.numbers[0],
            caller=caller,
            sip=stack.sip.address,
            from_number=from_number,
            phone=colleague,
            plan=HumanPlan(),
            screen=screen,
        )
    )


def _judged(call: CallResult) -> TransferResult:
    assert call.human is not None
    by_caller = tuple(text or "" for text in call.heard)
    by_colleague = tuple(text or "" for text in call.human.heard)
    failures = [*call.failures, *call.human.failures]
    if not call.answered:
        failures.append(f"the call was not answered: {call.reason}")
    elif not failures:
        if not _has(by_colleague, PRIVATE_WORDS):
            failures.append("the colleague was not told why the caller calls")
        if _has(by_caller, PRIVATE_WORDS):
            failures.append("the caller heard the colleague before the colleague took the call")
        if not _has(by_caller, GREETED_WORDS):
            failures.append("the caller did not hear the colleague")
        if not _has(by_colleague, ANSWERED_WORDS):
            failures.append("the colleague did not hear the caller")
    return TransferResult(caller_heard=by_caller, colleague_heard=by_colleague, failures=tuple(failures))


def _has(heard: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(word in text.lower() for text in heard for word in words)
