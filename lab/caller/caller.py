"""The synthetic caller: one SIP endpoint and one media clock for any number of calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from lab.caller.addresses import resolve
from lab.caller.announce import Announcer
from lab.caller.events import OnEvent
from lab.caller.phone_call import PhoneCall, Recogniser
from lab.caller.speech import Part, Sentence, speak
from lab.media.clock import MediaClock
from lab.media.codec import Codec, CodecName
from lab.media.rtp import RtpSession
from lab.sip.call import IncomingCall, OutgoingCall
from lab.sip.core import BASE_METHODS
from lab.sip.endpoint import SipEndpoint
from lab.sip.faults import Faults
from lab.sip.sdp import offer
from lab.sip.timers import Timers
from lab.speech.voice import Voice

USER_AGENT = "dialroom-caller"
RING_TIMEOUT_S = 30.0
NETWORK_CODECS: tuple[CodecName, ...] = ("PCMU", "PCMA")
"""What telephone networks offer; add G722 for a call in wide band."""


class Caller:
    """Dials, as the phone network would. An async context manager.

    `host` is our own address that the other side can reach, `port` the one for SIP (0 is any). `speech_url` is where
    the speech stand-ins listen, if they are to be told what is said. `recogniser` writes down what the agent says.
    `keep_sound` False saves memory when nothing is to be recorded or recognised. With `takes_calls` it can be called
    too (`called`).
    """

    def __init__(
        self,
        voice: Voice,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        codecs: Sequence[str] = NETWORK_CODECS,
        speech_url: str | None = None,
        recogniser: Recogniser | None = None,
        keep_sound: bool = True,
        takes_calls: bool = False,
        faults: Faults | None = None,
        timers: Timers | None = None,
    ) -> None:
        self.sip = SipEndpoint(host, port, user_agent=USER_AGENT, faults=faults, timers=timers)
        self.sip.allow = (*BASE_METHODS, "REFER")
        self._host = host
        self._voice = voice
        self._codecs = tuple(codecs)
        self._recogniser = recogniser
        self._keep_sound = keep_sound
        self._clock = MediaClock()
        self._announcer = Announcer(speech_url)
        self._sentences: dict[tuple[tuple[Part, ...], int], Sentence] = {}
        self._speaking = asyncio.Lock()
        self._calls: list[PhoneCall] = []
        self._coming: asyncio.Queue[IncomingCall] = asyncio.Queue()
        if takes_calls:
            self.sip.on_invite = self._coming.put
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self._announcer.aclose)
            await opened.enter_async_context(self._clock)
            await opened.enter_async_context(self.sip)
            self._exit = opened.pop_all()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Hang up every call and close everything. May be called twice."""
        calls, self._calls = self._calls, []
        await asyncio.gather(*(call.aclose() for call in calls), return_exceptions=True)
        await self._exit.aclose()

    @property
    def speech_url(self) -> str | None:
        """Where the speech stand-ins listen; may be set while no call is up."""
        return self._announcer.url

    @speech_url.setter
    def speech_url(self, url: str | None) -> None:
        self._announcer.url = url

    async def prepare(self, sentences: Iterable[Sequence[Part]]) -> None:
        """Make speech before it is needed: making it while calls go on would cost the punctuality of their packets."""
        rates = {Codec(name).sample_rate for name in self._codecs}
        for parts in sentences:
            for rate in rates:
                await self._sentence(tuple(parts), rate)

    async def start_call(
        self,
        number: str,
        *,
        sip: str = "127.0.0.1:5060",
        from_number: str = "+919812345678",
        from_name: str = "",
        credentials: tuple[str, str] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        on_event: OnEvent | None = None,
    ) -> PhoneCall:
        """Send the INVITE and return without waiting for an answer.

        `sip` is host:port; `number`, `from_number` and the display name `from_name` stand in the INVITE as they are.
        Raises UserError for a bad address, WorldError when it cannot be resolved, SipError when a number or the name
        cannot stand there, OSError when no UDP port is free.
        """
        destination = await resolve(sip)
        caller = f"sip:{from_number}@{self.sip.address[0]}:{self.sip.address[1]}"

        def invite(rtp: RtpSession) -> OutgoingCall:
            return self.sip.invite(
                f"sip:{number}@{destination[0]}:{destination[1]}",
                from_uri=f'"{from_name}" <{caller}>' if from_name else caller,
                sdp=offer(self._host, rtp.port, codecs=self._codecs).to_bytes(),
                credentials=credentials,
                headers=headers,
                destination=destination,
            )

        return await self._phone(invite, number, on_event)

    async def called(self, *, on_event: OnEvent | None = None) -> PhoneCall:
        """Wait for a call to us and let it ring; `answer` picks it up. Raises OSError when no UDP port is free."""
        call = await self._coming.get()
        await call.ringing()
        return await self._phone(lambda _rtp: call, call.remote_uri, on_event)

    async def answer(self, call: PhoneCall) -> bool:
        """Pick up a call that came; says whether there is a talk."""
        return await call.pick_up(self._host, self._codecs)

    async def _phone(
        self, make: Callable[[RtpSession], OutgoingCall | IncomingCall], number: str, on_event: OnEvent | None
    ) -> PhoneCall:
        async with AsyncExitStack() as opened:
            rtp = await opened.enter_async_context(RtpSession(self._clock, host=self._host))
            phone = PhoneCall(
                make(rtp),
                rtp,
                number=number,
                resources=opened.pop_all(),
                sentence=self._sentence,
                announce=self._announcer.announce,
                recogniser=self._recogniser,
                on_event=on_event,
                keep_sound=self._keep_sound,
            )
        self._calls.append(phone)
        return phone

    async def dial(
        self,
        number: str,
        *,
        sip: str = "127.0.0.1:5060",
        from_number: str = "+919812345678",
        from_name: str = "",
        ring_timeout_s: float = RING_TIMEOUT_S,
        credentials: tuple[str, str] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        on_event: OnEvent | None = None,
    ) -> PhoneCall:
        """Call and wait for the answer; look at `is_up` and `status`. Raises what `start_call` raises."""
        phone = await self.start_call(
            number,
            sip=sip,
            from_number=from_number,
            from_name=from_name,
            credentials=credentials,
            headers=headers,
            on_event=on_event,
        )
        await phone.wait_answered(ring_timeout_s=ring_timeout_s)
        return phone

    async def _sentence(self, parts: tuple[Part, ...], sample_rate: int) -> Sentence:
        key = (parts, sample_rate)
        async with self._speaking:  # voices are no friends of two threads
            if key not in self._sentences:
                self._sentences[key] = await asyncio.to_thread(speak, parts, voice=self._voice, sample_rate=sample_rate)
        return self._sentences[key]
