"""LiveKit, read as it is: trunks and rules in its own words, whether a SIP node answers, which workers show.

`livekit.api` is imported on entering, since it takes long.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from pydantic import SecretStr

from provision.errors import AccessDeniedError, RefusedError, UnreachableError, connection_reason
from provision.routing.world import SipService
from provision.secret import quoted
from telephony.errors import WorldError

if TYPE_CHECKING:
    from livekit.api import LiveKitAPI, SIPDispatchRuleInfo, SIPInboundTrunkInfo
    from livekit.protocol.agent_dispatch import AgentDispatch

SERVER: Final = "LiveKit"
_TIMEOUT_S: Final = 15.0
_NO_REDIS: Final = "sip not connected"
_NO_NODE: Final = "no response from servers"
_NO_HOST: Final = "=.invalid"
"""A host that livekit-server lets through and every SIP node refuses before it joins a room or sends a packet."""
_ROOMS: Final = 50
_SCAN_S: Final = 8.0
"""livekit-server looks for a worker once, for 5 s."""
_T = TypeVar("_T")


class LiveKitReads:
    """A read-only client; an async context manager. Every method raises AccessDeniedError or UnreachableError."""

    def __init__(self, url: str, api_key: str, api_secret: SecretStr) -> None:
        self._url = url
        self._key = api_key
        self._secret = api_secret
        self._open: LiveKitAPI | None = None

    async def __aenter__(self) -> Self:
        import aiohttp
        from livekit.api import LiveKitAPI

        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        secret = self._secret.get_secret_value()
        self._open = LiveKitAPI(self._url, self._key, secret, timeout=timeout, failover=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            await self._open.aclose()
            self._open = None

    async def trunks(self) -> tuple[SIPInboundTrunkInfo, ...] | None:
        """Return all inbound trunks, None when the server has no SIP service. Raises RefusedError too."""
        from livekit.api import ListSIPInboundTrunkRequest

        try:
            listed = await self._read(self._api.sip.list_inbound_trunk(ListSIPInboundTrunkRequest()), "the trunks")
        except RefusedError as error:
            if _NO_REDIS not in error.detail:
                raise
            return None
        return tuple(listed.items)

    async def rules(self) -> tuple[SIPDispatchRuleInfo, ...]:
        """Return all dispatch rules. Raises RefusedError too."""
        from livekit.api import ListSIPDispatchRuleRequest

        listed = await self._read(self._api.sip.list_dispatch_rule(ListSIPDispatchRuleRequest()), "the rules")
        return tuple(listed.items)

    async def sip_service(self) -> SipService:
        """Ask whether a SIP node answers, with a call that none can make. It takes a second when there is none."""
        from google.protobuf.duration_pb2 import Duration
        from livekit.api import CreateSIPParticipantRequest, SIPOutboundConfig

        room = f"dialroom-probe-{secrets.token_hex(6)}"
        request = CreateSIPParticipantRequest(
            trunk=SIPOutboundConfig(hostname=_NO_HOST),
            sip_call_to="probe",
            sip_number="probe",
            room_name=room,
            ringing_timeout=Duration(seconds=1),
        )
        try:
            await self._read(self._api.sip.create_sip_participant(request), "the question for a SIP node")
        except AccessDeniedError:
            return SipService.UNKNOWN  # the key may read trunks and not make calls
        except RefusedError as error:
            if _NO_REDIS in error.detail:
                return SipService.NO_REDIS
            if _NO_NODE in error.detail:
                return SipService.NO_NODE
        await self._forget(room)
        return SipService.READY

    async def workers(self, names: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the agent names, of those given, that a worker answers a call under, and those that one waits for.

        LiveKit tells of workers only what the rooms of this moment show.
        """
        from livekit.api import ListRoomsRequest

        rooms = (await self._read(self._api.room.list_rooms(ListRoomsRequest()), "the rooms")).rooms
        newest = sorted(rooms, key=lambda room: room.creation_time, reverse=True)[:_ROOMS]
        seen: set[str] = set()
        waiting: set[str] = set()
        for room in newest:
            for dispatch in await self._dispatches(room.name):
                if dispatch.agent_name in names:
                    age_s = time.time() - dispatch.state.created_at / 1e9
                    if any(job.state.worker_id for job in dispatch.state.jobs):
                        seen.add(dispatch.agent_name)
                    elif age_s > _SCAN_S:
                        waiting.add(dispatch.agent_name)
        return frozenset(seen), frozenset(waiting)

    @property
    def _api(self) -> LiveKitAPI:
        assert self._open is not None, "not entered"
        return self._open

    async def _dispatches(self, room: str) -> list[AgentDispatch]:
        try:
            return list(await self._read(self._api.agent_dispatch.list_dispatch(room), "a room's agents"))
        except RefusedError:
            return []  # the room has ended meanwhile

    async def _forget(self, room: str) -> None:
        """A SIP node that refuses late has made the room already."""
        from livekit.api import DeleteRoomRequest

        try:
            await self._read(self._api.room.delete_room(DeleteRoomRequest(room=room)), "ending the probe")
        except RefusedError:
            return

    async def _read(self, call: Awaitable[_T], what: str) -> _T:
        """Await a call; its errors become ours."""
        import aiohttp
        from google.protobuf.message import DecodeError
        from livekit.api import ServerError

        try:
            return await call
        except ServerError as error:
            raise self._refusal(self._safe(error.code), self._safe(error.message), error.status, what) from None
        except aiohttp.ClientConnectorError as error:
            raise self._unreachable(connection_reason(error.os_error)) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(self._safe(str(error)) or type(error).__name__) from None
        except (DecodeError, AttributeError, ValueError, RecursionError):  # the client trusts what it is sent
            raise self._unreachable("something answers, but it is not LiveKit") from None

    def _refusal(self, code: str, detail: str, status: int, what: str) -> WorldError:
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return AccessDeniedError(SERVER, names=("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"), detail=detail)
        if not detail and status == HTTPStatus.NOT_FOUND:
            return self._unreachable("something answers, but it is not LiveKit")
        return RefusedError(SERVER, what, status=status, code=code, detail=detail)

    def _safe(self, text: str) -> str:
        """Take our secret out of a text that comes from outside."""
        return quoted(text, (self._secret,))

    def _unreachable(self, reason: str) -> UnreachableError:
        return UnreachableError(SERVER, self._url, reason, hint="is it running, and is LIVEKIT_URL right?")
