"""Which strategy a transfer has: what the target wants, as far as the server can do it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from livekit import api

from agent.transfer.consultation_room import Access
from agent.transfer.strategy import choose

NOT_IMPLEMENTED = (500, {"code": "unknown", "msg": "not implemented"})
"""livekit-server 1.13.5, as `tests/scenarios/test_transfer_strategies.py` meets it."""


@asynccontextmanager
async def server(status: int, answer: dict[str, str]) -> AsyncIterator[tuple[api.LiveKitAPI, list[str]]]:
    """Yield LiveKit's API at a server that answers every request alike, and the paths that were asked for."""
    asked: list[str] = []

    async def take(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response(answer, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with api.LiveKitAPI(f"http://127.0.0.1:{port}", "key", "s" * 32) as client:
            yield client, asked
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("wanted", "on_cloud", "answer", "chosen", "requests"),
    [
        ("auto", False, NOT_IMPLEMENTED, "gated_room", 0),
        ("auto", True, NOT_IMPLEMENTED, "cloud_move", 0),
        ("gated_room", True, NOT_IMPLEMENTED, "gated_room", 0),
        ("redial", False, NOT_IMPLEMENTED, "redial", 0),
        ("cloud_move", True, NOT_IMPLEMENTED, "cloud_move", 0),
        ("cloud_move", False, NOT_IMPLEMENTED, "gated_room", 1),
        ("cloud_move", False, (501, {"code": "unimplemented", "msg": ""}), "gated_room", 1),
        ("cloud_move", False, (403, {"code": "permission_denied", "msg": ""}), "gated_room", 1),
        ("cloud_move", False, (404, {"code": "not_found", "msg": "no such participant"}), "cloud_move", 1),
    ],
)
async def test_what_the_server_cannot_do_is_not_chosen(wanted, on_cloud, answer, chosen, requests):
    """It is asked before anybody is dialled, and only where it is not known."""
    async with server(*answer) as (client, asked):
        assert await choose(wanted, client, room="call", on_cloud=on_cloud) == chosen
        assert asked == ["/twirp/livekit.RoomService/MoveParticipant"] * requests


async def test_a_server_that_is_away_moves_nobody(unused_port: Callable[[], int]):
    """The transfer is tried in the caller's room."""
    async with api.LiveKitAPI(f"http://127.0.0.1:{unused_port()}", "key", "s" * 32) as client:
        assert await choose("cloud_move", client, room="call", on_cloud=False) == "gated_room"


@pytest.fixture
def unused_port() -> Callable[[], int]:
    """Return a way to find a port that nobody listens on."""

    def find() -> int:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return int(one.getsockname()[1])

    return find


@pytest.mark.parametrize(
    ("url", "is_cloud"),
    [
        ("wss://shop-1a2b.livekit.cloud", True),
        ("https://shop-1a2b.livekit.cloud/", True),
        ("ws://127.0.0.1:7880", False),
        ("wss://livekit.cloud.example", False),
        ("wss://livekit.example/?x=.livekit.cloud", False),
    ],
)
def test_livekit_cloud_is_known_by_its_host(url, is_cloud):
    """Whatever else is in the address."""
    assert Access(url=url, key="key", secret="s" * 32, worker="dialroom-demo").is_cloud is is_cloud


def test_the_second_connection_may_do_no_more_than_talk():
    """In one room, for a short while."""
    access = Access(url="ws://127.0.0.1", key="key", secret="s" * 32, worker="dialroom-demo")
    claims = api.TokenVerifier("key", "s" * 32).verify(access.token("call-consult-1", "agent-1"))
    assert (claims.identity, claims.kind) == ("agent-1", "agent")
    grants = claims.video
    assert grants is not None
    assert (grants.room_join, grants.room, grants.can_publish_sources) == (True, "call-consult-1", ["microphone"])
    assert not any([grants.can_publish_data, grants.room_admin, grants.room_create, grants.room_list])
    assert claims.sip is None or not (claims.sip.admin or claims.sip.call)
    assert "s" * 32 not in repr(access)
