"""A verdict as text and as JSON."""

import json
from dataclasses import replace

from provision.routing.call import Call
from provision.routing.render import render
from tests.provision.routing.pure import CALL, carrier, our_rule, our_trunk, verdict
from tests.provision.routing.worlds import NUMBER


def test_a_call_that_is_answered():
    """Every hop, no more."""
    assert render(verdict(CALL)) == (
        """\
A call to +918071000001 is answered by dialroom-clinic.  [To +918071000001, from 203.0.113.5]

  ok  carrier number  +918071000001 is assigned to a trunk
  ok  carrier trunk   dialroom-clinic-in (t1) sends to sip.lotus.in
  ok  SIP service     a SIP node answers
  ok  LiveKit trunk   dialroom-clinic-anna (ST_ours) takes +918071000001
  ok  LiveKit rule    dialroom-clinic-anna (SDR_ours) takes it
  ok  room            call_+919812345678_…
  ?   agent           dialroom-clinic: whether a worker is there shows only in a call
"""
    )


def test_faults_come_with_their_command():
    """Which field of which object, one sentence, and what to type; errors before warnings."""
    text = render(
        verdict(
            CALL,
            trunks=[our_trunk(allowed_addresses=[])],
            rules=[our_rule(agent=None)],
            carrier=carrier(enabled=False),
        )
    )
    assert "does not reach LiveKit." in text
    assert (
        """
  NO  carrier trunk   The trunk is disabled.
"""
        in text
    )
    assert (
        """
  Wrong: LiveKit rule dialroom-clinic-anna (SDR_ours), room_config.agents  [no_agent]
      The rule names no agent: nobody is sent into the room, and the call rings until it times out.
      To mend it: let the rule ask for the agent dialroom-clinic
        dialroom provision apply
"""
        in text
    )
    assert text.index("no_agent") < text.index("Warning:") < text.index("addresses_open")


def test_other_ways_are_listed_when_they_end_otherwise():
    text = render(verdict(CALL, trunks=[our_trunk(numbers=[NUMBER])]))
    assert "  The same call, To 08071000001, from 203.0.113.5: rings once and then hears nothing.\n" in text
    assert "To 918071000001, from" not in text


def test_colour_is_an_argument():
    assert "\x1b[" not in render(verdict(CALL))
    assert "\x1b[31mNO" in render(verdict(CALL, trunks=[]), colour=True)


def test_json_has_everything_in_plain_values():
    """Codes and outcomes are texts."""
    told = json.loads(json.dumps(verdict(replace(CALL, to_forms=(NUMBER,)), rules=[]).to_dict()))
    assert (told["ok"], told["outcome"], told["trunk"]["id"], told["rule"]) == (False, "dropped", "ST_ours", None)
    (cause,) = told["causes"]
    assert (cause["code"], cause["level"]) == ("trunk_without_rule", "error")
    assert cause["command"] == "dialroom provision apply"


def test_the_host_of_from_follows_a_source_that_it_repeats():
    """A carrier that writes its address into From writes the one that it sends from."""
    call = Call(
        number=NUMBER,
        to_forms=(NUMBER,),
        from_number="1",
        from_host="10.0.0.1",
        source_ip="10.0.0.1",
        other_sources=("10.0.0.2",),
    )
    assert [(way.from_host, way.source_ip) for way in (call.invite, *call.variants)] == [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.2", "10.0.0.2"),
    ]
    (other,) = replace(call, from_host="carrier.in").variants
    assert other.from_host == "carrier.in"
