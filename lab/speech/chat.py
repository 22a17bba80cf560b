"""OpenAI's chat completions: streamed as server-sent events, or whole."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from lab.speech.faults import SLOW_S
from lab.speech.receptionist import CallRaw, CallTool, Reply, Say
from lab.speech.state import STATE, State


async def models(_request: web.Request) -> web.Response:
    """GET /v1/models: one model, whatever one asks for."""
    return web.json_response({"object": "list", "data": [{"id": "receptionist", "object": "model"}]})


async def chat(request: web.Request) -> web.StreamResponse:
    """POST /v1/chat/completions."""
    state = request.app[STATE]
    fault = state.settings.llm.take()
    if fault in ("429", "500"):
        return web.json_response({"error": {"message": "as set", "type": "as_set"}}, status=int(fault))
    if fault == "refused" and request.transport is not None:
        request.transport.close()
        return web.Response(status=503)
    if fault == "hang":
        await asyncio.Event().wait()
    asked = await request.json()
    reply = _reply(state, asked)
    state.note("answered", reply.text if isinstance(reply, Say) else "; ".join(f"{n}({a})" for n, a in _calls(reply)))
    await state.settings.llm.delay()
    if fault == "slow":
        await asyncio.sleep(SLOW_S)
    if not asked.get("stream"):
        return web.json_response(_whole(asked, reply))
    return await _streamed(request, asked, reply, fault)


def _reply(state: State, asked: Mapping[str, Any]) -> Reply:
    tools = [tool["function"]["name"] for tool in asked.get("tools") or () if tool.get("type") == "function"]
    messages = asked.get("messages") or []
    raw, asked_now = state.raw_calls, bool(messages) and messages[-1].get("role") == "user"
    if raw and asked_now:
        state.raw_calls = ()
        return CallRaw(raw)
    return state.receptionist.reply(messages, tools if asked.get("tool_choice") != "none" else [])


def _calls(reply: CallTool | CallRaw) -> tuple[tuple[str, str], ...]:
    if isinstance(reply, CallRaw):
        return reply.calls
    return ((reply.name, json.dumps(dict(reply.arguments))),)


async def _streamed(
    request: web.Request, asked: Mapping[str, Any], reply: Reply, fault: str | None
) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "x-request-id": str(uuid.uuid4())})
    await answer.prepare(request)
    if fault == "garbage":
        await answer.write(b"data: {not json\n\n")
        return answer
    frame = _frame(asked, "chat.completion.chunk")
    for count, choice in enumerate(_choices(reply)):
        await answer.write(_event({**frame, "choices": [{"index": 0, **choice}]}))
        if fault == "cut" and count == 1 and request.transport is not None:
            request.transport.close()
            return answer
    if (asked.get("stream_options") or {}).get("include_usage"):
        await answer.write(_event({**frame, "choices": [], "usage": _usage(asked, reply)}))
    await answer.write(b"data: [DONE]\n\n")
    await answer.write_eof()
    return answer


def _choices(reply: Reply) -> Iterator[dict[str, Any]]:
    yield {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    if isinstance(reply, Say):
        for word in reply.text.split(" "):
            yield {"delta": {"content": f"{word} "}, "finish_reason": None}
        yield {"delta": {}, "finish_reason": "stop"}
        return
    for index, (name, arguments) in enumerate(_calls(reply)):
        call = {"index": index, "id": f"call_{uuid.uuid4().hex[:12]}", "type": "function"}
        yield {"delta": {"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}, "finish_reason": None}
        for start in range(0, len(arguments), 8):
            piece = {"index": index, "function": {"arguments": arguments[start : start + 8]}}
            yield {"delta": {"tool_calls": [piece]}, "finish_reason": None}
    yield {"delta": {}, "finish_reason": "tool_calls"}


def _whole(asked: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text if isinstance(reply, Say) else None}
    if not isinstance(reply, Say):
        functions = [{"name": name, "arguments": arguments} for name, arguments in _calls(reply)]
        message["tool_calls"] = [
            {"id": f"call_{uuid.uuid4().hex[:12]}", "type": "function", "function": function} for function in functions
        ]
    finish = "stop" if isinstance(reply, Say) else "tool_calls"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {**_frame(asked, "chat.completion"), "choices": [choice], "usage": _usage(asked, reply)}


def _frame(asked: Mapping[str, Any], kind: str) -> dict[str, Any]:
    model = asked.get("model", "receptionist")
    return {"id": f"chatcmpl-{uuid.uuid4().hex[:20]}", "object": kind, "created": int(time.time()), "model": model}


def _usage(asked: Mapping[str, Any], reply: Reply) -> dict[str, int]:
    """Count words: the stand-in has no tokens."""
    prompt = sum(len(str(message.get("content") or "").split()) for message in asked.get("messages") or ())
    answer = len(reply.text.split()) if isinstance(reply, Say) else 1
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _event(value: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
