"""Deepgram's speak WebSocket and its POST form, as livekit-plugins-deepgram 1.8.9 speaks them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from functools import partial

from aiohttp import WSMsgType, web

from lab.speech.state import STATE, State
from lab.speech.voice import sentences

_CHUNK_S = 0.1


async def speak(request: web.Request) -> web.StreamResponse:
    """Speak what comes between two Flush messages, sentence by sentence, as fast as it is made."""
    state = request.app[STATE]
    if (refusal := _refused(request, state)) is not None:
        return refusal
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    sample_rate, text, sequence = int(request.query.get("sample_rate", "24000")), "", 0
    with contextlib.suppress(ConnectionError):
        await socket.send_json({"type": "Metadata", "request_id": str(uuid.uuid4())})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            command = json.loads(message.data)
            match command.get("type"):
                case "Speak":
                    text += command.get("text", "")
                case "Flush":
                    said, text = text.strip(), ""
                    if not await _say(socket, state, said, sample_rate):
                        break
                    sequence += 1
                    await socket.send_json({"type": "Flushed", "sequence_id": sequence})
                case "Clear":
                    text = ""
                    await socket.send_json({"type": "Cleared", "sequence_id": sequence})
                case "Close":
                    break
    await socket.close()
    return socket


async def speak_once(request: web.Request) -> web.StreamResponse:
    """POST {"text"}: raw 16-bit PCM, streamed."""
    state = request.app[STATE]
    if (refusal := _refused(request, state)) is not None:
        return refusal
    text = str((await request.json()).get("text", ""))
    fault = state.settings.tts.take()
    if fault == "hang":
        await asyncio.Event().wait()
    await state.settings.tts.delay()
    state.note("spoken", text)
    answer = web.StreamResponse(headers={"Content-Type": "audio/l16", "x-request-id": str(uuid.uuid4())})
    await answer.prepare(request)
    if fault == "garbage":
        text = ""
        await answer.write(b"}")  # half a sample
    async for chunk in _chunks(state, text, int(request.query.get("sample_rate", "24000"))):
        await answer.write(chunk)
        if fault == "cut" and request.transport is not None:
            request.transport.close()
            return answer
        if fault == "slow":
            await asyncio.sleep(3 * _CHUNK_S)
    await answer.write_eof()
    return answer


async def _say(socket: web.WebSocketResponse, state: State, text: str, sample_rate: int) -> bool:
    """Send the speech; False when the connection is to be cut."""
    fault = state.settings.tts.take()
    if fault == "hang":
        await asyncio.Event().wait()
    if fault == "garbage":
        await socket.send_str("}{")
        return True
    if text:
        await state.settings.tts.delay()
        state.note("spoken", text)
    async for chunk in _chunks(state, text, sample_rate):
        await socket.send_bytes(chunk)
        if fault == "cut":
            await socket.close(code=1011)
            return False
        if fault == "slow":
            await asyncio.sleep(3 * _CHUNK_S)
    return True


async def _chunks(state: State, text: str, sample_rate: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    size = int(_CHUNK_S * sample_rate) * 2
    for index, sentence in enumerate(sentences(text)):
        speak_it = partial(state.voice.speak, sentence, sample_rate=sample_rate)
        samples = await loop.run_in_executor(state.threads, speak_it)
        audio = (bytes(size) * 2 if index else b"") + samples.tobytes()
        for start in range(0, len(audio), size):
            yield audio[start : start + size]


def _refused(request: web.Request, state: State) -> web.Response | None:
    fault = state.settings.tts.fault
    if fault in ("429", "500"):
        state.settings.tts.take()
        return web.json_response({"err_code": "as set", "err_msg": "as set"}, status=int(fault))
    if fault == "refused":
        state.settings.tts.take()
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=503)
    return None
