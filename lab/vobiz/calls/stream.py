"""``<Stream>``: the caller's sound to an Application's socket and back (D:xml/stream, D:xml/stream/initiate)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import aiohttp
import numpy as np

from lab.media.codec import Codec, Samples
from lab.media.resample import Resampler
from lab.vobiz.calls.phone_line import RATE, PhoneLine
from lab.vobiz.calls.voice_xml import Element
from lab.vobiz.calls.waiting import first

MULAW, L16 = "audio/x-mulaw", "audio/x-l16"
_INBOUND = {f"{MULAW};rate=8000": (MULAW, 8000), f"{L16};rate=8000": (L16, 8000), f"{L16};rate=16000": (L16, 16000)}
_OUTBOUND = {(MULAW, 8000), (L16, 8000), (L16, 16000), (L16, 24000)}
_SILENCE = np.zeros(RATE // 50, np.int16)
_CONNECT_S = 10.0
_LEAVE = aiohttp.ClientWSTimeout(ws_close=1.0)
Ending = Literal["stopped", "closed", "timeout", "unreachable", "call over"]
Tell = Callable[..., None]
"""Tells the status callback: an event's name, and its further fields."""


class StreamError(Exception):
    """Attributes that do not go together: the call ends (4010)."""


@dataclass(kw_only=True)
class StreamFigures:
    """What went through a stream, for `GET /lab/calls`. `ignored` counts frames of the Application without effect."""

    url: str
    stream_ids: list[str]
    sent: int = 0
    played_bytes: int = 0
    checkpoints: int = 0
    cleared: int = 0
    ignored: int = 0
    ended: str = ""


class Stream:
    """One ``<Stream>`` element of a call. Raises StreamError.

    `run` returns when the stream is over. A lost socket is opened anew `maxRetries` times, with a new `streamId`.
    """

    def __init__(
        self, element: Element, line: PhoneLine, session: aiohttp.ClientSession, *, call_uuid: str, tell: Tell
    ) -> None:
        self.bidirectional = element.flag("bidirectional")
        track = element.attributes.get("audioTrack", "inbound")
        if track != "inbound" and (self.bidirectional or track not in ("outbound", "both")):
            raise StreamError(f"audioTrack {track} does not go with a bidirectional stream")
        content_type = element.attributes.get("contentType", f"{L16};rate=8000").replace(" ", "")
        if content_type not in _INBOUND:
            raise StreamError(f"contentType {content_type} is not known")
        self._encoding, self._rate = _INBOUND[content_type]
        self._timeout_s = element.number("streamTimeout", 86_400)
        self._tries = 1 + min(element.number("maxRetries", 0), 10)
        self._extra = _pairs(element.attributes.get("extraHeaders", ""))
        self._line = line
        self._session = session
        self._call_uuid = call_uuid
        self._tell = tell
        self._resampler = Resampler(RATE, self._rate)
        self._players: dict[int, Resampler] = {}
        self._mulaw = Codec("PCMU")
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._stream_id = ""
        self._sequence = 0
        self._chunk = 0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.figures = StreamFigures(url=element.text, stream_ids=[])

    async def run(self) -> Ending:
        """Carry sound until the Application stops or leaves, or the time is over."""
        ending: Ending = "unreachable"
        try:
            async with asyncio.timeout(self._timeout_s):
                for _ in range(self._tries):
                    ending = await self._once()
                    if ending == "stopped":
                        break
        except TimeoutError:
            ending = "timeout"
        except asyncio.CancelledError:
            ending = "call over"
            raise
        finally:
            self._line.queue.clear()
            self.figures.ended = ending
        if ending == "stopped":
            self._tell("StopStream", self._stream_id)
        elif ending != "timeout":
            self._tell("DroppedStream", self._stream_id, Error=ending)
        return ending

    def cut(self) -> None:
        """Break the connection, without a word to the other side."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def told(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return asdict(self.figures)

    async def _once(self) -> Ending:
        self._stream_id = str(uuid.uuid4())
        self._sequence = self._chunk = 0
        self._outgoing = asyncio.Queue()
        try:
            async with asyncio.timeout(_CONNECT_S):
                ws = await self._session.ws_connect(self.figures.url, timeout=_LEAVE, max_msg_size=2**20)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return "unreachable"
        self.figures.stream_ids.append(self._stream_id)
        async with contextlib.AsyncExitStack() as exits:
            exits.push_async_callback(ws.close)
            exits.callback(self._detach)
            self._socket = ws
            self._attach()
            self._tell("StartStream", self._stream_id, ServiceURL=self.figures.url)
            stopped = asyncio.Event()
            came = await first(closed=self._read(ws, stopped), stopped=stopped.wait(), broken=self._write(ws))
        return "stopped" if came == "stopped" or stopped.is_set() else "closed"

    def _attach(self) -> None:
        self._send(
            {
                "event": "start",
                "start": {
                    "callId": self._call_uuid,
                    "streamId": self._stream_id,
                    "accountId": "500025",
                    "tracks": ["inbound"],
                    "mediaFormat": {"encoding": self._encoding, "sampleRate": self._rate},
                },
                "extra_headers": self._extra,
            }
        )
        self._line.on_tick = self._tick
        self._line.on_digit = self._digit
        self._line.queue.on_mark = self._played

    def _detach(self) -> None:
        self._socket = None
        self._line.on_tick = self._line.on_digit = None
        self._line.queue.on_mark = None

    def _tick(self) -> None:
        heard = self._line.heard()
        samples = self._resampler.process(_SILENCE if heard is None else heard)
        payload = samples.astype(">i2").tobytes() if self._encoding == L16 else self._mulaw.encode(samples)
        self._chunk += 1
        media = {
            "track": "inbound",
            "timestamp": str(round(time.time() * 1000)),
            "chunk": self._chunk,
            "payload": base64.b64encode(payload).decode(),
        }
        self._send({"streamId": self._stream_id, "event": "media", "media": media, "extra_headers": self._extra})
        self.figures.sent += 1

    def _digit(self, digit: str) -> None:
        self._outgoing.put_nowait({"event": "dtmf", "streamId": self._stream_id, "dtmf": {"digit": digit}})

    def _played(self, name: str) -> None:
        self._outgoing.put_nowait({"event": "playedStream", "name": name})
        self._tell("PlayedStream", self._stream_id, Name=name)

    def _send(self, message: dict[str, Any]) -> None:
        self._outgoing.put_nowait({"sequenceNumber": self._sequence} | message)
        self._sequence += 1

    async def _write(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            message = await self._outgoing.get()
            try:
                await ws.send_str(json.dumps(message))
            except (ConnectionError, aiohttp.ClientError):
                return

    async def _read(self, ws: aiohttp.ClientWebSocketResponse, stopped: asyncio.Event) -> None:
        async for message in ws:
            if message.type is not aiohttp.WSMsgType.TEXT or not self._take(message.data, stopped):
                self.figures.ignored += 1

    def _take(self, text: str, stopped: asyncio.Event) -> bool:
        """Do what one frame says; say whether it had an effect. Every frame must name the stream."""
        try:
            frame = json.loads(text)
        except ValueError:
            return False
        if not isinstance(frame, dict) or frame.get("streamId") != self._stream_id or not self.bidirectional:
            return False
        match frame.get("event"):
            case "playAudio":
                return self._play(frame.get("media"))
            case "checkpoint":
                self.figures.checkpoints += 1
                self._line.queue.mark(str(frame.get("name", "")))
            case "clearAudio":
                self.figures.cleared += 1
                self._line.queue.clear()
                self._outgoing.put_nowait({"event": "clearedAudio", "streamId": self._stream_id})
                self._tell("ClearedAudio", self._stream_id)
            case "stop":
                stopped.set()
            case _:
                return False
        return True

    def _play(self, media: Any) -> bool:
        if not isinstance(media, dict):
            return False
        encoding, rate = media.get("contentType"), media.get("sampleRate")
        try:
            payload = base64.b64decode(str(media.get("payload", "")), validate=True)
            if (encoding, int(str(rate))) not in _OUTBOUND:
                return False
            samples = self._decoded(str(encoding), payload)
        except (binascii.Error, ValueError):
            return False
        self.figures.played_bytes += len(payload)
        player = self._players.setdefault(int(str(rate)), Resampler(int(str(rate)), RATE))
        self._line.queue.play(player.process(samples))
        return True

    def _decoded(self, encoding: str, payload: bytes) -> Samples:
        if encoding == MULAW:
            return self._mulaw.decode(payload)
        return np.frombuffer(payload, "<i2").astype(np.int16)


def _pairs(text: str) -> str:
    """Return ``k=v,k2=v2`` as JSON in a string, as events carry it."""
    pairs = (pair.partition("=") for pair in text.split(",") if pair.strip())
    return json.dumps({name.strip(): value.strip() for name, _, value in pairs})
