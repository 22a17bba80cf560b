"""A plan as text: what a person reads before saying yes."""

import json
from dataclasses import replace

import pytest

from provision.changes import Create, Delete, Report, Update
from provision.plan import Plan
from provision.render import inventory, markdown, render, shown, summary
from provision.run import Applied
from provision.values import Application, Assignment, CarrierTrunk, DispatchRule, InboundTrunk

FORMS = ("+918071000001", "00918071000001", "08071000001", "8071000001")
TRUNK = InboundTrunk(name="dialroom-demo-desk", numbers=FORMS, allowed_addresses=("10.0.0.0/24",))
RULE = DispatchRule(
    name="dialroom-demo-desk", trunks=("dialroom-demo-desk",), room_prefix="call", agent_name="a", agent_metadata="{}"
)
CARRIER = CarrierTrunk(name="dialroom-demo-in", inbound_destination="old.lotus.in")


def moved(destination: str) -> Update:
    return Update(CARRIER, CarrierTrunk(name=CARRIER.name, inbound_destination=destination))


def test_every_change_is_shown_with_what_it_sets():
    """A trunk's forms are shown as the one number that they are."""
    changes = (Delete(Assignment(name="+918071000002", trunk="dialroom-demo-in")), Create(TRUNK), moved("new.lotus.in"))
    assert render(Plan(deployment="demo", changes=changes)) == (
        "Deployment demo: 1 to create, 1 to update, 1 to delete.\n"
        "\n"
        "  - number +918071000002\n"
        "\n"
        "  + LiveKit trunk dialroom-demo-desk\n"
        "      numbers            +918071000001\n"
        "      allowed_addresses  10.0.0.0/24\n"
        "      ringing_timeout_s  30\n"
        "\n"
        "  ~ carrier trunk dialroom-demo-in\n"
        "      inbound_destination  old.lotus.in → new.lotus.in\n"
    )


def test_an_update_of_numbers_shows_what_comes_and_what_goes():
    """Not the whole list: there may be thousands."""
    after = InboundTrunk(name=TRUNK.name, numbers=("+918071000002",), allowed_addresses=TRUNK.allowed_addresses)
    text = render(Plan(deployment="demo", changes=(Update(TRUNK, after),)))
    assert "numbers  + +918071000002  - +918071000001" in text
    assert "allowed_addresses" not in text


def test_long_lists_are_cut():
    """With the count of what is not shown."""
    addresses = tuple(f"10.0.{index}.0/24" for index in range(10))
    text = render(
        Plan(deployment="demo", changes=(Create(InboundTrunk(name="x", numbers=FORMS, allowed_addresses=addresses)),))
    )
    assert "10.0.5.0/24 and 4 more" in text


def test_an_empty_plan_says_that_nothing_is_to_be_done():
    """In one line."""
    assert render(Plan(deployment="demo")) == "Deployment demo: nothing to do, the servers are as planned.\n"
    assert summary(Plan(deployment="demo")) == "nothing to do"


def test_conflicts_and_warnings_are_told_and_notes_are_counted():
    """Thousands of foreign objects do not hide one conflict; `verbose` names them."""
    reports = (
        Report("conflict", "a", "somebody has it"),
        Report("warning", "b", "look at this"),
        Report("note", "c", "trunk c is left alone"),
        Report("note", "d", "trunk d is left alone"),
    )
    plan = Plan(deployment="demo", reports=reports)
    text = render(plan)
    assert text.startswith("Deployment demo: conflicts.\n")
    assert "  Conflict: somebody has it\n" in text
    assert "  Warning: look at this\n" in text
    assert "trunk c" not in text
    assert "did not make them for this deployment: 2." in text
    assert "  Note: trunk c is left alone\n" in render(plan, verbose=True)


@pytest.mark.parametrize("colour", [False, True])
def test_colour_is_an_argument(colour):
    """Without it there is no escape sequence."""
    text = render(Plan(deployment="demo", changes=(Create(RULE),)), colour=colour)
    assert ("\x1b[" in text) is colour


SECRET = "s3cret"
BOT = Application(name="dialroom-demo_app_bot", answer_url=f"https://me:{SECRET}@bot.in/a?t={SECRET}")


def test_no_secret_of_a_url_is_shown():
    """Not in text, a table or JSON; what is applied has it."""
    other = replace(BOT, answer_url=BOT.answer_url.replace(SECRET, "an0ther"), hangup_url=f"https://x.in/{SECRET}/b")
    plan = Plan(deployment="d", changes=(Create(BOT), Update(BOT, other)))
    masked = "https://me:***@bot.in/a?t=***"
    assert plan.to_dict()["changes"][0]["after"]["answer_url"] == BOT.answer_url
    written = replace(plan, written_urls=((f"https://x.in/{SECRET}", "https://x.in/${PART}"),))
    for text in (render(written), markdown(written), json.dumps(shown(written.to_dict(), written.written_urls))):
        assert SECRET not in text
        assert "an0ther" not in text
    assert f"answer_url  {masked}\n" in render(plan)
    assert f"answer_url  {masked} (a part that is not shown changes)\n" in render(plan)
    assert " → https://x.in/${PART}/b\n" in render(written)
    assert shown(plan.to_dict(), ())["changes"][0]["after"]["answer_url"] == masked
    assert SECRET not in inventory("d", (BOT,))
    assert SECRET not in json.dumps(Applied(plan=written).to_dict())


def test_names_of_strangers_do_nothing_to_the_terminal():
    """Line breaks, escapes and what turns the direction of text are shown by their codes."""
    odd = "x\n  + trunk evil\x1b[2J\u202e"
    report = Report("conflict", "a", f"hangs on {odd}")
    made = Plan(deployment="d", take_over=False, changes=(), reports=(report,))
    text = render(made)
    assert r"hangs on x\n  + trunk evil\x1b[2J\u202e" in text
    assert all(char.isprintable() or char == "\n" for char in text)
