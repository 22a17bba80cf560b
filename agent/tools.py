"""What the model may do: thin functions over what the call and the world offer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import aiohttp
from livekit.agents import StopResponse, ToolError, llm
from livekit.agents.llm import function_tool
from livekit.agents.utils import http_context

from telephony.manifest.agent import AgentProfile, HttpTool, Tool

MAX_ANSWER_BYTES = 8192
EndCall = Callable[[], Awaitable[None]]


def make_tools(profile: AgentProfile, *, end_call: EndCall) -> list[llm.Tool | llm.Toolset]:
    """Return the profile's tools. `end_call` begins the goodbye and returns at once."""
    return [_tool(choice, end_call) for choice in profile.tools]


def _tool(choice: Tool, end_call: EndCall) -> llm.Tool | llm.Toolset:
    if isinstance(choice, HttpTool):
        return http_tool(choice)
    return _end_call_tool(end_call) if choice == "end_call" else _current_time_tool()


def _end_call_tool(end_call: EndCall) -> llm.Tool:
    async def hang_up() -> None:
        await end_call()
        raise StopResponse

    return function_tool(
        hang_up,
        name="end_call",
        description="End the call. Use it when the caller says goodbye or has nothing more to ask. "
        "A goodbye is spoken for you: say nothing yourself.",
    )


def _current_time_tool() -> llm.Tool:
    async def current_time() -> dict[str, str]:
        now = datetime.now().astimezone()
        return {"time": f"{now:%H:%M}", "date": f"{now:%A, %d %B %Y}", "zone": f"{now:%Z}"}

    return function_tool(current_time, name="current_time", description="The time and date where the agent is.")


def http_tool(tool: HttpTool) -> llm.Tool:
    """Return a tool that asks a web service. Its failures are told to the model in one sentence, never a traceback."""

    async def ask(raw_arguments: dict[str, object]) -> str:
        return await _request(tool, raw_arguments)

    return function_tool(ask, raw_schema=_schema(tool))


async def _request(tool: HttpTool, arguments: dict[str, Any]) -> str:
    known = {name: value for name, value in arguments.items() if name in tool.parameters and value is not None}
    if missing := [name for name, wanted in tool.parameters.items() if wanted.required and name not in known]:
        raise ToolError(f"{tool.name} needs {', '.join(missing)}")
    in_path = {name: value for name, value in known.items() if f"{{{name}}}" in tool.url}
    rest = {name: value for name, value in known.items() if name not in in_path}
    if any(_text(value).strip(".") == "" for value in in_path.values()):
        raise ToolError(f"{tool.name} needs a value that is a name")  # "" and ".." would name another page
    url = tool.url.format(**{name: quote(_text(value), safe="") for name, value in in_path.items()})
    sent: dict[str, Any] = (
        {"json": rest} if tool.method == "POST" else {"params": {k: _text(v) for k, v in rest.items()}}
    )
    limit = aiohttp.ClientTimeout(total=tool.timeout_s)
    try:
        async with http_context.http_session().request(tool.method, url, timeout=limit, **sent) as answer:
            body = (await answer.content.read(MAX_ANSWER_BYTES)).decode(errors="replace")
            if answer.status >= 400:
                raise ToolError(f"{tool.name} answered with status {answer.status}")
            return body
    except TimeoutError:
        raise ToolError(f"{tool.name} did not answer in {tool.timeout_s:g} seconds") from None
    except aiohttp.ClientError:
        raise ToolError(f"{tool.name} cannot be reached") from None


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
