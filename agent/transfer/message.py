"""A message that a caller leaves for somebody who was not reached: one line of a file, until somebody reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from livekit.agents import llm
from livekit.agents.llm import function_tool

from agent.call import Call
from agent.conversation.handing_over import MESSAGE_TOOL

LONGEST: Final = 4000
KeepMessage = Callable[[str], None]


def keep_message(path: Path, call: Call, message: str, *, now: datetime) -> None:
    """Append a message, readable by this user alone. Raises OSError."""
    path = path.expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "at": now.isoformat(timespec="seconds"),
        "from": call.caller,
        "to": call.called,
        "message": message[:LONGEST],
    }
    line = (json.dumps(kept, ensure_ascii=False) + "\n").encode()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, line)
        os.fsync(file)
    finally:
        os.close(file)


def message_tool(keep: KeepMessage) -> llm.Tool:
    """Return the model's tool."""

    async def take(message: str) -> str:
        """Args: message: The caller's message in their own words, with the name and number they gave."""
        keep(message)
        return "The message is kept. Tell the caller."

    return function_tool(take, name=MESSAGE_TOOL, description="Keep a message of the caller for who was not reached.")
