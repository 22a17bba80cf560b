"""A client's frames on the way to livekit-server: one message loses what livekit-sip would not ask for."""

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit.protocol import rtc

from lab.servers.signalling import ClientFrames, asks_for_nothing_again

KEYS = st.binary(min_size=4, max_size=4)


def frame(first: int, payload: bytes, key: bytes) -> bytes:
    """As RFC 6455 section 5.2 has it, written another way than the code under test."""
    size = len(payload)
    head = bytes([first])
    if size < 126:
        head += bytes([0x80 + size])
    elif size < 65536:
        head += bytes([0x80 + 126, size // 256, size % 256])
    else:
        head += bytes([0x80 + 127]) + size.to_bytes(8, "big")
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from([0x82, 0x81, 0x89, 0x02]), st.sampled_from([0, 1, 125, 126, 300, 70000]), KEYS),
        max_size=8,
    ),
    st.lists(st.integers(0, 2**20), max_size=8),
)
def test_whole_binary_messages_are_changed_and_the_rest_is_not(
    given_frames: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    """However the stream is cut into pieces."""
    sent = b"".join(frame(first, b"x" * size, key) for first, size, key in given_frames)
    wanted = b"".join(
        frame(first, b"x" * size + (b"!" if first == 0x82 else b""), key) for first, size, key in given_frames
    )
    frames = ClientFrames(lambda message: message + b"!")
    assert b"".join(frames.push(piece) for piece in in_pieces(sent, cuts)) == wanted


def test_a_resumed_connection_asks_for_no_track() -> None:
    """All else that it tells stays."""
    request = rtc.SignalRequest()
    request.sync_state.subscription.track_sids.append("TR_human")
    request.sync_state.subscription.subscribe = True
    request.sync_state.data_channels.add(label="_reliable")
    told = rtc.SignalRequest.FromString(asks_for_nothing_again(request.SerializeToString()))
    assert not told.sync_state.subscription.track_sids
    assert [channel.label for channel in told.sync_state.data_channels] == ["_reliable"]


def test_other_messages_are_as_they_were() -> None:
    """A subscribe of its own is the leg's to make."""
    request = rtc.SignalRequest()
    request.subscription.track_sids.append("TR_human")
    request.subscription.subscribe = True
    assert asks_for_nothing_again(request.SerializeToString()) == request.SerializeToString()
    assert asks_for_nothing_again(b"\xff\xff") == b"\xff\xff"
