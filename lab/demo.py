"""`make demo`: the whole path on one machine, and whether the call did what its script expects."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from lab.caller.caller import Caller
from lab.caller.phone_call import Recogniser
from lab.caller.result import CallResult
from lab.caller.run import run_script
from lab.caller.script import load_script
from lab.demo_transfer import TransferResult, run_transfer
from lab.dial import SCRIPTS, caller_ears, caller_voice, colleague_voice
from lab.running import shown
from lab.speech.voice import Voice
from lab.stack import Stack, StackOptions, local_stack
from lab.terminal.call import Screen, summary
from provision.render import render

CALLER, OTHER_CALLER = "+919812345678", "+919812345679"
# A recogniser writes digits as numerals or as words, and some as words that sound the same.
_SPOKEN = {"zero": "0", "oh": "0", "one": "1", "won": "1", "two": "2", "to": "2", "too": "2", "three": "3", "four": "4"}
_SPOKEN |= {"for": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "ate": "8", "nine": "9"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """The call, and whether the code that the clinic's back office gave out is what the caller heard."""

    call: CallResult
    transfer: TransferResult | None
    gateway: str
    code: str | None
    code_heard: bool
    logs: str
    ears: str

    @property
    def passed(self) -> bool:
        """Whether everything was as the script expects."""
        transferred = self.transfer is None or self.transfer.passed
        return self.call.passed and self.code_heard and self.call.ended_by == "agent" and transferred

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        call = self.call.to_json()
        own = {"gateway": self.gateway, "code": self.code, "code_heard": self.code_heard, "logs": self.logs}
        transfer = {"transfer": self.transfer.to_json()} if self.transfer else {}
        return {**call, **own, **transfer, "passed": self.passed}

    def verdict(self) -> str:
        """Return the last lines of the summary."""
        heard = "heard by the caller" if self.code_heard else "NOT heard by the caller"
        lines = [
            *([self.transfer.verdict()] if self.transfer else []),
            f"  the agent looked up the code {self.code} by a tool: {heard}" if self.code else "  NO TOOL WAS CALLED",
        ]
        lines += [
            f"  logs: {shown(self.logs)}",
            "",
            f"{'Both calls' if self.transfer else 'The call'} did what {'they' if self.transfer else 'it'} should."
            if self.passed
            else "IT FAILED.",
        ]
        if self.ears == "real":
            lines.insert(0, "  (the stand-in's recognition is a real one on this CPU: about a second of each turn)")
        return "\n".join(lines)


async def run_demo(options: StackOptions, screen: Screen) -> DemoResult:
    """Start everything, provision, make both calls, and stop everything. Raises DialroomError."""
    acts = 3 if options.stream else 4
    screen.show(f"[1/{acts}] The local stack: real LiveKit and Valkey; no account, no key, no container")
    voice, ears = caller_voice(), caller_ears()
    async with Caller(colleague_voice(), recogniser=ears, takes_calls=True) as colleague:
        host, port = colleague.sip.address
        options = replace(options, extra_env={**options.extra_env, "CLINIC_PBX": f"{host}:{port}"})
        async with local_stack(options, on_event=lambda line: screen.show(f"      {line}")) as stack:
            colleague.speech_url = stack.speech_url
            where = "the carrier stand-in" if options.stream else "the carrier stand-in and at LiveKit"
            screen.show(f"[2/{acts}] Provisioned {', '.join(stack.numbers)} at {where}")
            if stack.applied:
                lines = render(stack.applied.plan).strip().splitlines()
                screen.show("".join(f"      {line}\n" for line in lines).rstrip())
            way = ", which the carrier turns into a <Stream>" if options.stream else ""
            screen.show(
                f"[3/{acts}] A SIP call from {CALLER}{way}; the agent's words are told when a recogniser has heard them"
            )
            call = await _call(stack, voice, ears, screen)
            screen.show(f"{summary([call])}\n")
            if options.stream:
                return await _judged(stack, call, None)
            screen.show("[4/4] Another call: the caller wants a human, whose telephone rings and who is told why")
            async with Caller(voice, speech_url=stack.speech_url, recogniser=ears) as caller:
                handed = await run_transfer(
                    stack, caller=caller, colleague=colleague, from_number=OTHER_CALLER, screen=screen
                )
            return await _judged(stack, call, handed)


async def _call(stack: Stack, voice: Voice, ears: Recogniser | None, screen: Screen) -> CallResult:
    return await run_script(
        load_script(SCRIPTS / "demo.yaml"),
        stack.numbers[0],
        voice=voice,
        sip=stack.calls_to,
        from_number=CALLER,
        recording=stack.options.run_dir / "call.wav",
        speech_url=stack.speech_url,
        recogniser=ears,
        on_event=screen.event,
    )


async def _judged(stack: Stack, call: CallResult, handed: TransferResult | None) -> DemoResult:
    code = await looked_up(stack.speech_url)
    return DemoResult(
        call=call,
        transfer=handed,
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
