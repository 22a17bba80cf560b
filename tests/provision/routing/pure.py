"""A world in which a call is answered without any doubt, and ways to spoil it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from livekit import api

from provision.livekit_numbers import livekit_forms
from provision.routing.call import Call
from provision.routing.route import route
from provision.routing.verdict import Verdict
from provision.routing.world import Carrier, CarrierNumber, CarrierTrunk, SipService, World
from provision.stamp import carrier_trunk_name, livekit_name, livekit_stamp_json
from telephony.numbers import carrier_forms
from tests.provision.routing.worlds import CALLER, NUMBER, SOURCE, rule, trunk

DEPLOYMENT = "clinic"
HOST = "sip.lotus.in"
WORKER = "dialroom-clinic"
STAMP = livekit_stamp_json(DEPLOYMENT)
OURS = livekit_name(DEPLOYMENT, "anna")
CARRIER_TRUNK = CarrierTrunk(trunk_id="t1", name=carrier_trunk_name(DEPLOYMENT), inbound_destination=HOST)
CALL = Call(number=NUMBER, to_forms=carrier_forms(NUMBER), from_number=CALLER, from_host="carrier.in", source_ip=SOURCE)


def our_trunk(**fields: Any) -> api.SIPInboundTrunkInfo:
    """Return our trunk as provisioning writes it, but for `fields`."""
    given = {"numbers": livekit_forms(NUMBER), "allowed_addresses": [f"{SOURCE}/32"], "metadata": STAMP} | fields
    return trunk(OURS, *given.pop("numbers"), sip_trunk_id="ST_ours", **given)


def our_rule(*trunks: str, **fields: Any) -> api.SIPDispatchRuleInfo:
    """Return our rule as provisioning writes it, but for `fields`; `trunks` stand in for the id of our trunk."""
    given = {"agent": WORKER, "metadata": STAMP, "sip_dispatch_rule_id": "SDR_ours"} | fields
    return rule(OURS, *(trunks or ("ST_ours",)), **given)


def their_trunk(name: str, *numbers: str, **fields: Any) -> api.SIPInboundTrunkInfo:
    """Return a trunk that somebody else made."""
    return trunk(name, *numbers, sip_trunk_id=f"ST_{name}", **fields)


def their_rule(name: str, *trunks: str, **fields: Any) -> api.SIPDispatchRuleInfo:
    """Return a rule that somebody else made."""
    return rule(name, *trunks, sip_dispatch_rule_id=f"SDR_{name}", **fields)


def carrier(number: dict[str, Any] | None = None, **of_trunk: Any) -> Carrier:
    """Return a carrier that sends the number's calls to us, but for what is given."""
    row = replace(CarrierNumber(number=NUMBER, trunk_id="t1"), **(number or {}))
    stored = replace(CARRIER_TRUNK, **of_trunk)
    return Carrier(numbers={row.number: row}, trunks={stored.trunk_id: stored})


GOOD = World(
    trunks=(our_trunk(),),
    rules=(our_rule(),),
    carrier=carrier(),
    sip_hosts=(HOST,),
    agent_names=(WORKER,),
    deployment=DEPLOYMENT,
    numbers=frozenset({NUMBER}),
    sip=SipService.READY,
)


def verdict(call: Call = CALL, **spoilt: Any) -> Verdict:
    """Judge a call to the good world, some parts of it replaced; `trunks` and `rules` are lists."""
    parts = {name: tuple(value) if name in ("trunks", "rules") else value for name, value in spoilt.items()}
    return route(replace(GOOD, **parts), call)


def told(found: Verdict) -> list[tuple[str, str, str]]:
    """Return code, object and field of each cause."""
    return [(cause.code.value, cause.object, cause.field) for cause in found.causes]
