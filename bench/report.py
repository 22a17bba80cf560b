"""Results → figures, a table, and whether the goals are met. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.caller.result import CallResult
from lab.figures import Figure, figure
from lab.terminal.call import spoken_turns

V2V_P50_MS, V2V_RATIO, ANSWER_P95_MS, HELP_MS = 620.0, 0.95, 600.0, 300.0
CALLER_CPU_LIMIT, CALLER_JITTER_LIMIT_MS = 0.70, 5.0


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One arm. The first turn of each call is dropped."""

    name: str
    answer: Figure
    first_audio: Figure
    voice_to_voice: Figure
    cut_off: int
    failed_calls: int


@dataclass(slots=True)
class Report:
    """Everything that a run found. `usage` is free text lines about CPU and memory."""

    gateway: str
    arms: list[ArmFigures]
    help_ms: float
    caller_cpu: float
    caller_jitter_p99_ms: float
    usage: list[str] = field(default_factory=list)

    @property
    def void(self) -> bool:
        """Whether the load generator was too busy for the figures to count."""
        return self.caller_cpu > CALLER_CPU_LIMIT or self.caller_jitter_p99_ms > CALLER_JITTER_LIMIT_MS

    def ratio(self) -> float:
        """Return our median voice to voice over the faster control's; NaN without controls."""
        ours = self.arms[0].voice_to_voice.p50
        controls = [arm.voice_to_voice.p50 for arm in self.arms[1:]]
        return ours / min(controls) if controls else float("nan")

    def verdicts(self) -> list[tuple[str, bool]]:
        """Return each goal with whether it is met."""
        ours = self.arms[0]
        return [
            (
                f"voice to voice p50 {ours.voice_to_voice.p50:.0f} ms ≤ {V2V_P50_MS:.0f}",
                ours.voice_to_voice.p50 <= V2V_P50_MS,
            ),
            (f"ratio to the faster control {self.ratio():.2f} ≤ {V2V_RATIO}", self.ratio() <= V2V_RATIO),
            (f"INVITE → 200 p95 {ours.answer.p95:.0f} ms ≤ {ANSWER_P95_MS:.0f}", ours.answer.p95 <= ANSWER_P95_MS),
            (f"dialroom --help {self.help_ms:.0f} ms ≤ {HELP_MS:.0f}", self.help_ms <= HELP_MS),
        ]

    def text(self) -> str:
        """Return the table and the verdicts."""
        head = f"{'arm':<10} {'what':<28} {'n':>4} {'missed':>6} {'p50':>8} {'p95':>8}"
        lines = [f"gateway: {self.gateway}", head]
        for arm in self.arms:
            lines += [_row(arm.name, told) for told in (arm.answer, arm.first_audio, arm.voice_to_voice)]
            lines.append(
                f"{arm.name:<10} cut off by the agent: {arm.cut_off}, calls not as expected: {arm.failed_calls}"
            )
        lines += self.usage
        lines.append(
            f"caller: {self.caller_cpu:.0%} of a core, packets late by {self.caller_jitter_p99_ms:.1f} ms at p99"
        )
        lines += [f"{'met   ' if met else 'MISSED'} {goal}" for goal, met in self.verdicts()]
        if self.void:
            lines.append("VOID: the load generator was too busy; the figures do not count")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        arms = [
            {
                "name": arm.name,
                "figures": [told.to_json() for told in (arm.answer, arm.first_audio, arm.voice_to_voice)],
                "cut_off": arm.cut_off,
                "failed_calls": arm.failed_calls,
            }
            for arm in self.arms
        ]
        goals = [{"goal": goal, "met": met} for goal, met in self.verdicts()]
        own = {"caller_cpu": self.caller_cpu, "caller_jitter_p99_ms": self.caller_jitter_p99_ms, "usage": self.usage}
        return {
            "gateway": self.gateway,
            "arms": arms,
            "goals": goals,
            "void": self.void,
            "help_ms": self.help_ms,
            **own,
        }


def _row(arm: str, told: Figure) -> str:
    return f"{arm:<10} {told.name:<28} {told.n:>4} {told.missed:>6} {told.p50:>5.0f} ms {told.p95:>5.0f} ms"


def arm_figures(name: str, results: Sequence[CallResult]) -> ArmFigures:
    """Summarise the calls of one arm."""
    turns = [turn for result in results for turn in spoken_turns(result)[1:]]
    return ArmFigures(
        name,
        figure("INVITE → 200", [result.answer_ms for result in results]),
        figure("INVITE → first audible", [result.first_audio_ms for result in results]),
        figure("voice to voice", [turn.voice_to_voice_ms for turn in turns]),
        sum(turn.cut_off for result in results for turn in result.turns),
        sum(not result.passed for result in results),
    )


def usage_lines(cpu_s: Mapping[str, float], call_s: float, idle_pss_mb: float, call_pss_mb: float) -> list[str]:
    """Return CPU per second of call for each process, and the worker's memory."""
    lines = [f"{name}: {spent / call_s:.3f} s of CPU per second of call" for name, spent in cpu_s.items() if call_s]
    return [*lines, f"worker: {idle_pss_mb:.0f} MB idle (PSS), {call_pss_mb:.0f} MB more with one call"]
