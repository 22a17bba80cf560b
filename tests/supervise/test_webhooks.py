"""Webhooks at a real socket: only LiveKit's own count, and only say where to look."""

from __future__ import annotations

import base64
import hashlib

import aiohttp
from livekit import api

from supervise.webhooks import webhooks

KEY, SECRET = "APIwebhook", "a secret that is long enough for a signature"
LEFT = '{"event":"participant_left","room":{"name":"call-_1"}}'


def signed(body: str, *, secret: str = SECRET) -> str:
    """Return the token that LiveKit sends with a body."""
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    return api.AccessToken(KEY, secret).with_sha256(digest).to_jwt()


async def posted(body: str, token: str) -> tuple[int, list[str]]:
    """Send a webhook; return the answer's status and the rooms that were looked at."""
    status, looked, _hung_up = await told(body, token)
    return status, looked


async def told(body: str, token: str) -> tuple[int, list[str], list[str]]:
    """Return in which rooms somebody hung up, too."""
    looked: list[str] = []
    hung_up: list[str] = []
    async with (
        webhooks(key=KEY, secret=SECRET, host="127.0.0.1", port=0, look=looked.append, hung_up=hung_up.append) as (
            host,
            port,
        ),
        aiohttp.ClientSession() as http,
        http.post(f"http://{host}:{port}/livekit", data=body, headers={"Authorization": token}) as answer,
    ):
        return answer.status, looked, hung_up


async def test_who_has_to_join_anew_has_not_hung_up() -> None:
    """LiveKit makes a leg do so whose connection it cannot mend."""
    again = LEFT.replace("}}", '},"participant":{"identity":"sip_1","disconnectReason":"STATE_MISMATCH"}}')
    assert await told(again, signed(again)) == (200, ["call-_1"], [])
    assert await told(LEFT, signed(LEFT)) == (200, ["call-_1"], ["call-_1"])


async def test_a_webhook_points_at_its_room() -> None:
    """A leg has left."""
    assert await posted(LEFT, signed(LEFT)) == (200, ["call-_1"])


async def test_what_changes_nobody_is_not_looked_at() -> None:
    """An egress, for one."""
    body = '{"event":"egress_started","room":{"name":"call-_1"}}'
    assert await posted(body, signed(body)) == (200, [])


async def test_a_webhook_that_livekit_did_not_sign_is_refused() -> None:
    """Another secret, another body, no token, no JSON."""
    other = LEFT.replace("call-_1", "call-_2")
    assert await posted(LEFT, signed(LEFT, secret="somebody else's secret, as long as ours")) == (401, [])
    assert await posted(other, signed(LEFT)) == (401, [])
    assert await posted(LEFT, "") == (401, [])
    assert await posted("{", signed("{")) == (401, [])
