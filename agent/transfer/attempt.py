"""What is kept of each attempt to reach a human: who, how, for how long, and how it ended."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from agent.transfer.outcome import Outcome, ended_by
from telephony.manifest.targets import Mode, Strategy


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One person, called once, or a second time after they took the call: `again` is that leg.

    Times are seconds of the monotonic clock; None: did not happen. `sip_status` is the final response of the human's
    side, or of its NOTIFY, as far as LiveKit tells it.
    """

    target: str
    person: int
    mode: Mode
    way: Literal["dial", "refer"]
    leg: str = ""
    again: str = ""
    strategy: Strategy = "gated_room"
    sip_status: int | None = None
    began_s: float = field(default_factory=time.monotonic)
    answered_s: float | None = None
    decided_s: float | None = None

    def ended(self, outcome: Outcome) -> dict[str, Any]:
        """Return the record of an attempt that ends now: JSON values, times in milliseconds from its beginning."""
        fields = {key: value for key, value in asdict(self).items() if not key.endswith("_s")}
        return fields | {
            "answered_ms": self._after(self.answered_s),
            "decided_ms": self._after(self.decided_s),
            "ended_ms": self._after(time.monotonic()),
            "outcome": outcome,
            "ended_by": ended_by(outcome),
        }

    def _after(self, at_s: float | None) -> int | None:
        return None if at_s is None else round((at_s - self.began_s) * 1000)
