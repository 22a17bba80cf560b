"""The address that the carrier sends calls to."""

from dataclasses import replace

import pytest

from provision.doctor.facts import SipAnswer, SipHost, Unknown
from provision.doctor.sip_host import check_sip_host, split_host
from telephony.sip_uri import SipUriError
from tests.provision.doctor.pure import APPLY, CARRIER, SIP_HOST, found, manifest, told

STAND_IN = replace(CARRIER, url="http://127.0.0.1:8080/api/v1")


def at(*addresses: str) -> SipHost:
    return replace(SIP_HOST, addresses=addresses)


@pytest.mark.parametrize(
    ("address", "level"),
    [
        ("13.200.1.2", "ok"),
        ("2406:da1a::1", "warning"),
        ("127.0.0.1", "error"),
        ("10.0.0.5", "error"),
        ("172.16.0.5", "error"),
        ("192.168.1.5", "error"),
        ("169.254.10.1", "error"),
        ("100.64.0.1", "error"),
        ("203.0.113.5", "error"),
        ("::1", "error"),
        ("fe80::1", "error"),
        ("fd00::1", "error"),
    ],
)
def test_only_a_public_address_is_found_by_the_carrier(address, level):
    """Private, loopback, link-local, shared and documentation addresses are not."""
    findings = found(check_sip_host, sip_host=at(address))
    assert told(findings)[:2] == [("sip_host_name", "ok"), ("sip_host_address", level)]


def test_a_carrier_on_this_machine_finds_private_addresses():
    """That is the stand-in of the lab."""
    finding = found(check_sip_host, sip_host=at("127.0.0.1"), carrier=STAND_IN)[1]
    assert (finding.level, finding.mend) == ("ok", "")
    assert finding.sentence == "127.0.0.1 is no public address; the carrier is on this machine too."


def test_one_private_address_among_public_ones():
    """Half of the calls would be lost."""
    finding = found(check_sip_host, sip_host=at("13.200.1.2", "10.0.0.5"))[1]
    assert (finding.level, finding.command) == ("error", APPLY)
    assert finding.sentence.startswith("10.0.0.5 is no public address")


def test_a_name_without_address():
    """The rest cannot be looked at."""
    nowhere = SipHost(addresses=(), failure="name or service not known")
    findings = found(check_sip_host, sip_host=nowhere)
    assert told(findings) == [
        ("sip_host_name", "error"),
        ("sip_host_address", "skipped"),
        ("sip_host_answer", "skipped"),
    ]
    assert findings[0].sentence == "It has no address: name or service not known."


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (SipAnswer(address="13.200.1.2", status=200), "ok", "with 200"),
        (SipAnswer(address="13.200.1.2", status=404), "ok", "with 404"),
        (SipAnswer(address="13.200.1.2"), "warning", "a firewall may keep this machine out"),
        (SipAnswer(address="13.200.1.2", is_refused=True), "warning", "nobody listens"),
        (Unknown("it was not wanted"), "skipped", "Not looked at: it was not wanted."),
    ],
)
def test_silence_proves_nothing(answer, level, words):
    """Any answer proves that SIP is spoken there."""
    finding = found(check_sip_host, sip_host=replace(SIP_HOST, answer=answer))[2]
    assert finding.level == level
    assert words in finding.sentence


@pytest.mark.parametrize(
    ("host", "command"),
    [("sip.lotus.in", "dialroom firewall nft"), ("sip.lotus.in:5070", "dialroom firewall nft --sip-port 5070")],
)
def test_the_firewall_is_opened_where_livekit_sip_listens(host, command):
    silent = replace(SIP_HOST, answer=SipAnswer(address="13.200.1.2"))
    assert found(check_sip_host, sip_host=silent, manifest=manifest(host=host))[2].command == command


def test_a_manifest_that_sends_no_calls_to_livekit():
    """Its sip_host does not matter."""
    away = manifest('{ number: "+918071000001", route: { sip: "sip:pbx.lotus.in" } }')
    findings = found(check_sip_host, manifest=away, sip_host=at("10.0.0.5"))
    assert {finding.level for finding in findings} == {"skipped"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("sip.lotus.in", ("sip.lotus.in", 5060)),
        ("sip.lotus.in:5070", ("sip.lotus.in", 5070)),
        ("13.200.1.2:5060", ("13.200.1.2", 5060)),
        ("[2406:da1a::1]:5070", ("2406:da1a::1", 5070)),
    ],
)
def test_host_and_port(written, expected):
    assert split_host(written) == expected


@pytest.mark.parametrize("written", ["sip_lotus", "sip.lotus.in:0", "sip.lotus.in:x"])
def test_what_is_no_host(written):
    with pytest.raises(SipUriError):
        split_host(written)
