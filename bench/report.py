"""The report of a run: a table, what the processes used, and whether the goals are met. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.figures import ArmFigures
from lab.figures import Figure

V2V_P50_MS, V2V_RATIO, ANSWER_P95_MS, HELP_MS = 620.0, 0.95, 600.0, 300.0
CALLER_CPU_LIMIT, CALLER_JITTER_LIMIT_MS = 0.70, 5.0
BUSY_CORES = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """PSS of the worker with all its processes: idle, and what one call adds."""

    idle_mb: float
    idle_processes: int
    call_mb: float
    call_processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU of one process tree: cores in use when nobody calls, and CPU seconds that a second of call adds to that.

    `per_call_second` is None when there was no call.
    """

    name: str
    idle_cores: float
    per_call_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a run found. The first arm is ours.

    `caller_cpu` is the caller's share of one core, `others_cores` what processes that are no part of the run took.
    """

    gateway: str
    cores: int
    others_cores: float
    arms: Sequence[ArmFigures]
    help_ms: float
    caller_cpu: float
    caller_jitter_p99_ms: float
    memory: Memory
    costs: Sequence[Cost]

    @property
    def void(self) -> bool:
        """Whether the load generator was too busy for the figures to count."""
        return self.caller_cpu > CALLER_CPU_LIMIT or self.caller_jitter_p99_ms > CALLER_JITTER_LIMIT_MS

    @property
    def ratio(self) -> float:
        """Our median voice to voice over the faster control's; NaN when no control answered."""
        controls = [arm.voice_to_voice.p50 for arm in self.arms[1:] if arm.voice_to_voice.n]
        return self.arms[0].voice_to_voice.p50 / min(controls) if controls else math.nan

    @property
    def passed(self) -> bool:
        """Whether the run counts and every goal is met."""
        return not self.void and all(met for _, met in self.verdicts())

    def verdicts(self) -> list[tuple[str, bool]]:
        """Return each goal with whether it is met; a figure that is not there meets nothing."""
        ours = self.arms[0]
        goals = (
            ("voice to voice p50", ours.voice_to_voice.p50, V2V_P50_MS, " ms"),
            ("INVITE → 200 p95", ours.answer.p95, ANSWER_P95_MS, " ms"),
            ("dialroom --help, median", self.help_ms, HELP_MS, " ms"),
        )
        told = [(f"{name} {found:.0f}{unit} ≤ {goal:.0f}{unit}", found <= goal) for name, found, goal, unit in goals]
        ratio = f"voice to voice p50 / faster control's {self.ratio:.2f} ≤ {V2V_RATIO}"
        return [told[0], (ratio, self.ratio <= V2V_RATIO), *told[1:]]

    def text(self) -> str:
        """Return the table, the usage and the verdicts."""
        lines = [self._machine(), f"{'arm':<10} {'what':<24} {'n':>4} {'missed':>6} {'p50':>9} {'p95':>9}"]
        for arm in self.arms:
            lines += [_row(arm.name, told) for told in (arm.answer, arm.first_audio, arm.voice_to_voice)]
            lines.append(f"{arm.name:<10} {'cut-offs':<24} {arm.cut_off:>4}")
        lines += [f"  {what}" for arm in self.arms for what in arm.odd]
        lines += [self._memory(), *map(_cost, self.costs)]
        lines.append(
            f"caller: {self.caller_cpu:.0%} of a core, own packets {self.caller_jitter_p99_ms:.1f} ms late at p99"
        )
        lines += [f"{'PASS' if met else 'FAIL'}  {goal}" for goal, met in self.verdicts()]
        if self.void:
            lines.append(
                f"VOID  the load generator took more than {CALLER_CPU_LIMIT:.0%} of a core, or its packets left more"
                f" than {CALLER_JITTER_LIMIT_MS:.0f} ms late at p99: the figures do not count"
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`; None stands for what is not a number."""
        return {
            "gateway": self.gateway,
            "cores": self.cores,
            "others_cores": round(self.others_cores, 2),
            "arms": [_arm_json(arm) for arm in self.arms],
            "ratio": None if math.isnan(self.ratio) else round(self.ratio, 3),
            "help_ms": round(self.help_ms, 1),
            "caller": {"cpu": round(self.caller_cpu, 3), "send_jitter_p99_ms": self.caller_jitter_p99_ms},
            "memory": asdict(self.memory),
            "cpu": [asdict(cost) for cost in self.costs],
            "goals": [{"goal": goal, "met": met} for goal, met in self.verdicts()],
            "void": self.void,
            "passed": self.passed,
        }

    def _machine(self) -> str:
        busy = " (busy: expect slower figures)" if self.others_cores > BUSY_CORES else ""
        return (
            f"gateway {self.gateway}, {self.cores} cores, other work on the machine {self.others_cores:.2f} cores{busy}"
        )

    def _memory(self) -> str:
        told = self.memory
        return (
            f"memory (PSS): worker {told.idle_mb:.0f} MB idle in {told.idle_processes} processes;"
            f" one call adds {told.call_mb:.0f} MB and {told.call_processes} processes"
        )


def _row(arm: str, told: Figure) -> str:
    return f"{arm:<10} {told.name:<24} {told.n:>4} {told.missed:>6} {told.p50:>6.0f} ms {told.p95:>6.0f} ms"


def _cost(told: Cost) -> str:
    each = "no call" if told.per_call_second is None else f"{told.per_call_second:.3f} s per second of call"
    return f"CPU: {told.name:<16} {each}, beside {told.idle_cores:.3f} cores when idle"


def _arm_json(arm: ArmFigures) -> dict[str, Any]:
    return {
        "name": arm.name,
        "figures": [told.to_json() for told in (arm.answer, arm.first_audio, arm.voice_to_voice)],
        "cut_off": arm.cut_off,
        "odd": list(arm.odd),
        "calls": list(arm.calls),
    }
