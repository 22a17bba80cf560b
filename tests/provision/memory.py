"""Both servers in memory, with the rules that the real ones enforce on writes."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from provision.changes import Change
from provision.livekit_numbers import normal
from provision.observed import Observed, OwnedNumber, Seen
from provision.servers import Ids
from provision.values import Assignment, DispatchRule, InboundTrunk, Kind, Side, Value, key_of
from telephony.errors import WorldError


class BrokenError(WorldError):
    """A write that the memory was told to refuse."""


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a loop of its own."""
    with asyncio.Runner() as runner:
        return runner.run(coroutine)


class Memory:
    """One server that keeps every kind; `objects` is its whole state.

    `break_at` refuses the write of that index, counted from 0 over the life of the memory.
    """

    def __init__(self, deployment: str = "test", *, owned: tuple[str, ...] = ()) -> None:
        self.deployment = deployment
        self.objects: list[Seen] = []
        self.owned = owned
        self.writes = 0
        self.break_at: int | None = None

    @property
    def servers(self) -> dict[Side, "Memory"]:
        return {"carrier": self, "livekit": self}

    def state(self) -> Observed:
        numbers = tuple(OwnedNumber(number=number) for number in self.owned)
        return Observed(objects=tuple(self.objects), owned_numbers=numbers)

    def foreign(self, value: Value, *, stamp: str | None = None, server_id: str | None = None) -> Seen:
        seen = Seen(value=value, server_id=server_id or f"foreign-{len(self.objects)}", stamp=stamp)
        self.objects.append(seen)
        return seen

    async def observe(self) -> Observed:
        return self.state()

    async def create(self, value: Value, ids: Ids) -> str:
        self._write()
        assert not any(key_of(seen.value) == key_of(value) for seen in self._ours())
        server_id = value.name if isinstance(value, Assignment) else f"id-{value.kind.name}-{self.writes}"
        self._check(value, ids)
        self.objects.append(Seen(value=value, server_id=server_id, stamp=self.deployment))
        return server_id

    async def update(self, server_id: str, old: Value, value: Value, ids: Ids) -> None:
        self._write()
        old = self._get(server_id)
        self.objects.remove(old)
        self._check(value, ids)
        self.objects.append(Seen(value=value, server_id=server_id, stamp=self.deployment))
        self.objects = [replace(seen, value=_followed(seen.value, old.value, value)) for seen in self.objects]

    async def delete(self, server_id: str, value: Value) -> None:
        self._write()
        old = self._get(server_id)
        assert old.value == value
        users = [seen for seen in self._ours() if key_of(value) in seen.value.needs]
        twins = [seen for seen in self._ours() if key_of(seen.value) == key_of(value) and seen is not old]
        assert twins or not users, f"{key_of(value)} is still used"
        self.objects.remove(old)

    async def read(self, server_id: str, kind: Kind, ids: Ids) -> Value | None:
        return next((s.value for s in self.objects if s.server_id == server_id and s.value.kind is kind), None)

    async def read_all(self, kind: Kind, ids: Ids) -> dict[str, Value]:
        return {seen.server_id: seen.value for seen in self.objects if seen.value.kind is kind}

    def _ours(self) -> list[Seen]:
        return [seen for seen in self.objects if seen.stamp == self.deployment]

    def _get(self, server_id: str) -> Seen:
        seen = next(seen for seen in self.objects if seen.server_id == server_id)
        assert seen.stamp == self.deployment or isinstance(seen.value, Assignment), "not ours"
        return seen

    def _write(self) -> None:
        if self.break_at == self.writes:
            self.break_at = None
            raise BrokenError("broken")
        self.writes += 1

    def _check(self, value: Value, ids: Ids) -> None:
        for key in value.needs:
            assert any(seen.server_id == ids[key] for seen in self.objects), f"{key} is not there"
        match value:
            case InboundTrunk():
                assert value.numbers, "a trunk without numbers takes every number"
                assert value.allowed_addresses
                taken = {normal(n) for s in self.objects if isinstance(s.value, InboundTrunk) for n in s.value.numbers}
                assert not taken & {normal(number) for number in value.numbers}, "another trunk has the number"
            case DispatchRule():
                assert value.trunks, "a rule without trunks answers everybody"
            case Assignment():
                assert not any(s.value.name == value.name for s in self.objects if isinstance(s.value, Assignment))
                assert value.name in self.owned


def _followed(value: Value, old: Value, new: Value) -> Value:
    """Servers link by id: what hangs on an object follows it under its new name."""
    if isinstance(value, Assignment) and value.target == key_of(old):
        return replace(value, **{"trunk" if value.trunk else "application": new.name})
    return value


def names(changes: tuple[Change, ...]) -> list[str]:
    """Return changes as words."""
    return [f"{type(change).__name__} {change.key}" for change in changes]
