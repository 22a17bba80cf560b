"""`make demo`: the whole path on one machine, and whether the call did what its script expects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import aiohttp

from lab.caller.result import CallResult
from lab.caller.run import run_script
from lab.caller.script import load_script
from lab.dial import SCRIPTS, caller_ears, caller_voice
from lab.running import shown
from lab.stack import Stack, StackOptions, local_stack
from lab.terminal.call import Screen
from provision.render import render

CALLER = "+919812345678"
# A recogniser writes digits as numerals or as words, and some as words that sound the same.
_SPOKEN = {"zero": "0", "oh": "0", "one": "1", "won": "1", "two": "2", "to": "2", "too": "2", "three": "3", "four": "4"}
_SPOKEN |= {"for": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "ate": "8", "nine": "9"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """The call, and whether the code that the clinic's back office gave out is what the caller heard."""

    call: CallResult
    gateway: str
    code: str | None
    code_heard: bool
    logs: str
    ears: str

    @property
    def passed(self) -> bool:
        """Whether everything was as the script expects."""
        return self.call.passed and self.code_heard and self.call.ended_by == "agent"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        call = self.call.to_json()
        own = {"gateway": self.gateway, "code": self.code, "code_heard": self.code_heard, "logs": self.logs}
        return {**call, **own, "passed": self.passed}

    def verdict(self) -> str:
        """Return the last lines of the summary."""
        heard = "heard by the caller" if self.code_heard else "NOT heard by the caller"
        lines = [
            f"  the agent looked up the code {self.code} by a tool: {heard}" if self.code else "  NO TOOL WAS CALLED"
        ]
        lines += [
            f"  logs: {shown(self.logs)}",
            "",
            "The call did what its script expects." if self.passed else "IT FAILED.",
        ]
        if self.ears == "real":
            lines.insert(0, "  (the stand-in's recognition is a real one on this CPU: about a second of each turn)")
        return "\n".join(lines)


async def run_demo(options: StackOptions, screen: Screen) -> DemoResult:
    """Start everything, provision, call, and stop everything. Raises DialroomError."""
    screen.show("[1/3] The local stack: real LiveKit and Valkey; no account, no key, no container")
    async with local_stack(options, on_event=lambda line: screen.show(f"      {line}")) as stack:
        screen.show(f"[2/3] Provisioned {', '.join(stack.numbers)} at the carrier stand-in and at LiveKit")
        if stack.applied:
            screen.show("".join(f"      {line}\n" for line in render(stack.applied.plan).strip().splitlines()).rstrip())
        screen.show(f"[3/3] A SIP call from {CALLER}; the agent's words are told when a recogniser has heard them")
        return await _call(stack, screen)


async def _call(stack: Stack, screen: Screen) -> DemoResult:
    recording = stack.options.run_dir / "call.wav"
    call = await run_script(
        load_script(SCRIPTS / "demo.yaml"),
        stack.numbers[0],
        voice=caller_voice(),
        sip=stack.sip.address,
        from_number=CALLER,
        recording=recording,
        speech_url=stack.speech_url,
        recogniser=caller_ears(),
        on_event=screen.event,
    )
    code = await looked_up(stack.speech_url)
    return DemoResult(
        call=call,
        gateway=stack.gateway,
        code=code,
        code_heard=code is not None and any(code in digits_of(text or "") for text in call.heard),
        logs=str(stack.options.run_dir),
        ears=stack.options.ears,
    )


def digits_of(text: str) -> str:
    """Return the digits of what was recognised: `7-4-1-9`, `7 4 1 9` and `seven for one nine` are the same code."""
    tokens = re.findall(r"[a-z]+|\d+", text.lower())
    return "".join(token if token.isdigit() else _SPOKEN.get(token, "") for token in tokens)


async def looked_up(speech_url: str) -> str | None:
    """Return the code that the clinic's back office last gave out, None when nobody asked."""
    async with aiohttp.ClientSession() as http, http.get(f"{speech_url}/lab/log") as answer:
        entries = [entry["text"] for entry in await answer.json() if entry["what"] == "looked up"]
    return entries[-1].rsplit(" ", 1)[-1] if entries else None
