"""Against the real livekit-server: the questions that a SIP node asks, and the requests that it serves."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from livekit import api, rtc
from livekit.protocol import sip

from lab.psrpc.bus import Bus
from lab.psrpc.client import PsrpcClient
from lab.psrpc.errors import PsrpcError, sip_error
from lab.psrpc.messages import ACCEPT, DROP, REQUEST_PIN, SIP
from lab.psrpc.server import Handler, PsrpcServer
from lab.servers.livekit import LiveKit

pytestmark = pytest.mark.timeout(40)
CALLER = "+919812345678"
REQUEST = SIP["InternalCreateSIPParticipantRequest"]
RESPONSE = SIP["InternalCreateSIPParticipantResponse"]
_count = itertools.count(1)


class Line:
    """An inbound trunk, a rule for it, and the questions about calls to it."""

    def __init__(self, client: PsrpcClient, number: str, trunk_id: str) -> None:
        self.client, self.number, self.trunk_id = client, number, trunk_id

    async def trunk(self, *, number: str | None = None, source: str = "127.0.0.1") -> Any:
        request = SIP["GetSIPTrunkAuthenticationRequest"](call=self._call(number, source))
        return await self.client.call(
            "GetSIPTrunkAuthentication", request, SIP["GetSIPTrunkAuthenticationResponse"], timeout_s=20
        )

    async def dispatch(self, *, number: str | None = None, source: str = "127.0.0.1", pin: str = "") -> Any:
        request = SIP["EvaluateSIPDispatchRulesRequest"](
            call=self._call(number, source),
            sip_trunk_id=self.trunk_id if number is None else "",
            calling_number=CALLER,
            called_number=number or self.number,
            src_address=source,
            pin=pin,
        )
        return await self.client.call(
            "EvaluateSIPDispatchRules", request, SIP["EvaluateSIPDispatchRulesResponse"], timeout_s=20
        )

    def _call(self, number: str | None, source: str) -> Any:
        called = sip.SIPUri(user=number or self.number, host="127.0.0.1")
        call = SIP["SIPCall"](lk_call_id="SCL_x", source_ip=source, address=called, to=called, sip_call_id="one")
        getattr(call, "from").CopyFrom(sip.SIPUri(user=CALLER, host="127.0.0.1"))
        return call


@asynccontextmanager
async def line(bus: Bus, client: api.LiveKitAPI, *, pin: str = "", **trunk: Any) -> AsyncIterator[Line]:
    """Yield a number that a rule leads into the room `desk`."""
    number = f"+91806{next(_count):07}"
    info = api.SIPInboundTrunkInfo(name="t", numbers=[number], **({"allowed_addresses": ["127.0.0.0/8"]} | trunk))
    async with AsyncExitStack() as exits:
        made = await client.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))
        exits.push_async_callback(client.sip.delete_trunk, api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))
        direct = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="desk", pin=pin))
        rule = api.SIPDispatchRuleInfo(
            rule=direct,
            trunk_ids=[made.sip_trunk_id],
            numbers=[number],
            metadata="notes",
            room_config=api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="dialroom-x", metadata="{}")]),
        )
        ruled = await client.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
        exits.push_async_callback(
            client.sip.delete_dispatch_rule,
            api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=ruled.sip_dispatch_rule_id),
        )
        yield Line(await PsrpcClient(bus, "IOInfo").start(), number, made.sip_trunk_id)


async def test_a_known_number(bus: Bus, livekit_api: api.LiveKitAPI) -> None:
    """The trunk's id, its password, and where the call goes with all that a participant needs."""
    async with line(bus, livekit_api, auth_username="u", auth_password="p", headers={"X-A": "b"}) as asked:
        trunk = await asked.trunk()
        assert (trunk.sip_trunk_id, trunk.username, trunk.password) == (asked.trunk_id, "u", "p")
        answer = await asked.dispatch()
        assert answer.result == ACCEPT
        assert answer.room_name == "desk"
        assert answer.participant_identity == f"sip_{CALLER}"
        assert answer.participant_metadata == "notes"
        assert dict(answer.headers) == {"X-A": "b"}
        assert answer.participant_attributes["sip.callID"] == "SCL_x"
        assert answer.participant_attributes["sip.phoneNumber"] == CALLER
        assert answer.participant_attributes["sip.trunkPhoneNumber"] == asked.number
        assert [agent.agent_name for agent in answer.room_config.agents] == ["dialroom-x"]
        assert not answer.token


async def test_an_unknown_number(bus: Bus, livekit_api: api.LiveKitAPI) -> None:
    """Not an error: no trunk, and the call is to be dropped."""
    async with line(bus, livekit_api) as asked:
        trunk = await asked.trunk(number="+918060999999")
        assert (trunk.sip_trunk_id, trunk.username, trunk.drop) == ("", "", False)
        assert (await asked.dispatch(number="+918060999999")).result == DROP


async def test_a_source_that_is_not_allowed(bus: Bus, livekit_api: api.LiveKitAPI) -> None:
    """The same as an unknown number."""
    async with line(bus, livekit_api) as asked:
        assert (await asked.trunk(source="192.0.2.1")).sip_trunk_id == ""
        asked.trunk_id = ""
        assert (await asked.dispatch(source="192.0.2.1")).result == DROP


async def test_a_source_that_is_no_address(bus: Bus, livekit_api: api.LiveKitAPI) -> None:
    """The server's own error reaches the caller with its code."""
    async with line(bus, livekit_api) as asked:
        with pytest.raises(PsrpcError) as error:
            await asked.trunk(source="nowhere")
        assert error.value.code == "unknown"
        assert "invalid_argument" in error.value.message


async def test_a_rule_with_a_pin(bus: Bus, livekit_api: api.LiveKitAPI) -> None:
    """Asked for, taken when right, dropped when wrong."""
    async with line(bus, livekit_api, pin="1234") as asked:
        assert (await asked.dispatch()).result == REQUEST_PIN
        assert (await asked.dispatch(pin="1234")).result == ACCEPT
        assert (await asked.dispatch(pin="9999")).result == DROP


async def test_a_method_that_the_server_does_not_know(bus: Bus) -> None:
    """`unavailable`: nobody listens there."""
    client = await PsrpcClient(bus, "IOInfo").start()
    with pytest.raises(PsrpcError) as error:
        await client.call("MakeCoffee", SIP["SIPCall"](), RESPONSE)
    assert error.value.code == "unavailable"


@asynccontextmanager
async def node(bus: Bus, handler: Handler, **settings: Any) -> AsyncIterator[PsrpcServer]:
    """Yield a SIP node of ours as far as psrpc goes."""
    server = PsrpcServer(bus, "SIPInternal", **settings)
    await server.register("CreateSIPParticipant", REQUEST, handler)
    try:
        yield server
    finally:
        await server.deregister("CreateSIPParticipant")
        await server.aclose()


async def dial(client: api.LiveKitAPI, **more: Any) -> api.SIPParticipantInfo:
    trunk = api.SIPOutboundConfig(hostname="127.0.0.1:9", auth_username="u", auth_password="p")
    request = api.CreateSIPParticipantRequest(
        trunk=trunk, sip_call_to="+919898989898", sip_number="+918071000009", room_name="desk", **more
    )
    return await client.sip.create_sip_participant(request)


async def test_a_dial_reaches_the_node(bus: Bus, livekit_api: api.LiveKitAPI) -> None:
    """Every field arrives, none unknown to us; our answer is the API's."""
    asked: list[Any] = []

    async def take(request: Any) -> Any:
        asked.append(request)
        return RESPONSE(participant_id="PA_1", participant_identity="human", sip_call_id="ignored")

    async with node(bus, take):
        answer = await dial(
            livekit_api,
            participant_identity="human",
            participant_name="Human",
            participant_attributes={"role": "human"},
            headers={"X-A": "b"},
            dtmf="1#",
            display_name="Lotus",
            wait_until_answered=True,
            ringing_timeout=Duration(seconds=7),
            max_call_duration=Duration(seconds=70),
        )
    [request] = asked
    assert (answer.participant_id, answer.participant_identity) == ("PA_1", "human")
    assert answer.sip_call_id == request.sip_call_id
    assert request.sip_call_id.startswith("SCL_")
    assert (request.address, request.number, request.call_to) == ("127.0.0.1:9", "+918071000009", "+919898989898")
    assert (request.username, request.password, request.room_name) == ("u", "p", "desk")
    assert (request.participant_name, request.dtmf, request.display_name) == ("Human", "1#", "Lotus")
    assert request.wait_until_answered
    assert (request.ringing_timeout.seconds, request.max_call_duration.seconds) == (7, 70)
    assert dict(request.headers) == {"X-A": "b"}
    assert request.participant_attributes["role"] == "human"
    assert request.participant_attributes["sip.callID"] == request.sip_call_id
    assert request.participant_attributes["sip.phoneNumber"] == "+919898989898"


async def test_no_node_is_there(livekit_api: api.LiveKitAPI) -> None:
    """Nobody subscribed: `unavailable` at the API."""
    with pytest.raises(api.ServerError) as error:
        await dial(livekit_api)
    assert (error.value.code, error.value.status) == ("unavailable", 503)


async def test_a_draining_node_stays_silent(bus: Bus, livekit_api: api.LiveKitAPI) -> None:
    """It does not bid, so that another node could take the call; alone it is as if nobody were there."""

    async def never(_request: Any) -> Any:
        raise AssertionError

    async with node(bus, never, willing=lambda: False):
        with pytest.raises(api.ServerError) as error:
            await dial(livekit_api)
    assert error.value.code == "unavailable"


@pytest.mark.parametrize(
    ("status", "reason", "code"), [(486, "Busy Here", "resource_exhausted"), (603, "Decline", "permission_denied")]
)
async def test_a_sip_status_becomes_a_call_error(
    bus: Bus, livekit_api: api.LiveKitAPI, status: int, reason: str, code: str
) -> None:
    """The API raises SipCallError with status and reason."""

    async def refuse(_request: Any) -> Any:
        raise sip_error(status, reason)

    async with node(bus, refuse):
        with pytest.raises(api.SipCallError) as error:
            await dial(livekit_api)
    assert (error.value.sip_status_code, error.value.sip_status, error.value.code) == (status, reason, code)


async def test_an_error_without_a_sip_status(bus: Bus, livekit_api: api.LiveKitAPI) -> None:
    """A ServerError that is no SipCallError, with our text."""

    async def refuse(_request: Any) -> Any:
        raise PsrpcError("canceled", "sip request timed out")

    async with node(bus, refuse):
        with pytest.raises(api.ServerError) as error:
            await dial(livekit_api)
    assert not isinstance(error.value, api.SipCallError)
    assert error.value.code == "canceled"
    assert "sip request timed out" in error.value.message


async def test_a_transfer_finds_its_leg(bus: Bus, livekit_api: api.LiveKitAPI, livekit: LiveKit) -> None:
    """The participant's sip.callID is the topic; without a listener there: `unavailable`."""
    token = (
        api.AccessToken(livekit.api_key, livekit.api_secret)
        .with_identity("caller")
        .with_kind("sip")
        .with_attributes({"sip.callID": "SCL_topic"})
        .with_grants(api.VideoGrants(room_join=True, room="transfers"))
        .to_jwt()
    )
    asked: list[Any] = []

    async def take(request: Any) -> Empty:
        asked.append(request)
        return Empty()

    request = api.TransferSIPParticipantRequest(
        participant_identity="caller",
        room_name="transfers",
        transfer_to="tel:+911",
        ringing_timeout=Duration(seconds=5),
    )
    room = rtc.Room()
    await room.connect(livekit.url, token)
    server = PsrpcServer(bus, "SIPInternal")
    try:
        with pytest.raises(api.ServerError) as error:
            await livekit_api.sip.transfer_sip_participant(request)
        assert error.value.code == "unavailable"
        message = SIP["InternalTransferSIPParticipantRequest"]
        await server.register("TransferSIPParticipant", message, take, topic="SCL_topic")
        await asyncio.wait_for(livekit_api.sip.transfer_sip_participant(request), 20)
    finally:
        await server.deregister("TransferSIPParticipant", topic="SCL_topic")
        await server.aclose()
        await room.disconnect()
    assert [(one.sip_call_id, one.transfer_to, one.ringing_timeout.seconds) for one in asked] == [
        ("SCL_topic", "tel:+911", 5)
    ]
