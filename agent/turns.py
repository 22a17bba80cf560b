"""What a call looks like in the log: a line per turn, with its times, and one for the whole call at its end."""

from __future__ import annotations

import logging
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from livekit.agents.voice.events import ConversationItemAddedEvent, FunctionToolsExecutedEvent

log = logging.getLogger("dialroom.call")

TIMES: Final = ("e2e_latency", "llm_node_ttft", "tts_node_ttfb", "end_of_turn_delay", "transcription_delay")
"""Of livekit-agents' message metrics, in seconds; the log has them in milliseconds. `e2e_latency` is measured in the
worker: the caller's last sound → the first audio handed to the room."""


@dataclass(slots=True)
class Turns:
    """The record of one call. Marks are moments of its beginning, in milliseconds since the job began."""

    _began_s: float = field(default_factory=time.monotonic)
    _marks: dict[str, int] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _latencies_ms: list[int] = field(default_factory=list)

    def mark(self, name: str) -> None:
        """Note when something happened for the first time."""
        self._marks.setdefault(f"{name}_ms", round((time.monotonic() - self._began_s) * 1000))

    def count(self, name: str) -> None:
        """Count something for the summary."""
        self._counts[name] += 1

    def add_item(self, event: ConversationItemAddedEvent) -> None:
        """Log a message of the conversation."""
        if event.item.type != "message":
            return
        item, metrics = event.item, event.item.metrics or {}
        times: dict[str, Any] = {name: metrics.get(name) for name in TIMES}
        figures = {f"{name}_ms": round(value * 1000) for name, value in times.items() if value is not None}
        if "e2e_latency_ms" in figures:
            self._latencies_ms.append(figures["e2e_latency_ms"])
        self.count("turns" if item.role == "user" else "replies")
        if item.interrupted:
            figures["interrupted"] = 1
            self.count("interrupted")
        log.info("turn", extra={"role": item.role, **figures, "pii_text": item.text_content})

    def add_tools(self, event: FunctionToolsExecutedEvent) -> None:
        """Log which tools were called; their arguments and answers are the caller's."""
        for call, output in event.zipped():
            self.count("tools")
            failed = output is not None and output.is_error
            log.info("tool called", extra={"tool": call.name, "failed": failed, "pii_arguments": call.arguments})

    def summary(self) -> dict[str, Any]:
        """Return the fields of the last line."""
        latency = {"e2e_latency_p50_ms": round(statistics.median(self._latencies_ms))} if self._latencies_ms else {}
        return {"lasted_s": round(time.monotonic() - self._began_s, 1), **self._marks, **self._counts, **latency}
