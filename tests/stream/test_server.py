"""The server: webhooks become calls, calls have conversations, and every seat comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from lab.vobiz.calls.callbacks import signatures
from lab.vobiz.calls.voice_xml import Element, parse_document
from stream.conversation import End
from stream.server import BODY_LIMIT, Limits
from stream.settings import FULL_SENTENCE
from stream.socket import SocketLimits
from telephony.manifest.route import StreamUrls
from tests.stream.door import AUTH_TOKEN, CALLER, NUMBER, Door, Echo, door, form, until

HANGUP = Element(name="Hangup")
BUSY = [Element(name="Speak", text=FULL_SENTENCE), HANGUP]
SOUND = bytes(range(160))


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Door]:
    """Return a server that wants signatures."""
    async with door(tmp_path) as running:
        yield running


async def test_a_call_from_answer_to_hang_up(at: Door) -> None:
    """A seat, a socket, an echo; the conversation learns how it ended."""
    wire = await at.begun("a")
    (echo,) = at.conversations
    assert (echo.line.call.caller, echo.line.call.called) == (CALLER, NUMBER)
    assert {"calls": 1, "talking": 1, "sockets": 1, "conversations": 1, "free": 9}.items() <= at.health().items()
    await wire.key("5")
    assert await wire.get() == {"event": "checkpoint", "name": "key-5"}
    await wire.send({"event": "playedStream", "name": "key-5"})
    await wire.key("*")
    assert await wire.get() == {"event": "clearAudio"}
    await wire.send({"event": "clearedAudio", "streamId": wire.stream_id})
    await wire.echoed(SOUND)
    await at.hung_up("a", HangupCause="NORMAL_CLEARING", Duration="12", HangupSource="Caller")
    assert await wire.closed() == 1000
    await at.until(calls=0, conversations=0, sockets=0, free=10)
    assert echo.events[:4] == ["key 5", "played key-5", "key *", "cleared"]
    assert echo.end is not None
    assert (echo.end.reason, echo.end.hangup and echo.end.hangup.duration_s) == ("hung up", 12)


async def test_the_document_names_the_way_back(at: Door) -> None:
    """Socket, status and redirection are at the public address."""
    stream, redirect = await at.document("answer", "a")
    assert stream.text.startswith(at.url.replace("http", "ws") + "/vobiz/socket/")
    assert stream.attributes["statusCallbackUrl"] == f"{at.url}/vobiz/status"
    assert (stream.attributes["maxRetries"], redirect.text) == ("10", f"{at.url}/vobiz/after")


async def test_without_signatures_everything_is_below_the_unguessable_path(tmp_path: Path) -> None:
    """The socket has a token of its own."""
    async with door(tmp_path, signed=False) as at:
        key = at.server.server_url.removeprefix(at.url)
        assert len(key) == 23
        stream, redirect = await at.document("answer", "a")
        assert stream.attributes["statusCallbackUrl"] == f"{at.url}{key}/vobiz/status"
        assert redirect.text == f"{at.url}{key}/vobiz/after"
        wire = await at.open(stream.text, "a")
        await wire.echoed(SOUND)
        await at.hung_up("a")
        await wire.closed()


async def test_the_carrier_asks_again_and_gets_the_same_answer(at: Door) -> None:
    """With a nonce of its own, before the socket and after; no second seat."""
    asked = [await at.ask("answer", form("a")) for _ in range(3)]
    wire = await at.begun("a")
    asked.append(await at.ask("answer", form("a")))
    assert len(set(asked)) == 1
    assert at.health()["calls"] == 1
    await wire.echoed(SOUND)


async def test_a_form_may_come_in_a_query(at: Door) -> None:
    """Which is not signed."""
    url = f"{at.url}/vobiz/answer"
    async with at.http.get(url, params=form("a"), headers=signatures(url, AUTH_TOKEN)) as answer:
        assert answer.status == 200
        assert parse_document(await answer.read())[0].name == "Stream"
    assert at.health()["waiting"] == 1


async def test_ringing_takes_no_seat_and_an_end_at_the_answer_url_counts(at: Door) -> None:
    """An application without an address for the end tells it there."""
    assert await at.ask("answer", form("a", "Ring")) == (200, b"")
    assert at.health()["calls"] == 0
    await at.answered("a")
    assert await at.ask("answer", form("a", "Hangup")) == (200, b"")
    assert at.health()["calls"] == 0
    assert await at.document("answer", "a") == [HANGUP]


async def test_a_call_too_many_hears_a_sentence(tmp_path: Path) -> None:
    """Until a seat is free."""
    async with door(tmp_path, MAX_CALLS="2") as at:
        await at.answered("a")
        wire = await at.begun("b")
        assert await at.document("answer", "c") == BUSY
        assert (at.health()["free"], at.health()["refused"]) == (0, {"full": 1})
        await at.hung_up("c")
        await at.hung_up("b")
        assert await wire.closed() == 1000
        assert (await at.document("answer", "d"))[0].name == "Stream"


async def test_or_is_put_through(tmp_path: Path) -> None:
    """With a number of the account's."""
    async with door(tmp_path, MAX_CALLS="1", FULL_NUMBER="+918071000002", FULL_CALLER_ID=NUMBER) as at:
        await at.answered("a")
        _wait, dial = await at.document("answer", "b")
        assert (dial.attributes, dial.children[0].text) == ({"callerId": NUMBER}, "+918071000002")


async def test_seats_are_exact_when_many_ask_at_once(tmp_path: Path) -> None:
    """Each twice."""
    async with door(tmp_path, MAX_CALLS="5") as at:
        asked = await asyncio.gather(*(at.document("answer", f"call-{n % 20}") for n in range(40)))
        streams = [document[0].text for document in asked if document[0].name == "Stream"]
        assert (len(streams), len(set(streams))) == (10, 5)
        assert {"calls": 5, "free": 0}.items() <= at.health().items()


async def test_a_lost_socket_comes_again_to_the_same_conversation(at: Door) -> None:
    """With the same token and a new stream; what was not played is gone."""
    first = await at.begun("a")
    url = await at.answered("a")
    await first.ws.close()
    await at.until(lost=1, sockets=0)
    second = await at.open(url, "a")
    await second.echoed(SOUND)
    (echo,) = at.conversations
    assert echo.events == ["lost"]
    assert {"calls": 1, "talking": 1, "lost": 0, "sockets": 1}.items() <= at.health().items()


async def test_what_is_said_while_the_socket_is_away_is_said_by_the_next(at: Door) -> None:
    """Back-pressure holds the rest."""
    first = await at.begun("a")
    url = await at.answered("a")
    await first.ws.close()
    await at.until(lost=1)
    await at.conversations[0].line.checkpoint("meanwhile")
    second = await at.open(url, "a")
    assert await second.get() == {"event": "checkpoint", "name": "meanwhile"}


async def test_of_two_sockets_the_newer_wins(at: Door) -> None:
    """The older one is closed, and says nothing any more."""
    first = await at.begun("a")
    second = await at.open(await at.answered("a"), "a")
    await second.echoed(SOUND)
    assert await first.closed() == 1000
    await at.until(sockets=1, talking=1, calls=1)
    await second.echoed(SOUND)
    assert at.conversations[0].events == ["lost"]


async def test_a_socket_that_is_gone_for_good_ends_the_call(tmp_path: Path) -> None:
    """When it does not come again in time."""
    async with door(tmp_path, limits=Limits(reconnect_wait_s=0.3)) as at:
        wire = await at.begun("a")
        url = await at.answered("a")
        await wire.ws.close()
        await at.until(calls=0, conversations=0)
        assert at.conversations[0].end == End(reason="lost")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await at.http.ws_connect(url)
        assert refused.value.status == 403
        assert await at.document("after", "a") == [HANGUP]


async def test_a_socket_that_never_comes_frees_the_seat(tmp_path: Path) -> None:
    """Nobody talked."""
    async with door(tmp_path, limits=Limits(socket_wait_s=0.3), MAX_CALLS="1") as at:
        url = await at.answered("a")
        await at.until(calls=0, free=1)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await at.http.ws_connect(url)
        assert not at.conversations


async def test_who_stops_the_call_is_told_of_its_end(at: Door) -> None:
    """Stop, the document that hangs up, and the webhook with its cause."""
    wire = await at.begun("a")
    await wire.key("#")
    assert await wire.get() == {"event": "stop"}
    await wire.ws.close()
    assert await at.document("after", "a") == [HANGUP]
    assert at.health()["calls"] == 1
    await at.hung_up("a", HangupSource="Answer XML")
    await at.until(calls=0, conversations=0)
    end = at.conversations[0].end
    assert end is not None
    assert (end.reason, end.hangup and end.hangup.source) == ("hung up", "Answer XML")


async def test_a_stop_that_a_lost_socket_never_carried_is_said_by_the_next(at: Door) -> None:
    """And to every one that comes."""
    wire = await at.begun("a")
    url = await at.answered("a")
    await wire.ws.close()
    await at.until(lost=1)
    at.conversations[0].line.stop()
    for _ in range(2):
        wire = await at.open(url, "a")
        assert await wire.get() == {"event": "stop"}
        await wire.ws.close()
        await at.until(sockets=0)


async def test_a_carrier_that_does_not_obey_a_stop_loses_the_socket(tmp_path: Path) -> None:
    """And then the seat is free, though nobody told that the call is over."""
    async with door(tmp_path, limits=Limits(reconnect_wait_s=0.3, socket=SocketLimits(stop_s=0.2))) as at:
        wire = await at.begun("a")
        await wire.key("#")
        assert await wire.closed() == 1000
        await at.until(calls=0, conversations=0)
        assert at.conversations[0].end == End(reason="stopped")


async def test_a_stream_that_the_carrier_gives_up_is_over(tmp_path: Path) -> None:
    """The caller is put through where there is a number; one whom nobody answered hears the sentence."""
    async with door(tmp_path) as at:
        wire = await at.begun("a")
        await wire.ws.close()
        assert await at.document("after", "a") == [HANGUP]
        await at.answered("b")
        assert await at.document("after", "b") == BUSY
        assert await at.document("after", "never-answered-here") == [HANGUP]
        await at.until(calls=0, conversations=0)
        assert at.conversations[0].end == End(reason="lost")
    async with door(tmp_path, FULL_NUMBER="+918071000002", FULL_CALLER_ID=NUMBER) as at:
        wire = await at.begun("a")
        await wire.ws.close()
        assert (await at.document("after", "a"))[1].name == "Dial"
        assert at.health()["calls"] == 0


class Raising(Echo):
    """Raises where its name says."""

    where = "talk"

    def sound(self, media) -> None:
        if self.where == "sound":
            raise LookupError("out of words")
        super().sound(media)

    async def talk(self) -> None:
        if self.where == "talk":
            raise LookupError("out of words")
        await super().talk()


def _made(where: str):
    def make(line) -> Echo:
        if where == "make":
            raise LookupError("out of words")
        echo = Raising(line)
        echo.where = where
        return echo

    return make


@pytest.mark.parametrize("where", ["make", "talk", "sound"])
async def test_a_conversation_that_fails_ends_its_call(tmp_path: Path, where: str, caplog) -> None:
    """Its caller is put through; nobody else's call is touched."""
    async with door(tmp_path, converse=_made(where), FULL_NUMBER="+918071000002", FULL_CALLER_ID=NUMBER) as at:
        wire = await at.open(await at.answered("a"), "a")
        await wire.sound(SOUND)
        assert await wire.get() == {"event": "stop"}
        await wire.ws.close()
        assert (await at.document("after", "a"))[1].name == "Dial"
        await at.until(calls=0, conversations=0, sockets=0, failures=0)
    assert "a conversation failed" in caplog.messages
    assert not [message for message in caplog.messages if "out of words" in message]


class Deaf(Echo):
    """Does not notice the end."""

    cancelled = False

    async def talk(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class Short(Echo):
    """Says one thing, and has no more to say."""

    async def talk(self) -> None:
        await self.line.play(SOUND)


async def test_who_does_not_notice_the_end_is_cancelled(tmp_path: Path) -> None:
    """After a moment, in which the seat is free already."""
    made: list[Deaf] = []

    def make(line) -> Deaf:
        made.append(Deaf(line))
        return made[-1]

    async with door(tmp_path, converse=make, limits=Limits(farewell_s=0.3)) as at:
        wire = await at.open(await at.answered("a"), "a")
        await until(lambda: bool(made))
        await at.hung_up("a")
        assert at.health()["calls"] == 0
        await wire.closed()
        await at.until(conversations=0)
        assert made[0].cancelled


async def test_who_has_no_more_to_say_ends_the_call(tmp_path: Path) -> None:
    """By returning."""
    async with door(tmp_path, converse=Short) as at:
        wire = await at.open(await at.answered("a"), "a")
        assert (await wire.get())["event"] in ("playAudio", "stop")
        await at.until(conversations=0, calls=1)
        assert await at.document("after", "a") == [HANGUP]


async def test_a_drain_lets_running_calls_finish(at: Door) -> None:
    """A retry of one that waits is answered, others are not; the health says so."""
    wire = await at.begun("a")
    url = await at.answered("a")
    draining = asyncio.create_task(at.server.drain(60))
    await until(lambda: at.health()["status"] == "draining")
    async with at.http.get(f"{at.url}/health") as answer:
        assert answer.status == 503
        assert (await answer.json())["calls"] == 1
    assert await at.document("answer", "b") == BUSY
    await wire.ws.close()
    wire = await at.open(url, "a")
    await wire.echoed(SOUND)
    assert not draining.done()
    await at.hung_up("a")
    assert await draining
    await wire.closed()


async def test_a_drain_has_a_limit_and_closing_ends_what_is_left(at: Door) -> None:
    """The conversations learn why."""
    wire = await at.begun("a")
    assert not await at.server.drain(0.05)
    closing = asyncio.create_task(at.server.aclose())
    assert await wire.closed() == 1001
    await closing
    assert at.conversations[0].end == End(reason="shutting down")


async def test_an_empty_server_drains_at_once(at: Door) -> None:
    """Nobody has to wait."""
    assert await at.server.drain(0)


async def test_the_health_is_served(at: Door) -> None:
    """With exact counts and nothing about anybody."""
    wire = await at.begun("a")
    async with at.http.get(f"{at.url}/health") as answer:
        assert answer.status == 200
        told = await answer.json()
    assert told == at.health()
    assert (told["status"], told["calls"], told["max_calls"]) == ("ok", 1, 10)
    await wire.ws.close()


async def test_a_status_is_taken(at: Door, caplog) -> None:
    """Trouble is logged, without the carrier's words in the message."""
    told = form("a", "DroppedStream", StreamID="s", Error="it says +919812345678")
    assert await at.ask("status", told) == (200, b"")
    assert await at.ask("status", form("a", "PlayedStream", StreamID="s", Name="x")) == (200, b"")
    assert not [message for message in caplog.messages if CALLER in message]


@pytest.mark.parametrize("name", ["answer", "hangup", "after", "status"])
async def test_a_broken_form_is_refused_and_changes_nothing(at: Door, name: str) -> None:
    """Each with a signature that is right."""
    await at.answered("a")
    for body in (
        b"",
        b"\xff\xfe",
        b"CallUUID=a",
        b"&".join(b"f%d=" % n for n in range(200)),
        b"CallUUID=a%00&Event=Hangup&To=1&Direction=inbound",
        b"CallUUID=" + b"a" * 65 + b"&Event=Hangup",
        b'{"CallUUID": "a", "Event": "Hangup"}',
    ):
        assert (await at.ask(name, body))[0] == 400
    assert (await at.ask(name, b"x" * (BODY_LIMIT + 1)))[0] == 413
    assert at.health()["calls"] == 1


async def test_a_form_that_does_not_come_to_its_end_is_not_waited_for(tmp_path: Path) -> None:
    """Nor one that breaks off."""
    async with door(tmp_path, limits=Limits(body_s=0.2)) as at:
        host, port = at.url.removeprefix("http://").split(":")
        lines = [f"{name}: {value}" for name, value in signatures(f"{at.url}/vobiz/answer", AUTH_TOKEN).items()]
        head = "\r\n".join(["POST /vobiz/answer HTTP/1.1", f"Host: {host}:{port}", "Content-Length: 100", *lines])
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{head}\r\n\r\nCallUUID=a".encode())
        assert b"400" in await reader.readline()
        writer.close()
        await writer.wait_closed()
        lines = [f"{name}: {value}" for name, value in signatures(f"{at.url}/vobiz/answer", AUTH_TOKEN).items()]
        head = "\r\n".join(["POST /vobiz/answer HTTP/1.1", f"Host: {host}:{port}", "Content-Length: 100", *lines])
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{head}\r\n\r\nCallUUID=a".encode())
        await writer.drain()
        writer.transport.abort()
        await at.until(calls=0, failures=0)


def test_the_servers_address_is_the_manifests() -> None:
    """`StreamUrls` puts the same paths behind it."""
    urls = StreamUrls.model_validate({"server": "https://voice.example.in/key", "agent": "desk"})
    assert urls.answer_url == "https://voice.example.in/key/vobiz/answer"
    assert urls.hangup_url == "https://voice.example.in/key/vobiz/hangup"
