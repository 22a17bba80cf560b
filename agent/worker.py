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
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from livekit import api
from livekit.agents import AgentServer, JobRequest

from agent import job
from agent.admission import Admission
from agent.check import check_services
from agent.cleanup import remove_ended_agents
from agent.errors import PortTakenError, UnreachableError
from agent.logs import configure_logging
from agent.settings import AgentSettings
from agent.signals import first_signal, keep_ctrl_c
from agent.transfer.hold import located
from telephony.dispatch import worker_name
from telephony.manifest.model import Manifest

log = logging.getLogger("dialroom.worker")

DRAIN_LIMIT_S: Final = 3600
INTERRUPT_LIMIT_S: Final = 3
PROCESS_START_LIMIT_S: Final = 30.0
FOREVER: Final = sys.maxsize
OnReady = Callable[[str], None]


async def run_worker(
    settings: AgentSettings,
    manifest: Manifest,
    *,
    max_calls: int,
    warm: int,
    health_port: int = 0,
    on_ready: OnReady | None = None,
    manifest_path: Path | None = None,
) -> int:
    """Take calls until a signal; return the exit code. `on_ready` gets the worker's id each time it registers.

    `warm` idle processes are kept ready. `health_port` 0 takes a free port on loopback. Files that the manifest names
    are beside `manifest_path`.

    Raises:
        HoldSoundError: a file is not there.
        KeyRefusedError, UnreachableError: before any call is taken.
        PortTakenError: `health_port` is in use.
    """
    configure_logging(settings.log_format, personal=settings.log_personal_data)
    targets = located(manifest.targets, manifest_path.parent if manifest_path else Path())
    manifest = manifest.model_copy(update={"targets": targets})
    with first_signal() as stop:
        checked = asyncio.ensure_future(check_services(settings, manifest))
        await _either(checked, stop)
        if not checked.done():
            checked.cancel()
            return _exit_code(stop)
        checked.result()
        server = _make_server(settings, manifest, max_calls=max_calls, warm=warm, health_port=health_port)
        if on_ready is not None:
            server.on("worker_registered", lambda worker_id, _info: on_ready(worker_id))
        told = {"deployment": manifest.deployment, "max_calls": max_calls, "warm": warm, "manifest": str(manifest_path)}
        log.info("worker starts", extra=told)
        try:
            return await _serve(server, stop, settings)
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            raise PortTakenError(
                f"the health port {health_port} cannot be opened ({why}): choose another one"
            ) from None


async def _serve(server: AgentServer, stop: asyncio.Future[int], settings: AgentSettings) -> int:
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    async with api.LiveKitAPI(settings.livekit_url, key, secret) as client:
        cleaning = asyncio.ensure_future(_clean(server, client))
        try:
            return await _serve_until(server, stop)
        finally:
            cleaning.cancel()


async def _clean(server: AgentServer, client: api.LiveKitAPI) -> None:
    started = asyncio.Event()
    server.on("worker_started", started.set)
    await started.wait()  # before that the server has no list of jobs
    await remove_ended_agents(client, lambda: _agents(server))


def _agents(server: AgentServer) -> dict[str, str]:
    """Return the identities of the agents of running jobs, with their rooms."""
    running = [(info.accept_arguments.identity, info.job) for info in server.active_jobs]
    return {identity or f"agent-{job.id}": job.room.name for identity, job in running}


async def _serve_until(server: AgentServer, stop: asyncio.Future[int]) -> int:
    running = asyncio.ensure_future(server.run())
    rearming = asyncio.ensure_future(keep_ctrl_c())
    server.on("worker_started", rearming.cancel)
    await _either(running, stop)
    rearming.cancel()
    if stop.done():
        await _drain(server, limit_s=INTERRUPT_LIMIT_S if stop.result() == signal.SIGINT else DRAIN_LIMIT_S)
    try:
        await running
    except RuntimeError as error:
        raise UnreachableError("the connection to LiveKit is lost, and the worker has stopped") from error
    return _exit_code(stop)


async def _either(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def _drain(server: AgentServer, *, limit_s: int) -> None:
    log.info("no new calls; the running ones finish", extra={"limit_s": limit_s})
    try:
        await server.drain(timeout=limit_s)
    except TimeoutError:
        log.warning("calls still running at the limit are ended", extra={"calls": len(server.active_jobs)})
    await server.aclose()


def _exit_code(stop: asyncio.Future[int]) -> int:
    return 128 + signal.SIGINT if stop.done() and stop.result() == signal.SIGINT else 0


def _make_server(
    settings: AgentSettings, manifest: Manifest, *, max_calls: int, warm: int, health_port: int
) -> AgentServer:
    _prepare_environment()
    admission = Admission(max_calls)
    server = AgentServer(
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret.get_secret_value(),
        load_threshold=math.inf,  # admission is an exact count, not a CPU average
        load_fnc=lambda server: admission.load(len(server.active_jobs)),
        num_idle_processes=warm,
        initialize_process_timeout=PROCESS_START_LIMIT_S,
        drain_timeout=DRAIN_LIMIT_S,
        max_retry=FOREVER,
        port=health_port,
        host="127.0.0.1" if health_port == 0 else "",
        http_proxy=None,
        preload_modules=["agent.warm"],
    )
    server.setup_fnc = partial(job.prewarm, agents=manifest.agents, targets=manifest.targets, settings=settings)

    async def on_request(request: JobRequest) -> None:
        running = {info.job.id for info in server.active_jobs}
        if not server.draining and admission.admit(request.id, running):
            await request.accept()
        else:
            await request.reject(terminate=False)  # another worker of the same name is asked

    server.rtc_session(job.answer, agent_name=worker_name(manifest.deployment), on_request=on_request)
    return server


def _prepare_environment() -> None:
    """Job processes inherit it."""
    # The bundled end-of-turn model is not used: without it each worker is 250 MB smaller (measured).
    os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")
    # The framework's loop monitor reads another thread's frames, which on CPython 3.11 ends the process and its call
    # now and then (docs/decisions/0007-no-loop-monitor.md).
    os.environ.setdefault("LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS", "0")
    # Both would take decisions away from us: the name that rules dispatch to, and the framework's mode.
    os.environ.pop("LIVEKIT_AGENT_NAME_OVERRIDE", None)
    os.environ.pop("LIVEKIT_DEV_MODE", None)
