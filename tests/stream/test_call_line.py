"""A call's line: order, back-pressure, interruption and the end, with a socket that only remembers."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from stream.call_line import QUEUE_FRAMES, CallLine
from stream.conversation import End
from stream.errors import CallOverError
from stream.frames import Cleared, Digit, Media, Played
from stream.media_format import MediaFormat
from stream.webhook import read_call
from tests.stream.door import Echo, form

LOST, HUNG_UP = End(reason="lost"), End(reason="hung up")


class Silent(Echo):
    """Hears and says nothing by itself."""

    def sound(self, media: Media) -> None:
        self.sounds += 1

    def key(self, digit: str) -> None:
        self.events.append(f"key {digit}")


class Slot:
    """A socket: its stream, and with which code it was left."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        self.left: int | None = None

    def leave(self, code: int) -> None:
        self.left = code if self.left is None else self.left


def new_line(converse=Silent, media_format: MediaFormat = MediaFormat.MULAW_8000) -> tuple[CallLine, Any]:
    line = CallLine(read_call(form("a")), media_format, converse)
    return line, line.conversation


def attached() -> tuple[CallLine, Any, Slot]:
    line, heard = new_line()
    slot = Slot("s1")
    line.attach(slot)
    return line, heard, slot


async def sent(line: CallLine, slot: Slot) -> str:
    """Return the next frame as ``event`` or ``event what``; it names the stream."""
    frame = json.loads(await line.next_frame(slot) or "null")
    if frame is None:
        return "nothing"
    assert frame["streamId"] == slot.stream_id
    media = frame.get("media")
    what = base64.b64decode(media["payload"])[:1].decode() if media else frame.get("name", "")
    return f"{frame['event']} {what}".strip()


async def settled(*tasks: asyncio.Task[Any]) -> list[bool]:
    """Let everything run that can; return which tasks are done."""
    for _ in range(20):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


async def test_what_is_sent_keeps_its_order() -> None:
    """Sound and checkpoints."""
    line, _, slot = attached()
    for what in "ab":
        await line.play(what.encode())
        await line.checkpoint(what)
    assert [await sent(line, slot) for _ in range(4)] == ["playAudio a", "checkpoint a", "playAudio b", "checkpoint b"]


async def test_what_comes_is_heard_in_its_order() -> None:
    """Of the socket that counts."""
    line, heard, slot = attached()
    for frame in (Media(payload=b"x"), Digit(digit="5"), Played(name="p"), Cleared()):
        line.take(slot, frame)
        line.take(Slot("other"), frame)
    assert (heard.sounds, heard.events) == (1, ["key 5", "played p", "cleared"])


async def test_who_plays_faster_than_it_is_sent_waits() -> None:
    """Each frame that leaves lets one in, in order."""
    line, _, slot = attached()
    for _ in range(QUEUE_FRAMES):
        await line.play(b"x")
    more = [asyncio.create_task(line.play(b"y")), asyncio.create_task(line.checkpoint("z"))]
    assert await settled(*more) == [False, False]
    await sent(line, slot)
    assert await settled(*more) == [True, False]
    await sent(line, slot)
    assert await settled(*more) == [True, True]
    left = [await sent(line, slot) for _ in range(QUEUE_FRAMES)]
    assert left[-2:] == ["playAudio y", "checkpoint z"]


async def test_clear_overtakes_and_forgets() -> None:
    """What waits, and who waits; what comes after it is played."""
    line, _, slot = attached()
    for _ in range(QUEUE_FRAMES):
        await line.play(b"x")
    waiting = [asyncio.create_task(line.play(b"y")) for _ in range(3)]
    assert await settled(*waiting) == [False] * 3
    line.clear()
    line.clear()
    await line.play(b"z")
    assert await settled(*waiting) == [True] * 3
    assert [await sent(line, slot) for _ in range(2)] == ["clearAudio", "playAudio z"]
    more = asyncio.create_task(line.next_frame(slot))
    assert await settled(more) == [False]
    more.cancel()


async def test_a_stop_is_the_last_frame() -> None:
    """Everything else is forgotten; nothing more can be played."""
    line, _, slot = attached()
    for _ in range(QUEUE_FRAMES):
        await line.play(b"x")
    waiting = asyncio.create_task(line.play(b"y"))
    await settled()
    line.clear()
    line.stop()
    line.stop()
    line.clear()
    assert [await sent(line, slot) for _ in range(3)] == ["stop", "nothing", "nothing"]
    for late in (waiting, line.play(b"x"), line.checkpoint("x")):
        with pytest.raises(CallOverError):
            await late
    assert not line.ended.done()


async def test_who_waits_at_a_stop_does_not_wait_for_ever() -> None:
    """Nothing is said any more."""
    line, _, _ = attached()
    for _ in range(QUEUE_FRAMES):
        await line.play(b"x")
    waiting = asyncio.create_task(line.checkpoint("y"))
    await settled()
    line.end(HUNG_UP)
    with pytest.raises(CallOverError):
        await waiting


async def test_a_replaced_socket_gets_and_says_nothing_any_more() -> None:
    """It is closed; its end is no loss."""
    line, heard, old = attached()
    await line.play(b"x")
    writing = asyncio.create_task(line.next_frame(old))
    assert await settled(writing) == [True]
    writing = asyncio.create_task(line.next_frame(old))
    new = Slot("s2")
    line.attach(new)
    assert (await writing, old.left, new.left) == (None, 1000, None)
    line.take(old, Digit(digit="1"))
    line.detach(old)
    assert heard.events == ["lost"]
    await line.play(b"y")
    assert await sent(line, new) == "playAudio y"


async def test_a_lost_socket_takes_what_waited_with_it() -> None:
    """The next one begins with what is played from then on, a clear that was not sent is not wanted any more."""
    line, heard, old = attached()
    await line.play(b"x")
    line.clear()
    line.detach(old)
    line.detach(old)
    await line.play(b"y")
    new = Slot("s2")
    line.attach(new)
    assert heard.events == ["lost"]
    assert await sent(line, new) == "playAudio y"


async def test_the_end_closes_the_socket_and_is_told_once() -> None:
    """The first reason counts; nothing is heard after it."""
    line, heard, slot = attached()
    waiting = asyncio.create_task(line.wait_ended())
    impatient = asyncio.create_task(line.wait_ended())
    await settled()
    impatient.cancel()
    await settled()
    line.end(HUNG_UP)
    line.end(LOST)
    assert (await waiting, await line.wait_ended(), slot.left) == (HUNG_UP, HUNG_UP, 1000)
    line.take(slot, Digit(digit="1"))
    line.detach(slot)
    line.clear()
    assert heard.events == []
    assert await sent(line, slot) == "nothing"
    with pytest.raises(CallOverError):
        await line.play(b"x")


async def test_what_cannot_be_played_is_a_mistake_at_once() -> None:
    """Not when it is sent."""
    line, _ = new_line(media_format=MediaFormat.L16_16000)
    for sound in (b"", b"abc", b"ab" * 16_001):
        with pytest.raises(ValueError, match="sound"):
            await line.play(sound)
    await line.play(b"ab" * 16_000)
    for name in ("", "é", "x" * 129):
        with pytest.raises(ValueError, match="checkpoint"):
            await line.checkpoint(name)


class Broken(Silent):
    """Cannot hear keys."""

    def key(self, digit: str) -> None:
        raise LookupError(f"no meaning of {digit}")


async def test_who_raises_in_hearing_is_stopped() -> None:
    """The reason is told at once, the stop still sent."""
    line, _ = new_line(Broken)
    slot = Slot("s1")
    line.attach(slot)
    line.take(slot, Digit(digit="1"))
    assert (await line.wait_ended(), line.has_failed, line.is_stopped) == (End(reason="failed"), True, True)
    assert [await sent(line, slot) for _ in range(2)] == ["stop", "nothing"]
    line.end(HUNG_UP)
    assert (await line.wait_ended()).reason == "failed"
