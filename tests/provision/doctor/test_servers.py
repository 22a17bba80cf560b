"""Contact with both servers, the key, the kind of account."""

from dataclasses import replace

import pytest

from provision.doctor.contact import contact_of, unknown_since
from provision.doctor.contact import told as text_of
from provision.doctor.facts import Account, Contact, Offset, Unknown
from provision.doctor.servers import check_carrier, check_livekit
from provision.errors import AccessDeniedError, FailedError, RefusedError, UnreachableError
from tests.provision.doctor.pure import CARRIER, LIVEKIT, found, told

SILENT = {"contact": Contact.SILENT, "detail": "cannot reach Vobiz at https://api.vobiz.ai/api/v1: timed out"}
DENIES = {"contact": Contact.DENIES, "detail": "LiveKit refused the key (invalid token)"}


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        (Contact.ANSWERS, [("carrier_reachable", "ok"), ("carrier_key", "ok")]),
        (Contact.SILENT, [("carrier_reachable", "error"), ("carrier_key", "skipped")]),
        (Contact.REFUSES, [("carrier_reachable", "error"), ("carrier_key", "skipped")]),
        (Contact.DENIES, [("carrier_reachable", "ok"), ("carrier_key", "error")]),
    ],
)
def test_contact(contact, expected):
    """An address is one thing, a key another."""
    findings = found(check_carrier, carrier=replace(CARRIER, contact=contact, detail="why"))
    assert told(findings)[:2] == expected


def test_what_could_not_be_reached_says_why():
    reachable, key, _ = found(check_carrier, carrier=replace(CARRIER, **SILENT))
    assert reachable.sentence == "Cannot reach Vobiz at https://api.vobiz.ai/api/v1: timed out."
    assert "VOBIZ_BASE_URL" in reachable.mend
    assert key.sentence == "Not looked at: there was no answer."
    bare = replace(CARRIER, **SILENT | {"url": "https://api.vobiz.ai"})
    assert "VOBIZ_BASE_URL does not end with /api/v1" in found(check_carrier, carrier=bare)[0].mend
    assert "/api/v1" not in reachable.mend


def test_a_wrong_key_is_named_by_its_variables():
    _, key = found(check_livekit, livekit=replace(LIVEKIT, **DENIES))
    assert key.sentence == "LiveKit refused the key (invalid token)."
    assert key.mend == "write LIVEKIT_API_KEY and LIVEKIT_API_SECRET into .env as LiveKit shows them"


def test_a_wrong_clock_looks_like_a_wrong_key():
    """So the clock is to be mended first."""
    late = Offset(seconds=-90, uncertainty_s=0.5)
    _, key = found(check_livekit, livekit=replace(LIVEKIT, clock=late, **DENIES))
    assert key.mend.startswith("set the clocks right first")


@pytest.mark.parametrize(
    ("account", "level"),
    [
        (Account(is_trial=False), "ok"),
        (Account(is_trial=True), "error"),
        (Account(is_trial=None), "skipped"),
        (Unknown("nobody was asked"), "skipped"),
    ],
)
def test_a_trial_account_takes_no_calls(account, level):
    assert told(found(check_carrier, account=account))[2] == ("carrier_account", level)


@pytest.mark.parametrize(
    ("error", "contact", "text"),
    [
        (
            UnreachableError("Vobiz", "https://v.in", "timed out", hint="check it"),
            Contact.SILENT,
            "cannot reach Vobiz at https://v.in: timed out",
        ),
        (AccessDeniedError("Vobiz", names=("A", "B")), Contact.DENIES, "Vobiz refused the key"),
        (
            RefusedError("Vobiz", "the account", status=403, code="", detail="one; two"),
            Contact.REFUSES,
            "Vobiz refused the account: one; two (HTTP 403)",
        ),
        (
            FailedError("Vobiz", "the account", status=500, code="", detail="one; two"),
            Contact.REFUSES,
            "Vobiz's API failed when asked for the account (HTTP 500: one; two)",
        ),
    ],
)
def test_errors_become_facts(error, contact, text):
    """Without the advice at their end."""
    assert (contact_of(error), text_of(error)) == (contact, text)


def test_what_depends_on_a_server_says_why_it_is_unknown():
    assert unknown_since("Vobiz", Contact.DENIES) == Unknown("Vobiz refuses the key")
