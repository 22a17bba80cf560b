"""A call of the carrier's stand-in, in which every document, form, signature and frame is ours to read or to write."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stream.answer import stream_document
from stream.frames import (
    Cleared,
    Digit,
    Frame,
    Media,
    Played,
    Start,
    checkpoint,
    clear_audio,
    parse_frame,
    play_audio,
    stop,
)
from stream.media_format import MediaFormat
from stream.signature import Tokens, Valid, check_signature
from stream.webhook import read_call, read_hangup, read_stream
from tests.lab.vobiz.application import Application, Socket
from tests.lab.vobiz.test_application_calls import MULAW, TONE, is_loud, stage, talking
from tests.lab.vobiz.world import CALLER, NUMBER, until


def says(app: Application, media_format: MediaFormat, *, after: str | None = None) -> None:
    """Answer with our own document."""
    document = stream_document(
        socket_url=app.socket_url,
        media_format=media_format,
        status_url=f"{app.url}/status",
        max_retries=1,
        after_url=after,
    )
    app.answers["/answer"] = 200, document.decode()


def read(socket: Socket) -> list[Frame | None]:
    """Return what the socket was sent."""
    return [parse_frame(json.dumps(frame)) for frame in socket.frames]


def sound(media_format: MediaFormat, frames: int) -> bytes:
    if media_format is MediaFormat.MULAW_8000:
        return MULAW.encode(np.tile(TONE, frames))
    wide = np.sin(2 * np.pi * 400 * np.arange(320 * frames) / 16000) * 8000
    return wide.astype("<i2").tobytes()


@pytest.mark.parametrize("media_format", MediaFormat)
async def test_a_whole_call_is_understood_on_both_sides(media_format: MediaFormat) -> None:
    """Sound both ways, a digit, a checkpoint, an interruption; then a second document and the end."""
    async with stage() as (net, app):
        net.account.habits.sign_callbacks = True
        says(app, media_format, after=f"{app.url}/after?a=1&b=2")
        app.says("<Hangup/>", path="/after")
        async with talking(net, app) as (call, telephone, socket):
            stream_id = socket.stream_id
            await socket.event("media", 5)
            await socket.ws.send_str(play_audio(stream_id, sound(media_format, 10), media_format))
            await socket.ws.send_str(checkpoint(stream_id, 'said "a"'))
            await socket.event("playedStream")
            await until(lambda: telephone.loud >= 8)
            telephone.rtp.send_dtmf("#")
            await socket.event("dtmf")
            await socket.ws.send_str(play_audio(stream_id, sound(media_format, 500), media_format))
            await socket.ws.send_str(checkpoint(stream_id, "never"))
            await socket.ws.send_str(clear_audio(stream_id))
            await socket.event("clearedAudio")
            await socket.ws.send_str(stop(stream_id))
            assert (await call.wait_ended()).by == "remote"
        record = await net.record()
        assert (record["stream"]["ignored"], record["stream"]["ended"]) == (0, "stopped")
        await app.form("Hangup")
        await app.form("StopStream")

        asked = read_call(app.asked[0][2])
        assert (asked.caller, asked.called, asked.direction, asked.event) == (CALLER, NUMBER, "inbound", "StartApp")
        frames = read(socket)
        assert None not in frames
        assert frames[0] == Start(call_id=asked.call_id, stream_id=stream_id, media_format=media_format)
        heard = [frame for frame in frames if isinstance(frame, Media)]
        assert [frame.chunk for frame in heard] == list(range(1, len(heard) + 1))
        assert {frame.stream_id for frame in heard} == {stream_id}
        if media_format is MediaFormat.MULAW_8000:
            assert any(is_loud(MULAW.decode(frame.payload)) for frame in heard)
        else:
            assert any(is_loud(np.frombuffer(frame.payload, ">i2")) for frame in heard)
        others = [frame for frame in frames if not isinstance(frame, Start | Media)]
        assert others == [Played(name='said "a"'), Digit(digit="#"), Cleared()]

        ended = read_hangup(await app.form("Hangup"))
        assert (ended.call_id, ended.cause_code, ended.source) == (asked.call_id, 4000, "Answer XML")
        assert ended.duration_s is not None
        told = [read_stream(form) for _, path, form, _ in app.asked if path == "/status"]
        assert {each.event for each in told} == {"StartStream", "PlayedStream", "ClearedAudio", "StopStream"}
        assert {(each.call_id, each.stream_id) for each in told} == {(asked.call_id, stream_id)}
        assert [each.name for each in told if each.event == "PlayedStream"] == ['said "a"']

        tokens = Tokens(account=net.account.auth_token)
        verdicts = [check_signature(headers.items(), app.url + path, tokens) for _, path, _, headers in app.asked]
        assert all(isinstance(verdict, Valid) for verdict in verdicts)
        nonces = [nonce for verdict in verdicts if isinstance(verdict, Valid) for nonce in verdict.nonces]
        assert len(set(nonces)) == len(nonces) == len(app.asked)


async def test_a_lost_socket_comes_back_with_the_same_call() -> None:
    """As often as our document allows; then the next document is asked for."""
    async with stage() as (net, app):
        says(app, MediaFormat.MULAW_8000, after=f"{app.url}/after")
        app.says("<Hangup/>", path="/after")
        async with talking(net, app) as (call, _telephone, first):
            await first.ws.close()
            second = await app.sockets.get()
            await second.event("media")
            starts = [read(socket)[0] for socket in (first, second)]
            await second.ws.close()
            await call.wait_ended()
        assert all(isinstance(start, Start) for start in starts)
        assert len({start.call_id for start in starts if isinstance(start, Start)}) == 1
        assert len({start.stream_id for start in starts if isinstance(start, Start)}) == 2
        assert "/after" in [path for _, path, _, _ in app.asked]
        assert read_stream(await app.form("DroppedStream")).error == "closed"
