"""The lab's own endpoints: announcements, settings, the log, and the clinic's back office."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from lab.speech.announced import Announcement
from lab.speech.faults import Settings
from lab.speech.state import STATE


async def announce(request: web.Request) -> web.Response:
    """POST /lab/announce: what a synthetic caller says next."""
    try:
        request.app[STATE].announcements.add(Announcement.model_validate_json(await request.read()))
    except ValidationError as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.Response(status=204)


async def read_settings(request: web.Request) -> web.Response:
    """GET /lab/settings."""
    return web.json_response(request.app[STATE].settings.model_dump())


async def write_settings(request: web.Request) -> web.Response:
    """PUT /lab/settings: the services that are named are replaced."""
    state = request.app[STATE]
    try:
        given = Settings.model_validate_json(await request.read())
    except ValidationError as error:
        return web.json_response({"error": str(error)}, status=400)
    for service in given.model_fields_set:
        setattr(state.settings, service, getattr(given, service))
    return await read_settings(request)


class RawCalls(BaseModel):
    """What PUT /lab/raw-calls takes: pairs of a tool's name and its arguments by the letter."""

    model_config = ConfigDict(extra="forbid")

    calls: tuple[tuple[str, str], ...]


async def answer_raw(request: web.Request) -> web.Response:
    """PUT /lab/raw-calls: what the model answers next, once: a model that somebody talked over."""
    try:
        given = RawCalls.model_validate_json(await request.read())
    except ValidationError as error:
        return web.json_response({"error": str(error)}, status=400)
    request.app[STATE].raw_calls = given.calls
    return web.Response(status=204)


async def log(request: web.Request) -> web.Response:
    """GET /lab/log: what was heard, answered and spoken, oldest first."""
    return web.json_response(list(request.app[STATE].log))


async def appointment(request: web.Request) -> web.Response:
    """GET /appointments/{name}: the clinic's back office, which the agent's tool asks."""
    state, name = request.app[STATE], request.match_info["name"]
    code = state.code_of(name)
    state.note("looked up", f"{name}: {code}")
    return web.json_response({"name": name, "code": code})


async def set_appointment(request: web.Request) -> web.Response:
    """PUT /appointments/{name} {"code"}."""
    code = str((await request.json())["code"])
    request.app[STATE].codes[request.match_info["name"].strip().lower()] = code
    return web.Response(status=204)


def routes() -> list[web.RouteDef]:
    """Return the lab's own routes."""
    return [
        web.post("/lab/announce", announce),
        web.get("/lab/settings", read_settings),
        web.put("/lab/settings", write_settings),
        web.put("/lab/raw-calls", answer_raw),
        web.get("/lab/log", log),
        web.get("/appointments/{name}", appointment),
        web.put("/appointments/{name}", set_appointment),
    ]
