"""Which addresses and ports are taken, and which are refused in words."""

from ipaddress import ip_network

import pytest

from provision.firewall.openings import VOBIZ_MEDIA, PortRange, openings, parse_ports
from telephony.errors import UserError
from telephony.manifest.cidr import VOBIZ_SIGNALLING


def test_without_arguments_they_are_what_vobiz_and_livekit_document():
    """Ten signalling addresses to SIP, nine ranges to RTP, no TLS."""
    told = [(s.role, s.protocol, str(s.ports), len(s.sources)) for s in openings().services]
    assert told == [
        ("signalling", "udp", "5060", 10),
        ("signalling", "tcp", "5060", 10),
        ("media", "udp", "10000-20000", 9),
    ]
    assert openings().documented == {"signalling", "media"}
    assert [str(source) for source in openings().signalling] == list(VOBIZ_SIGNALLING)
    assert [str(source) for source in openings().media] == list(VOBIZ_MEDIA)


def test_tls_is_one_more_port_over_tcp():
    """For the signalling addresses."""
    (tls,) = [service for service in openings(tls_port=5061).services if service.ports == PortRange(5061, 5061)]
    assert (tls.role, tls.protocol) == ("signalling", "tcp")


def test_what_another_range_contains_is_left_out_and_neighbours_are_not_merged():
    """So that the rules can be compared with the carrier's page."""
    given = ("18.96.230.96/28", "18.96.230.97", "18.96.230.112/28", "18.96.230.96/28", "2001:db8::1")
    assert openings(media=given).media == tuple(
        ip_network(text) for text in ("18.96.230.96/28", "18.96.230.112/28", "2001:db8::1/128")
    )
    assert openings(media=given).documented == {"signalling"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"media": ()}, "--media: no address"),
        ({"signalling": ("0.0.0.0/0",)}, "almost everybody"),
        ({"media": ("media.vobiz.ai",)}, "media.vobiz.ai"),
        ({"media": ("18.96.230.97/28",)}, "host bits"),
        ({"sip_port": 0}, "--sip-port 0 is no port"),
        ({"tls_port": 65536}, "--tls-port 65536 is no port"),
        ({"tls_port": 5060}, "both 5060"),
        ({"rtp": "5000-6000"}, "contains the SIP port 5060"),
    ],
)
def test_what_cannot_be_is_refused(given, words):
    """In one line that names the option."""
    with pytest.raises(UserError, match=words) as refused:
        openings(**given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "ten", "20000-10000", "0-10", "10000-70000", "1-2-3", "٣-٤", "-5"])
def test_texts_that_are_no_ports(text):
    """Nor a range that runs backwards."""
    with pytest.raises(UserError, match="is no range of ports"):
        parse_ports(text)


def test_a_single_port_is_a_range_too():
    """livekit-sip can be given one."""
    assert str(parse_ports(" 7000 ")) == "7000"
    assert str(parse_ports("7000-7100")) == "7000-7100"
