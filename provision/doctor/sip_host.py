"""Whether the carrier can find livekit-sip: name, address, an answer to OPTIONS. Pure.

Silence proves nothing: a firewall that lets in only the carrier is silent too, and should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address
from typing import Final

from provision.doctor.facts import Facts, SipAnswer, Unknown
from provision.doctor.finding import Code, Finding, skipped, well
from telephony.sip_uri import SipUri, SipUriError

DEFAULT_PORT: Final = 5060
_MEND: Final = "write the public address of livekit-sip into livekit.sip_host, then apply"
_APPLY: Final = "dialroom provision apply"
_CODES: Final = (Code.SIP_HOST_NAME, Code.SIP_HOST_ADDRESS, Code.SIP_HOST_ANSWER)


def split_host(sip_host: str) -> tuple[str, int]:
    """Return host (without brackets) and port of ``host`` or ``host:port``.

    Raises:
        SipUriError: it is neither.
    """
    uri = SipUri.parse(f"sip:{sip_host}")
    return uri.host.strip("[]"), uri.port or DEFAULT_PORT


def check_sip_host(facts: Facts) -> Iterator[Finding]:
    """Judge the manifest's ``livekit.sip_host``."""
    written, found = facts.manifest.livekit.sip_host, facts.sip_host
    subject = f"sip_host {written}"
    if not facts.is_livekit_used:
        yield from (skipped(code, subject, "no number's calls go to LiveKit") for code in _CODES)
        return
    if not found.addresses:
        sentence = f"It has no address: {found.failure or 'the name is not known'}."
        yield Finding(
            code=Code.SIP_HOST_NAME, level="error", subject=subject, sentence=sentence, mend=_MEND, command=_APPLY
        )
        yield from (skipped(code, subject, "it has no address") for code in _CODES[1:])
        return
    yield well(Code.SIP_HOST_NAME, subject, f"Its address is {', '.join(found.addresses)}.")
    yield _address(facts, subject)
    if isinstance(found.answer, Unknown):
        yield skipped(Code.SIP_HOST_ANSWER, subject, found.answer.reason)
    else:
        yield _answer(subject, found.answer, _port(written))


def _address(facts: Facts, subject: str) -> Finding:
    code, addresses = Code.SIP_HOST_ADDRESS, [ip_address(text) for text in facts.sip_host.addresses]
    inside = [str(address) for address in addresses if not address.is_global]
    if inside:
        told = f"{', '.join(inside)} is no public address"
        if facts.is_carrier_local:
            return well(code, subject, f"{told}; the carrier is on this machine too.")
        return Finding(
            code=code,
            level="error",
            subject=subject,
            sentence=f"{told}, as seen from here: no call from the carrier arrives there.",
            mend=_MEND,
            command=_APPLY,
        )
    if not any(isinstance(address, IPv4Address) for address in addresses):
        return Finding(
            code=code,
            level="warning",
            subject=subject,
            sentence="It has IPv6 addresses only; the carrier documents calls from IPv4 addresses only.",
            mend="give the name an A record",
        )
    return well(code, subject, "It is public.")


def _answer(subject: str, answer: SipAnswer, port: int) -> Finding:
    if answer.status is not None:
        return well(Code.SIP_HOST_ANSWER, subject, f"It answers OPTIONS over UDP with {answer.status}.")
    told = f"{answer.address} port {port} does not answer OPTIONS over UDP"
    why = "its machine says that nobody listens there" if answer.is_refused else "a firewall may keep this machine out"
    return Finding(
        code=Code.SIP_HOST_ANSWER,
        level="warning",
        subject=subject,
        sentence=f"{told}; {why}.",
        mend="see that livekit-sip listens there, and that its firewall lets in the carrier",
        command="dialroom firewall nft" + (f" --sip-port {port}" if port != DEFAULT_PORT else ""),
    )


def _port(written: str) -> int:
    try:
        return split_host(written)[1]
    except SipUriError:
        return DEFAULT_PORT
