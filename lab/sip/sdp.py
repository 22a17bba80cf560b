"""SDP for one audio stream: offer and answer (RFC 8866, RFC 3264), as far as telephony needs it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from lab.sip.errors import SipError
from lab.sip.sdp_text import Section, read_sections

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
TELEPHONE_EVENT = "telephone-event"
DEFAULT_CODECS = ("G722", "PCMU", "PCMA")
PROFILE = "RTP/AVP"

_STATIC = {0: "PCMU", 8: "PCMA", 9: "G722"}
"""RFC 3551 table 4: payload types that need no rtpmap."""
_ANSWERED_DIRECTIONS: dict[str, Direction] = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class SdpError(SipError):
    """A session description that cannot be read, or that has nothing in common with what we offer."""


@dataclass(frozen=True, slots=True)
class Payload:
    """One rtpmap: `rate` is the RTP clock (8000 for G722, RFC 3551 section 4.5.2)."""

    payload_type: int
    name: str
    rate: int = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdp:
    """An audio session. `address` and `port` are where its owner wants RTP; port 0 means refused.

    Of an offer's other m= lines only the texts are kept, because an answer must refuse each in its place:
    `other_media`, with the audio at `audio_index` among all of them.
    """

    address: str
    port: int
    payloads: tuple[Payload, ...]
    ptime_ms: int = 20
    direction: Direction = "sendrecv"
    profile: str = PROFILE
    session_id: int = 1
    version: int = 1
    other_media: tuple[str, ...] = ()
    audio_index: int = 0

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a description. Raises SdpError: not SDP, no audio, no IPv4 address."""
        try:
            session, media = read_sections(data)
            index = next(index for index, section in enumerate(media) if section.media_type == "audio")
            audio = media[index]
            return cls(
                address=_ipv4(audio.connection or session.connection),
                port=audio.port,
                payloads=tuple(_payload(audio, number) for number in audio.formats),
                ptime_ms=int(audio.attributes.get("ptime", "20")),
                direction=_direction(audio, session),
                profile=audio.profile,
                other_media=tuple(section.line for place, section in enumerate(media) if place != index),
                audio_index=index,
            )
        except StopIteration:
            raise SdpError("the session description has no audio") from None
        except ValueError as error:
            raise SdpError(f"the session description cannot be read: {error}") from None

    def to_bytes(self) -> bytes:
        """Return the description as a message body."""
        media = [[_refused(line)] for line in self.other_media]
        media.insert(self.audio_index, self._audio_lines())
        lines = [
            "v=0",
            f"o=- {self.session_id} {self.version} IN IP4 {self.address}",
            "s=-",
            f"c=IN IP4 {self.address}",
            "t=0 0",
            *(line for section in media for line in section),
        ]
        return "".join(f"{line}\r\n" for line in lines).encode()

    def _audio_lines(self) -> list[str]:
        formats = " ".join(str(payload.payload_type) for payload in self.payloads)
        lines = [f"m=audio {self.port} {self.profile} {formats}"]
        for payload in self.payloads:
            lines.append(f"a=rtpmap:{payload.payload_type} {payload.name}/{payload.rate}")
            if payload.name == TELEPHONE_EVENT:
                lines.append(f"a=fmtp:{payload.payload_type} 0-15")
        return [*lines, f"a=ptime:{self.ptime_ms}", f"a={self.direction}"]

    @property
    def audio(self) -> Payload:
        """The first payload that is no telephone event. Raises SdpError without one."""
        for payload in self.payloads:
            if payload.name != TELEPHONE_EVENT:
                return payload
        raise SdpError("the session description has no audio codec")

    @property
    def dtmf_payload_type(self) -> int | None:
        """The payload type of telephone events at 8000 Hz, None when absent."""
        events = (p for p in self.payloads if p.name == TELEPHONE_EVENT and p.rate == 8000)
        return next((payload.payload_type for payload in events), None)

    @property
    def remote(self) -> tuple[str, int] | None:
        """Where to send RTP; None when refused or on hold by address 0.0.0.0 (RFC 3264 section 8.4)."""
        return None if self.port == 0 or self.address == "0.0.0.0" else (self.address, self.port)  # noqa: S104


def offer(address: str, port: int, *, codecs: Sequence[str] = DEFAULT_CODECS, dtmf: int | None = 101) -> Sdp:
    """Offer codecs in the order given, by name; `dtmf` is the payload type of telephone events.

    Raises KeyError for a codec other than PCMU, PCMA, G722.
    """
    numbers = {name: number for number, name in _STATIC.items()}
    payloads = [Payload(numbers[name], name) for name in codecs]
    if dtmf is not None:
        payloads.append(Payload(dtmf, TELEPHONE_EVENT))
    return Sdp(address=address, port=port, payloads=tuple(payloads), session_id=secrets.randbelow(2**31))


def answer(received: Sdp, address: str, port: int, *, prefer: Sequence[str] = DEFAULT_CODECS) -> Sdp:
    """Answer an offer with one codec, the first of `prefer` that it has, and its telephone events.

    Raises SdpError when they have no codec in common or the profile is not RTP/AVP.
    """
    if received.profile != PROFILE:
        raise SdpError(f"the offer wants {received.profile}, which is not spoken here; {PROFILE} is")
    return Sdp(
        address=address,
        port=port,
        payloads=(_chosen(received, prefer), *_events(received)),
        direction=_ANSWERED_DIRECTIONS.get(received.direction, "sendrecv"),
        session_id=secrets.randbelow(2**31),
        other_media=received.other_media,
        audio_index=received.audio_index,
    )


def _chosen(received: Sdp, prefer: Sequence[str]) -> Payload:
    for name in prefer:
        for payload in received.payloads:
            if payload.name == name and payload.rate == 8000:
                return payload
    offered = ", ".join(payload.name for payload in received.payloads if payload.name != TELEPHONE_EVENT)
    raise SdpError(f"no codec in common: offered {offered or 'none'}, spoken here {', '.join(prefer)}")


def _events(received: Sdp) -> list[Payload]:
    number = received.dtmf_payload_type
    return [] if number is None else [Payload(number, TELEPHONE_EVENT)]


def _payload(audio: Section, number: int) -> Payload:
    mapped = audio.rtpmaps.get(number)
    if mapped is None:
        return Payload(number, _STATIC.get(number, "unknown"))
    name, _, rate = mapped.partition("/")
    is_event = name.lower() == TELEPHONE_EVENT
    return Payload(number, TELEPHONE_EVENT if is_event else name.upper(), int(rate.split("/")[0] or "8000"))


def _direction(audio: Section, session: Section) -> Direction:
    for section in (audio, session):
        for name in ("sendrecv", "sendonly", "recvonly", "inactive"):
            if name in section.attributes:
                return name
    return "sendrecv"


def _ipv4(connection: str | None) -> str:
    parts = (connection or "").split()
    if len(parts) != 3 or parts[:2] != ["IN", "IP4"]:
        raise ValueError("no IPv4 address in a c= line")
    return parts[2].split("/")[0]


def _refused(line: str) -> str:
    media_type, _, rest = line.split(" ", 2)
    return f"m={media_type} 0 {rest}"
