"""The processes of a worker that have a call, and how to end one as a crash does."""

from __future__ import annotations

import psutil

from lab.caller.phone_call import PhoneCall
from lab.stack import Stack
from tests.lab.gateway.telephone import PHONE_HZ
from tests.scenarios.conftest import eventually
from tests.scenarios.desk import Desk, briefed, heard, ringing, said_after


def busy(stack: Stack) -> list[psutil.Process]:
    """Return the job processes that are in a room: they alone have UDP sockets."""
    found = []
    for worker in stack.workers:
        for process in psutil.Process(worker.pid).children(recursive=True):
            try:
                if process.net_connections(kind="udp"):
                    found.append(process)
            except psutil.Error:
                continue
    return found


async def crash(stack: Stack) -> None:
    """End the one process that has a call, with SIGKILL."""

    async def only_one() -> bool:
        return len(busy(stack)) == 1  # that of the call before may still be at its end

    await eventually(only_one)
    busy(stack)[0].kill()


async def agent_dies_in_the_briefing(desk: Desk, caller: PhoneCall) -> None:
    """Let the first telephone answer, and crash: its leg ends, nobody has heard it, another agent has the caller."""
    async with desk.first.pick_up(await ringing(desk.first)) as human:
        await briefed(human)
        await crash(desk.stack)
        assert await human.ended() == ("remote", "bye")
    assert await said_after(caller)
    assert not await heard(caller, PHONE_HZ)
