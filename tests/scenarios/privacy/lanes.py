"""Two callers at once, each with a colleague of their own, on a stack whose SIP node can be disturbed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from livekit import api

from lab.caller.announce import Announcer
from lab.caller.caller import Caller
from lab.caller.phone_call import PhoneCall
from lab.caller.speech import Segment, Sentence
from lab.caller.tape import Tape
from lab.servers.link import Link
from lab.speech.voice import ToneVoice
from lab.stack import Stack, StackOptions, local_stack
from telephony.manifest.targets import Privacy
from tests.lab.gateway.telephone import Telephone, telephone
from tests.scenarios.conftest import rooms_of
from tests.scenarios.desk import NUMBER, manifest

TARGETS = ("manager", "laboratory")
GREETING_S = 8.0
"""On a starved machine so short a greeting may be over before the leg hears the room: the caller speaks then."""
ASKS = ("The manager.", "The laboratory.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Lane:
    """One caller's number and words, and the telephone that rings for them."""

    stack: Stack
    colleague: Telephone
    asks: str
    number: str

    @property
    def link(self) -> Link:
        assert self.stack.link is not None
        return self.stack.link

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[tuple[PhoneCall, Tape]]:
        """Yield a caller who was greeted, and what comes to them from the answer on."""
        async with Caller(ToneVoice(), speech_url=self.stack.speech_url) as caller:
            await caller.prepare([(self.asks,)])
            call = await caller.dial(NUMBER, sip=self.stack.sip.address, from_number=self.number)
            assert call.is_up, call.reason
            assert call.talk is not None
            tape = Tape(call.talk.rtp)
            await call.hear_turn(timeout_s=GREETING_S, silence_s=0.5)
            yield call, tape

    async def say_nothing(self, sip_call_id: str) -> None:
        """Let recognition know that the tone of this call has no words: else it would hear a hello in every break."""
        announcer = Announcer(self.stack.speech_url)
        endless = Segment(text="", start_s=0, end_s=1e6)
        tone = Sentence(text="", samples=np.zeros(0, np.int16), sample_rate=8000, segments=(endless,))
        await announcer.announce(sip_call_id, tone)
        await announcer.aclose()

    async def human_identity(self) -> str:
        """Return the identity of the colleague's leg."""
        livekit = self.stack.livekit
        async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
            for room in await rooms_of(client, self.number):
                listed = await client.room.list_participants(api.ListParticipantsRequest(room=room))
                for there in listed.participants:
                    if there.identity.startswith("human-"):
                        return there.identity
        raise LookupError(f"no colleague is in the room of {self.number}")


@asynccontextmanager
async def open_lanes(run_dir: Path, *, gateway: str, privacy: Privacy) -> AsyncIterator[list[Lane]]:
    """Yield the lanes; no worker is there yet."""
    async with AsyncExitStack() as exits:
        phones = [await exits.enter_async_context(telephone("")) for _ in TARGETS]
        path = run_dir / "lanes.yaml"
        targets = "\n".join(
            f'  {name}: {{says: us, privacy: {privacy}, people: ["sip:asha@{phone.address}"]}}'
            for name, phone in zip(TARGETS, phones, strict=True)
        )
        path.write_text(manifest(TARGETS, targets))
        options = StackOptions(
            run_dir=run_dir,
            manifest=path,
            gateway=gateway,
            voice="tone",
            ears="oracle",
            warm=len(TARGETS),
            workers=0,
            linked=True,
        )
        stack = await exits.enter_async_context(local_stack(options))
        yield [
            Lane(stack=stack, colleague=phone, asks=asks, number=f"+9198123400{index:02}")
            for index, (phone, asks) in enumerate(zip(phones, ASKS, strict=True))
        ]


async def gathered(*work) -> list:  # type: ignore[no-untyped-def]
    """Do all at once; when one fails, the others are given up."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(it) for it in work]
    return [task.result() for task in tasks]
