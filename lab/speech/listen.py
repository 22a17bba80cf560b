"""Deepgram's listen WebSocket, as livekit-plugins-deepgram 1.8.9 speaks it (developers.deepgram.com, "Live Audio")."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from lab.speech.faults import SLOW_S
from lab.speech.hearing import Heard, Hearing, Onset, OracleHearing, RealHearing
from lab.speech.state import STATE, State


async def listen(request: web.Request) -> web.StreamResponse:
    """Serve one stream until the client closes it."""
    state = request.app[STATE]
    fault = state.settings.stt.take()
    if fault in ("429", "500"):
        return web.json_response({"err_msg": "as set"}, status=int(fault))
    if fault == "refused":
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=503)
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    stream = _Stream(socket, state, _hearing(request, state), fault)
    try:
        await stream.run()
    finally:
        await stream.aclose()
    return socket


def _hearing(request: web.Request, state: State) -> Hearing:
    sample_rate = int(request.query.get("sample_rate", "16000"))
    tags = request.query.getall("tag", [])
    if state.ears is not None and not state.announcements.knows(tags):
        return RealHearing(state.ears, sample_rate, state.threads)
    return OracleHearing(state.announcements, tags, sample_rate)


class _Stream:
    def __init__(self, socket: web.WebSocketResponse, state: State, hearing: Hearing, fault: str | None) -> None:
        self._socket, self._state, self._hearing, self._fault = socket, state, hearing, fault
        self._request_id = str(uuid.uuid4())
        self._audio: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._heard_s = 0.0
        self._listener = asyncio.create_task(self._listen())

    async def run(self) -> None:
        """Read messages; audio is heard in a task of its own, so that recognition never blocks the socket."""
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                self._audio.put_nowait(message.data)
            elif message.type is WSMsgType.TEXT and await self._control(message.data):
                return

    async def aclose(self) -> None:
        """Stop hearing."""
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener

    async def _control(self, text: str) -> bool:
        kind = json.loads(text).get("type")
        if kind == "CloseStream":
            self._audio.put_nowait(None)
            with contextlib.suppress(ConnectionError):
                await self._listener
                await self._send({"type": "Metadata", "request_id": self._request_id, "channels": 1})
            return True
        return False  # KeepAlive and Finalize need no answer: nothing is ever held back

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (chunk := await self._audio.get()) is not None:
                if self._fault == "hang":
                    continue
                async for event in self._hearing.feed(np.frombuffer(chunk, np.int16)):
                    await self._tell(event)

    async def _tell(self, event: Heard | Onset) -> None:
        if isinstance(event, Onset):
            await self._send({"type": "SpeechStarted", "channel": [0], "timestamp": 0.0})
            return
        settings = self._state.settings.stt
        await settings.delay()
        if self._fault == "slow":
            await asyncio.sleep(SLOW_S)
        if self._fault == "cut":
            await self._socket.close(code=1011)
            return
        if self._fault == "garbage":
            await self._socket.send_str('{"type": "Results", "channel":')
            return
        self._state.note("heard", event.text)
        await self._send(self._results(event))

    def _results(self, heard: Heard) -> dict[str, Any]:
        words = [
            {"word": word.lower().strip(".,?!"), "punctuated_word": word, "start": 0.0, "end": 0.0, "confidence": 0.99}
            for word in heard.text.split()
        ]
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "is_final": heard.final,
            "speech_final": heard.last,
            "metadata": {"request_id": self._request_id},
            "channel": {"alternatives": [{"transcript": heard.text, "confidence": 0.99, "words": words}]},
        }

    async def _send(self, message: dict[str, Any]) -> None:
        if not self._socket.closed:
            await self._socket.send_str(json.dumps(message))
