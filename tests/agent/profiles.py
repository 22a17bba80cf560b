"""Agent profiles and settings for tests: nothing in them is real."""

from __future__ import annotations

from typing import Any

from agent.settings import AgentSettings
from telephony.manifest.agent import AgentProfile, HttpTool
from telephony.manifest.model import Manifest

ENVIRON = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "key-of-livekit",
    "LIVEKIT_API_SECRET": "secret-of-livekit-secret-of-livekit",
    "DEEPGRAM_API_KEY": "key-of-deepgram",
    "OPENAI_API_KEY": "key-of-openai",
}


def profile(**given: Any) -> AgentProfile:
    """Return a profile; `given` replaces its fields."""
    fields = {"greeting": "Hello.", "goodbye": "Goodbye then.", "instructions": "You are the front desk."}
    return AgentProfile.model_validate(fields | given)


def manifest(**agents: AgentProfile) -> Manifest:
    """Return a manifest of these agents."""
    return Manifest.model_validate(
        {
            "version": 1,
            "deployment": "rig",
            "agents": agents or {"desk": profile()},
            "livekit": {"sip_host": "sip.example.com"},
        }
    )


def settings(**environ: str) -> AgentSettings:
    """Return settings as the environment would give them."""
    return AgentSettings.from_environ(ENVIRON | environ)


def lookup(**given: Any) -> HttpTool:
    """Return an HTTP tool with one parameter, `name`, in its URL."""
    fields: dict[str, Any] = {
        "name": "lookup",
        "description": "Looks a name up",
        "url": "http://127.0.0.1:9/people/{name}",
        "parameters": {"name": {"type": "string", "description": "A first name"}},
    }
    return HttpTool.model_validate(fields | given)
