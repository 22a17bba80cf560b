"""Every form as text: nothing is missing, nothing is too much, and people are told what it is."""

import json
import re
from typing import get_args

import pytest

from provision.firewall.aws import RULES_PER_GROUP
from provision.firewall.openings import VOBIZ_MEDIA, openings
from provision.firewall.rules import Form, rules
from telephony.manifest.cidr import VOBIZ_SIGNALLING

FORMS = get_args(Form)
ADDRESS = re.compile(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]+)?")


def rule_lines(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("form", FORMS)
def test_exactly_the_carriers_addresses_are_there(form):
    """In rules, not in comments."""
    found = {address.removesuffix("/32") for address in ADDRESS.findall(rule_lines(rules(form, openings()).text))}
    assert found - {"0.0.0.0/0"} == {address.removesuffix("/32") for address in (*VOBIZ_SIGNALLING, *VOBIZ_MEDIA)}


@pytest.mark.parametrize("form", FORMS)
def test_people_read_where_addresses_come_from_and_how_to_undo(form):
    """In comments, or beside a form that has none."""
    made = rules(form, openings())
    told = "\n".join(made.notes) if form == "aws" else made.text
    assert "https://www.vobiz.ai/docs/concepts/ip-whitelisting, seen October 2026" in told
    assert re.search(r"Undo:\s", told)
    assert "given by hand" not in told
    assert "over IPv6 these ports are closed" in told
    assert made.to_dict() == {"form": form, "text": made.text, "notes": list(made.notes)}


@pytest.mark.parametrize("form", FORMS)
def test_addresses_that_vobiz_does_not_document_are_called_so(form):
    """Each role by itself."""
    made = rules(form, openings(media=["203.0.113.0/24", "2001:db8::/32"]))
    told = "\n".join([made.text, *made.notes])
    assert "The media addresses were given by hand" in told
    assert "The signalling addresses" not in told
    assert "documents no IPv6" not in told


@pytest.mark.parametrize("form", FORMS)
def test_equal_openings_give_equal_text(form):
    """No clock, no order of sets."""
    assert rules(form, openings()) == rules(form, openings())


def test_aws_permissions_are_one_per_service():
    """With a description on each range, and no empty lists, which AWS would take for something."""
    permissions = json.loads(rules("aws", openings(tls_port=5061)).text)
    assert [(p["IpProtocol"], p["FromPort"], p["ToPort"], len(p["IpRanges"])) for p in permissions] == [
        ("udp", 5060, 5060, 10),
        ("tcp", 5060, 5060, 10),
        ("tcp", 5061, 5061, 10),
        ("udp", 10000, 20000, 9),
    ]
    assert permissions[0]["IpRanges"][0] == {
        "CidrIp": "13.203.7.132/32",
        "Description": "dialroom: Vobiz signalling",
    }
    assert all("Ipv6Ranges" not in permission for permission in permissions)


def test_aws_permissions_fit_into_a_group_and_the_notes_count_them():
    """AWS counts each address of each permission."""
    made = rules("aws", openings(tls_port=5061))
    count = sum(len(permission["IpRanges"]) for permission in json.loads(made.text))
    assert count <= RULES_PER_GROUP
    assert any(f"They are {count} rules" in note for note in made.notes)


def test_aws_has_ipv6_where_it_is_given():
    """In a list of its own."""
    permissions = json.loads(rules("aws", openings(media=["2001:db8::/32"])).text)
    assert permissions[-1]["Ipv6Ranges"] == [{"CidrIpv6": "2001:db8::/32", "Description": "dialroom: Vobiz media"}]
    assert "IpRanges" not in permissions[-1]
