"""All checks together: nothing wrong, nothing known, and what each level counts for."""

import json
from dataclasses import replace

from provision.doctor.examine import examine
from provision.doctor.facts import Contact, Unknown
from provision.doctor.finding import Code, Diagnosis, Finding, skipped, well
from tests.provision.doctor.pure import GOOD, told, unwell

NOTHING = Unknown("nobody was asked")
ONLY_WITH_STREAMS = {Code.APPLICATION, Code.CALLBACK_SIGNATURE}


def test_all_is_well():
    """Each check says so once, whatever it looked at."""
    diagnosis = examine(GOOD)
    assert unwell(diagnosis.findings) == []
    codes = [finding.code for finding in diagnosis.findings]
    assert sorted(codes) == sorted(set(Code) - ONLY_WITH_STREAMS)
    assert diagnosis.exit_code == 0


def test_nothing_is_known():
    """Two servers that are away are two errors; everything that depends on them is skipped."""
    away = {"contact": Contact.SILENT, "detail": "cannot reach it", "clock": NOTHING}
    facts = replace(
        GOOD,
        carrier=replace(GOOD.carrier, **away),
        livekit=replace(GOOD.livekit, **away),
        account=NOTHING,
        balance=NOTHING,
        load=NOTHING,
        stock=NOTHING,
        world=NOTHING,
    )
    diagnosis = examine(facts)
    by_level = {level: [f.code for f in diagnosis.findings if f.level == level] for level in ("error", "ok")}
    assert by_level["error"] == [Code.CARRIER_REACHABLE, Code.LIVEKIT_REACHABLE]
    assert by_level["ok"] == [Code.SIP_HOST_NAME, Code.SIP_HOST_ADDRESS, Code.SIP_HOST_ANSWER]
    codes = [finding.code for finding in diagnosis.findings]
    assert sorted(codes) == sorted(set(Code) - ONLY_WITH_STREAMS)
    assert diagnosis.exit_code == 1


def test_only_errors_count_for_the_exit_code():
    warning = Finding(code=Code.BALANCE, level="warning", subject="balance", sentence="Low.")
    fine = Diagnosis(deployment="clinic", findings=(warning, skipped(Code.WORKER, "worker", "no call")))
    assert fine.exit_code == 0
    assert replace(fine, findings=(replace(warning, level="error"),)).exit_code == 1


def test_a_program_gets_everything():
    """As JSON, with how many findings each level has."""
    error = Finding(
        code=Code.CARRIER_TRUNK, level="error", subject="trunk", sentence="Off.", mend="put it on", command="apply"
    )
    diagnosis = Diagnosis(deployment="clinic", findings=(error, well(Code.BALANCE, "balance", "Enough.")))
    assert json.loads(json.dumps(diagnosis.to_dict())) == {
        "deployment": "clinic",
        "ok": False,
        "counts": {"error": 1, "warning": 0, "ok": 1, "skipped": 0},
        "findings": [
            {
                "code": "carrier_trunk",
                "level": "error",
                "subject": "trunk",
                "sentence": "Off.",
                "mend": "put it on",
                "command": "apply",
            },
            {
                "code": "balance",
                "level": "ok",
                "subject": "balance",
                "sentence": "Enough.",
                "mend": "",
                "command": "",
            },
        ],
    }


def test_codes_are_told_as_words():
    assert told([skipped(Code.WORKER, "worker", "no call")]) == [("worker", "skipped")]
