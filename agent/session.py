"""The talk itself: turn taking and audio, with every setting said out loud."""

from __future__ import annotations

from typing import Final

from livekit import rtc
from livekit.agents import Agent, AgentSession, APIConnectOptions, inference, vad
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.room_io import AudioInputOptions, AudioOutputOptions, RoomOptions

from agent.heard import HeardAudio
from agent.settings import TurnSettings
from agent.speech import Services

CLOSE_TRANSCRIPT_TIMEOUT_S: Final = 0.3
SERVICE_TIMEOUT_S: Final = 5.0
"""A caller who waits longer than that for a try has hung up."""
MAX_TOOL_STEPS: Final = 4

_LISTEN_TRIES = APIConnectOptions(max_retry=3, retry_interval=1.0, timeout=SERVICE_TIMEOUT_S)
_REPLY_TRIES = APIConnectOptions(max_retry=1, retry_interval=0.2, timeout=SERVICE_TIMEOUT_S)


def make_vad(turn: TurnSettings) -> vad.VAD:
    """Return the voice activity detection (silero, native code). Loaded once per process, before any call."""
    return inference.VAD(
        min_speech_duration=turn.vad_min_speech_s,
        min_silence_duration=turn.vad_min_silence_s,
    )


def make_session(
    services: Services, detector: vad.VAD, turn: TurnSettings, *, keeps_hearing: bool = False
) -> AgentSession[None]:
    """Return a session that is not started.

    With `keeps_hearing`, what is said during a sentence that cannot be interrupted is recognised, too.
    """
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
                "discard_audio_if_uninterruptible": not keeps_hearing,
                "resume_false_interruption": True,
                "false_interruption_timeout": turn.false_interruption_timeout_s,
            },
            "preemptive_generation": {"enabled": True, "preemptive_tts": True},
        },
        # A telephone has no echo canceller to warm up: the first 3 s would be deaf to the caller.
        aec_warmup_duration=None,
        user_away_timeout=None,
        max_tool_steps=MAX_TOOL_STEPS,
        conn_options=SessionConnectOptions(
            stt_conn_options=_LISTEN_TRIES, llm_conn_options=_REPLY_TRIES, tts_conn_options=_REPLY_TRIES
        ),
        session_close_transcript_timeout=CLOSE_TRANSCRIPT_TIMEOUT_S,
    )


async def start_session(
    session: AgentSession[None], agent: Agent, *, room: rtc.Room, caller_identity: str, turn: TurnSettings
) -> None:
    """Tie a session to the caller's leg in a room; the agent's track is published soon after.

    What the caller did not hear of an interrupted reply is cut from the conversation. The framework's synchroniser,
    which does that too, is left out: it analyses all speech in the event loop, which stood still for up to 2.6 s with
    ten calls on two cores.
    """
    await session.start(
        agent, room=room, room_options=room_options(caller_identity, turn), session_host=False, record=False
    )
    if session.output.audio is not None:
        heard = HeardAudio(session.output.audio)
        session.output.audio, session.output.transcription = heard, heard.words


def room_options(caller_identity: str, turn: TurnSettings) -> RoomOptions:
    """Return how the session is tied to the room: to the caller's leg alone, audio both ways, nothing else.

    The room is deleted by whoever ends the call (agent.talk), not by the session: a call may outlive it.
    """
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
