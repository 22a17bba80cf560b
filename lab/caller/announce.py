"""Telling the speech stand-ins what will be said, so that their oracle need not recognise it."""

from __future__ import annotations

from dataclasses import asdict

import aiohttp

from lab.caller.speech import Sentence
from telephony.call_tag import call_tag
from telephony.errors import WorldError

_LIMIT = aiohttp.ClientTimeout(total=5)


class Announcer:
    """A connection to the stand-ins' control port, `url` like http://127.0.0.1:9000; None announces nothing.

    `url` may be set later.
    """

    def __init__(self, url: str | None) -> None:
        self.url = url
        self._session: aiohttp.ClientSession | None = None

    async def announce(self, call_id: str, sentence: Sentence) -> None:
        """Announce a sentence of a call. Raises WorldError when the stand-ins do not take it."""
        if self.url is None:
            return
        self._session = self._session or aiohttp.ClientSession(timeout=_LIMIT)
        body = {
            "tag": call_tag(call_id),
            "text": sentence.text,
            "segments": [asdict(segment) for segment in sentence.segments],
            "duration_s": sentence.duration_s,
        }
        try:
            async with self._session.post(f"{self.url.rstrip('/')}/lab/announce", json=body) as response:
                response.raise_for_status()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WorldError(f"the speech stand-ins at {self.url} take no announcement: {error}") from error

    async def aclose(self) -> None:
        """Close the connection. May be called twice."""
        if self._session:
            await self._session.close()
            self._session = None
