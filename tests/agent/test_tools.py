"""agent/tools.py: what the model may do, tried with a scripted model and real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from livekit.agents import Agent, AgentSession
from livekit.agents.utils import http_context
from livekit.agents.voice.run_result import RunResult

from agent.tools import MAX_ANSWER_BYTES, make_tools
from lab.servers.ports import free_port
from tests.agent.profiles import lookup, profile
from tests.agent.scripted import ScriptedModel, UseTool

INDIA = ZoneInfo("Asia/Kolkata")


@dataclass(eq=False)
class Office:
    """A web service that keeps what it was asked. `body` and `status` are its answer."""

    url: str = ""
    body: str = '{"code": "7419"}'
    status: int = 200
    pause_s: float = 0.0
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs, (await request.read()).decode()))
        answer = web.StreamResponse(status=self.status)
        await answer.prepare(request)
        for start in range(0, len(self.body), 4000):
            await asyncio.sleep(self.pause_s)
            await answer.write(self.body[start : start + 4000].encode())
        await answer.write_eof()
        return answer


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """Yield a running office."""
    service = Office()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    service.url = f"http://127.0.0.1:{port}"
    yield service
    await runner.cleanup()


@asynccontextmanager
async def talking(model: ScriptedModel, *tools: object) -> AsyncIterator[AgentSession[None]]:
    """Yield a session in text, whose agent has these tools."""

    async def never() -> None:
        raise AssertionError("nobody ended the call")

    made = make_tools(profile(tools=list(tools)), end_call=never, time_zone=INDIA)
    async with http_context.open(), AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="", tools=made), record=False)
        yield session


async def outcome(tool: object, called: str, /, **arguments: object) -> tuple[str, bool]:
    """Return what the model is told after it called a tool, and whether that is an error."""
    model = ScriptedModel(UseTool(called, dict(arguments)), "Done.")
    async with talking(model, tool) as session:
        result: RunResult[None] = await session.run(user_input="please")
        result.expect.next_event().is_function_call(name=called)
        output = result.expect.next_event().is_function_call_output().event().item
        result.expect.next_event().is_message(role="assistant")
    return output.output, output.is_error


async def test_an_argument_goes_into_the_url_and_the_answer_to_the_model(office: Office) -> None:
    """The rest of the arguments go into the query of a GET."""
    parameters = {
        "name": {"type": "string", "description": "A first name"},
        "day": {"type": "integer", "description": "A day", "required": False},
    }
    tool = lookup(url=f"{office.url}/people/{{name}}?all=1", parameters=parameters)
    assert await outcome(tool, "lookup", name="Asha", day=4) == ('{"code": "7419"}', False)
    assert office.asked == [("GET", "/people/Asha?all=1&day=4", "")]


async def test_a_post_sends_the_rest_as_json(office: Office) -> None:
    """Types are kept; an argument that was not given is not sent."""
    parameters = {
        "name": {"type": "string", "description": "A first name"},
        "urgent": {"type": "boolean", "description": "Now?"},
        "note": {"type": "string", "description": "A note", "required": False},
    }
    tool = lookup(url=f"{office.url}/people/{{name}}", method="POST", parameters=parameters)
    await outcome(tool, "lookup", name="Asha", urgent=True)
    method, path, body = office.asked[0]
    assert (method, path, json.loads(body)) == ("POST", "/people/Asha", {"urgent": True})


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/../../admin", "/people/a%2F..%2F..%2Fadmin"),
        ("x?admin=1#y", "/people/x%3Fadmin=1%23y"),
        ("%2e%2e", "/people/%252e%252e"),
        ("{name}", "/people/%7Bname%7D"),
        ("Zoë Rao", "/people/Zo%C3%AB%20Rao"),
    ],
)
async def test_a_value_stays_inside_its_place_in_the_url(office: Office, name: str, path: str) -> None:
    """Whatever a caller says, it names one page below the written path."""
    await outcome(lookup(url=f"{office.url}/people/{{name}}"), "lookup", name=name)
    assert office.asked[0][1].replace("%3D", "=") == path


@pytest.mark.parametrize("name", ["", ".", "..", None])
async def test_a_value_that_names_another_page_is_refused(office: Office, name: str | None) -> None:
    """The model is told; nothing is asked."""
    text, failed = await outcome(lookup(url=f"{office.url}/people/{{name}}"), "lookup", name=name)
    assert failed
    assert text.startswith("lookup needs ")
    assert office.asked == []


async def test_a_long_answer_is_read_piece_by_piece_and_cut(office: Office) -> None:
    """An answer that comes in pieces is whole; one without end does not fill the conversation."""
    office.body, office.pause_s = "x" * 3 * MAX_ANSWER_BYTES, 0.01
    text, failed = await outcome(lookup(url=f"{office.url}/people/{{name}}"), "lookup", name="Asha")
    assert (len(text), failed) == (MAX_ANSWER_BYTES, False)


async def test_failures_are_told_in_one_sentence(office: Office) -> None:
    """Status, time limit, nobody there: the model can say it to the caller."""
    url = f"{office.url}/people/{{name}}"
    office.status = 404
    assert await outcome(lookup(url=url), "lookup", name="A") == ("lookup answered with status 404", True)
    office.status, office.pause_s = 200, 5.0
    slow = await outcome(lookup(url=url, timeout_s=0.2), "lookup", name="A")
    assert slow == ("lookup did not answer in 0.2 seconds", True)
    gone = f"http://127.0.0.1:{free_port()}/{{name}}"
    assert await outcome(lookup(url=gone), "lookup", name="A") == ("lookup cannot be reached", True)


async def test_the_model_is_told_the_time_of_its_place() -> None:
    """In words that can be spoken."""
    text, _ = await outcome("current_time", "current_time")
    now = datetime.now(INDIA)
    assert text.count("IST") == 1
    assert f"{now:%B %Y}" in text


async def test_ending_the_call_calls_for_the_goodbye_and_no_further_reply() -> None:
    """The goodbye is prepared speech: the model says nothing after its tool."""
    ended: list[bool] = []

    async def end_call() -> None:
        ended.append(True)

    model = ScriptedModel(UseTool("end_call"))
    tools = make_tools(profile(tools=["end_call"]), end_call=end_call, time_zone=INDIA)
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="", tools=tools), record=False)
        result: RunResult[None] = await session.run(user_input="goodbye")
        result.expect.next_event().is_function_call(name="end_call")
    assert ended == [True]
    assert len(model.asked) == 1
