"""The talk itself: turn taking and audio, with every setting said out loud."""

from __future__ import annotations

from collections.abc import Sequence

from livekit import rtc
from livekit.agents import Agent, AgentSession, inference, llm, vad
from livekit.agents.voice.room_io import AudioInputOptions, AudioOutputOptions, RoomOptions

from agent.settings import TurnSettings
from agent.speech import Services

CLOSE_TRANSCRIPT_TIMEOUT_S = 0.3


def make_vad(turn: TurnSettings) -> vad.VAD:
    """Return the voice activity detection (silero, native code). Loaded once per process, before any call."""
    return inference.VAD(
        min_speech_duration=turn.vad_min_speech_s,
        min_silence_duration=turn.vad_min_silence_s,
    )


def make_session(services: Services, detector: vad.VAD, turn: TurnSettings) -> AgentSession[None]:
    """Return a session that is not started."""
    return AgentSession(
        stt=services.stt,
        llm=services.llm,
        tts=services.tts,
        vad=detector,
        turn_handling={
            "turn_detection": "vad",
            "endpointing": {
                "mode": "fixed",
                "min_delay": turn.min_endpointing_delay_s,
                "max_delay": turn.max_endpointing_delay_s,
            },
            "interruption": {
                "enabled": True,
                "mode": "vad",
                "min_duration": turn.min_interruption_s,
                "min_words": 0,
                "resume_false_interruption": True,
                "false_interruption_timeout": turn.false_interruption_timeout_s,
            },
            "preemptive_generation": {"enabled": True, "preemptive_tts": True},
        },
        # A telephone has no echo canceller to warm up: the first 3 s would be deaf to the caller.
        aec_warmup_duration=None,
        user_away_timeout=None,
        session_close_transcript_timeout=CLOSE_TRANSCRIPT_TIMEOUT_S,
    )


def make_agent(instructions: str, tools: Sequence[llm.Tool | llm.Toolset]) -> Agent:
    """Return the one agent of a session."""
    return Agent(instructions=instructions, tools=list(tools))


def room_options(caller_identity: str, turn: TurnSettings) -> RoomOptions:
    """Return how the session is tied to the room: to the caller's leg alone, audio both ways, nothing else."""
    return RoomOptions(
        participant_identity=caller_identity,
        participant_kinds=[rtc.ParticipantKind.PARTICIPANT_KIND_SIP, rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD],
        text_input=False,
        video_input=False,
        audio_input=AudioInputOptions(
            sample_rate=turn.sample_rate,
            frame_size_ms=turn.frame_ms,
            auto_gain_control=False,
            pre_connect_audio=False,
        ),
        audio_output=AudioOutputOptions(sample_rate=turn.sample_rate),
        text_output=False,
        close_on_disconnect=True,
        delete_room_on_close=False,
    )
