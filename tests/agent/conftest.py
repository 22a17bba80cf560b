"""The rig that the tests of whole calls share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lab.servers.livekit import LiveKit
from lab.speech.voice import RealVoice, Voice, VoiceMissingError
from tests.agent.rig import Rig
from tests.agent.services import services_running


@pytest.fixture(scope="session")
def caller_voice() -> Voice:
    """Return the voice of the callers: voice activity detection takes no tones for speech."""
    try:
        return RealVoice()
    except VoiceMissingError:
        pytest.skip("the voice's wheel is not installed")


@pytest.fixture(scope="session")
async def rig(livekit: LiveKit, caller_voice: Voice, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Yield LiveKit, stand-ins and callers; workers are started by the tests."""
    async with services_running() as services:
        yield Rig(livekit=livekit, services=services, voice=caller_voice, run_dir=tmp_path_factory.mktemp("agent"))


@pytest.fixture(autouse=True)
def _services_are_well_again(request: pytest.FixtureRequest) -> None:
    """Forget the faults that the test before has set."""
    if "rig" in request.fixturenames:
        settings = request.getfixturevalue("rig").services.state.settings
        for service in (settings.stt, settings.llm, settings.tts):
            service.delay_ms, service.fault, service.times = 0, None, None
