"""The worker: an `AgentServer` embedded in our own command. Wiring only.

SIGTERM: no new calls, the running ones finish, exit 0. SIGINT: the same with a short limit, exit 130. A second signal
ends the process and its calls at once.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path

from livekit.agents import AgentServer, JobRequest

from agent import job
from agent.admission import Admission
from agent.check import check_services
from agent.errors import UnreachableError
from agent.logs import configure_logging
from agent.settings import AgentSettings
from telephony.dispatch import worker_name
from telephony.manifest.model import Manifest

log = logging.getLogger("dialroom.worker")

DRAIN_LIMIT_S = 3600
INTERRUPT_LIMIT_S = 3
OnReady = Callable[[str], None]


async def run_worker(
    settings: AgentSettings,
    manifest: Manifest,
    *,
    manifest_path: Path,
    max_calls: int,
    warm: int,
    health_port: int = 0,
    on_ready: OnReady | None = None,
) -> int:
    """Take calls until a signal; return the exit code. `on_ready` gets the worker's id each time it registers.

    Raises KeyRefusedError or UnreachableError before any call is taken.
    """
    configure_logging(settings.log_format, personal=settings.log_personal_data)
    await check_services(settings, manifest)
    _export(manifest_path)
    server = _make_server(settings, warm=warm, health_port=health_port)
    admission = Admission(max_calls)

    async def on_request(request: JobRequest) -> None:
        running = {info.job.id for info in server.active_jobs}
        if not server.draining and admission.admit(request.id, running):
            await request.accept()
        else:
            await request.reject(terminate=False)  # another worker of the same name is asked

    server.rtc_session(job.answer, agent_name=worker_name(manifest.deployment), on_request=on_request)
    server.on("worker_registered", lambda worker_id, _info: on_ready and on_ready(worker_id))
    return await _serve(server)


async def _serve(server: AgentServer) -> int:
    signals: asyncio.Queue[int] = asyncio.Queue()
    _catch(signals)
    running = asyncio.ensure_future(server.run())
    caught = asyncio.ensure_future(signals.get())
    await asyncio.wait([running, caught], return_when=asyncio.FIRST_COMPLETED)
    if not caught.done():
        caught.cancel()
        try:
            await running
        except RuntimeError as error:
            raise UnreachableError("LiveKit went away and did not come back; the worker has stopped") from error
        return 0
    interrupted = caught.result() == signal.SIGINT
    limit_s = INTERRUPT_LIMIT_S if interrupted else DRAIN_LIMIT_S
    log.info("no new calls; the running ones finish", extra={"calls": len(server.active_jobs), "limit_s": limit_s})
    try:
        await server.drain(timeout=limit_s)
    except TimeoutError:
        log.warning("calls still running at the limit are ended", extra={"calls": len(server.active_jobs)})
    await server.aclose()
    await running
    return 128 + signal.SIGINT if interrupted else 0


def _catch(signals: asyncio.Queue[int]) -> None:
    caught: list[int] = []

    def on_signal(number: int) -> None:
        if caught:
            os._exit(128 + number)  # job processes end within half a second of their parent
        caught.append(number)
        signals.put_nowait(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)


def _make_server(settings: AgentSettings, *, warm: int, health_port: int) -> AgentServer:
    server = AgentServer(
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret.get_secret_value(),
        load_threshold=math.inf,  # admission is an exact count, not a CPU average
        num_idle_processes=warm,
        drain_timeout=DRAIN_LIMIT_S,
        port=health_port,
        host="127.0.0.1" if health_port == 0 else "",
        http_proxy=None,
    )
    server.setup_fnc = job.prewarm
    return server


def _export(manifest_path: Path) -> None:
    """Hand what job processes need to them: they are made from the environment."""
    os.environ[job.MANIFEST] = str(manifest_path.resolve())
    # The bundled end-of-turn model is not used: without it each worker is 250 MB smaller (measured).
    os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")
    os.environ.pop("LIVEKIT_AGENT_NAME_OVERRIDE", None)
