"""Misbehaviour on purpose: datagrams dropped, doubled, delayed, mangled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["in", "out"]

_CSEQ_METHOD = re.compile(rb"(?im)^CSeq\s*:\s*\d+\s+([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Datagram:
    """What a rule may look at."""

    direction: Direction
    data: bytes
    address: tuple[str, int]

    @property
    def method(self) -> str:
        """The method of a request, or that of a response's CSeq; "" when there is none."""
        if not self.data.startswith(b"SIP/2.0"):
            return self.data.partition(b" ")[0].decode("ascii", "replace")
        match = _CSEQ_METHOD.search(self.data)
        return match[1].decode() if match else ""

    @property
    def status(self) -> int | None:
        """The status of a response, None for a request."""
        text = self.data[8:11]
        return int(text) if self.data.startswith(b"SIP/2.0 ") and text.isdigit() else None


Match = Callable[[Datagram], bool]


def request(*methods: str) -> Match:
    """Match requests of these methods; any request when none is given."""
    return lambda datagram: datagram.status is None and (not methods or datagram.method in methods)


def response(*statuses: int, to: str | None = None) -> Match:
    """Match responses with one of these statuses (any when none is given), to the method `to`."""
    return lambda datagram: (
        datagram.status is not None
        and (not statuses or datagram.status in statuses)
        and (to is None or datagram.method == to)
    )


@dataclass(eq=False, slots=True, kw_only=True)
class Rule:
    """What happens to the datagrams that match, `times` times at most (None: always). `hits` counts them."""

    match: Match
    effect: Callable[[bytes], list[tuple[float, bytes]]]
    direction: Direction | None
    times: int | None
    hits: int = field(default=0)

    def takes(self, datagram: Datagram) -> bool:
        """Say whether the rule applies, and count it."""
        if self.direction not in (None, datagram.direction) or self.hits == self.times or not self.match(datagram):
            return False
        self.hits += 1
        return True


class Faults:
    """Rules for datagrams, tried in the order they were made; the first that takes a datagram decides on it.

    Each maker returns its rule: `rule.hits` says how often it was used. `direction` "out" is what this endpoint sends,
    "in" what it receives, None both.
    """

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def drop(self, match: Match, *, direction: Direction | None = "out", times: int | None = None) -> Rule:
        """Lose them."""
        return self._add(match, lambda _: [], direction, times)

    def duplicate(
        self, match: Match, *, copies: int = 1, direction: Direction | None = "out", times: int | None = None
    ) -> Rule:
        """Deliver them `copies` times more."""
        return self._add(match, lambda data: [(0.0, data)] * (1 + copies), direction, times)

    def delay(
        self, match: Match, delay_s: float, *, direction: Direction | None = "out", times: int | None = None
    ) -> Rule:
        """Deliver them later."""
        return self._add(match, lambda data: [(delay_s, data)], direction, times)

    def mangle(
        self,
        match: Match,
        change: Callable[[bytes], bytes],
        *,
        direction: Direction | None = "out",
        times: int | None = None,
    ) -> Rule:
        """Deliver something else instead."""
        return self._add(match, lambda data: [(0.0, change(data))], direction, times)

    def skip_ack(self, *, times: int | None = None) -> Rule:
        """Send no ACK."""
        return self.drop(request("ACK"), times=times)

    def ignore(self, *methods: str, times: int | None = None) -> Rule:
        """Be deaf to requests of these methods, e.g. CANCEL or BYE."""
        return self.drop(request(*methods), direction="in", times=times)

    def clear(self) -> None:
        """Behave again."""
        self.rules.clear()

    def apply(self, datagram: Datagram) -> list[tuple[float, bytes]]:
        """Return what is delivered instead: (delay in seconds, bytes) each."""
        for rule in self.rules:
            if rule.takes(datagram):
                return rule.effect(datagram.data)
        return [(0.0, datagram.data)]

    def _add(
        self,
        match: Match,
        effect: Callable[[bytes], list[tuple[float, bytes]]],
        direction: Direction | None,
        times: int | None,
    ) -> Rule:
        rule = Rule(match=match, effect=effect, direction=direction, times=times)
        self.rules.append(rule)
        return rule
