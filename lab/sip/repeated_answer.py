"""A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 section 13.3.1.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lab.sip.timers import Timers


class RepeatedAnswer:
    """Sends at once and again after T1, 2*T1, ... T2, for 64*T1. `acked` tells whether the ACK came."""

    def __init__(self, timers: Timers, send: Callable[[], None], *, offered: bool) -> None:
        self.offered = offered
        """Whether the INVITE had the offer; else the ACK has the answer."""
        self._loop = asyncio.get_running_loop()
        self._acked: asyncio.Future[bool] = self._loop.create_future()
        self._send = send
        self._timers = timers
        self._interval_s = timers.t1_s
        self._end = self._loop.call_later(timers.give_up_s, self.stop)
        self._repeat = self._loop.call_later(self._interval_s, self._again)
        send()

    def acknowledge(self) -> None:
        """The ACK has come."""
        self.stop(acked=True)

    def stop(self, *, acked: bool = False) -> None:
        """No more repetitions."""
        self._end.cancel()
        self._repeat.cancel()
        if not self._acked.done():
            self._acked.set_result(acked)

    async def wait(self) -> bool:
        """Return whether the ACK came, when that is decided."""
        return await asyncio.shield(self._acked)

    def _again(self) -> None:
        self._send()
        self._interval_s = min(2 * self._interval_s, self._timers.t2_s)
        self._repeat = self._loop.call_later(self._interval_s, self._again)
