"""The control arms: a plain livekit-agents worker, as LiveKit's starter has it, on the same stand-ins.

`defaults` leaves everything to livekit-agents 1.8.9 (bundled turn detector); `silero` takes the silero plugin's voice
activity detection with its defaults. Neither knows anything of dialroom's agent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import signal
import sys
from typing import Any

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobProcess
from livekit.plugins import deepgram, openai, silero

from telephony.call_tag import call_tag
from telephony.dispatch import CALL_ID_FULL

ARM = "DIALROOM_BENCH_ARM"
NAME = "DIALROOM_BENCH_NAME"
INSTRUCTIONS = "You are the receptionist of Lotus Dental Clinic. Answer in one short sentence."
PROCESS_START_LIMIT_S = 30.0
GREETING = "Hello, this is Lotus Dental Clinic. How can I help you?"


def prewarm(process: JobProcess) -> None:
    """Load the voice activity detection once per process, as the starter does."""
    if os.environ[ARM] == "silero":
        process.userdata["vad"] = silero.VAD.load()


async def entrypoint(ctx: JobContext) -> None:
    """Greet and talk; nothing is tuned."""
    await ctx.connect()
    caller = await ctx.wait_for_participant()
    speech, chat = os.environ["DEEPGRAM_BASE_URL"], os.environ["OPENAI_BASE_URL"]
    options: dict[str, Any] = {}
    if os.environ[ARM] == "silero":
        options = {"vad": ctx.proc.userdata["vad"], "turn_handling": {"turn_detection": "vad"}}
    session: AgentSession[None] = AgentSession(
        stt=deepgram.STT(
            model="nova-3", base_url=f"{speech}/listen", tags=[call_tag(caller.attributes.get(CALL_ID_FULL, ""))]
        ),
        llm=openai.LLM(model="gpt-4.1-mini", base_url=chat),
        tts=deepgram.TTS(base_url=f"{speech}/speak"),
        **options,
    )
    session.on("close", lambda _event: ctx.shutdown("call ended"))
    await session.start(agent=Agent(instructions=INSTRUCTIONS), room=ctx.room)
    await session.say(GREETING)


async def main() -> None:
    """Run until SIGTERM; prints one JSON line when registered."""
    server = AgentServer(
        num_idle_processes=2,
        # A busy machine must cost a control time, not calls: livekit-server gives none to a worker whose load is 1.
        load_fnc=lambda _server: 0.0,
        load_threshold=math.inf,
        initialize_process_timeout=PROCESS_START_LIMIT_S,
        port=0,
        host="127.0.0.1",
    )
    server.setup_fnc = prewarm
    server.rtc_session(entrypoint, agent_name=os.environ[NAME])
    server.on(
        "worker_registered", lambda *_: sys.stdout.write(json.dumps({"ready": True}) + "\n") and sys.stdout.flush()
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = asyncio.ensure_future(server.run())
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait([running, stopped], return_when=asyncio.FIRST_COMPLETED)
    await server.aclose()
    await running


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arm", choices=["defaults", "silero"], required=True)
    parser.add_argument("--name", required=True, help="the agent name that the dispatch rule names")
    arguments = parser.parse_args()
    os.environ |= {ARM: arguments.arm, NAME: arguments.name}
    asyncio.run(main())
