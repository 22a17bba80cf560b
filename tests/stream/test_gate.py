"""The gate: the carrier's requests pass, each once; forged and replayed ones do not, and no failure opens it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.vobiz.calls.callbacks import signatures
from stream.gate import Gate, Knock, path_key
from stream.seen import Seen, open_seen
from stream.signature import Tokens

PUBLIC, PATH, TOKEN = "https://voice.example.in/door", "/vobiz/answer", "account-token"
KEY = path_key(b"a secret of the deployment, long enough")
TOKENS = Tokens(account=TOKEN)
CARRIER, OTHER, PROXY = "13.233.44.61", "203.0.113.9", "10.0.0.7"
Lines = list[tuple[str, str]]


def signed(path: str = PATH, *, token: str = TOKEN, public: str = PUBLIC) -> Lines:
    return list(signatures(public + path, token).items())


def knock(headers: Lines = (), *, path: str = PATH, key: str | None = None, peer: str = OTHER) -> Knock:
    return Knock(path=path, key=key, headers=tuple(headers), peer=peer)


@asynccontextmanager
async def signed_gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with open_seen(tmp_path / "seen.db") as seen:
        yield gate_with(seen)


def gate_with(seen: Seen | None, tokens: Tokens | None = TOKENS, **more) -> Gate:
    return Gate(public_url=PUBLIC, key=KEY, tokens=tokens, seen=seen, **more)


def open_gate(**more) -> Gate:
    return gate_with(None, None, **more)


async def test_a_signed_request_passes_once(tmp_path: Path):
    """The next one has another nonce; its address is the public one, below whatever path a proxy takes off."""
    async with signed_gate(tmp_path) as gate:
        first, second = signed(), signed()
        assert await gate.refuses(knock(first)) is None
        assert await gate.refuses(knock(first)) == "replayed"
        assert await gate.refuses(knock(second)) is None
        assert await gate.refuses(knock([*first, *second])) == "signature wrong"


async def test_the_key_in_the_path_is_not_needed_with_a_signature_but_never_wrong(tmp_path: Path):
    """An application that was made before signatures were switched on keeps its addresses."""
    async with signed_gate(tmp_path) as gate:
        path = f"/{KEY}{PATH}"
        assert await gate.refuses(knock(signed(path), path=path, key=KEY)) is None
        assert await gate.refuses(knock(signed("/other" + PATH), path="/other" + PATH, key="other")) == "path"
        assert await gate.refuses(knock(path=path, key=KEY)) == "signature missing"


async def test_what_is_not_signed_for_this_address_does_not_pass(tmp_path: Path):
    """Another token, path, host or scheme; a signature of V1; none at all."""
    async with signed_gate(tmp_path) as gate:
        wrong = [
            signed(token="other"),
            signed("/vobiz/hangup"),
            signed("/vobiz/answer/"),
            signed(public="https://voice.example.com/door"),
            signed(public="http://voice.example.in/door"),
            signed(public="https://voice.example.in"),
            [*signed(), *signed()],
        ]
        assert {await gate.refuses(knock(headers)) for headers in wrong} == {"signature wrong"}
        for headers in ([], [("X-Vobiz-Signature", "abc")], [("Authorization", TOKEN)]):
            assert await gate.refuses(knock(headers)) == "signature missing"


async def test_of_two_nonces_both_are_used_up(tmp_path: Path):
    """Also when one of them was seen before: neither half of a refused request is good for another."""
    async with signed_gate(tmp_path) as gate:
        old, new = signed(), signed()
        assert await gate.refuses(knock(old)) is None
        mixed = [line for line in old if "V2" in line[0]] + [line for line in new if "V3" in line[0]]
        assert await gate.refuses(knock(mixed)) == "replayed"
        assert await gate.refuses(knock([line for line in new if "V3" in line[0]])) == "replayed"


async def test_another_process_has_seen_it(address: str):
    """On a file and on PostgreSQL."""
    async with open_seen(address) as here, open_seen(address) as there:
        headers = signed()
        assert await gate_with(here).refuses(knock(headers)) is None
        assert await gate_with(there).refuses(knock(headers)) == "replayed"


async def test_without_its_database_nobody_passes(tmp_path: Path, monkeypatch):
    """A locked one is waited for; afterwards the carrier's next try passes."""
    monkeypatch.setattr("stream.database.LOCKED_WAIT_S", 0.05)
    async with signed_gate(tmp_path) as gate:
        other = sqlite3.connect(tmp_path / "seen.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert await gate.refuses(knock(signed())) == "database"
        assert await gate.refuses(knock(signed(token="other"))) == "signature wrong"
        other.close()
        assert await gate.refuses(knock(signed())) is None
        (tmp_path / "seen.db").unlink()
        assert await gate.refuses(knock(signed())) == "database"


def test_the_key_is_the_secrets():
    """The same in every process; not the secret itself."""
    assert path_key(b"a" * 32) == path_key(b"a" * 32) != path_key(b"b" * 32)
    assert len(KEY) == 22
    assert KEY.replace("-", "").replace("_", "").isalnum()


async def test_without_signatures_the_key_opens():
    """Nothing else, a signature neither."""
    gate = open_gate()
    assert await gate.refuses(knock(key=KEY)) is None
    assert await gate.refuses(knock(key=KEY, peer="")) is None
    for key in (None, "", KEY[:-1], KEY + "A", KEY.swapcase(), "é", "\ud800", "A" * 100_000):
        assert await gate.refuses(knock(signed(), key=key)) == "path"


@pytest.mark.parametrize(
    ("peer", "passes"),
    [
        (CARRIER, True),
        ("::ffff:13.233.44.61", True),
        ("2001:db8::7", True),
        ("13.233.44.62", False),
        ("2001:db9::7", False),
        ("::1", False),
        ("", False),
        ("unix:", False),
    ],
)
async def test_the_key_opens_from_the_carriers_addresses_alone(peer: str, passes: bool):
    """When they are set; in either version of the protocol."""
    gate = open_gate(cidrs=[f"{CARRIER}/32", "2001:db8::/32"])
    assert (await gate.refuses(knock(key=KEY, peer=peer)) is None) == passes
    assert await gate.refuses(knock(peer=peer)) == "path"


@pytest.mark.parametrize(
    ("headers", "peer", "passes"),
    [
        ([("X-Forwarded-For", CARRIER)], OTHER, False),
        ([("X-Forwarded-For", OTHER)], CARRIER, True),
        ([("X-Forwarded-For", CARRIER)], PROXY, True),
        ([("x-forwarded-for", f"{OTHER}, {CARRIER}")], PROXY, True),
        ([("X-Forwarded-For", OTHER), ("X-Forwarded-For", CARRIER)], PROXY, True),
        ([("X-Forwarded-For", f"{CARRIER}, {OTHER}")], PROXY, False),
        ([("X-Forwarded-For", CARRIER), ("X-Forwarded-For", OTHER)], PROXY, False),
        ([("X-Forwarded-For", f"{CARRIER},")], PROXY, False),
        ([("X-Forwarded-For", "unknown")], PROXY, False),
        ([("Forwarded", f"for={CARRIER}")], PROXY, False),
        ([("X-Real-IP", CARRIER)], PROXY, False),
        ([], PROXY, False),
    ],
)
async def test_only_a_trusted_proxy_says_who_asked(headers: Lines, peer: str, passes: bool):
    """By the last hop, which it has written itself; the others are the caller's to invent."""
    gate = open_gate(cidrs=[f"{CARRIER}/32"], trusted_proxies=["10.0.0.0/24"])
    assert (await gate.refuses(knock(headers, key=KEY, peer=peer)) is None) == passes
    nobody = open_gate(cidrs=[f"{CARRIER}/32"])
    assert (await nobody.refuses(knock(headers, key=KEY, peer=peer)) is None) == (peer == CARRIER)


@given(st.text(st.characters(), max_size=30), st.text(st.characters(), max_size=30), st.text(max_size=30))
async def test_no_request_raises_or_passes(key, value, peer):
    """Whatever stands in it."""
    lines = [(name, value) for name in ("X-Forwarded-For", "X-Vobiz-Signature-V3", "X-Vobiz-Signature-V3-Nonce")]
    strict = open_gate(cidrs=[f"{CARRIER}/32"], trusted_proxies=["0.0.0.0/0", "::/0"])
    assert await strict.refuses(knock(lines, key=key, peer=peer)) is not None
    assert await strict.refuses(knock(lines, key=KEY, peer=peer)) is not None
    assert await gate_with(None).refuses(knock(lines, peer=peer)) in ("signature wrong", "signature missing")
