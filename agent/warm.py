"""Imported once by the server that job processes are forked from: what is loaded here, all of them share.

Only imports and the weights of the voice activity detection: no thread, no event loop, no rtc object survives a fork.
What is named here and used nowhere else are parts that the speech and model clients would import during the first call.
"""

from __future__ import annotations

import anyio._backends._asyncio
import anyio._core._synchronization  # noqa: F401
import httpcore2._async  # noqa: F401
import livekit.local_inference as inference
import openai.pagination
import openai.resources.chat
import openai.resources.models  # noqa: F401

import agent.job  # noqa: F401

inference.init_vad()
