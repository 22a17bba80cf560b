"""Gates that keep nothing private, so that a run shows that it would notice; which ones a call has, its caller decides.

Job processes import this: `answer` and `prewarm` reach them by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from livekit import api, rtc
from livekit.agents import JobContext, JobProcess

from agent import job
from agent.transfer import handover
from agent.transfer.gates import Gates


class NoGates(Gates):
    """Whoever is in the room hears everybody."""

    def list_tracks(self, allowed: Mapping[str, Iterable[str]]) -> None:
        return

    async def close_caller(self) -> None:
        return

    async def let_caller_hear(self) -> None:
        return

    async def shut_out(self, human: str) -> None:
        return

    async def part(self, human: str) -> None:
        return

    async def keep_apart(self, human: str) -> None:
        return


class OnceAndEarly(Gates):
    """The caller is unsubscribed once, as soon as the human's track is seen, is not deaf before, and that is all."""

    async def close_caller(self) -> None:
        return

    async def let_caller_hear(self) -> None:
        return

    async def shut_out(self, human: str) -> None:
        await super().part(human)

    async def part(self, human: str) -> None:
        return

    async def keep_apart(self, human: str) -> None:
        return


def gates(room: rtc.Room, client: api.LiveKitAPI, *, caller: str) -> Gates:
    """Return none for callers with an even number, else those that trust."""
    made = OnceAndEarly if int(caller[-1]) % 2 else NoGates
    return made(room, client, caller=caller)


handover.Gates = gates  # type: ignore[assignment,misc]


async def answer(ctx: JobContext) -> None:
    await job.answer(ctx)


def prewarm(process: JobProcess, **given: object) -> None:
    job.prewarm(process, **given)  # type: ignore[arg-type]
