"""What the model may do: thin functions over what the call and the world offer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, tzinfo
from string import Formatter
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from livekit.agents import StopResponse, ToolError, llm
from livekit.agents.llm import function_tool
from livekit.agents.utils import http_context

from telephony.manifest.agent import AgentProfile, HttpTool, Tool

MAX_ANSWER_BYTES: Final = 8192
EndCall = Callable[[], Awaitable[None]]


def make_tools(profile: AgentProfile, *, end_call: EndCall, time_zone: tzinfo) -> list[llm.Tool | llm.Toolset]:
    """Return the profile's tools. `end_call` begins the goodbye and returns at once."""

    def make(choice: Tool) -> llm.Tool:
        if isinstance(choice, HttpTool):
            return http_tool(choice)
        return end_call_tool(end_call) if choice == "end_call" else current_time_tool(time_zone)

    return [make(choice) for choice in profile.tools]


def end_call_tool(end_call: EndCall) -> llm.Tool:
    """Return the tool that says the goodbye and hangs up. The model says nothing after it."""

    async def hang_up() -> None:
        await end_call()
        raise StopResponse

    return function_tool(
        hang_up,
        name="end_call",
        description="End the call. Use it when the caller says goodbye or has nothing more to ask. "
        "A goodbye is spoken for you: say nothing yourself.",
    )


def current_time_tool(time_zone: tzinfo) -> llm.Tool:
    """Return the tool that tells the time in a zone."""

    async def current_time() -> dict[str, str]:
        now = datetime.now(time_zone)
        return {"time": f"{now:%H:%M}", "date": f"{now:%A, %d %B %Y}", "zone": f"{now:%Z}"}

    return function_tool(current_time, name="current_time", description="The time and date where the agent is.")


def http_tool(tool: HttpTool) -> llm.Tool:
    """Return a tool that asks a web service. Its failures are told to the model in one sentence, never a traceback."""

    async def ask(raw_arguments: dict[str, object]) -> str:
        url, sent = _request(tool, raw_arguments)
        limit = aiohttp.ClientTimeout(total=tool.timeout_s)
        try:
            async with http_context.http_session().request(tool.method, url, timeout=limit, **sent) as answer:
                if answer.status >= 400:
                    raise ToolError(f"{tool.name} answered with status {answer.status}")
                return await _text_of(answer)
        except TimeoutError:
            raise ToolError(f"{tool.name} did not answer in {tool.timeout_s:g} seconds") from None
        except aiohttp.ClientError:
            raise ToolError(f"{tool.name} cannot be reached") from None

    return function_tool(ask, raw_schema=_schema(tool))


def _request(tool: HttpTool, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the URL and what goes with it. Raises ToolError for arguments that the tool cannot be asked with."""
    known = {name: value for name, value in given.items() if name in tool.parameters and value is not None}
    if missing := [name for name, wanted in tool.parameters.items() if wanted.required and name not in known]:
        raise ToolError(f"{tool.name} needs {', '.join(missing)}")
    named = {name for _, name, _, _ in Formatter().parse(tool.url) if name is not None}
    in_url = {name: _text(value) for name, value in known.items() if name in named}
    if any(not text.strip(".") for text in in_url.values()):
        raise ToolError(f"{tool.name} needs a value that is a name")  # "" and ".." would name another page
    url = tool.url.format_map({name: quote(text, safe="") for name, text in in_url.items()})
    rest = {name: value for name, value in known.items() if name not in named}
    if tool.method == "POST":
        return url, {"json": rest}
    return url, {"params": {name: _text(value) for name, value in rest.items()}}


async def _text_of(answer: aiohttp.ClientResponse) -> str:
    body = b""
    async for piece in answer.content.iter_chunked(MAX_ANSWER_BYTES):
        body += piece
        if len(body) >= MAX_ANSWER_BYTES:
            break
    return body[:MAX_ANSWER_BYTES].decode(errors="replace")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _schema(tool: HttpTool) -> dict[str, Any]:
    properties = {name: {"type": p.type, "description": p.description} for name, p in tool.parameters.items()}
    required = [name for name, parameter in tool.parameters.items() if parameter.required]
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": {"type": "object", "properties": properties, "required": required, "additionalProperties": False},
    }
