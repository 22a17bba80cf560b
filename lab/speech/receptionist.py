"""The model behind the chat stand-in: a receptionist with rules. Pure: messages and tools in, one reply out.

It looks only at what was said last, never at how many turns there were, so that no script by turn number can pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

DEFAULT_RULES = Path(__file__).with_name("receptionist.yaml")
_NAMES = re.compile(r"\b(?:this is|i am|i'm|my name is|name of|code (?:of|for))\s+([A-Z][a-z]+)", re.IGNORECASE)
_KEYS = {"*": "star", "#": "hash"}


class Rule(BaseModel):
    """`heard`: any of these phrases, in lower case. `tool` is called when it is offered, else `say` is said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heard: tuple[str, ...]
    say: str = ""
    tool: str | None = None
    arguments: dict[str, str] = Field(default_factory=dict)


class Rules(BaseModel):
    """`after` says what follows a tool's result: `{key}` is a value of it, `{key:spelled}` one character at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...]
    after: dict[str, str] = Field(default_factory=dict)
    otherwise: str


@dataclass(frozen=True, slots=True)
class Say:
    """A reply in words; empty when there is nothing to add."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """A tool to call."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallRaw:
    """Tool calls by the letter, at once: (name, what stands where JSON arguments should)."""

    calls: tuple[tuple[str, str], ...]


Reply = Say | CallTool | CallRaw


class Receptionist:
    """Answers by the rules of a file."""

    def __init__(self, path: Path = DEFAULT_RULES) -> None:
        self._rules = Rules.model_validate(yaml.safe_load(path.read_text()))

    def reply(self, messages: Sequence[Mapping[str, Any]], tools: Iterable[str]) -> Say | CallTool:
        """Return the reply to a conversation in the form of chat completions; `tools` are the names on offer."""
        last = messages[-1] if messages else {}
        if last.get("role") == "tool":
            return Say(self._after_tool(_tool_name(messages, last), str(last.get("content", ""))))
        heard = _text(next((m for m in reversed(messages) if m.get("role") == "user"), {}))
        if pressed := re.search(r"pressed ([0-9*# ]+)", heard):
            keys = (_KEYS.get(key, key) for key in pressed[1].replace(" ", ""))
            return Say(f"You pressed {' '.join(keys)}.")
        return self._by_rule(heard, set(tools))

    def _by_rule(self, heard: str, tools: set[str]) -> Say | CallTool:
        words = f" {re.sub(r'[^a-z0-9 ]+', '', heard.lower())} "
        for rule in self._rules.rules:
            if any(f" {phrase} " in words for phrase in rule.heard):
                if rule.tool in tools and rule.tool is not None:
                    name = _NAMES.search(heard)
                    filled = {"name": name[1].capitalize() if name else "Anita"}
                    return CallTool(rule.tool, {k: v.format(**filled) for k, v in rule.arguments.items()})
                if rule.say:
                    return Say(rule.say)
        return Say(self._rules.otherwise)

    def _after_tool(self, tool: str, content: str) -> str:
        template = self._rules.after.get(tool)
        if template is None:
            return "" if tool == "end_call" else f"I found this: {content}."
        try:
            result = json.loads(content)
        except ValueError:
            result = {}
        if not isinstance(result, dict):
            result = {"result": result}
        try:
            return template.format(**{key: _Value(value) for key, value in result.items()})
        except (KeyError, IndexError):
            return "I am sorry, I could not look that up."


class _Value:
    def __init__(self, value: Any) -> None:
        self._value = str(value)

    def __format__(self, spec: str) -> str:
        return " ".join(self._value) if spec == "spelled" else self._value


def _tool_name(messages: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> str:
    for message in reversed(messages):
        for call in message.get("tool_calls") or ():
            if call.get("id") == result.get("tool_call_id"):
                return str(call["function"]["name"])
    return ""


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content", "")
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")
