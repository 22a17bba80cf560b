"""Calls to numbers with an Application: asked, answered, streamed, told of their end."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from lab.media.clock import MediaClock
from lab.media.codec import Codec, Samples
from lab.media.rtp import RtpSession
from lab.sip.call import CallRejected, OutgoingCall
from lab.sip.sdp import Sdp, answer, offer
from lab.vobiz.calls.callbacks import signatures
from tests.lab.vobiz.application import Application, Socket, application
from tests.lab.vobiz.world import CALLER, NUMBER, Network, network, until

TONE = (np.sin(2 * np.pi * 400 * np.arange(160) / 8000) * 8000).astype(np.int16)
MULAW = Codec("PCMU")


async def attached(net: Network, app: Application, **fields: Any) -> dict[str, Any]:
    """Put an Application onto the number."""
    given = {"app_name": "lotus", "answer_url": f"{app.url}/answer", "hangup_url": f"{app.url}/hangup"} | fields
    made: dict[str, Any] = await net.rest.post("/Application/", given)
    await net.rest.post(f"/numbers/%2B{NUMBER[1:]}/application", {"application_id": made["app_id"]})
    return made


@asynccontextmanager
async def stage(**fields: Any) -> AsyncIterator[tuple[Network, Application]]:
    """Yield a network whose number has an application."""
    async with application() as app, network() as net:
        await attached(net, app, **fields)
        yield net, app


def is_loud(frame: Samples) -> bool:
    return bool(np.abs(frame.astype(np.int32)).max() > 2000)


def sent(socket: Socket) -> list[bytes]:
    """Return what the application got of the caller's sound."""
    return [base64.b64decode(frame["media"]["payload"]) for frame in socket.events("media")]


class Telephone:
    """The caller's end of the sound: sends a tone, keeps what it hears."""

    def __init__(self, rtp: RtpSession, codec: str) -> None:
        self.rtp = rtp
        self.codec = Codec(codec)
        self.heard: list[Samples] = []
        self.says: Samples | None = TONE
        rtp.next_frame = lambda: self.says
        rtp.on_packet = lambda packet, _at: self.heard.append(self.codec.decode(packet.payload))

    @property
    def loud(self) -> int:
        """How many loud frames were heard."""
        return sum(map(is_loud, self.heard))

    def connect(self, description: bytes) -> None:
        chosen = Sdp.parse(description)
        assert chosen.audio.name == self.codec.name
        self.rtp.configure(self.codec, remote=chosen.remote, dtmf_payload_type=chosen.dtmf_payload_type)
        self.rtp.start()


@asynccontextmanager
async def talking(
    net: Network, app: Application, codec: str = "PCMU"
) -> AsyncIterator[tuple[OutgoingCall, Telephone, Socket]]:
    """Yield an answered call whose stream has begun."""
    async with MediaClock() as clock, RtpSession(clock) as rtp:
        telephone = Telephone(rtp, codec)
        call = net.dial(sdp=offer("127.0.0.1", rtp.port, codecs=(codec,)).to_bytes())
        await call.answered()
        telephone.connect(call.remote_sdp)
        socket = await app.sockets.get()
        await socket.event("start")
        yield call, telephone, socket


async def test_the_application_is_asked_as_documented() -> None:
    """A form with the call's fields, and what came in X-VH- headers."""
    async with stage() as (net, app):
        app.says('<Hangup reason="busy"/>')
        with pytest.raises(CallRejected) as rejected:
            await net.dial(headers=[("X-VH-Clinic", "lotus")]).answered()
        assert rejected.value.status == 486
        method, path, form, headers = app.asked[0]
        assert (method, path, headers["User-Agent"]) == ("POST", "/answer", "Vobiz")
        assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")
        assert (form["From"], form["To"], form["Direction"], form["Event"]) == (CALLER, NUMBER, "inbound", "StartApp")
        assert form["CallStatus"] == "ringing"
        assert form["CallUUID"] == form["ALegUUID"]
        assert form["X-VH-Clinic"] == "lotus"
        assert "X-Vobiz-Signature-V2" not in headers
        record = await net.record()
        assert (record["route"], record["status"], record["ended_by"]) == ("application", 486, "application")
        assert record["call_uuid"] == form["CallUUID"]


async def test_a_get_has_the_fields_in_its_query_and_may_be_signed() -> None:
    """The signature covers the address without its query, and a nonce."""
    async with stage(answer_method="GET") as (net, app):
        net.account.habits.sign_callbacks = True
        app.says("<Hangup/>")
        with pytest.raises(CallRejected):
            await net.dial().answered()
        method, _, form, headers = app.asked[0]
        assert (method, form["To"]) == ("GET", NUMBER)
        nonce = headers["X-Vobiz-Signature-V3-Nonce"]
        assert nonce.isdigit()
        assert len(nonce) == 20
        again = signatures(f"{app.url}/answer?x=1", net.account.auth_token)
        assert set(again) <= set(headers)


async def test_the_end_is_told_once_with_its_cause() -> None:
    """After the last element the carrier hangs up, cause 4010."""
    async with stage() as (net, app):
        app.says('<Wait length="0"/>')
        call = net.dial()
        await call.answered()
        assert (await call.wait_ended()).by == "remote"
        form = await app.form("Hangup")
        assert (form["HangupCauseCode"], form["CallStatus"], form["TotalCost"]) == ("4010", "completed", "0")
        assert form["AnswerTime"]
        assert (await net.record())["cause_code"] == 4010
        assert len(app.forms("Hangup")) == 1


async def test_a_caller_who_gives_up_while_the_application_thinks_is_told_too() -> None:
    """487, nothing was answered."""
    async with stage() as (net, app):
        app.thinks_about = "/answer"
        call = net.dial()
        await until(lambda: 180 in [step.status for step in call.progress])
        await call.cancel()
        record = await net.record()
        assert (record["status"], record["cause_code"], record["ended_by"]) == (487, 1000, "caller")


@pytest.mark.parametrize("broken", ["500", "xml", "doctype", "gone"])
async def test_the_fallback_is_asked_when_the_answer_url_fails(broken: str) -> None:
    """An error, a document that is none, a document type, nobody there."""
    async with stage(answer_url="http://127.0.0.1:9/answer") as (net, app):
        if broken != "gone":
            texts = {"500": (500, ""), "xml": (200, "<Response>&</Response>")}
            app.answers["/first"] = texts.get(broken, (200, '<!DOCTYPE r [<!ENTITY a "b">]><Response/>'))
            await attached(net, app, app_name="first", answer_url=f"{app.url}/first")
        app.says('<Hangup reason="busy"/>', path="/fallback")
        (app_id,) = [row["application_id"] for row in net.account.numbers.values()]
        await net.rest.post(f"/Application/{app_id}/", {"fallback_answer_url": f"{app.url}/fallback"})
        with pytest.raises(CallRejected) as rejected:
            await net.dial().answered()
        assert rejected.value.status == 486
        tries = [path for _, path, form, _ in app.asked if form["Event"] == "StartApp"]
        assert tries == ["/first"] * {"500": 3, "gone": 0}.get(broken, 1) + ["/fallback"]


async def test_without_a_fallback_the_call_is_lost() -> None:
    """Refused when nobody answers; answered and then dropped when the document is bad (8011)."""
    async with stage(answer_url="http://127.0.0.1:9/answer") as (net, app):
        with pytest.raises(CallRejected):
            await net.dial().answered()
        assert (await app.form("Hangup"))["HangupCauseCode"] == "7011"
        await attached(net, app, app_name="bad")
        app.answers["/answer"] = 200, "<Response><Stream>ws://h?a=1&b=2</Stream></Response>"
        call = net.dial()
        await call.answered()
        assert (await call.wait_ended()).by == "remote"
        assert (await net.record())["cause_code"] == 8011


async def test_an_element_that_is_not_spoken_here_ends_the_call() -> None:
    """And the record names it."""
    async with stage() as (net, app):
        app.says('<Wait length="0"/>', "<Conference>room</Conference>")
        call = net.dial()
        await call.answered()
        await call.wait_ended()
        record = await net.record()
        assert record["cause_code"] == 8012
        assert "Conference" in record["reason"]


async def test_a_redirection_is_followed() -> None:
    """To another document; not for ever."""
    async with stage() as (net, app):
        app.says(f"<Redirect>{app.url}/second</Redirect>")
        app.says('<Hangup reason="busy"/>', path="/second")
        with pytest.raises(CallRejected) as rejected:
            await net.dial().answered()
        assert rejected.value.status == 486


async def test_a_number_with_both_goes_where_the_habit_says() -> None:
    """No document says which one wins."""
    async with stage() as (net, app):
        app.says('<Hangup reason="busy"/>')
        await net.routed()
        with pytest.raises(CallRejected):
            await net.dial().answered()
        net.account.habits.change({"both_route_to": "trunk"})
        net.dial()
        assert (await net.taken()).local_uri.startswith(f"sip:{NUMBER}@")


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
async def test_a_stream_carries_the_caller_to_the_socket_and_back(codec: str) -> None:
    """`start`, then 160 bytes of mu-law every 20 ms; what is played back is heard; a checkpoint tells when."""
    async with stage() as (net, app):
        app.streams(f'statusCallbackUrl="{app.url}/status"')
        async with talking(net, app, codec) as (call, telephone, socket):
            start = socket.frames[0]
            assert (start["event"], start["sequenceNumber"], start["extra_headers"]) == ("start", 0, "{}")
            assert start["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000}
            assert start["start"]["callId"] == app.asked[0][2]["CallUUID"]
            media = (await socket.event("media", 20))["media"]
            assert (media["track"], media["chunk"]) == ("inbound", 20)
            await until(lambda: any(is_loud(MULAW.decode(frame)) for frame in sent(socket)))
            assert {len(frame) for frame in sent(socket)} == {160}
            await socket.play(MULAW.encode(np.tile(TONE, 10)))
            await socket.send("checkpoint", name="greeting")
            assert await socket.event("playedStream") == {"event": "playedStream", "name": "greeting"}
            await until(lambda: telephone.loud >= 9)
            telephone.rtp.send_dtmf("5")
            assert (await socket.event("dtmf"))["dtmf"] == {"digit": "5"}
            await call.bye()
            await socket.closed.wait()
            assert not socket.events("stop")
        record = await net.record()
        assert (record["ended_by"], record["stream"]["checkpoints"]) == ("caller", 1)
        assert (await app.form("Hangup"))["HangupSource"] == "Caller"
        assert (await app.form("StartStream"))["ServiceURL"] == app.socket_url
        assert (await app.form("PlayedStream"))["Name"] == "greeting"


async def test_cleared_sound_is_not_heard_and_its_checkpoint_never_told() -> None:
    """`clearedAudio` comes instead."""
    async with stage() as (net, app):
        app.streams()
        async with talking(net, app) as (_call, telephone, socket):
            await socket.play(MULAW.encode(np.tile(TONE, 500)))
            await socket.send("checkpoint", name="never")
            await socket.send("clearAudio")
            assert (await socket.event("clearedAudio"))["streamId"] == socket.stream_id
            await socket.send("checkpoint", name="after")
            assert (await socket.event("playedStream"))["name"] == "after"
            assert telephone.loud < 100


async def test_sound_in_l16_is_heard() -> None:
    """Little-endian, at a rate of its own."""
    async with stage() as (net, app):
        app.streams()
        async with talking(net, app) as (_call, telephone, socket):
            wide = (np.sin(2 * np.pi * 400 * np.arange(4800) / 24000) * 8000).astype("<i2")
            await socket.play(wide.tobytes(), encoding="audio/x-l16", rate=24000)
            await until(lambda: telephone.loud >= 8)


async def test_frames_that_do_not_name_the_stream_have_no_effect() -> None:
    """Nor those that cannot be read."""
    async with stage() as (net, app):
        app.streams()
        async with talking(net, app) as (call, _telephone, socket):
            await socket.ws.send_json({"event": "stop"})
            await socket.ws.send_str("no json")
            await socket.send("playAudio", media={"contentType": "audio/wav", "sampleRate": 8000, "payload": ""})
            await socket.send("checkpoint", name="still here")
            await socket.event("playedStream")
            await call.bye()
        assert (await net.record())["stream"]["ignored"] == 3


async def test_after_stop_the_document_goes_on() -> None:
    """Here to its end."""
    async with stage() as (net, app):
        app.streams(after="<Hangup/>")
        async with talking(net, app) as (call, _telephone, socket):
            await socket.send("stop")
            assert (await call.wait_ended()).by == "remote"
        record = await net.record()
        assert (record["ended_by"], record["stream"]["ended"]) == ("application", "stopped")


async def test_without_keep_call_alive_the_document_ends_the_call() -> None:
    """The stream does not hold it."""
    async with stage() as (net, app):
        app.says(f'<Stream bidirectional="true">{app.socket_url}</Stream>')
        call = net.dial()
        await call.answered()
        await call.wait_ended()
        assert (await net.record())["cause_code"] == 4010


async def test_a_lost_socket_is_opened_anew_as_often_as_wanted() -> None:
    """With a new streamId and the same callId; its first frame is `start`, though sound went on meanwhile."""
    async with stage() as (net, app):
        app.streams('maxRetries="1"')
        async with talking(net, app) as (call, _telephone, first):
            await first.ws.close()
            second = await app.sockets.get()
            await second.event("media")
            assert second.frames[0]["event"] == "start"
            assert second.stream_id != first.stream_id
            assert second.frames[0]["start"]["callId"] == first.frames[0]["start"]["callId"]
            await second.ws.close()
            await call.wait_ended()


@pytest.mark.parametrize("attributes", ['audioTrack="both" bidirectional="true"', 'contentType="audio/mpeg"'])
async def test_attributes_that_do_not_go_together_end_the_call(attributes: str) -> None:
    """4010."""
    async with stage() as (net, app):
        app.says(f"<Stream {attributes}>{app.socket_url}</Stream>")
        call = net.dial()
        await call.answered()
        await call.wait_ended()
        assert (await net.record())["cause_code"] == 4010


async def test_a_caller_without_sound_is_dropped_after_a_while() -> None:
    """Cause 6020."""
    async with stage() as (net, app):
        net.account.habits.media_timeout_s = 0.5
        app.says('<Wait length="60"/>')
        call = net.dial()
        await call.answered()
        await call.wait_ended()
        assert (await net.record())["cause_code"] == 6020


async def test_the_caller_may_move_and_the_api_may_hang_up() -> None:
    """A re-INVITE gets the same description as before."""
    async with stage() as (net, app):
        app.streams()
        async with talking(net, app) as (call, telephone, socket):
            before = call.remote_sdp
            response = await call.reinvite(offer("127.0.0.1", telephone.rtp.port).to_bytes())
            assert (response.code, response.body) == (200, before)
            assert (await call.reinvite(b"v=0\r\n")).code == 488
            (call_uuid,) = net.account.live
            assert (await net.rest.ask("DELETE", f"/Call/{call_uuid}/")).status_code == 204
            await call.wait_ended()
            await socket.closed.wait()
        assert (await net.record())["ended_by"] == "api"


async def test_an_offer_without_g711_is_refused() -> None:
    """488."""
    async with stage() as (net, app):
        app.says("<Speak>hello</Speak>")
        described = offer("127.0.0.1", 4000, codecs=("G722",))
        assert answer(described, "127.0.0.1", 4002).audio.name == "G722"
        with pytest.raises(CallRejected) as rejected:
            await net.dial(sdp=described.to_bytes()).answered()
        assert rejected.value.status == 488
