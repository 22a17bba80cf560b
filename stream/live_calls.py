"""Which calls have a seat, and which socket of each counts. Pure: every moment is passed in, as seconds of one clock.

A seat is taken when a call is answered, and free again when the call is over: when the carrier says so, when no socket
came in time, or when a lost one did not come again in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

ENDED_KEPT_S: Final = 3600.0
"""How long a call that is over stays so: an answer webhook that comes late takes no seat."""
ENDED_KEPT: Final = 10_000
"""How many of them are remembered, at most; the oldest are forgotten first."""
STREAMS_LIMIT: Final = 100
"""Sockets of one call, one after another; the carrier opens a lost one up to ten times."""

Answer = Literal["seated", "again", "full", "draining", "over"]
"""A new seat; the seat that the call has; no seat, for one of three reasons."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A socket counts from now on. `replaced` is the stream that counted until now, None when none did."""

    replaced: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Seats at one moment: those that wait for their first socket, have one, have lost theirs. `free` may be taken."""

    waiting: int
    talking: int
    lost: int
    free: int

    @property
    def taken(self) -> int:
        """All seats that are not free."""
        return self.waiting + self.talking + self.lost


@dataclass(slots=True)
class _Seat:
    """`until_s`: when it is free again if nothing happens, None while a socket is open. `streams`: all that came."""

    until_s: float | None
    current: str | None = None
    streams: set[str] = field(default_factory=set)


class LiveCalls:
    """The seats of one process. Of moments that are passed in, the latest counts.

    A call waits `socket_wait_s` for its first socket and `reconnect_wait_s` for one that was lost.
    """

    def __init__(self, *, max_calls: int, socket_wait_s: float, reconnect_wait_s: float) -> None:
        self._max_calls = max_calls
        self._socket_wait_s = socket_wait_s
        self._reconnect_wait_s = reconnect_wait_s
        self._draining = False
        self._now_s = float("-inf")
        self._seats: dict[str, _Seat] = {}
        self._ended: dict[str, float] = {}
        self._lapsed: list[str] = []

    @property
    def is_draining(self) -> bool:
        """Whether no new seats are given."""
        return self._draining

    def answer(self, call_id: str, *, now_s: float) -> Answer:
        """Give a call a seat, or say that it has one. A call that is asked about again waits anew for its socket."""
        self._pass_time(now_s)
        seat = self._seats.get(call_id)
        if seat is not None:
            if seat.current is None:
                seat.until_s = self._now_s + self._wait_s(seat)
            return "again"
        if call_id in self._ended:
            return "over"
        if self._draining:
            return "draining"
        if len(self._seats) >= self._max_calls:
            return "full"
        self._seats[call_id] = _Seat(self._now_s + self._socket_wait_s)
        return "seated"

    def has(self, call_id: str, *, now_s: float) -> bool:
        """Whether a call has a seat, so that a socket of it may be opened."""
        self._pass_time(now_s)
        return call_id in self._seats

    def open(self, call_id: str, stream_id: str, *, now_s: float) -> Opened | None:
        """Let a socket be the one that counts; None when it may not.

        It may not when the call has no seat, and when its stream came before: the carrier names each socket anew.
        """
        self._pass_time(now_s)
        seat = self._seats.get(call_id)
        if seat is None or stream_id in seat.streams or len(seat.streams) >= STREAMS_LIMIT:
            return None
        replaced, seat.current, seat.until_s = seat.current, stream_id, None
        seat.streams.add(stream_id)
        return Opened(replaced)

    def close(self, call_id: str, stream_id: str, *, now_s: float) -> bool:
        """Note that a socket is closed; say whether it was the one that counted: then the call has lost it."""
        self._pass_time(now_s)
        seat = self._seats.get(call_id)
        if seat is None or seat.current != stream_id:
            return False
        seat.current, seat.until_s = None, self._now_s + self._reconnect_wait_s
        return True

    def end(self, call_id: str, *, now_s: float) -> bool:
        """Free a call's seat for good; say whether it had one."""
        self._pass_time(now_s)
        had = self._seats.pop(call_id, None) is not None
        self._note_end(call_id)
        return had

    def lapsed(self, *, now_s: float) -> list[str]:
        """Return the calls whose seats were freed by time since this was last asked, each once, in order."""
        self._pass_time(now_s)
        lapsed, self._lapsed = self._lapsed, []
        return lapsed

    def drain(self) -> None:
        """Give no new seats from now on."""
        self._draining = True

    def counts(self, *, now_s: float) -> Counts:
        """Return how many seats there are of each kind."""
        self._pass_time(now_s)
        talking = sum(seat.current is not None for seat in self._seats.values())
        waiting = sum(not seat.streams for seat in self._seats.values())
        free = 0 if self._draining else self._max_calls - len(self._seats)
        return Counts(waiting=waiting, talking=talking, lost=len(self._seats) - talking - waiting, free=free)

    def _wait_s(self, seat: _Seat) -> float:
        return self._reconnect_wait_s if seat.streams else self._socket_wait_s

    def _pass_time(self, now_s: float) -> None:
        self._now_s = max(self._now_s, now_s)
        gone = [
            (seat.until_s, call_id)
            for call_id, seat in self._seats.items()
            if seat.until_s is not None and seat.until_s <= self._now_s
        ]
        for _, call_id in sorted(gone):
            seat = self._seats.pop(call_id)
            self._lapsed.append(call_id)
            if seat.streams:  # one whose socket never came may still be asked about by a carrier that tries again
                self._note_end(call_id)
        while self._ended and next(iter(self._ended.values())) <= self._now_s:
            del self._ended[next(iter(self._ended))]

    def _note_end(self, call_id: str) -> None:
        self._ended.pop(call_id, None)
        self._ended[call_id] = self._now_s + ENDED_KEPT_S
        if len(self._ended) > ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
