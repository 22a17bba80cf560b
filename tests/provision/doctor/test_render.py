"""A diagnosis as a person reads it."""

from provision.doctor.finding import Code, Diagnosis, Finding, skipped, well
from provision.doctor.render import render

DIAGNOSIS = Diagnosis(
    deployment="clinic",
    findings=(
        well(Code.CARRIER_KEY, "Vobiz", "Takes the key."),
        Finding(code=Code.BALANCE, level="warning", subject="balance", sentence="Little is left.", mend="recharge it"),
        Finding(
            code=Code.TRUNK_NUMBERS,
            level="error",
            subject="LiveKit trunk dialroom-clinic-anna (ST_ours)",
            sentence="It lists no number.",
            mend="list the numbers",
            command="dialroom provision apply",
        ),
        skipped(Code.WORKER, "worker dialroom-clinic", "there is no call"),
    ),
)


def test_a_line_each_and_what_mends_it():
    """The sum stands last, where a terminal leaves it."""
    assert render(DIAGNOSIS) == (
        "  ok  Vobiz                         Takes the key.\n"
        "  !   balance                       Little is left.\n"
        "        To mend it: recharge it\n"
        "  NO  LiveKit trunk dialroom-clinic-anna (ST_ours)  It lists no number.\n"
        "        To mend it: list the numbers\n"
        "          dialroom provision apply\n"
        "  ?   worker dialroom-clinic        Not looked at: there is no call.\n"
        "\n"
        "Deployment clinic: 1 error, 1 warning, 1 well, 1 not looked at.\n"
    )


def test_colour_marks_the_level_only():
    lines = render(DIAGNOSIS, colour=True).splitlines()
    assert lines[0].startswith("  \x1b[32mok\x1b[0m  Vobiz")
    assert lines[1].startswith("  \x1b[33m! \x1b[0m  balance")
    assert lines[3].startswith("  \x1b[31mNO\x1b[0m  LiveKit trunk")
    plain = "\n".join(lines)
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"):
        plain = plain.replace(code, "")
    assert f"{plain}\n" == render(DIAGNOSIS)


def test_nothing_was_found():
    assert render(Diagnosis(deployment="clinic", findings=())) == (
        "\nDeployment clinic: 0 errors, 0 warnings, 0 well, 0 not looked at.\n"
    )


def test_what_is_said_twice_is_told_once():
    """Many checks depend on one server."""
    reason = "Vobiz cannot be reached"
    twice = (skipped(Code.NUMBER_OWNED, "numbers", reason), skipped(Code.NUMBER_ROUTE, "numbers", reason))
    assert render(Diagnosis(deployment="clinic", findings=twice)) == (
        "  ?   numbers  Not looked at: Vobiz cannot be reached.\n"
        "\n"
        "Deployment clinic: 0 errors, 0 warnings, 0 well, 2 not looked at.\n"
    )
