"""One call of the synthetic caller: say, hear, interrupt, press digits, hang up; and what it was in figures."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.caller.events import CallEvent, EventKind, OnEvent, first_of
from lab.caller.recording import write_recording
from lab.caller.speech import Part, Sentence
from lab.caller.talk import Talk, Utterance
from lab.media.codec import Codec, Samples
from lab.media.rtp import RtpSession
from lab.sip.call import CallRejected, EndReason, IncomingCall, OutgoingCall, Progress, ReceivedRefer, SipError
from lab.sip.sdp import Sdp, answer

logger = logging.getLogger(__name__)
END_OF_TURN_S = 1.0
"""Silence that ends the agent's turn: longer than its pauses between sentences."""
HANG_UP_LIMIT_S = 4.0
"""How long the answer to our BYE or CANCEL is waited for; the call is over for us before."""
_BEFORE_S, _AFTER_S = 0.1, 0.2
"""What is recognised with a turn around its audible packets."""


class Recogniser(Protocol):
    """Something that writes down what was said."""

    def recognise(self, samples: Samples, *, sample_rate: int) -> str:
        """Return the words. Blocks; called in a thread."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class HeardTurn:
    """What the agent said between two things of ours (time.monotonic). `text` comes when it was recognised."""

    started_s: float
    ended_s: float
    text: str | None = None


class PhoneCall:
    """A call that was dialled (`Caller.dial`) or that came (`Caller.called`).

    Methods return early, and never raise, when the call ends meanwhile. `sip` is the call underneath. `talk` is there
    once it was answered. On a call that came, "the agent" is whoever called.
    """

    def __init__(
        self,
        sip: OutgoingCall | IncomingCall,
        rtp: RtpSession,
        *,
        number: str,
        resources: AsyncExitStack,
        sentence: Callable[[tuple[Part, ...], int], Awaitable[Sentence]],
        announce: Callable[[str, Sentence], Awaitable[None]],
        recogniser: Recogniser | None,
        on_event: OnEvent | None,
        keep_sound: bool,
    ) -> None:
        self.sip = sip
        self.number = number
        self.talk: Talk | None = None
        self.status: int | None = None
        self.reason = ""
        self.heard: list[HeardTurn] = []
        self.events: list[CallEvent] = []
        self.failures: list[str] = []
        self.referred_to: list[str] = []
        self.recorded: Path | None = None
        self._rtp = rtp
        self._resources = resources
        self._sentence = sentence
        self._announce = announce
        self._recogniser = recogniser
        self._on_event = on_event
        self._keep_sound = keep_sound
        self._listened_until_s = sip.invited_s
        self._ended_s: float | None = None
        self._aside: set[asyncio.Task[None]] = set()
        if isinstance(sip, OutgoingCall):
            sip.on_progress = self._note_progress
        sip.on_ended = self._note_end
        sip.on_reinvite = self._renegotiate
        self._tell("invited", at_s=sip.invited_s)

    @property
    def is_up(self) -> bool:
        """Whether the call was answered and goes on."""
        return self.sip.state == "established" and self.talk is not None

    @property
    def ended_at_s(self) -> float | None:
        """When the call ended (time.monotonic); None while it goes on."""
        return self._ended_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since the INVITE."""
        return round(time.monotonic() - self.sip.invited_s, 3)

    async def wait_answered(self, *, ring_timeout_s: float) -> bool:
        """Wait for the answer; give the call up after `ring_timeout_s`. Says whether it was answered."""
        assert isinstance(self.sip, OutgoingCall), "a call that came is picked up"
        try:
            async with asyncio.timeout(ring_timeout_s):
                await self.sip.answered()
        except CallRejected as refusal:
            self.status, self.reason = (refusal.status if refusal.on_wire else None), refusal.reason
            self._tell("refused", f"{refusal.status} {refusal.reason}")
            return False
        except TimeoutError:
            rang = f"not answered in {ring_timeout_s:g} s"
            self.reason = rang if self.sip.progress else f"nothing there takes calls by SIP ({rang})"
            self._tell("refused", self.reason)
            await self._within_limit(self.sip.cancel())
            return False
        self.status, self.reason = 200, "OK"
        return await self._begin_talk(self.sip.remote_sdp)

    async def pick_up(self, host: str, codecs: Sequence[str]) -> bool:
        """Answer a call that came, with sound at `host`. Says whether there is a talk: the caller may be gone."""
        assert isinstance(self.sip, IncomingCall), "a call of ours is answered by the other side"
        try:
            offered = Sdp.parse(self.sip.remote_sdp)
            agreed = answer(offered, host, self._rtp.port, prefer=tuple(codecs))
            acknowledged = await self.sip.answer(agreed.to_bytes())
        except SipError as error:
            self.reason = str(error)
            return False
        described = dataclasses.replace(agreed, address=offered.address, port=offered.port)
        return acknowledged and await self._begin_talk(described.to_bytes())

    async def say(self, *parts: Part, barged_in: bool = False) -> Utterance | None:
        """Say texts, with pauses of so many seconds where numbers stand; returns when the last packet has left.

        None when the call is over. Raises WorldError when the speech stand-ins cannot be told.
        """
        if self.talk is None or not self.is_up:
            return None
        sentence = await self._sentence(parts, self.talk.codec.sample_rate)
        await self._announce(self.sip.call_id, sentence)
        if not self.is_up:
            return None
        if not barged_in:
            self._close_turn()
        self._tell("said", sentence.text)
        utterance = await self.talk.say(sentence, barged_in=barged_in)
        if barged_in:
            self._close_turn(until_s=utterance.last_s)
        self._listened_until_s = utterance.last_s or time.monotonic()
        return utterance

    async def hear_turn(self, *, timeout_s: float, silence_s: float = END_OF_TURN_S) -> HeardTurn | None:
        """Wait until the agent has spoken since our last sentence and was then silent for `silence_s`.

        None when it did not begin in `timeout_s`, or when the call ended before. A turn that does not end within
        another `timeout_s` is returned as it is then. With a recogniser it returns when the words are there, so that
        events are told in order.
        """
        if self.talk is None:
            return None
        began_s = await self.talk.peer_begins(self._listened_until_s, timeout_s=timeout_s)
        if began_s is None:
            return None
        await self.talk.peer_is_silent(silence_s, timeout_s=timeout_s)
        self._close_turn()  # unless the end of the call has closed it
        if self._aside:
            await asyncio.wait(self._aside)
        return next((turn for turn in reversed(self.heard) if turn.started_s == began_s), None)

    async def barge_in(self, *parts: Part, after_s: float, timeout_s: float) -> Utterance | None:
        """Wait until the agent has spoken for `after_s`, then speak into it. None when it never began."""
        if self.talk is None:
            return None
        await self._sentence(parts, self.talk.codec.sample_rate)  # made before it is needed
        began_s = await self.talk.peer_begins(self._listened_until_s, timeout_s=timeout_s)
        if began_s is None:
            return None
        await first_of(self.talk.over, timeout_s=max(began_s + after_s - time.monotonic(), 0))
        return await self.say(*parts, barged_in=True)

    async def send_digits(self, digits: str, *, ms: int = 160) -> None:
        """Press 0-9 * # A-D, one after the other; returns when all have left. Raises ValueError for others."""
        if not self.is_up:
            return
        for digit in digits:
            self._rtp.send_dtmf(digit, ms=ms)
        self._tell("digits", digits)
        await self._rtp.dtmf_sent()

    async def wait(self, seconds: float) -> None:
        """Say nothing for a while; returns early when the call ends."""
        await first_of(self.sip.ended, timeout_s=seconds)

    async def wait_hang_up(self, *, timeout_s: float) -> bool:
        """Wait until the agent hangs up; False after `timeout_s` or when it was us."""
        await first_of(self.sip.ended, timeout_s=timeout_s)
        return self.sip.end_reason is not None and self.sip.end_reason.by == "remote"

    async def hang_up(self) -> None:
        """End the call, answered or not. Returns when the other side knows, or after `HANG_UP_LIMIT_S`."""
        if self.sip.end_reason is not None:
            return
        if isinstance(self.sip, OutgoingCall):
            await self._within_limit(self.sip.cancel())
        elif self.sip.state == "established":
            await self._within_limit(self.sip.bye())
        else:
            await self._within_limit(self.sip.reject(480))

    async def aclose(self) -> None:
        """Hang up, wait for what is still being recognised, and give the port back. May be called twice."""
        await self.hang_up()
        if self._aside:
            await asyncio.wait(self._aside)
        await self._resources.aclose()

    async def recording(self, path: Path) -> Path | None:
        """Write the stereo WAV (left we, right the agent; time 0 is the INVITE). None for a call without sound."""
        if self.talk is None or not self._keep_sound:
            return None
        until_s = self._ended_s or time.monotonic()
        await asyncio.to_thread(write_recording, path, self.talk, from_s=self.sip.invited_s, to_s=until_s)
        self.recorded = path
        return path

    def take_refers(self, *reports: int, answer: int = 202) -> None:
        """Answer a REFER with `answer` and report these statuses by NOTIFY; `referred_to` collects the targets."""

        async def report(refer: ReceivedRefer) -> None:
            for status in reports:
                await refer.notify(status)

        async def decide(refer: ReceivedRefer) -> int:
            self.referred_to.append(refer.refer_to)
            if 200 <= answer < 300:
                self._keep(report(refer))
            return answer

        self.sip.on_refer = decide

    async def _begin_talk(self, remote_sdp: bytes) -> bool:
        try:
            self._configure(remote_sdp)
        except SipError as error:
            self.failures.append(str(error))
            await self.hang_up()
            return False
        self.talk = Talk(self._rtp, keep_sound=self._keep_sound)
        if self.sip.end_reason:
            self.talk.stop()
        self._tell("answered")
        return True

    def _configure(self, sdp: bytes) -> None:
        """Take what was negotiated. Raises SdpError."""
        answer = Sdp.parse(sdp)
        codec = self._rtp.codec
        if codec is None or codec.name != answer.audio.name:
            try:
                codec = Codec(answer.audio.name, answer.audio.payload_type)
            except ValueError as error:
                raise SipError(str(error)) from None
        self._rtp.configure(codec, remote=answer.remote, dtmf_payload_type=answer.dtmf_payload_type)

    def _renegotiate(self, offer: bytes) -> bytes | int:
        """A re-INVITE may move the agent's address; the codec stays."""
        if offer:
            try:
                self._rtp.set_remote(Sdp.parse(offer).remote)
            except SipError:
                return 488
        return self.sip.local_sdp

    def _close_turn(self, until_s: float | None = None) -> HeardTurn | None:
        """Note what the agent said since we last listened, up to `until_s` (default: now)."""
        if self.talk is None:
            return None
        until_s = until_s or time.monotonic()
        started_s = self.talk.peer.first_audible_from(self._listened_until_s)
        ended_s = self.talk.peer.last_audible_until(until_s)
        self._listened_until_s = until_s
        if started_s is None or ended_s is None or ended_s < started_s:
            return None
        turn = HeardTurn(started_s=started_s, ended_s=ended_s)
        self.heard.append(turn)
        self._keep(self._recognise(turn))
        return turn

    async def _recognise(self, turn: HeardTurn) -> None:
        if self.talk and self._recogniser and self._keep_sound:
            track = self.talk.peer
            sound = track.sound(turn.started_s - _BEFORE_S, turn.ended_s + _AFTER_S)
            turn.text = await asyncio.to_thread(self._recogniser.recognise, sound, sample_rate=track.sample_rate)
        self._tell("agent", turn.text or "", at_s=turn.started_s, until_s=turn.ended_s)

    def _keep(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    @staticmethod
    async def _guarded(work: Awaitable[None]) -> None:
        try:
            await work
        except SipError:
            pass  # the call ended before its NOTIFY
        except Exception:
            logger.exception("work beside a call failed")

    def _note_progress(self, step: Progress) -> None:
        told = f"{step.status} {step.reason}"
        again = any(event.kind == "progress" and event.text == told for event in self.events)
        if 100 < step.status < 200 and not again:  # a SIP node repeats its 180 every second
            self._tell("progress", told, at_s=step.at_s)

    def _note_end(self, reason: EndReason) -> None:
        self._ended_s = time.monotonic()
        if self.talk:
            self._close_turn()
            self.talk.stop()
            self._tell("ended", "caller" if reason.by == "local" else "agent")

    def _tell(
        self, kind: EventKind, text: str = "", *, at_s: float | None = None, until_s: float | None = None
    ) -> None:
        start_s = self.sip.invited_s
        event = CallEvent(
            kind=kind,
            t_s=round((at_s or time.monotonic()) - start_s, 3),
            text=text,
            until_s=None if until_s is None else round(until_s - start_s, 3),
        )
        self.events.append(event)
        if self._on_event:
            self._on_event(event)

    @staticmethod
    async def _within_limit(work: Awaitable[object]) -> None:
        """Let it go on in the endpoint when it takes too long."""
        task = asyncio.ensure_future(work)
        done, _ = await asyncio.wait([task], timeout=HANG_UP_LIMIT_S)
        for finished in done:
            finished.result()
        task.cancel()
