"""The whole local stack: Valkey, livekit-server, a SIP node, speech stand-ins, a carrier, workers.

Everything listens on loopback, on free ports, with keys made for this run. Everything is gone when the block ends, and
on Linux also when this process is killed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from lab.servers.link import Link, link
from lab.servers.livekit import ROOT, LiveKit, livekit_server
from lab.servers.ports import free_port
from lab.servers.process import Child, ChildError, child
from lab.servers.sip_node import GatewayKind, SipNode, check_sip_port, choose_gateway, sip_node
from lab.servers.valkey import valkey
from provision.run import Applied, provision_manifest
from provision.settings import ProvisionSettings
from telephony.manifest.load import load_manifest
from telephony.manifest.model import Manifest

LOOPBACK_CARRIER = "127.0.0.1/32"
CARRIER_HOST = "127.0.0.9" if sys.platform == "linux" else "127.0.0.1"  # elsewhere only the first one is there
WORKER_DRAIN_S = 30.0
OUR_WORKER = ("cli", "worker", "--json")
Event = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """What to start.

    `delays_ms` are those of the speech stand-ins, by service (`stt`, `llm`, `tts`). `workers` may be 0: more can be
    added to the running stack; with `supervise`, `dialroom supervise` watches their rooms. `extra_env` reaches the
    manifest and the workers. `extra_numbers` are owned at the carrier beside the manifest's. With `linked` the SIP
    node's signalling goes through `Stack.link`. With `stream`, `dialroom stream` runs too, and the manifest finds its
    address in DIALROOM_STREAM_SERVER.
    """

    run_dir: Path
    manifest: Path = ROOT / "dialroom.yaml"
    gateway: str = "auto"
    sip_port: int | None = None
    voice: Literal["real", "tone"] = "real"
    ears: Literal["real", "oracle"] = "real"
    delays_ms: Mapping[str, int] = field(default_factory=dict)
    workers: int = 1
    supervise: bool = True
    warm: int = 2
    max_calls: int = 50
    extra_env: Mapping[str, str] = field(default_factory=dict)
    extra_numbers: Sequence[str] = ()
    linked: bool = False
    stream: bool = False


@dataclass(kw_only=True, eq=False)
class Stack:
    """A running stack. `environ` is what any `dialroom` command needs to work with it.

    A call to `carrier_sip` goes where the carrier's own state sends it at that moment; one to `sip.address` is taken as
    a call of the carrier.
    """

    options: StackOptions
    manifest: Manifest
    livekit: LiveKit
    sip: SipNode
    speech_url: str
    carrier_url: str
    carrier_sip: str
    environ: dict[str, str]
    link: Link | None = None
    workers: list[Child] = field(default_factory=list)
    applied: Applied | None = None
    supervisor: Child | None = None
    stream: Child | None = None
    watch_port: int = 0
    processes: list[Child] = field(default_factory=list)
    _exit: AsyncExitStack = field(repr=False)
    _password: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)

    @property
    def gateway(self) -> GatewayKind:
        """`lab` or `livekit-sip`."""
        return self.sip.kind

    @property
    def calls_to(self) -> str:
        """Where a call has to be sent to reach an agent: the SIP node, or the carrier when it is a stream."""
        return self.carrier_sip if self.options.stream else self.sip.address

    @property
    def numbers(self) -> list[str]:
        """The manifest's numbers, in E.164."""
        return [entry.number for entry in self.manifest.numbers]

    @property
    def settings(self) -> dict[str, str]:
        """Return the part of `environ` that is about this stack: what a command in another terminal needs."""
        ours = ("LIVEKIT_", "VOBIZ_", "DEEPGRAM_", "OPENAI_", "CLINIC_", "DIALROOM_CARRIER_")
        return {name: value for name, value in self.environ.items() if name.startswith(ours)}

    async def provision(self) -> Applied:
        """Plan and apply the manifest against the carrier and LiveKit of this stack.

        When it calls out, its login gets a password of the lab's own: nobody's real one comes here.
        """
        settings = ProvisionSettings.from_environ(self.environ)
        if self.manifest.outbound is not None:
            passwords = {self.manifest.outbound.username: SecretStr(self._password)}
            settings = settings.model_copy(update={"passwords": passwords})
        self.applied = await provision_manifest(self.manifest, settings)
        return self.applied

    async def add_worker(
        self, *, warm: int | None = None, max_calls: int | None = None, program: Sequence[str] = OUR_WORKER
    ) -> Child:
        """Start one more worker, ours or another `program` with its options, and wait until LiveKit knows it."""
        index = len(self.workers) + 1
        argv = [sys.executable, "-m", *program]
        argv += ["--max-calls", str(max_calls or self.options.max_calls)]
        argv += ["--warm", str(self.options.warm if warm is None else warm)]
        worker = await self._exit.enter_async_context(
            child(
                f"worker {index}",
                argv,
                env=self.environ | dict(self.options.extra_env),
                log_path=self.options.run_dir / f"worker-{index}.log",
                cwd=ROOT,
                grace_s=WORKER_DRAIN_S,
            )
        )
        self.workers.append(worker)
        self.processes.append(worker)
        await worker.ready(timeout_s=90)
        return worker

    async def add_stream(self) -> Child:
        """Start `dialroom stream` where the manifest says that it is, and wait until it takes calls."""
        argv = [
            sys.executable,
            "-m",
            "cli",
            "stream",
            "--json",
            "--port",
            self.environ["DIALROOM_STREAM_URL"].rpartition(":")[2],
        ]
        running = child(
            "stream",
            argv,
            env=self.environ | dict(self.options.extra_env),
            log_path=self.options.run_dir / "stream.log",
            cwd=ROOT,
            grace_s=WORKER_DRAIN_S,
        )
        self.stream = await self._exit.enter_async_context(running)
        self.processes.append(self.stream)
        await self.stream.ready(timeout_s=90)
        return self.stream

    async def add_supervisor(self) -> Child:
        """Start `dialroom supervise` and wait until it watches; one that is started after another takes its place."""
        argv = [sys.executable, "-m", "cli", "supervise", "--json", "--port", str(self.watch_port)]
        log_path = self.options.run_dir / "supervisor.log"
        watching = child("supervisor", argv, env=self.environ, log_path=log_path, cwd=ROOT)
        self.supervisor = await self._exit.enter_async_context(watching)
        self.processes.append(self.supervisor)
        await self.supervisor.ready(timeout_s=60)
        return self.supervisor

    def ready_line(self) -> dict[str, Any]:
        """What `dialroom up --json` prints."""
        return {
            "ready": True,
            "livekit_url": self.livekit.url,
            "api_key": self.livekit.api_key,
            "api_secret": self.livekit.api_secret,
            "sip": self.sip.address,
            "via": "stream" if self.options.stream else "sip",
            "calls_to": self.calls_to,
            "gateway": self.gateway,
            "numbers": self.numbers,
            "carrier_sip": self.carrier_sip,
            "speech_url": self.speech_url,
            "run_dir": str(self.options.run_dir),
        }


@asynccontextmanager
async def local_stack(options: StackOptions, *, on_event: Event | None = None) -> AsyncIterator[Stack]:
    """Start everything, provision the manifest, and yield the running stack. Raises DialroomError.

    `on_event` gets one short line per thing that came up.
    """
    say = on_event or (lambda _line: None)
    started = time.monotonic()
    kind = choose_gateway(options.gateway)
    check_sip_port(options.sip_port, kind)
    standing_in = {"LIVEKIT_SIP_HOST": "127.0.0.1", "DIALROOM_STREAM_SERVER": "http://127.0.0.1:1"}
    load_manifest(options.manifest, environ=dict(os.environ) | standing_in)
    options.run_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as exits:
        servers: list[Child] = []
        redis_url = await exits.enter_async_context(valkey(options.run_dir, on_start=servers.append))
        say(f"valkey on {redis_url}")
        watch_port = free_port() if options.supervise else 0
        livekit = await exits.enter_async_context(
            livekit_server(
                options.run_dir,
                redis_url=redis_url,
                on_start=servers.append,
                webhooks=f"http://127.0.0.1:{watch_port}/livekit" if watch_port else "",
            )
        )
        say(f"livekit-server on {livekit.url}")
        environ = _base_environ(livekit, options) | dict(options.extra_env)
        speech = await exits.enter_async_context(_speech(options, environ))
        if options.stream:
            environ |= await _stream_environ(options, environ)
        numbers = load_manifest(options.manifest, environ=environ | {"LIVEKIT_SIP_HOST": "127.0.0.1"}).numbers
        carrier = await exits.enter_async_context(
            _carrier(options, [*(entry.number for entry in numbers), *options.extra_numbers], environ)
        )
        between = (
            await exits.enter_async_context(link(livekit.url, as_livekit_sip=kind == "lab")) if options.linked else None
        )
        near = replace(livekit, url=between.url) if between else livekit
        sip = await exits.enter_async_context(sip_node(options.run_dir, near, kind=kind, sip_port=options.sip_port))
        say(f"{_gateway_words(kind)} takes SIP on {sip.address}")
        heard, carried = await asyncio.gather(speech.ready(timeout_s=90), carrier.ready(timeout_s=30))
        say(f"speech stand-ins on {heard['base_url']} (voice: {heard['voice']}, ears: {heard['ears']})")
        say(f"carrier stand-in on {carried['base_url']}, takes calls on {carried['sip']}")
        environ |= _service_environ(sip, heard, carried)
        stack = Stack(
            options=options,
            manifest=load_manifest(options.manifest, environ=environ),
            livekit=livekit,
            sip=sip,
            speech_url=heard["base_url"].removesuffix("/v1"),
            carrier_url=carried["base_url"],
            carrier_sip=carried["sip"],
            environ=environ,
            link=between,
            processes=[*servers, speech, carrier, sip.process],
            _exit=exits,
        )
        if watch_port:
            stack.watch_port = watch_port
            await stack.add_supervisor()
        streams = [stack.add_stream()] if options.stream else []
        await asyncio.gather(stack.provision(), _add_workers(stack, options.workers), *streams)
        say(f"ready after {time.monotonic() - started:.1f} s")
        yield stack


async def _add_workers(stack: Stack, count: int) -> None:
    for _ in range(count):
        await stack.add_worker()


def _gateway_words(kind: GatewayKind) -> str:
    return "the lab's gateway" if kind == "lab" else "livekit-sip"


def _base_environ(livekit: LiveKit, options: StackOptions) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LIVEKIT_", "VOBIZ_", "DIALROOM_"))}
    for key in ("LIVEKIT_SERVER_BIN", "LIVEKIT_SIP_BIN", "DIALROOM_CACHE"):
        if key in os.environ:
            kept[key] = os.environ[key]
    return kept | {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "DIALROOM_MANIFEST": str(options.manifest),
        "DIALROOM_CARRIER_CIDRS": ",".join(sorted({LOOPBACK_CARRIER, f"{CARRIER_HOST}/32"})),
        "PYTHONUNBUFFERED": "1",
    }


async def _stream_environ(options: StackOptions, environ: dict[str, str]) -> dict[str, str]:
    """Return what `dialroom stream` needs, and the address that it tells for the manifest."""
    given = {
        "DIALROOM_STREAM_URL": f"http://127.0.0.1:{free_port()}",
        "DIALROOM_STREAM_SECRET": secrets.token_hex(32),
        "DIALROOM_STREAM_SEEN": str(options.run_dir / "seen.db"),
        "DIALROOM_STREAM_MAX_CALLS": str(options.max_calls),
    }
    argv = [sys.executable, "-m", "cli", "stream", "--show-server"]
    asked = await asyncio.create_subprocess_exec(
        *argv, env=environ | given, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asked.communicate()
    if asked.returncode:
        raise ChildError(err.decode().strip())
    return given | {"DIALROOM_STREAM_SERVER": out.decode().strip()}


def _service_environ(sip: SipNode, speech: Mapping[str, Any], carrier: Mapping[str, Any]) -> dict[str, str]:
    speech_url = str(speech["base_url"])
    return {
        "LIVEKIT_SIP_HOST": sip.address,
        "DEEPGRAM_API_KEY": "lab",
        "DEEPGRAM_BASE_URL": speech_url,
        "OPENAI_API_KEY": "lab",
        "OPENAI_BASE_URL": speech_url,
        "CLINIC_URL": speech_url.removesuffix("/v1"),
        "VOBIZ_BASE_URL": str(carrier["base_url"]),
        "VOBIZ_AUTH_ID": str(carrier["auth_id"]),
        "VOBIZ_AUTH_TOKEN": str(carrier["auth_token"]),
    }


@asynccontextmanager
async def _speech(options: StackOptions, environ: Mapping[str, str]) -> AsyncIterator[Child]:
    delays = ",".join(f"{service}={delay_ms}" for service, delay_ms in options.delays_ms.items())
    argv = [sys.executable, "-m", "lab.speech", "--port", str(free_port())]
    argv += ["--voice", options.voice, "--ears", options.ears, *(["--delays", delays] if delays else [])]
    async with child("speech", argv, env=environ, log_path=options.run_dir / "speech.log", cwd=ROOT) as running:
        yield running


@asynccontextmanager
async def _carrier(options: StackOptions, numbers: list[str], environ: Mapping[str, str]) -> AsyncIterator[Child]:
    argv = [sys.executable, "-m", "lab.vobiz", "--port", str(free_port()), "--sip", f"{CARRIER_HOST}:0"]
    argv += ["--habit", "same_call_id=true", "--habit", "refer=relay"]  # the oracle knows a call by its Call-ID
    for number in numbers:
        argv += ["--number", number]
    async with child("carrier", argv, env=environ, log_path=options.run_dir / "carrier.log", cwd=ROOT) as running:
        yield running
