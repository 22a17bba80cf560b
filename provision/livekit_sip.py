"""LiveKit's SIP service: trunks of both directions and dispatch rules. The only file that speaks LiveKit's API.

Protobuf never leaves it, and it is imported on entering: ``livekit.api`` takes longer to import than everything else
of provisioning. An update reads the object, sets what we declare and replaces it, so that what others set stays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar, cast

from pydantic import SecretStr

from provision.errors import AccessDeniedError, OutcomeUnknownError, RefusedError, UnreachableError, connection_reason
from provision.observed import Observed, Seen
from provision.secret import fingerprint, quoted
from provision.servers import Ids
from provision.stamp import livekit_stamp, livekit_stamp_json, with_livekit_stamp
from provision.values import DispatchRule, InboundTrunk, Key, Kind, OutboundTrunk, Value
from telephony.errors import WorldError

if TYPE_CHECKING:
    from livekit.api import (
        LiveKitAPI,
        SIPDispatchRuleInfo,
        SIPInboundTrunkInfo,
        SIPMediaEncryption,
        SIPOutboundTrunkInfo,
    )

SERVER: Final = "LiveKit"
_TIMEOUT_S: Final = 15.0
_ENCRYPTIONS: Final = {0: "disable", 1: "allow", 2: "require"}
"""livekit.SIPMediaEncryption."""
_CODEC_RATE: Final = 8000
"""Of PCMU and PCMA; SDP gives it for G.722 too (RFC 3551 section 4.5.2)."""
_TRANSPORTS: Final = {1: "udp", 2: "tcp", 3: "tls"}
"""livekit.SIPTransport; 0 is automatic, which begins with UDP."""
_T = TypeVar("_T")


class LiveKitSip:
    """LiveKit as a `provision.apply.Server`; an async context manager that owns its connections.

    Objects are stamped with `deployment`, and only its own trunks are called by name in rules. `passwords` has those
    of the outbound trunks that are to be written, by user name.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: SecretStr,
        *,
        deployment: str,
        passwords: Mapping[str, SecretStr] | None = None,
    ) -> None:
        self._url = url
        self._key = api_key
        self._secret = api_secret
        self._deployment = deployment
        self._passwords = passwords or {}
        self._open: LiveKitAPI | None = None

    async def __aenter__(self) -> Self:
        import aiohttp
        from livekit.api import LiveKitAPI

        # Fail-over would send a write again after a lost answer.
        self._open = LiveKitAPI(
            self._url,
            self._key,
            self._secret.get_secret_value(),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            failover=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            await self._open.aclose()
            self._open = None

    async def observe(self) -> Observed:
        """Return all inbound trunks, dispatch rules and outbound trunks.

        Raises:
            AccessDeniedError, UnreachableError, RefusedError.
        """
        trunks = [_seen_trunk(info) for info in await self._trunks()]
        names = {seen.server_id: seen.value.name for seen in trunks if seen.stamp == self._deployment}
        rules = [_seen_rule(info, names) for info in await self._rules()]
        outbound = [self._seen_outbound(info) for info in await self._outbound()]
        return Observed(objects=(*trunks, *rules, *outbound))

    async def reading(self, read: Callable[[LiveKitAPI], Awaitable[_T]], what: str) -> _T:
        """Ask LiveKit something else. Raises what `observe` does."""
        return await self._read(read(self._api), what)

    async def adopt(self, server_id: str, kind: Kind, name: str) -> None:
        """Give an object our stamp and a name of ours, and leave the rest. Raises what `create` does."""
        what = f"adopting {server_id}"
        match kind:
            case Kind.INBOUND_TRUNK:
                for trunk in await self._trunks(server_id):
                    trunk.name, trunk.metadata = name, with_livekit_stamp(trunk.metadata, self._deployment)
                    await self._write(self._api.sip.update_inbound_trunk(server_id, trunk), what)
            case Kind.DISPATCH_RULE:
                for rule in await self._rules(server_id):
                    rule.name, rule.metadata = name, with_livekit_stamp(rule.metadata, self._deployment)
                    await self._write(self._api.sip.update_dispatch_rule(server_id, rule), what)
            case Kind.OUTBOUND_TRUNK:
                for info in await self._outbound(server_id):
                    info.name, info.metadata = name, with_livekit_stamp(info.metadata, self._deployment)
                    await self._write(self._api.sip.update_outbound_trunk(server_id, info), what)
            case _:
                raise AssertionError(kind)

    async def create(self, value: Value, ids: Ids) -> str:
        """Create a trunk or a rule.

        Raises:
            OutcomeUnknownError: look before trying again. AccessDeniedError, UnreachableError, RefusedError.
        """
        from livekit import api

        what = f"creating {value.name}"
        match value:
            case InboundTrunk():
                trunk = api.SIPInboundTrunkInfo(metadata=livekit_stamp_json(self._deployment))
                _set_trunk(trunk, value)
                request = api.CreateSIPInboundTrunkRequest(trunk=trunk)
                return (await self._write(self._api.sip.create_inbound_trunk(request), what)).sip_trunk_id
            case DispatchRule():
                rule = api.SIPDispatchRuleInfo(metadata=livekit_stamp_json(self._deployment))
                _set_rule(rule, value, ids)
                created = self._api.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
                return (await self._write(created, what)).sip_dispatch_rule_id
            case OutboundTrunk():
                info = api.SIPOutboundTrunkInfo(metadata=livekit_stamp_json(self._deployment))
                self._set_outbound(info, value, ids)
                made = self._api.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=info))
                return (await self._write(made, what)).sip_trunk_id
            case _:
                raise AssertionError(value)

    async def update(self, server_id: str, old: Value, value: Value, ids: Ids) -> None:  # noqa: ARG002
        """Replace a trunk or a rule by itself with what `value` declares. Raises what `create` does."""
        what = f"updating {value.name}"
        match value:
            case InboundTrunk():
                for trunk in await self._trunks(server_id):
                    _set_trunk(trunk, value)
                    await self._write(self._api.sip.update_inbound_trunk(server_id, trunk), what)
            case DispatchRule():
                for rule in await self._rules(server_id):
                    _set_rule(rule, value, ids)
                    await self._write(self._api.sip.update_dispatch_rule(server_id, rule), what)
            case OutboundTrunk():
                for info in await self._outbound(server_id):
                    self._set_outbound(info, value, ids)
                    await self._write(self._api.sip.update_outbound_trunk(server_id, info), what)
            case _:
                raise AssertionError(value)

    async def delete(self, server_id: str, value: Value) -> None:
        """Delete a trunk or a rule. Raises what `create` does."""
        from livekit import api

        what = f"deleting {value.name}"
        try:
            if isinstance(value, DispatchRule):
                gone = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=server_id)
                await self._write(self._api.sip.delete_dispatch_rule(gone), what)
            else:
                await self._write(self._api.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=server_id)), what)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    async def read(self, server_id: str, kind: Kind, ids: Ids) -> Value | None:
        """Return a trunk or a rule as it is now, None when it is not there. Raises what `observe` does."""
        if kind is Kind.INBOUND_TRUNK:
            return next((_trunk_value(info) for info in await self._trunks(server_id)), None)
        if kind is Kind.OUTBOUND_TRUNK:
            return next((self._outbound_value(info) for info in await self._outbound(server_id)), None)
        rules = await self._rules(server_id)
        names = {known: ids.name(Kind.INBOUND_TRUNK, known) for rule in rules for known in rule.trunk_ids}
        return next((_rule_value(info, names) for info in rules), None)

    async def read_all(self, kind: Kind, ids: Ids) -> dict[str, Value]:
        """Return all objects of a kind as they are now, by id. Raises what `observe` does."""
        if kind is Kind.INBOUND_TRUNK:
            return {info.sip_trunk_id: _trunk_value(info) for info in await self._trunks()}
        if kind is Kind.OUTBOUND_TRUNK:
            return {info.sip_trunk_id: self._outbound_value(info) for info in await self._outbound()}
        rules = await self._rules()
        names = {known: ids.name(Kind.INBOUND_TRUNK, known) for rule in rules for known in rule.trunk_ids}
        return {info.sip_dispatch_rule_id: _rule_value(info, names) for info in rules}

    @property
    def _api(self) -> LiveKitAPI:
        assert self._open is not None, "not entered"
        return self._open

    async def _trunks(self, *ids: str) -> list[SIPInboundTrunkInfo]:
        from livekit.api import ListSIPInboundTrunkRequest

        request = ListSIPInboundTrunkRequest(trunk_ids=ids)
        return list((await self._read(self._api.sip.list_inbound_trunk(request), "the list of trunks")).items)

    async def _outbound(self, *ids: str) -> list[SIPOutboundTrunkInfo]:
        from livekit.api import ListSIPOutboundTrunkRequest

        request = ListSIPOutboundTrunkRequest(trunk_ids=ids)
        listed = await self._read(self._api.sip.list_outbound_trunk(request), "the list of outbound trunks")
        return list(listed.items)

    def _seen_outbound(self, info: SIPOutboundTrunkInfo) -> Seen:
        stamp = livekit_stamp(info.name, info.metadata)
        return Seen(value=self._outbound_value(info), server_id=info.sip_trunk_id, stamp=stamp)

    def _outbound_value(self, info: SIPOutboundTrunkInfo) -> OutboundTrunk:
        return OutboundTrunk(
            name=info.name,
            carrier=info.name,
            address=info.address,
            numbers=tuple(sorted(info.numbers)),
            username=info.auth_username,
            fingerprint=fingerprint(self._deployment, info.auth_password),
            transport=_TRANSPORTS.get(info.transport, "udp"),
        )

    def _set_outbound(self, info: SIPOutboundTrunkInfo, value: OutboundTrunk, ids: Ids) -> None:
        from livekit import api

        info.name = value.name
        info.address = value.address or ids.addresses[value.carrier]
        info.numbers[:] = value.numbers
        info.auth_username = value.username
        info.auth_password = self._passwords[value.username].get_secret_value()
        numbers = {
            "udp": api.SIPTransport.SIP_TRANSPORT_UDP,
            "tcp": api.SIPTransport.SIP_TRANSPORT_TCP,
            "tls": api.SIPTransport.SIP_TRANSPORT_TLS,
        }
        info.transport = numbers[value.transport]

    async def _rules(self, *ids: str) -> list[SIPDispatchRuleInfo]:
        from livekit.api import ListSIPDispatchRuleRequest

        request = ListSIPDispatchRuleRequest(dispatch_rule_ids=ids)
        return list((await self._read(self._api.sip.list_dispatch_rule(request), "the list of rules")).items)

    async def _read(self, call: Awaitable[_T], what: str) -> _T:
        return await self._translated(call, what, is_write=False)

    async def _write(self, call: Awaitable[_T], what: str) -> _T:
        return await self._translated(call, what, is_write=True)

    async def _translated(self, call: Awaitable[_T], what: str, *, is_write: bool) -> _T:
        """Await a call; its errors become ours."""
        import aiohttp
        from google.protobuf.message import DecodeError
        from livekit.api import ServerError

        try:
            return await call
        except ServerError as error:
            told = self._safe(error.code), self._safe(error.message)
            raise self._refusal(*told, error.status, what, is_write=is_write) from None
        except aiohttp.ClientConnectorError as error:
            raise self._unreachable(connection_reason(error.os_error)) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = self._safe(str(error)) or type(error).__name__
            raise (OutcomeUnknownError(SERVER, what, reason) if is_write else self._unreachable(reason)) from None
        except (DecodeError, AttributeError, ValueError, RecursionError):  # the client trusts what it is sent
            raise self._unreachable("something answers, but it is not LiveKit") from None

    def _refusal(self, code: str, detail: str, status: int, what: str, *, is_write: bool) -> WorldError:
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return AccessDeniedError(SERVER, names=("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"), detail=detail)
        if not detail and status == HTTPStatus.NOT_FOUND:
            return self._unreachable("something answers, but it is not LiveKit")
        if is_write and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return OutcomeUnknownError(SERVER, what, f"HTTP {status} {detail}".strip())
        return RefusedError(SERVER, what, status=status, code=code, detail=detail)

    def _safe(self, text: str) -> str:
        """Take our secrets out of a text that comes from outside."""
        return quoted(text, (self._secret, *self._passwords.values()))

    def _unreachable(self, reason: str) -> UnreachableError:
        return UnreachableError(SERVER, self._url, reason, hint="is it running, and is LIVEKIT_URL right?")


def _seen_trunk(info: SIPInboundTrunkInfo) -> Seen:
    stamp = livekit_stamp(info.name, info.metadata)
    return Seen(value=_trunk_value(info), server_id=info.sip_trunk_id, stamp=stamp)


def _seen_rule(info: SIPDispatchRuleInfo, names: Mapping[str, str]) -> Seen:
    stamp = livekit_stamp(info.name, info.metadata)
    return Seen(
        value=_rule_value(info, names),
        server_id=info.sip_dispatch_rule_id,
        stamp=stamp,
        refers=frozenset(info.trunk_ids),
    )


def _trunk_value(info: SIPInboundTrunkInfo) -> InboundTrunk:
    return InboundTrunk(
        name=info.name,
        numbers=tuple(sorted(info.numbers)),
        allowed_addresses=tuple(sorted(info.allowed_addresses)),
        ringing_timeout_s=info.ringing_timeout.seconds,
        krisp=info.krisp_enabled,
        max_call_s=info.max_call_duration.seconds,
        codecs=tuple(codec.name for codec in info.media.codecs),
        media_encryption=_encryption(info),
        headers_to_attributes=tuple(sorted(f"{key}={value}" for key, value in info.headers_to_attributes.items())),
    )


def _encryption(info: SIPInboundTrunkInfo) -> str:
    """Read the newer field, and the one that it replaces where it is not set."""
    number = info.media.encryption if info.media.HasField("encryption") else info.media_encryption
    return _ENCRYPTIONS.get(number, "disable")


def _set_trunk(info: SIPInboundTrunkInfo, value: InboundTrunk) -> None:
    info.name = value.name
    info.numbers[:] = value.numbers
    info.allowed_addresses[:] = value.allowed_addresses
    info.ringing_timeout.FromSeconds(value.ringing_timeout_s)
    info.krisp_enabled = value.krisp
    info.max_call_duration.FromSeconds(value.max_call_s)
    info.media.only_listed_codecs = bool(value.codecs)
    del info.media.codecs[:]
    for codec in value.codecs:
        info.media.codecs.add(name=codec, rate=_CODEC_RATE)
    number = next(number for number, name in _ENCRYPTIONS.items() if name == value.media_encryption)
    info.media.encryption = info.media_encryption = cast("SIPMediaEncryption", number)
    info.headers_to_attributes.clear()
    for pair in value.headers_to_attributes:
        header, _, attribute = pair.partition("=")
        info.headers_to_attributes[header] = attribute


def inbound_info(value: InboundTrunk, deployment: str) -> SIPInboundTrunkInfo:
    """Return a trunk as it is written, its name in place of the server id."""
    from livekit import api

    info = api.SIPInboundTrunkInfo(sip_trunk_id=value.name, metadata=livekit_stamp_json(deployment))
    _set_trunk(info, value)
    return info


def rule_info(value: DispatchRule, deployment: str) -> SIPDispatchRuleInfo:
    """Return a rule as it is written, names in place of server ids."""
    from livekit import api

    ids = Ids(Observed(), deployment)
    for key in value.needs:
        ids.add(key, key.name)
    info = api.SIPDispatchRuleInfo(sip_dispatch_rule_id=value.name, metadata=livekit_stamp_json(deployment))
    _set_rule(info, value, ids)
    return info


def _rule_value(info: SIPDispatchRuleInfo, names: Mapping[str, str]) -> DispatchRule:
    agents = info.room_config.agents
    return DispatchRule(
        name=info.name,
        trunks=tuple(sorted(names.get(known, known) for known in info.trunk_ids)),
        room_prefix=info.rule.dispatch_rule_individual.room_prefix,
        agent_name=", ".join(agent.agent_name for agent in agents),
        agent_metadata=agents[0].metadata if agents else "",
        restrictions=_restrictions(info),
    )


def _restrictions(info: SIPDispatchRuleInfo) -> tuple[str, ...]:
    """Name what makes a rule narrower than ours, or another kind of rule."""
    individual = info.rule.dispatch_rule_individual
    found = {
        "not one room per call": not info.rule.HasField("dispatch_rule_individual") or individual.no_randomness,
        "pin": bool(individual.pin),
        "caller numbers": bool(info.inbound_numbers),
        "called numbers": bool(info.numbers),
        "hidden numbers": info.hide_phone_number,
    }
    return tuple(name for name, holds in found.items() if holds)


def _set_rule(info: SIPDispatchRuleInfo, value: DispatchRule, ids: Ids) -> None:
    from livekit import api

    info.name = value.name
    info.trunk_ids[:] = [ids[Key(Kind.INBOUND_TRUNK, name)] for name in value.trunks]
    info.rule.dispatch_rule_individual.CopyFrom(api.SIPDispatchRuleIndividual(room_prefix=value.room_prefix))
    del info.inbound_numbers[:]
    del info.numbers[:]
    info.hide_phone_number = False
    del info.room_config.agents[:]
    info.room_config.agents.add(agent_name=value.agent_name, metadata=value.agent_metadata)
