"""Sending and receiving digits as telephone events (RFC 4733)."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from lab.media.packet import DTMF_DIGITS, RtpPacket, TelephoneEvent

FRAME_TICKS = 160
"""20 ms of the RTP clock at 8000 Hz."""
END_REPEATS = 3
"""Section 2.5.1.4: the packet that ends an event is sent three times."""


@dataclass(frozen=True, slots=True)
class EventFrame:
    """What to send at one tick: a packet of an event that began at `timestamp`; `first` sets the marker."""

    event: TelephoneEvent
    timestamp: int
    first: bool


class DtmfSender:
    """Digits waiting to be sent, one event packet per 20 ms."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, int, int]] = deque()
        self._plan: deque[tuple[TelephoneEvent | None, bool]] = deque()
        self._began = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, digit: str, *, ms: int, gap_ms: int) -> None:
        """Queue a digit of `ms`, with `gap_ms` of audio after it. Raises ValueError for what is no digit."""
        if len(digit) != 1 or digit.upper() not in DTMF_DIGITS:
            raise ValueError(f"{digit!r} is no digit; digits are {' '.join(DTMF_DIGITS)}")
        self._waiting.append((digit.upper(), max(ms // 20, 1), max(gap_ms // 20, 1)))
        self._idle.clear()

    async def sent(self) -> None:
        """Return when nothing waits any more."""
        await self._idle.wait()

    def next(self, timestamp: int) -> EventFrame | None:
        """Return what to send at a tick whose RTP time is `timestamp`; None when audio may be sent."""
        if not self._plan and not self._begin(timestamp):
            return None
        event, first = self._plan.popleft()
        if not self._plan and not self._waiting:
            self._idle.set()
        return EventFrame(event, self._began, first) if event else None

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._plan.clear()
        self._idle.set()

    def _begin(self, timestamp: int) -> bool:
        if not self._waiting:
            return False
        digit, frames, gap = self._waiting.popleft()
        self._began = timestamp
        for count in range(1, frames):
            self._plan.append((TelephoneEvent(digit, count * FRAME_TICKS, end=False), count == 1))
        last = TelephoneEvent(digit, frames * FRAME_TICKS, end=True)
        self._plan.extend((last, frames == 1 and repeat == 0) for repeat in range(END_REPEATS))
        self._plan.extend([(None, False)] * gap)
        return True


class DtmfReceiver:
    """Tells each event once: all of its packets carry one timestamp (section 2.5.1.2)."""

    def __init__(self) -> None:
        self._known: deque[tuple[int, int]] = deque(maxlen=8)

    def receive(self, packet: RtpPacket) -> str | None:
        """Return the digit when this packet is the first that came of its event."""
        event = TelephoneEvent.parse(packet.payload)
        mark = (packet.ssrc, packet.timestamp)
        if event is None or mark in self._known:
            return None
        self._known.append(mark)
        return event.digit
