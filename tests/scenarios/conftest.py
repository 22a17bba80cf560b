"""The stack that the scenarios share, once per SIP node; the caller's voice and ears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from livekit import api

from lab.caller.caller import Caller
from lab.dial import caller_voice
from lab.servers.binaries import find_livekit_sip
from lab.speech.ears import Ears, EarsMissingError
from lab.speech.voice import RealVoice, Voice
from lab.stack import ROOT, Stack, StackOptions, local_stack
from lab.stream_manifest import over_stream

NO_LIVEKIT_SIP = "no livekit-sip on PATH and no LIVEKIT_SIP_BIN: the scenarios run on the lab's gateway alone"
NODES = ["lab", pytest.param("livekit-sip", marks=pytest.mark.skipif(not find_livekit_sip(), reason=NO_LIVEKIT_SIP))]
DOORS = [*NODES, "stream"]
"""Both ways into the agent: SIP, on each node, and the carrier's `<Stream>`."""
GONE_LIMIT_S = 30.0


def options_of(door: str, run_dir: Path, **more: Any) -> StackOptions:
    """Return what to start for calls through a door."""
    if door != "stream":
        return StackOptions(run_dir=run_dir, gateway=door, **more)
    manifest = over_stream(ROOT / "dialroom.yaml", run_dir)
    return StackOptions(run_dir=run_dir, manifest=manifest, gateway="lab", stream=True, **{**more, "workers": 0})


@pytest.fixture(scope="session")
def voice() -> Voice:
    """Return the synthetic caller's real voice."""
    speaker = caller_voice()
    if not isinstance(speaker, RealVoice):
        pytest.skip("the voice's wheel is not installed")
    return speaker


@pytest.fixture(scope="session")
def ears() -> Ears:
    """Return the independent recogniser: it knows only the sound on the wire."""
    try:
        return Ears()
    except EarsMissingError:
        pytest.skip("the recogniser's wheel is not installed")


@pytest.fixture(scope="session", params=NODES)
async def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Yield a running stack with one worker; what the caller says is told to the stand-ins (oracle)."""
    run_dir = tmp_path_factory.mktemp(f"stack-{request.param}")
    options = options_of(request.param, run_dir, ears="oracle", warm=3)
    async with local_stack(options) as running:
        yield running


@pytest.fixture
async def phone(stack: Stack, voice: Voice, ears: Ears) -> AsyncIterator[Caller]:
    """Yield a telephone whose owner understands what is said."""
    async with Caller(voice, speech_url=stack.speech_url, recogniser=ears) as caller:
        yield caller


@pytest.fixture
async def livekit_api(stack: Stack) -> AsyncIterator[api.LiveKitAPI]:
    """Yield LiveKit's API of the stack."""
    livekit = stack.livekit
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        yield client


async def calls_of(stack: Stack, client: api.LiveKitAPI, caller: str) -> int:
    """Return how many calls of a number there are: at the stream's door all, since a test there calls alone."""
    if not stack.options.stream:
        return len(await rooms_of(client, caller))
    async with aiohttp.ClientSession() as http, http.get(f"{stack.environ['DIALROOM_STREAM_URL']}/health") as answer:
        return int((await answer.json())["calls"])


async def carrier_lab(stack: Stack, method: str, path: str) -> dict[str, Any]:
    """Ask the carrier's stand-in something that only the lab may."""
    url = f"{stack.carrier_url.partition('/api/')[0]}/lab/{path}"
    async with aiohttp.ClientSession() as http, http.request(method, url) as answer:
        told: dict[str, Any] = await answer.json()
        return told


def logs_of_calls(stack: Stack) -> list[Path]:
    """Return the logs in which the calls of a stack stand."""
    return [child.log_path for child in (*stack.workers, *([stack.stream] if stack.stream else []))]


async def rooms_of(client: api.LiveKitAPI, caller: str) -> list[str]:
    """Return the rooms of calls from a number: LiveKit names them after it."""
    listed = await client.room.list_rooms(api.ListRoomsRequest())
    return [room.name for room in listed.rooms if caller in room.name]


async def eventually(probe: Callable[[], Awaitable[object]], *, limit_s: float = GONE_LIMIT_S) -> None:
    """Wait until `probe` returns a true value; fail after the limit."""
    async with asyncio.timeout(limit_s):
        while not await probe():
            await asyncio.sleep(0.1)


async def speech_log(stack: Stack, what: str) -> list[str]:
    """Return what the speech stand-ins noted: `heard`, `answered`, `spoken` or `looked up`."""
    async with aiohttp.ClientSession() as http, http.get(f"{stack.speech_url}/lab/log") as answer:
        return [entry["text"] for entry in await answer.json() if entry["what"] == what]
