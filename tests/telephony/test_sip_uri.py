"""SIP URIs: what RFC 3261 section 19.1 allows is read and written back, the rest is refused."""

import pytest

from telephony.errors import UserError
from telephony.sip_uri import SipUri, SipUriError


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:example.com", SipUri(host="example.com")),
        ("sips:bob@example.com:5061", SipUri(scheme="sips", user="bob", host="example.com", port=5061)),
        ("sip:+918071000001@127.0.0.1:5060", SipUri(user="+918071000001", host="127.0.0.1", port=5060)),
        (
            "sip:a@h;transport=udp;lr",
            SipUri(user="a", host="h", parameters=(("transport", "udp"), ("lr", None))),
        ),
        ("sip:a@[::1]:5060", SipUri(user="a", host="[::1]", port=5060)),
        ("sip:a%20b@h", SipUri(user="a b", host="h")),
        ("sip:a@h?Replaces=x%3Bto-tag%3Dy", SipUri(user="a", host="h", headers="Replaces=x%3Bto-tag%3Dy")),
    ],
)
def test_a_uri_is_read_and_written_back(text, uri):
    """Parse and format undo each other."""
    assert SipUri.parse(text) == uri
    assert str(uri) == text


def test_brackets_case_and_password_are_normalised():
    """Scheme and host ignore case, the user does not; a password is never carried on."""
    assert str(SipUri.parse(" <SIP:Bob:secret@EXAMPLE.com> ")) == "sip:Bob@example.com"


def test_parameters_are_found_whatever_their_case():
    """A parameter without value is not the same as no parameter."""
    uri = SipUri.parse("sip:h;Transport=TCP;lr")
    assert uri.parameter("transport") == "TCP"
    assert uri.parameter("LR") == ""
    assert uri.parameter("maddr") is None


@pytest.mark.parametrize(
    "text",
    ["", "sip:", "tel:+918071000001", "http://x", "sip:a@", "sip:a@h:0", "sip:a@h:70000", "sip:a b@h", "sip:a@h>", "h"],
)
def test_what_is_no_sip_uri_is_refused(text):
    """The error shows the text and an example."""
    with pytest.raises(SipUriError, match="sip:") as refused:
        SipUri.parse(text)
    assert isinstance(refused.value, UserError)
