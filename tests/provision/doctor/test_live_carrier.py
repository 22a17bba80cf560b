"""The doctor and the carrier over HTTP: what somebody changed there, and what it does not tell."""

from __future__ import annotations

from typing import Any

import pytest

from lab.vobiz.faults import Fault
from provision.doctor import read_carrier
from tests.provision.doctor.patient import UNSEEN, Patient
from tests.provision.doctor.pure import APPLY, told


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"trunk_status": "disabled"}, "error"),
        ({"inbound_destination": "sip.rose.in"}, "error"),
        ({"inbound_destination": "sip:sip.lotus.in"}, "error"),
        ({"inbound_destination": ""}, "error"),
        ({"trunk_direction": "outbound"}, "error"),
        ({"inbound_destination": "0b7a3c1e-4d5f-4a6b-8c7d-9e0f1a2b3c4d"}, "warning"),
    ],
)
async def test_a_carrier_trunk_that_somebody_changed(patient: Patient, node: list[Any], fields, level):
    """As the API stores it."""
    (row,) = patient.world.vobiz.account.trunks.values()
    row.update(fields)
    found = [finding for finding in await patient.wrong() if finding.code.value == "carrier_trunk"]
    assert [(finding.level, finding.command) for finding in found] == [(level, APPLY)]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"is_blocked": True}, "number_blocked"),
        ({"status": "pending_release"}, "number_blocked"),
        ({"trunk_group_id": None}, "number_route"),
        ({"trunk_group_id": "gone"}, "number_route"),
        ({"application_id": "menu"}, "number_route"),
    ],
)
async def test_a_number_that_somebody_changed(patient: Patient, node: list[Any], fields, code):
    """As the API stores it."""
    patient.world.vobiz.account.numbers[patient.number].update(fields)
    assert told(await patient.wrong()) == [(code, "error"), UNSEEN]


async def test_a_number_of_nobody(patient: Patient, node: list[Any]):
    del patient.world.vobiz.account.numbers[patient.number]
    (finding, _) = await patient.wrong()
    assert finding.command == f"dialroom numbers buy {patient.number}"


async def test_money_and_channels(patient: Patient, node: list[Any]):
    """As the account has them."""
    account = patient.world.vobiz.account
    account.balance, account.base_calls = 0.0, 2
    findings = await patient.wrong(expected_calls=3)
    assert told(findings) == [("balance", "error"), ("channels", "warning"), UNSEEN]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/balance/INR", "balance"), ("/trunks", "carrier_trunk"), ("/numbers", "number_owned")],
)
async def test_a_part_that_the_carrier_does_not_tell(patient: Patient, node: list[Any], path, code):
    """The rest is judged all the same."""
    patient.world.vobiz.faults.waiting.append(Fault(method="GET", path=path, status=500, times=9))
    findings = await patient.wrong()
    assert (code, "skipped") in told(findings)
    assert {finding.level for finding in findings} == {"skipped"}
    assert "HTTP 500" in next(finding for finding in findings if finding.code.value == code).sentence


async def test_a_carrier_that_lets_us_wait(patient: Patient, node: list[Any], monkeypatch):
    """It counts as away, and the rest is judged."""
    monkeypatch.setattr(read_carrier, "FIRST_ANSWER_S", 0.2)
    slow = Fault(method="GET", path="/auth/me", passes=True, delay_s=1, times=9)
    patient.world.vobiz.faults.waiting.append(slow)
    diagnosis = await patient.examine()
    (error,) = [finding for finding in diagnosis.findings if finding.level == "error"]
    assert error.code.value == "carrier_reachable"
    assert error.sentence.endswith("no answer within 0.2 s.")
    assert ("carrier_clock", "ok") in told(diagnosis.findings)
