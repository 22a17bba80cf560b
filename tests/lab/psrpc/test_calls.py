"""The client and the server against each other, over a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from livekit.protocol import sip

from lab.psrpc.bus import Bus
from lab.psrpc.client import PsrpcClient
from lab.psrpc.errors import PsrpcError, sip_error
from lab.psrpc.messages import SIP
from lab.psrpc.server import Handler, PsrpcServer
from lab.psrpc.wire import channel, new_id
from lab.servers.valkey import valkey

pytestmark = pytest.mark.timeout(40)
Question, Answer = SIP["SIPCall"], SIP["InternalCreateSIPParticipantResponse"]
LIMIT_S = 20.0


async def greet(question: Any) -> Any:
    return Answer(participant_identity=f"hello {question.source_ip}")


@asynccontextmanager
async def service(bus: Bus, handler: Handler, **settings: Any) -> AsyncIterator[PsrpcClient]:
    """Yield a client of a service that one server of ours serves."""
    name = new_id("Test")
    server = PsrpcServer(bus, name, **settings)
    await server.register("Ask", Question, handler)
    try:
        yield await PsrpcClient(bus, name).start()
    finally:
        await server.aclose()


async def ask(client: PsrpcClient, text: str = "you", **more: Any) -> str:
    answer = await client.call("Ask", Question(source_ip=text), Answer, **more)
    return str(answer.participant_identity)


async def test_a_question_and_its_answer(bus: Bus) -> None:
    """The handler's answer comes back."""
    async with service(bus, greet) as client:
        assert await ask(client) == "hello you"


async def test_many_at_once_are_not_mixed_up(bus: Bus) -> None:
    """A hundred questions in flight: each gets its own answer."""
    async with service(bus, greet) as client:
        texts = [str(number) for number in range(100)]
        answers = await asyncio.gather(*(ask(client, text, timeout_s=LIMIT_S) for text in texts))
        assert answers == [f"hello {text}" for text in texts]


async def test_nobody_listens(bus: Bus) -> None:
    """`unavailable`, without waiting for the limit."""
    client = await PsrpcClient(bus, new_id("Test")).start()
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(PsrpcError) as error:
            await ask(client, timeout_s=3600)
    assert error.value.code == "unavailable"


async def test_somebody_listens_but_does_not_bid(bus: Bus) -> None:
    """A server that is unwilling stays silent: `unavailable` at the limit."""
    async with service(bus, greet, willing=lambda: False) as client:
        with pytest.raises(PsrpcError) as error:
            await ask(client, timeout_s=0.3)
        assert error.value.code == "unavailable"


async def test_a_slow_handler_runs_into_the_limit(bus: Bus) -> None:
    """`deadline_exceeded` at the client, and the handler is ended at the same limit."""
    ended = asyncio.Event()

    async def sleep(_question: Any) -> Any:
        try:
            await asyncio.sleep(LIMIT_S * 2)
        finally:
            ended.set()

    async with service(bus, sleep) as client:
        with pytest.raises(PsrpcError) as error:
            await ask(client, timeout_s=0.5)
        assert error.value.code == "deadline_exceeded"
        await asyncio.wait_for(ended.wait(), LIMIT_S)


async def test_an_error_keeps_code_text_and_details(bus: Bus) -> None:
    """What the handler raises arrives whole."""

    async def refuse(_question: Any) -> Any:
        raise sip_error(603, "Decline")

    async with service(bus, refuse) as client:
        with pytest.raises(PsrpcError) as error:
            await ask(client)
    assert error.value.code == "permission_denied"
    assert error.value.message == "sip status: 603: Decline"
    status = sip.SIPStatus()
    assert error.value.details[0].Unpack(status)  # type: ignore[attr-defined]
    assert status.code == 603


async def test_a_broken_handler_is_an_internal_error(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    """The caller is told at once, and the next question is answered."""
    broken = True

    async def stumble(question: Any) -> Any:
        if broken:
            raise RuntimeError("a bug")
        return await greet(question)

    async with service(bus, stumble) as client:
        with pytest.raises(PsrpcError) as error:
            await ask(client)
        assert error.value.code == "internal"
        broken = False
        assert await ask(client) == "hello you"


async def test_one_of_two_servers_answers(bus: Bus) -> None:
    """Both bid; the request runs once."""
    runs: list[str] = []

    def counting(name: str) -> Handler:
        async def handle(question: Any) -> Any:
            runs.append(name)
            return await greet(question)

        return handle

    async with service(bus, counting("first")) as client, Bus(bus.url) as other:
        second = PsrpcServer(other, client._service)
        await second.register("Ask", Question, counting("second"))
        for _ in range(20):
            await ask(client)
        await second.aclose()
    assert len(runs) == 20


async def test_an_unwilling_server_leaves_it_to_the_other(bus: Bus) -> None:
    """Silence of one does not delay or fail a request that another one takes."""
    async with service(bus, greet, willing=lambda: False) as client, Bus(bus.url) as other:
        server = PsrpcServer(other, client._service)
        await server.register("Ask", Question, greet)
        assert await ask(client) == "hello you"
        await server.aclose()


async def test_topics_are_served_apart(bus: Bus) -> None:
    """A method under a topic is another channel, and is gone after deregistering."""
    server = PsrpcServer(bus, new_id("Test"))
    await server.register("Ask", Question, greet, topic="SCL_one")
    client = await PsrpcClient(bus, server._service).start()
    with pytest.raises(PsrpcError):
        await ask(client, timeout_s=0.3)
    probe = channel(server._service, "Ask", "SCL_one", "REQ")
    assert await bus.publish(probe, b"") == 1
    await server.deregister("Ask", topic="SCL_one")
    assert await bus.publish(probe, b"") == 0
    await server.aclose()


async def test_noise_on_a_channel_harms_nobody(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    """What is no message is logged; the service goes on."""
    async with service(bus, greet) as client:
        assert await bus.publish(channel(client._service, "Ask", "REQ"), b"\xff\xff") == 1
        assert await ask(client) == "hello you"


async def test_after_a_lost_connection_it_goes_on(tmp_path: Path) -> None:
    """Redis drops every connection: both sides subscribe again by themselves."""
    async with valkey(tmp_path) as url, Bus(url) as own, service(own, greet) as client:
        assert await ask(client) == "hello you"
        async with redis.asyncio.from_url(url) as admin:
            await admin.client_kill_filter(_type="pubsub")
            await admin.client_kill_filter(_type="normal", skipme=True)
        async with asyncio.timeout(LIMIT_S):
            while True:
                try:
                    assert await ask(client, timeout_s=0.5) == "hello you"
                    return
                except PsrpcError:
                    await asyncio.sleep(0.05)
