"""Before any call is taken: do the keys open what they should?"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

from agent.errors import KeyRefusedError, UnreachableError
from agent.settings import AgentSettings, TalkSettings
from telephony.manifest.agent import AgentProfile
from telephony.manifest.model import Manifest

log = logging.getLogger("dialroom.worker")

PROBE_TIMEOUT_S: Final = 5.0
_REFUSED: Final = (401, 403)
_NO_SUCH_PAGE: Final = (404, 405)
_CODE: Final = re.compile(r"[a-z_]{1,32}")
"""Of Twirp; anything else may be what we have sent, quoted."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A cheap request that only a right key may make. `url` names the service in messages."""

    service: str
    variable: str
    url: str
    authorization: str = field(repr=False)


async def check_services(settings: AgentSettings, manifest: Manifest) -> None:
    """Ask LiveKit and each service of each agent once.

    Raises KeyRefusedError or UnreachableError (LiveKit only). A speech or model service that cannot be asked is a
    warning: it may be back when a call comes.
    """
    outcomes = await asyncio.gather(
        _check_livekit(settings), check_speech(settings, manifest.agents.values()), return_exceptions=True
    )
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def check_speech(settings: TalkSettings, agents: Iterable[AgentProfile]) -> None:
    """Ask each service of the agents once. Raises KeyRefusedError; one that cannot be asked is a warning."""
    limit = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=limit, trust_env=True) as http:
        probes = sorted(set(_probes(settings, agents)), key=lambda probe: probe.url)
        outcomes = await asyncio.gather(*(_probe(http, probe) for probe in probes), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def _check_livekit(settings: AgentSettings) -> None:
    url, where = settings.livekit_url, f"LiveKit at {settings.livekit_url}"
    limit = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)
    try:
        async with api.LiveKitAPI(
            url, settings.livekit_api_key, settings.livekit_api_secret.get_secret_value(), timeout=limit
        ) as livekit:
            await livekit.room.list_rooms(api.ListRoomsRequest(names=["dialroom-check"]))
    except api.TwirpError as error:
        if error.code in ("unauthenticated", "permission_denied") or error.status in _REFUSED:
            raise KeyRefusedError(f"{where} refuses the key: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET") from None
        code = error.code if _CODE.fullmatch(error.code) else f"HTTP {error.status}"
        raise UnreachableError(f"{where} answers with an error ({code}): is it a LiveKit server?") from None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        raise UnreachableError(f"{where} cannot be reached: start it, or set LIVEKIT_URL") from None
    except (DecodeError, AttributeError, RecursionError):  # the client trusts what it is sent
        raise UnreachableError(f"{where} answers, but not as LiveKit does: set LIVEKIT_URL") from None


def _probes(settings: TalkSettings, agents: Iterable[AgentProfile]) -> Iterator[Probe]:
    deepgram = f"Token {settings.deepgram_api_key.get_secret_value()}"
    openai = f"Bearer {settings.openai_api_key.get_secret_value()}"
    for profile in agents:
        for given in (profile.stt.base_url, profile.tts.base_url):
            base = (given or settings.deepgram_base_url).rstrip("/")
            # developers.deepgram.com, "Authenticating": tells whether a key is valid, and costs nothing.
            yield Probe("Deepgram", "DEEPGRAM_API_KEY", f"{base}/auth/token", deepgram)
        base = (profile.llm.base_url or settings.openai_base_url).rstrip("/")
        yield Probe("the model's service", "OPENAI_API_KEY", f"{base}/models", openai)


async def _probe(http: aiohttp.ClientSession, probe: Probe) -> None:
    try:
        async with http.get(probe.url, headers={"Authorization": probe.authorization}) as answer:
            status = answer.status
    except ValueError:
        raise KeyRefusedError(f"{probe.variable} holds a character that no key has: write it again") from None
    except (aiohttp.ClientError, TimeoutError):
        log.warning("a service of the agents cannot be reached now", extra={"url": probe.url})
        return
    if status in _REFUSED:
        raise KeyRefusedError(f"{probe.service} at {probe.url} refuses the key: set {probe.variable}")
    if status >= 400 and status not in _NO_SUCH_PAGE:
        log.warning("a service of the agents answers with an error", extra={"url": probe.url, "status": status})
