"""What a call was: a value, whatever happened."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

EndedBy = Literal["caller", "agent", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One sentence of the caller. Times are ms since the INVITE.

    `voice_to_voice_ms`: its last audible packet → the agent's first audible one; None when no answer came before the
    next sentence. `cut_off`: the agent began before the sentence was over. `barge_in_ms`, for a barge-in: its first
    audible packet → the agent's last one; None when the agent was silent already.
    """

    said: str
    started_ms: float
    ended_ms: float
    voice_to_voice_ms: float | None
    cut_off: bool
    barged_in: bool = False
    barge_in_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTurn:
    """What the agent said between two of the caller's sentences. `text` is None without a recogniser."""

    started_ms: float
    ended_ms: float
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFigures:
    """The caller's own quality: packets, and how late its packets left against its clock."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    send_jitter_p50_ms: float = 0.0
    send_jitter_p99_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanResult:
    """The second telephone, whose owner the agent may have dialled. `heard` has None without a recogniser."""

    rang: bool
    answered: bool = False
    said: tuple[str, ...] = ()
    heard: tuple[str | None, ...] = ()
    ended_by: Literal["human", "other", "none"] = "none"
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """One call. Times are ms since the INVITE, None for what did not happen.

    `status` is the INVITE's final status, None when the caller gave up or nobody answered. `ended_by` is none for a
    call that was never answered. `failures` says what the script expected and did not get. `human` is there when a
    second telephone was.
    """

    number: str
    call_id: str
    answered: bool
    status: int | None
    reason: str
    trying_ms: float | None = None
    ringing_ms: float | None = None
    answer_ms: float | None = None
    first_audio_ms: float | None = None
    duration_ms: float | None = None
    turns: tuple[Turn, ...] = ()
    agent_turns: tuple[AgentTurn, ...] = ()
    ended_by: EndedBy = "none"
    codec: str | None = None
    recording: str | None = None
    caller: WireFigures = field(default_factory=WireFigures)
    failures: tuple[str, ...] = ()
    human: HumanResult | None = None

    @property
    def passed(self) -> bool:
        """Whether the call was answered and went as the script expected, at both telephones."""
        return self.answered and not self.failures and not (self.human and self.human.failures)

    @property
    def heard(self) -> list[str | None]:
        """What the agent said, turn by turn; None without a recogniser, "" where it recognised nothing."""
        return [turn.text for turn in self.agent_turns]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values for `json.dumps`."""
        return asdict(self) | {"passed": self.passed, "heard": self.heard}
