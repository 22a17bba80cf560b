"""Every packet that comes to a telephone, and whose tone is in it: amplitudes, projected on frequencies."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lab.media.codec import Codec, Samples
from lab.media.packet import RtpPacket
from lab.media.rtp import RtpSession

Amplitudes = NDArray[np.float64]
VOICE_HZ = tuple(range(220, 441, 20))
"""lab.speech.voice.ToneVoice: 20 ms tell frequencies apart by 50 Hz, so that no tone between these is missed."""


class Tape:
    """Records a session's audio packets from now on. Digits are RTP events, and not among them."""

    def __init__(self, rtp: RtpSession) -> None:
        assert rtp.codec is not None
        self.at_s: list[float] = []
        self.packets: list[Samples] = []
        self._codec, self._heard = Codec(rtp.codec.name), rtp.on_packet
        rtp.on_packet = self._hear

    def amplitudes(self, hertz: Sequence[int], *, since_s: float = 0.0) -> tuple[NDArray[np.float64], Amplitudes]:
        """Return when each packet since then came (time.monotonic), and its amplitude at each frequency."""
        first = bisect_left(self.at_s, since_s)
        at_s, packets = np.array(self.at_s[first:]), self.packets[first:]
        if not packets:
            return at_s, np.zeros((0, len(hertz)))
        return at_s, amplitudes(np.stack(packets), hertz, rate=self._codec.sample_rate)

    def first(self, hertz: Sequence[int], *, least: float, since_s: float) -> float | None:
        """Return when the first packet since then came in which one of the tones is."""
        at_s, found = self.amplitudes(hertz, since_s=since_s)
        loud = at_s[(found >= least).any(axis=1)]
        return float(loud[0]) if len(loud) else None

    def _hear(self, packet: RtpPacket, at_s: float) -> None:
        self.at_s.append(at_s)
        self.packets.append(self._codec.decode(packet.payload))
        if self._heard is not None:
            self._heard(packet, at_s)


def amplitudes(packets: Samples, hertz: Sequence[int], *, rate: int) -> Amplitudes:
    """Return the amplitude of each packet (a row of samples) at each frequency. Pure."""
    window = np.hanning(packets.shape[1] + 2)[1:-1]
    turns = np.outer(np.arange(packets.shape[1]) / rate, hertz)
    found: Amplitudes = np.abs((packets * window) @ np.exp(-2j * np.pi * turns)) * 2 / window.sum()
    return found
