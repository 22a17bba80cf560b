"""What a LiveKit client tells the server over its WebSocket, changed on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from google.protobuf.message import DecodeError
from livekit.protocol import rtc

_BINARY_WHOLE: Final = 0x82
_MASKED: Final = 0x80


def asks_for_nothing_again(message: bytes) -> bytes:
    """Return a SignalRequest without the tracks that a resumed connection asks for; anything else as it is.

    The gateway's SDK lists every track that it ever wanted, also those that the server has taken away since.
    livekit-sip lists those that it hears (server-sdk-go `room.go`, `sendSyncState`), which the server knows anyway.
    """
    request = rtc.SignalRequest()
    try:
        request.ParseFromString(message)
    except DecodeError:
        return message
    if request.WhichOneof("message") != "sync_state":
        return message
    del request.sync_state.subscription.track_sids[:]
    del request.sync_state.subscription.participant_tracks[:]
    return request.SerializeToString()


def without_its_sense(message: bytes, kind: Literal["offer", "answer"]) -> bytes | None:
    """Return an offer or answer with a session description that no server can take, None for anything else."""
    request = rtc.SignalRequest()
    try:
        request.ParseFromString(message)
    except DecodeError:
        return None
    if request.WhichOneof("message") != kind:
        return None
    described = getattr(request, kind)
    described.sdp = described.sdp.replace("\r\na=setup:", "\r\na=no-setup:").replace("a=ice-ufrag:", "a=x:")
    return request.SerializeToString()


class ClientFrames:
    """Frames of a client, as pieces of a byte stream (RFC 6455 section 5.2). `edit` is given whole binary messages."""

    def __init__(self, edit: Callable[[bytes], bytes]) -> None:
        self._edit = edit
        self._rest = b""

    def push(self, data: bytes) -> bytes:
        """Return the frames that are whole by now, changed."""
        self._rest += data
        told = b""
        while (frame := _first_frame(self._rest)) is not None:
            first, key, payload, length = frame
            if first == _BINARY_WHOLE:
                told += _frame(first, key, _masked(self._edit(_masked(payload, key)), key))
            else:
                told += self._rest[:length]
            self._rest = self._rest[length:]
        return told


def _first_frame(data: bytes) -> tuple[int, bytes, bytes, int] | None:
    """Return first byte, masking key, masked payload and length on the wire; None while it is not whole."""
    if len(data) < 2:
        return None
    size = data[1] & ~_MASKED
    at = {126: 4, 127: 10}.get(size, 2)
    start = at + (4 if data[1] & _MASKED else 0)
    if len(data) < start:
        return None
    whole = start + (size if at == 2 else int.from_bytes(data[2:at]))
    return None if len(data) < whole else (data[0], data[at:start], data[start:whole], whole)


def _frame(first: int, key: bytes, payload: bytes) -> bytes:
    size, mark = len(payload), _MASKED if key else 0
    if size < 126:
        head = bytes([first, mark | size])
    elif size < 2**16:
        head = bytes([first, mark | 126]) + size.to_bytes(2)
    else:
        head = bytes([first, mark | 127]) + size.to_bytes(8)
    return head + key + payload


def _masked(payload: bytes, key: bytes) -> bytes:
    """Mask, or unmask."""
    if not key:
        return payload
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(len(payload))
