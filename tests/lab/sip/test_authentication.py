"""Digest challenges between two endpoints, and the digest itself against the RFC's own example."""

from __future__ import annotations

import asyncio

import pytest

from lab.sip.call import AuthVerdict, CallRejected, IncomingCall
from lab.sip.digest import NONCE_LIFE_S, Challenges, DigestCredentials, answer_challenge, parse_digest
from tests.lab.sip.phones import ANSWER, Phone, two_phones


async def guard(bob: Phone, verdicts: list[AuthVerdict], **challenge: object) -> None:
    """Let bob take calls of user anna with password secret only."""

    async def take(call: IncomingCall) -> None:
        if call.credentials is None:
            return await call.challenge(realm='Lot"us', **challenge)  # type: ignore[arg-type]
        verdicts.append(call.verify("anna", "secret"))
        if verdicts[-1] != "ok":
            return await call.reject(401)
        await call.answer(ANSWER)
        return None

    bob.sip.on_invite = take


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("algorithms", [("MD5",), ("SHA-256",), ("MD5", "SHA-256")])
async def test_the_right_password_opens_the_call(status: int, algorithms: tuple[str, ...]) -> None:
    """The caller answers the strongest challenge with a new CSeq in the same call."""
    async with two_phones() as (alice, bob):
        verdicts: list[AuthVerdict] = []
        await guard(bob, verdicts, status=status, algorithms=algorithms)
        outgoing = alice.dial(bob, credentials=("anna", "secret"))
        await outgoing.answered()
        assert verdicts == ["ok"]
        assert [step.status for step in outgoing.progress] == [100, status, 100, 200]
        assert alice.sent_methods() == ["INVITE", "ACK", "INVITE", "ACK"]
        presented = outgoing.request.headers.get("Authorization" if status == 401 else "Proxy-Authorization") or ""
        assert algorithms[-1] in presented
        assert await outgoing.bye() == 200


@pytest.mark.parametrize("credentials", [("anna", "wrong"), ("eve", "secret")])
async def test_wrong_credentials_are_refused_once(credentials: tuple[str, str]) -> None:
    """The caller does not try the same password again."""
    async with two_phones() as (alice, bob):
        verdicts: list[AuthVerdict] = []
        await guard(bob, verdicts)
        with pytest.raises(CallRejected) as caught:
            await alice.dial(bob, credentials=credentials).answered()
        assert caught.value.status == 401
        assert verdicts == ["wrong"]


async def test_a_caller_without_credentials_ends_with_the_challenge() -> None:
    """407 is final for whoever has no password."""
    async with two_phones() as (alice, bob):
        await guard(bob, [])
        with pytest.raises(CallRejected) as caught:
            await alice.dial(bob).answered()
        assert caught.value.status == 407


async def test_a_challenge_is_only_good_for_its_own_call() -> None:
    """Credentials that were made for another Call-ID count as missing."""
    async with two_phones() as (alice, bob):
        verdicts: list[AuthVerdict] = []
        await guard(bob, verdicts)
        first = alice.dial(bob, credentials=("anna", "secret"))
        await first.answered()
        stolen = first.request.headers["Proxy-Authorization"]
        with pytest.raises(CallRejected):
            await alice.dial(bob, headers=[("Proxy-Authorization", stolen)]).answered()
        assert verdicts == ["ok", "missing"]


async def test_requests_inside_a_call_answer_a_challenge_too() -> None:
    """A re-INVITE that is challenged is repeated with credentials."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob, credentials=("anna", "secret"))
        incoming = await bob.received.get()
        await incoming.answer(ANSWER)
        await outgoing.answered()
        challenge = Challenges().issue(realm="r", algorithm="MD5", call_id=outgoing.call_id)
        receive = incoming.receive

        def ask_first(transaction: object) -> None:
            if transaction.request.headers.get("Authorization") is None:  # type: ignore[attr-defined]
                incoming.respond(transaction, 401, headers=[("WWW-Authenticate", challenge)])  # type: ignore[arg-type]
            else:
                receive(transaction)  # type: ignore[arg-type]

        incoming.receive = ask_first  # type: ignore[method-assign]
        assert (await outgoing.reinvite(b"v=0\r\n")).code == 200
        await asyncio.sleep(0)


def test_rfc_7616_example() -> None:
    """Section 3.9.1: both algorithms give the published responses."""
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        given = DigestCredentials(
            username="Mufasa",
            realm="http-auth@example.org",
            nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            uri="/dir/index.html",
            response=response,
            algorithm=algorithm,
            qop="auth",
            nc="00000001",
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
        assert given.is_right(password="Circle of Life", method="GET")
        assert not given.is_right(password="circle of life", method="GET")


def test_quoted_values_may_hold_commas_and_quotes() -> None:
    """`qop="auth,auth-int"` is one value."""
    found = parse_digest(r'Digest realm="a \"b\", c", qop="auth,auth-int", nonce=n , algorithm=MD5')
    assert found == {"realm": 'a "b", c', "qop": "auth,auth-int", "nonce": "n", "algorithm": "MD5"}
    assert parse_digest("Basic abc") is None
    assert parse_digest('Digest realm="open') is None


def test_challenges_that_we_do_not_speak_are_left_alone() -> None:
    """Unknown algorithms, auth-int alone and other schemes give no answer; a challenge without qop does."""
    ask = {"method": "INVITE", "uri": "sip:x@127.0.0.1", "credentials": ("u", "p")}
    for text in (
        'Digest realm="r", nonce="n", algorithm=AKAv1-MD5',
        'Digest realm="r", nonce="n", qop="auth-int"',
        "NTLM",
    ):
        assert answer_challenge([text], **ask) is None  # type: ignore[arg-type]
    old = answer_challenge(['Digest realm="r", nonce="n"'], **ask)  # type: ignore[arg-type]
    assert old is not None
    assert "qop" not in old


def test_a_nonce_grows_old_and_its_count_only_grows() -> None:
    """After its life, or with a count that was used, the verdict is stale."""
    now = [0.0]
    challenges = Challenges(clock=lambda: now[0])

    def present(nc: int) -> AuthVerdict:
        given = answer_challenge([issued], method="INVITE", uri="sip:x", credentials=("u", "p"), nc=nc)
        assert given is not None
        credentials = DigestCredentials.parse(given)
        return challenges.verify(credentials, call_id="c", method="INVITE", username="u", password="p")

    issued = challenges.issue(realm="r", algorithm="SHA-256", call_id="c")
    assert [present(1), present(1), present(2)] == ["ok", "stale", "ok"]
    now[0] = NONCE_LIFE_S + 1
    assert present(3) == "stale"
    now[0] = 100 * NONCE_LIFE_S
    challenges.issue(realm="r", algorithm="MD5", call_id="d")
    assert present(4) == "missing"
