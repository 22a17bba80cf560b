"""Forged, replayed and stolen: webhooks and tokens that are not the carrier's get nothing at all."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import aiohttp
import pytest

from lab.vobiz.calls.callbacks import signatures
from stream.capability import Capabilities
from stream.gate import path_key
from stream.server import Limits
from tests.stream.door import AUTH_TOKEN, NUMBER, SECRET, Door, door, form

NAMES = ("answer", "hangup", "after", "status")
Headers = dict[str, str]


def forged_headers(url: str, name: str) -> list[Headers]:
    """Return what somebody without the auth token may send to an address."""
    right, other = signatures(url, AUTH_TOKEN), signatures(url, AUTH_TOKEN)
    base = url.removesuffix(name)
    v3, v3_nonce = "X-Vobiz-Signature-V3", "X-Vobiz-Signature-V3-Nonce"
    elsewhere = signatures(base + next(each for each in NAMES if each != name), AUTH_TOKEN)
    moved = {"X-Vobiz-Signature-V2": right[v3], "X-Vobiz-Signature-V2-Nonce": right[v3_nonce]}
    return [
        {},
        {"X-Vobiz-Signature": right["X-Vobiz-Signature-V2"]},
        {"Authorization": AUTH_TOKEN, "auth-token": AUTH_TOKEN},
        signatures(url, "another token"),
        signatures(url, ""),
        elsewhere,
        signatures(url + "/", AUTH_TOKEN),
        signatures(url.replace("http:", "https:"), AUTH_TOKEN),
        signatures(url.replace("127.0.0.1", "localhost"), AUTH_TOKEN),
        moved,
        {v3: right[v3]},
        {v3: right[v3], v3_nonce: other[v3_nonce]},
        {v3: right[v3], v3_nonce: right[v3_nonce] + "0"},
        {v3: right[v3].lower(), v3_nonce: right[v3_nonce]},
        {v3: right[v3] + ", " + other[v3], v3_nonce: right[v3_nonce]},
        {"X-Vobiz-Signature-MA-V3": right[v3], v3_nonce: right[v3_nonce]},
        {"X-Forwarded-For": "13.233.44.61", "User-Agent": "Vobiz"},
    ]


async def test_forged_and_replayed_webhooks_are_refused(tmp_path: Path) -> None:
    """At every address, at least fifty in all; the calls that are there go on."""
    refused = 0
    async with door(tmp_path) as at:
        wire = await at.begun("a")
        told = {"answer": form("forged"), "hangup": form("a", "Hangup"), "after": form("a")}
        for name in NAMES:
            url = f"{at.url}/vobiz/{name}"
            fields = told.get(name, form("a", "StopStream", StreamID="s"))
            replayed = signatures(url, AUTH_TOKEN)
            harmless = form("x", "Ring") if name == "answer" else form("x", "Hangup", StreamID="s")
            assert (await at.ask(name, harmless, headers=replayed))[0] == 200
            for headers in [*forged_headers(url, name), replayed, replayed]:
                status, body = await at.ask(name, fields, headers=headers)
                assert (status, b"Response" in body) == (401, False)
                refused += 1
            key = path_key(b"another secret of some deployment")
            assert (await at.ask(name, fields, url=f"{at.url}/{key}/vobiz/{name}"))[0] == 404
            refused += 1
        assert {"calls": 1, "talking": 1, "waiting": 0, "conversations": 1}.items() <= at.health().items()
        assert sum(at.health()["refused"].values()) == refused >= 50
        await wire.echoed(b"\x10" * 160)


async def test_another_process_refuses_what_this_one_has_taken(tmp_path: Path) -> None:
    """They share what was seen, and here even the address."""
    async with door(tmp_path) as at:
        headers = signatures(f"{at.url}/vobiz/answer", AUTH_TOKEN)
        assert (await at.ask("answer", form("a"), headers=headers))[0] == 200
        async with door(tmp_path, public_url=at.url) as other:
            assert (await other.ask("answer", form("b"), headers=headers))[0] == 401
            assert other.health()["calls"] == 0
            assert (await other.ask("answer", form("b")))[0] == 200


async def test_a_restart_forgets_no_nonce(tmp_path: Path) -> None:
    """Nor does it know any call."""
    async with door(tmp_path) as at:
        headers = signatures(f"{at.url}/vobiz/answer", AUTH_TOKEN)
        assert (await at.ask("answer", form("a"), headers=headers))[0] == 200
    async with door(tmp_path, public_url=at.url) as again:
        assert (await again.ask("answer", form("a"), headers=headers))[0] == 401
        assert (await again.ask("answer", form("a")))[0] == 200


async def test_nobody_passes_when_the_database_cannot_be_asked(tmp_path: Path) -> None:
    """503, so that the carrier tries again; and the same request is not taken later by mistake."""
    async with door(tmp_path) as at:
        (tmp_path / "seen.db").rename(tmp_path / "away.db")
        for name in NAMES:
            assert (await at.ask(name, form("a", "Hangup", StreamID="s")))[0] == 503
        assert await at.ask("answer", form("a")) == (503, b"503: Service Unavailable")
        assert (at.health()["calls"], at.health()["refused"]) == (0, {"database": 5})
        (tmp_path / "away.db").rename(tmp_path / "seen.db")
        await at.answered("a")


async def test_without_signatures_nothing_but_the_path_opens(tmp_path: Path) -> None:
    """At least twenty tries."""
    async with door(tmp_path, signed=False) as at:
        await at.answered("a")
        key = at.server.server_url.removeprefix(f"{at.url}/")
        tries = ["", key[:-1], key + "A", key.swapcase(), "%00", "..", path_key(b"x" * 32), "key", key + "%20"]
        for guess in tries:
            for name in NAMES:
                url = f"{at.url}/{guess}/vobiz/{name}" if guess else f"{at.url}/vobiz/{name}"
                headers = signatures(url, AUTH_TOKEN)
                assert (await at.ask(name, form("a", "Hangup", StreamID="s"), url=url, headers=headers))[0] == 404
        assert at.health()["calls"] == 1


async def test_the_path_opens_from_the_carriers_addresses_alone(tmp_path: Path) -> None:
    """A proxy that nobody trusts may say what it likes; one that is trusted is believed."""
    ranges = "13.233.44.61/32"
    async with door(tmp_path, signed=False, carrier_cidrs=ranges, TRUSTED_PROXIES="127.0.0.0/8") as at:
        assert (await at.ask("answer", form("a"), headers={"X-Forwarded-For": "13.233.44.61"}))[0] == 200
        assert (await at.ask("answer", form("b"), headers={"X-Forwarded-For": "13.233.44.61, 1.2.3.4"}))[0] == 403
    async with door(tmp_path, signed=False, carrier_cidrs=ranges) as at:
        for headers in ({}, {"X-Forwarded-For": "13.233.44.61"}, {"X-Real-IP": "13.233.44.61"}):
            assert (await at.ask("answer", form("a"), headers=headers))[0] == 403
        assert at.health()["calls"] == 0


async def refused(at: Door, url: str) -> int:
    """Return the status with which a socket is refused."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await at.http.ws_connect(url)
    return caught.value.status


async def test_stolen_reused_expired_and_foreign_tokens_open_nothing(tmp_path: Path) -> None:
    """Without a call, after it, changed, of another deployment, of the future; the call that lives goes on."""
    async with door(tmp_path) as at:
        wire = await at.begun("alive")
        alive = await at.answered("alive")
        over = await at.answered("over")
        await at.hung_up("over")
        sockets, _, token = alive.rpartition("/")
        here, there = Capabilities(SECRET.encode()), Capabilities(b"the secret of another deployment, long too")
        later = int(time.time()) + 1000
        signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        tokens = [
            over.rpartition("/")[2],
            here.token("never-answered", expires_s=later),
            here.token("alive", expires_s=int(time.time()) - 1),
            here.token("ALIVE", expires_s=later),
            there.token("alive", expires_s=later),
            base64.urlsafe_b64encode(b"\xff" + signed[1:]).decode().rstrip("="),
            base64.urlsafe_b64encode(signed.replace(b"alive", b"over!")).decode().rstrip("="),
            token[:-1],
            token + "A",
            token + "=",
            token.swapcase(),
            "A" * len(token),
            "%00",
            "alive",
            NUMBER,
            "x" * 3000,
        ]
        assert {await refused(at, f"{sockets}/{each}") for each in tokens} == {403}
        assert await refused(at, f"{sockets}/") == 404
        assert await refused(at, f"{sockets}/{token}/x") == 404
        # A token that is right, in the mouth of another call.
        assert await (await at.open(alive, "over")).closed() == 1008
        assert await (await at.open(await at.answered("second"), "alive")).closed() == 1008
        await wire.echoed(b"\x10" * 160)
        assert {"calls": 2, "talking": 1, "waiting": 1, "conversations": 1}.items() <= at.health().items()
        assert len(at.conversations) == 1


async def test_a_token_ends_with_its_call_also_when_nobody_hangs_up(tmp_path: Path) -> None:
    """A lost call, a call whose socket never came, a closed server."""
    async with door(tmp_path, limits=Limits(socket_wait_s=0.3)) as at:
        waiting = await at.answered("waiting")
        await at.until(calls=0)
        assert await refused(at, waiting) == 403
    async with door(tmp_path, limits=Limits(reconnect_wait_s=0.3)) as at:
        wire = await at.begun("lost")
        lost = await at.answered("lost")
        await wire.ws.close()
        await at.until(calls=0)
        assert await refused(at, lost) == 403
        alive = await at.answered("alive")
    async with door(tmp_path) as again:
        assert await refused(again, again.url + alive[alive.index("/vobiz") :]) == 403
