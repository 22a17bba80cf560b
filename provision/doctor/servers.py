"""Whether both servers answer and take the key, and whether the account may take calls. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.doctor.clocks import is_off
from provision.doctor.facts import Contact, Facts, Server, Unknown
from provision.doctor.finding import Code, Finding, skipped, well
from provision.settings import VOBIZ_PATH, base_url_hint


@dataclass(frozen=True, slots=True)
class _Words:
    reachable: Code
    key: Code
    setting: str
    keys: str


_CARRIER = _Words(Code.CARRIER_REACHABLE, Code.CARRIER_KEY, "VOBIZ_BASE_URL", "VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN")
_LIVEKIT = _Words(Code.LIVEKIT_REACHABLE, Code.LIVEKIT_KEY, "LIVEKIT_URL", "LIVEKIT_API_KEY and LIVEKIT_API_SECRET")


def check_carrier(facts: Facts) -> Iterator[Finding]:
    """Judge the carrier's API."""
    yield from _check(facts.carrier, _CARRIER)
    yield _account(facts)


def check_livekit(facts: Facts) -> Iterator[Finding]:
    """Judge LiveKit's API."""
    yield from _check(facts.livekit, _LIVEKIT)


def _check(server: Server, words: _Words) -> Iterator[Finding]:
    key = f"{server.name} key"
    match server.contact:
        case Contact.SILENT:
            mend = f"check {words.setting} and the network, and that it is running"
            if words is _CARRIER and not server.url.endswith(VOBIZ_PATH):
                mend = f"{base_url_hint(server.url)}; {mend}"
            yield _unwell(words.reachable, server, mend)
            yield skipped(words.key, key, "there was no answer")
        case Contact.REFUSES:
            mend = f"see what is wrong at {server.name}; {words.setting} may also point to something else"
            yield _unwell(words.reachable, server, mend)
            yield skipped(words.key, key, "the answer was an error")
        case Contact.DENIES:
            yield well(words.reachable, server.name, f"Answers at {server.url}.")
            yield _unwell(words.key, server, _key_mend(server, words), subject=key)
        case Contact.ANSWERS:
            yield well(words.reachable, server.name, f"Answers at {server.url}.")
            yield well(words.key, key, "It is right.")


def _unwell(code: Code, server: Server, mend: str, *, subject: str = "") -> Finding:
    sentence = f"{server.detail[:1].upper()}{server.detail[1:]}."
    return Finding(code=code, level="error", subject=subject or server.name, sentence=sentence, mend=mend)


def _key_mend(server: Server, words: _Words) -> str:
    mend = f"write {words.keys} into .env as {server.name} shows them"
    if words is _LIVEKIT and not isinstance(server.clock, Unknown) and is_off(server.clock):
        return f"set the clocks right first: a token from another time is refused like a wrong key; else {mend}"
    return mend


def _account(facts: Facts) -> Finding:
    code, subject, account = Code.CARRIER_ACCOUNT, f"{facts.carrier.name} account", facts.account
    if isinstance(account, Unknown):
        return skipped(code, subject, account.reason)
    if account.is_trial is None:
        return skipped(code, subject, "the API does not tell whether it is a trial")
    if account.is_trial:
        # https://www.vobiz.ai/docs/faq/trial-inbound
        return Finding(
            code=code,
            level="error",
            subject=subject,
            sentence="It is a trial account: its numbers take no calls.",
            mend="recharge the account and verify the company (KYC) in the carrier's console",
        )
    return well(code, subject, "It is no trial account.")
