"""agent/check.py: keys and addresses are tried before any call is taken."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from agent.check import check_services
from agent.errors import KeyRefusedError, UnreachableError
from agent.settings import AgentSettings
from lab.servers.livekit import LiveKit
from lab.servers.ports import free_port
from tests.agent.profiles import manifest, profile, settings


@asynccontextmanager
async def service(*, deepgram: int = 200, openai: int = 200) -> AsyncIterator[str]:
    """Yield the base URL of stand-ins that answer their key probes with these statuses."""

    async def token(request: web.Request) -> web.Response:
        return web.Response(status=deepgram if request.headers["Authorization"] == "Token key-of-deepgram" else 401)

    async def models(request: web.Request) -> web.Response:
        return web.Response(status=openai if request.headers["Authorization"] == "Bearer key-of-openai" else 401)

    app = web.Application()
    app.add_routes([web.get("/v1/auth/token", token), web.get("/v1/models", models)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/v1"
    await runner.cleanup()


def reaching(livekit: LiveKit, base_url: str, **environ: str) -> AgentSettings:
    """Return settings that lead to a real LiveKit and the stand-ins."""
    given = {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "DEEPGRAM_BASE_URL": base_url,
        "OPENAI_BASE_URL": base_url,
    }
    return settings(**given | environ)


async def test_right_keys_pass_without_a_word(livekit: LiveKit, caplog: pytest.LogCaptureFixture) -> None:
    """The ordinary start."""
    async with service() as base_url:
        await check_services(reaching(livekit, base_url), manifest())
    assert caplog.records == []


@pytest.mark.parametrize("variable", ["DEEPGRAM_API_KEY", "OPENAI_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_API_KEY"])
async def test_a_wrong_key_is_named_by_its_variable(livekit: LiveKit, variable: str) -> None:
    """One line, exit code 1; the key itself is not told."""
    async with service() as base_url:
        with pytest.raises(KeyRefusedError) as caught:
            await check_services(reaching(livekit, base_url, **{variable: "wrong-" * 8}), manifest())
    assert variable in str(caught.value)
    assert "wrong-" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


async def test_a_key_for_an_agents_own_service_is_tried_there(livekit: LiveKit) -> None:
    """The manifest may name another address for one agent."""
    async with service() as base_url, service(openai=403) as other:
        agents = manifest(desk=profile(), night=profile(llm={"model": "m", "base_url": other}))
        with pytest.raises(KeyRefusedError, match=other):
            await check_services(reaching(livekit, base_url), agents)


async def test_a_livekit_that_is_not_there_is_said_so() -> None:
    """With its address, and what to set."""
    url = f"ws://127.0.0.1:{free_port()}"
    async with service() as base_url:
        given = settings(LIVEKIT_URL=url, DEEPGRAM_BASE_URL=base_url, OPENAI_BASE_URL=base_url)
        with pytest.raises(UnreachableError, match=f"{url} cannot be reached.*LIVEKIT_URL"):
            await check_services(given, manifest())


async def test_an_address_that_is_no_livekit_is_said_so() -> None:
    """Something answers, but not as LiveKit does."""
    async with service() as base_url:
        url = base_url.removesuffix("/v1")
        given = settings(LIVEKIT_URL=url, DEEPGRAM_BASE_URL=base_url, OPENAI_BASE_URL=base_url)
        with pytest.raises(UnreachableError, match="is it a LiveKit server"):
            await check_services(given, manifest())


async def test_a_service_that_cannot_be_asked_is_a_warning(livekit: LiveKit, caplog: pytest.LogCaptureFixture) -> None:
    """It may be back when a call comes. A service without the page of the probe tells nothing about the key."""
    caplog.set_level(logging.WARNING)
    async with service(deepgram=404, openai=503) as base_url:
        await check_services(reaching(livekit, base_url), manifest())
    assert [record.getMessage() for record in caplog.records] == ["a service of the agents answers with an error"]
    caplog.clear()
    await check_services(reaching(livekit, f"http://127.0.0.1:{free_port()}/v1"), manifest())
    assert {record.getMessage() for record in caplog.records} == {"a service of the agents cannot be reached now"}
