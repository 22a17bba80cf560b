"""Which calls a plan would disturb: those over what it takes away or turns round, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from livekit import api, rtc

from provision.changes import Change, Create, Delete, Update
from provision.live_calls import at_risk, live_calls
from provision.run import plan_destroy, plan_manifest
from provision.values import Assignment, CarrierTrunk, InboundTrunk
from tests.provision.world import World

ONE, TWO = "+918071000001", "+918071000002"
TRUNK = InboundTrunk(name="t", numbers=(ONE, TWO), allowed_addresses=("10.0.0.0/24",))
LEADS = CarrierTrunk(name="c", inbound_destination="sip.lotus.in")
MOVED = CarrierTrunk(name="c", inbound_destination="sip.rose.in")


@pytest.mark.parametrize(
    ("change", "disturbed"),
    [
        (Create(Assignment(name=ONE, trunk="c")), []),
        (Create(TRUNK), []),
        (Update(InboundTrunk(name="t", numbers=(ONE,), allowed_addresses=("10.0.0.0/24",)), TRUNK), []),
        (Update(TRUNK, InboundTrunk(name="t", numbers=(TWO,), allowed_addresses=("10.0.0.0/24",))), [ONE]),
        (Update(Assignment(name=ONE, trunk="c"), Assignment(name=ONE, trunk="d")), [ONE]),
        (Delete(Assignment(name=ONE, trunk="c")), [ONE]),
        (Delete(TRUNK), [ONE, TWO]),
        (Update(LEADS, MOVED), [ONE, TWO]),
        (Delete(LEADS), []),
    ],
)
def test_what_a_change_disturbs(change: Change, disturbed: list[str]) -> None:
    """Numbers that are only added disturb nobody; a trunk that leads elsewhere disturbs everybody."""
    risk = at_risk([change])
    assert [number for number in (ONE, TWO) if risk.has(number)] == disturbed
    assert bool(risk) == bool(disturbed)
    assert risk.has("918071000001") == (ONE in disturbed)


async def test_a_call_that_is_live_is_found(world: World) -> None:
    """By the number that was called, while the telephone is in its room."""
    number, other = world.number(), world.number()
    settings = world.settings()
    await world.provision({number: "anna", other: "anna"})
    destroy = await plan_destroy(world.deployment, settings)
    assert await live_calls(destroy, settings) == ()
    token = (
        api.AccessToken(world.livekit.api_key, world.livekit.api_secret)
        .with_identity("sip_caller")
        .with_kind("sip")
        .with_attributes({"sip.trunkPhoneNumber": number})
        .with_grants(api.VideoGrants(room_join=True, room=f"call_{world.deployment}"))
        .with_ttl(timedelta(minutes=1))
    )
    room = rtc.Room()
    await room.connect(world.livekit.url, token.to_jwt())
    try:
        (call,) = await live_calls(destroy, settings)
        assert (call.number, call.room) == (number, f"call_{world.deployment}")
        moves_other = await plan_manifest(world.manifest({number: "anna", other: "bela"}), settings)
        assert await live_calls(moves_other, settings) == ()
    finally:
        await room.disconnect()
