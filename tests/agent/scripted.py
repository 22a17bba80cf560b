"""A language model that says what the test wrote, one reply after the other."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, llm


@dataclass(frozen=True, slots=True)
class UseTool:
    """A reply that calls a tool."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


class ScriptedModel(llm.LLM[Any]):
    """Gives the replies in order; `asked` holds the conversation of each request."""

    def __init__(self, *replies: str | UseTool) -> None:
        super().__init__()
        self._replies = deque(replies)
        self.asked: list[llm.ChatContext] = []

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        self.asked.append(chat_ctx.copy())
        return _Reply(self, self._replies.popleft(), chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Reply(llm.LLMStream):
    def __init__(self, model: ScriptedModel, reply: str | UseTool, **given: Any) -> None:
        super().__init__(model, **given)
        self._reply = reply

    async def _run(self) -> None:
        delta = llm.ChoiceDelta(role="assistant")
        if isinstance(self._reply, str):
            delta.content = self._reply
        else:
            arguments = json.dumps(self._reply.arguments)
            delta.tool_calls = [llm.FunctionToolCall(name=self._reply.name, arguments=arguments, call_id="call-1")]
        self._event_ch.send_nowait(llm.ChatChunk(id="chunk-1", delta=delta))
