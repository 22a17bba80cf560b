"""How fast a reply may be sent, and how much of it was really played. Pure: whoever asks says the time.

The carrier plays what it gets in order and in real time, and tells of checkpoints that it has reached. From when each
frame was sent follows how much it can have played at most; from the checkpoints, how much it has played at least, and
whether it is behind.

Times are seconds of any clock that does not go back; positions are milliseconds of the sound of the present segment.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from stream.encoding import FRAME_MS

LEAD_MS: Final = 200
"""Sent ahead. It bridges what a lost packet costs on a connection (about a round trip and three frames), and our own
event loop standing still. An interruption does not wait for it, for `clearAudio` cuts it; but when the socket is lost
nothing cuts it, and it is the most by which a conversation may then be wrong."""
CHECKPOINT_EVERY_MS: Final = 400
"""Each is one frame more of 20, and a request to the status callback, where one is set."""
LIMIT_S: Final = 2.0
"""So long after it should have come, a segment's last checkpoint is waited for."""
_JITTER_S: Final = 0.1
"""A checkpoint may be late by that much without the carrier being behind."""
_BELIEVED: Final = 2
"""So many checkpoints in a row must be late: a single one was late on its way."""
_ROUNDING_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    position_ms: int
    due_s: float


class Pace:
    """The carrier's queue as far as it can be known from here. One segment (a reply) is on the line at a time.

    `begin` → (`wait_s` → `sent` → `checkpoint`)* → `over_at_s`. What was sent and not played can be taken back (`cut`)
    when the carrier is told to clear it.
    """

    def __init__(
        self, *, lead_ms: int = LEAD_MS, checkpoint_every_ms: int = CHECKPOINT_EVERY_MS, limit_s: float = LIMIT_S
    ) -> None:
        if lead_ms < FRAME_MS or checkpoint_every_ms < FRAME_MS:
            raise ValueError(f"a lead and the way between checkpoints must not be shorter than {FRAME_MS} ms")
        self._lead_s, self._every_ms, self._limit_s = lead_ms / 1000, checkpoint_every_ms, limit_s
        self._segment = self._run = 0
        self._least_late_s = math.inf
        self._late_s: deque[float] = deque(maxlen=_BELIEVED)
        self._checkpoints: dict[str, _Checkpoint] = {}
        self._last: _Checkpoint | None = None
        self._placed_ms = 0
        self.begin()

    def begin(self) -> None:
        """Go on to the next segment. Checkpoints of the ones before mean nothing any more."""
        self._segment += 1
        self._run = 0
        self.sent_ms = 0
        self._confirmed_ms = 0
        self._ends_s = -math.inf
        self._forget_checkpoints()

    def wait_s(self, at_s: float) -> float:
        """Return how long the next frame must wait; 0 when it may be sent."""
        wait_s = self._ends_s + FRAME_MS / 1000 - self._lead_s - at_s
        return wait_s if wait_s > _ROUNDING_S else 0.0

    def sent(self, at_s: float) -> None:
        """Tell that a frame was sent."""
        if at_s - self._ends_s > max(self._behind_s(), _JITTER_S):
            self._late_s.clear()  # the line was silent, and a carrier that was behind has caught up
        self._ends_s = max(self._ends_s, at_s) + FRAME_MS / 1000
        self.sent_ms += FRAME_MS

    def checkpoint(self, at_s: float, *, last: bool = False) -> str | None:
        """Return the name of the checkpoint to be placed after what was sent, None when none is due.

        `last`: nothing more of this segment will be sent. The name says segment, run (a segment that was taken back
        runs anew) and position; when it comes back in a call, it means the same sound.
        """
        if not (last or self.sent_ms - self._placed_ms >= self._every_ms):
            return None
        name = f"s{self._segment}-r{self._run}-{self.sent_ms}ms"
        self._placed_ms = self.sent_ms
        checkpoint = self._checkpoints[name] = _Checkpoint(self.sent_ms, max(self._ends_s, at_s))
        if last:
            self._last = checkpoint
        return name

    def played(self, name: str, at_s: float) -> bool:
        """Tell that the carrier has reached a checkpoint; return whether that was news.

        Names that are unknown, doubled or overtaken are no news, and one that comes before its time (a carrier that
        does not wait for the sound) does not make the sound heard.
        """
        checkpoint = self._checkpoints.get(name)
        if checkpoint is None:
            return False
        self._checkpoints = {
            later: known for later, known in self._checkpoints.items() if known.position_ms > checkpoint.position_ms
        }
        self._confirmed_ms = max(self._confirmed_ms, min(checkpoint.position_ms, _whole(self._possible_ms(at_s))))
        late_s = max(at_s - checkpoint.due_s, 0.0)
        self._least_late_s = min(self._least_late_s, late_s)
        self._late_s.append(late_s)
        return True

    def played_ms(self, at_s: float) -> int:
        """Return how much of the segment was played.

        Never more than was sent and than the time since then allows, never less than the last checkpoint says.
        """
        return max(self._confirmed_ms, _whole(self._possible_ms(at_s - self._behind_s())))

    def cut(self, at_s: float) -> None:
        """Take back what was not played: the carrier is told to clear it. Sending goes on at `sent_ms`."""
        self.sent_ms = self.played_ms(at_s)
        self._ends_s = min(self._ends_s, at_s)
        self._run += 1
        self._forget_checkpoints()

    def lost(self) -> None:
        """Tell that the socket was lost: a last checkpoint that is not confirmed may be placed anew."""
        if self._awaits_last:
            self._last = None

    def over_at_s(self) -> float | None:
        """Return when the segment is over: played and confirmed, or waited for long enough. None: not in sight."""
        if self._last is None:
            return None
        return self._last.due_s + self._limit_s if self._awaits_last else self._ends_s

    @property
    def _awaits_last(self) -> bool:
        return self._last in self._checkpoints.values()

    def _possible_ms(self, at_s: float) -> float:
        """What a carrier without any delay has played."""
        return self.sent_ms - max(self._ends_s - at_s, 0.0) * 1000

    def _behind_s(self) -> float:
        """How much later than usual the newest checkpoints came: the carrier, or the way to it, stood still."""
        behind_s = min(self._late_s) - self._least_late_s if len(self._late_s) == _BELIEVED else 0.0
        return behind_s if behind_s > _JITTER_S else 0.0

    def _forget_checkpoints(self) -> None:
        self._checkpoints.clear()
        self._late_s.clear()
        self._last, self._placed_ms = None, self.sent_ms


def _whole(ms: float) -> int:
    """Cut a fraction off; one that is missing for want of precision only is not."""
    return int(ms + 1e-3)
