"""The human's leg: dialled into a room, watched, and taken down again."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import aiohttp
from livekit import api, rtc

from agent.departures import Departures
from agent.transfer.outcome import DialFailure, Outcome, is_worth_another_try, outcome_of
from telephony.dispatch import CALL_ID_FULL, CALL_STATUS
from telephony.legs import LEG
from telephony.manifest.targets import Person

log = logging.getLogger("dialroom.transfer")

DIAL_TRIES: Final = 3
DIAL_AGAIN_S: Final = 0.5
REMOVE_EVERY_S: Final = 1.0
REMOVE_TRIES: Final = 60
_TRANSPORTS: Final = {"udp": "SIP_TRANSPORT_UDP", "tcp": "SIP_TRANSPORT_TCP", "tls": "SIP_TRANSPORT_TLS"}
"""Names of livekit.SIPTransport."""


class HumanLeg:
    """One attempt to reach one person, under an identity that no other attempt has.

    `on_track` is told when the human's track is there, `on_answered`, `on_failed` and `on_gone` once each; nothing is
    told after `on_failed` or `on_gone`. Keys come to `on_key`.
    """

    def __init__(
        self,
        room: rtc.Room,
        client: api.LiveKitAPI,
        *,
        on_track: Callable[[], None],
        on_answered: Callable[[], None],
        on_failed: Callable[[Outcome], None],
        on_gone: Callable[[], None],
        on_key: Callable[[str], None],
    ) -> None:
        self.identity = f"human-{secrets.token_hex(6)}"
        self._room, self._client = room, client
        self._on_track, self._on_answered, self._on_failed = on_track, on_answered, on_failed
        self._on_gone, self._on_key = on_gone, on_key
        self.sip_status: int | None = None
        self._is_answered = self._is_over = False
        self.times_seen = 0
        """How often a track of it came: again when it had to join anew."""
        self._work: set[asyncio.Task[None]] = set()
        self._handlers = {
            "participant_connected": self._on_participant,
            "track_published": self._on_published,
            "participant_attributes_changed": self._on_attributes,
            "sip_dtmf_received": self._on_dtmf,
        }
        self._watch(room)

    @property
    def is_away(self) -> bool:
        """Whether it has left the room, and comes again."""
        return self._departures.is_away(self.identity)

    @property
    def sip_call_id(self) -> str:
        """The SIP Call-ID; LiveKit tells it with the answer."""
        there = self._room.remote_participants.get(self.identity)
        return there.attributes.get(CALL_ID_FULL, "") if there else ""

    def dial(self, person: Person, *, trunk_id: str, caller_id: str, name: str, headers: Mapping[str, str]) -> None:
        """Send the INVITE. Returns at once."""
        request = _request(person, trunk_id=trunk_id, caller_id=caller_id)
        request.headers.update(headers)
        self._spawn(self._dial(request, person.ring_s, name))

    def remove(self) -> None:
        """End the leg, ringing or not, and try until it is gone. Returns at once."""
        self._spawn(self._remove())

    def close(self) -> None:
        """Watch no more."""
        self._is_over = True
        self._unwatch()

    def follow(self, room: rtc.Room) -> None:
        """Watch the leg in another room, which it is moved to; one that is over is watched no more."""
        if self._is_over:
            return
        self._unwatch()
        self._room = room
        self._watch(room)

    def is_gone(self) -> None:
        """Tell that the leg has left, which the room may have told while nobody listened."""
        if self._is_answered and not self._is_over:
            self._is_over = True
            self._on_gone()

    def _watch(self, room: rtc.Room) -> None:
        self._departures = Departures(room, self._on_left)
        for event, handler in self._handlers.items():
            room.on(event, handler)  # type: ignore[arg-type]

    def _unwatch(self) -> None:
        self._departures.close()
        for event, handler in self._handlers.items():
            self._room.off(event, handler)  # type: ignore[arg-type]

    async def _dial(self, request: api.CreateSIPParticipantRequest, ring_s: int, name: str) -> None:
        request.room_name, request.participant_identity, request.participant_name = self._room.name, self.identity, name
        request.participant_attributes[LEG] = "consulted"
        request.ringing_timeout.FromSeconds(ring_s)
        request.wait_until_answered = True
        for left in reversed(range(DIAL_TRIES)):
            try:
                await self._client.sip.create_sip_participant(request, timeout=ring_s + 10)
            except api.ServerError as error:
                status = error.sip_status_code if isinstance(error, api.SipCallError) else None
                self.sip_status = status
                failure = DialFailure(sip_status=status, code=error.code, words=error.message)
                log.info("a human was not reached", extra={"sip_status": status, "code": error.code})
                if left and is_worth_another_try(failure):
                    await asyncio.sleep(DIAL_AGAIN_S)
                    continue
                self._fail(outcome_of(failure))
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("LiveKit does not answer a dial", extra={"error": type(error).__name__})
                self.remove()
                self._fail("failed")
            else:
                self._answer()
            return

    async def _remove(self) -> None:
        for _ in range(REMOVE_TRIES):
            try:
                gone = api.RoomParticipantIdentity(room=self._room.name, identity=self.identity)
                await self._client.room.remove_participant(gone)
            except api.ServerError as error:
                if error.code == "not_found":
                    return
            except (aiohttp.ClientError, TimeoutError):
                log.warning("LiveKit does not answer")
            except RuntimeError:  # the job has ended, and its client is closed: the room is deleted
                return
            await asyncio.sleep(REMOVE_EVERY_S)

    def _answer(self) -> None:
        if not self._is_answered and not self._is_over:
            self._is_answered = True
            self._on_answered()

    def _fail(self, outcome: Outcome) -> None:
        if not self._is_over:
            self._is_over = True
            self._on_failed(outcome)

    def _on_participant(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self.identity and participant.track_publications:
            self._see_track()

    def _on_published(self, _publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self.identity:
            self._see_track()

    def _see_track(self) -> None:
        if not self._is_over:
            self.times_seen += 1
            self._on_track()

    def _on_attributes(self, _changed: object, participant: rtc.Participant) -> None:
        if participant.identity == self.identity and participant.attributes.get(CALL_STATUS) == "active":
            self._answer()

    def _on_left(self, identity: str) -> None:
        """A leg that leaves while it rings is told by its dial, which knows why; one that was removed is gone."""
        if identity == self.identity:
            self.is_gone()

    def _on_dtmf(self, event: rtc.SipDTMF) -> None:
        if event.participant is not None and event.participant.identity == self.identity and not self._is_over:
            self._on_key(event.digit)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def _request(person: Person, *, trunk_id: str, caller_id: str) -> api.CreateSIPParticipantRequest:
    uri = person.uri
    if uri is None:
        return api.CreateSIPParticipantRequest(sip_trunk_id=trunk_id, sip_call_to=person.call, sip_number=caller_id)
    host = f"{uri.host}:{uri.port}" if uri.port else uri.host
    transport = (uri.parameter("transport") or ("tls" if uri.scheme == "sips" else "udp")).lower()
    config = api.SIPOutboundConfig(hostname=host, transport=_TRANSPORTS[transport])
    return api.CreateSIPParticipantRequest(trunk=config, sip_call_to=uri.user or "", sip_number=caller_id)
