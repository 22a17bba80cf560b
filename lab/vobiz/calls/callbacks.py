"""HTTP requests of the carrier to an Application: forms, and signatures when wanted (D:xml/request).

Signatures (D:concepts/validating-callbacks) cover the address and a nonce, never the form.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import aiohttp

from lab.vobiz.account import Account
from lab.vobiz.calls.voice_xml import MAX_BYTES

log = logging.getLogger(__name__)

AGENT: Final = {"User-Agent": "Vobiz"}
TELL_TRIES = 3
TELL_TIMEOUT_S = 3.0
LAST_WORDS_S = 2.0
"""How long what is still to be told may take when the carrier stops."""


class CallbackError(Exception):
    """An Application's address did not answer with 2xx."""


class Callbacks:
    """The carrier's HTTP client; an async context manager."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._session: aiohttp.ClientSession | None = None
        self._telling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=AGENT)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Say what is still to be said, for a moment, and close."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=LAST_WORDS_S)
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)
        if self._session:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client, while it is open."""
        assert self._session is not None
        return self._session

    async def ask(self, url: str, method: str, form: Mapping[str, str], *, timeout_s: float) -> bytes:
        """Send a form (GET: in the query) and return the body of a 2xx. Raises CallbackError."""
        in_query = method == "GET"
        try:
            async with self.session.request(
                method,
                url,
                params=form if in_query else None,
                data=None if in_query else form,
                headers=self._signature(url),
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                allow_redirects=False,
            ) as answer:
                if not 200 <= answer.status < 300:
                    raise CallbackError(f"HTTP {answer.status}")
                return await answer.content.read(MAX_BYTES + 1)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CallbackError(f"{type(error).__name__}: {error}") from None

    def tell(self, url: str, method: str, form: Mapping[str, str]) -> None:
        """Send a form in the background, up to three times until it is taken; nobody hears of a failure."""
        task = asyncio.create_task(self._tell(url, method, form))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, url: str, method: str, form: Mapping[str, str]) -> None:
        for _ in range(TELL_TRIES):
            with contextlib.suppress(CallbackError):
                await self.ask(url, method, form, timeout_s=TELL_TIMEOUT_S)
                return
        log.warning("nobody took a callback", extra={"url": url})

    def _signature(self, url: str) -> dict[str, str]:
        if not self._account.habits.sign_callbacks:
            return {}
        return signatures(url, self._account.auth_token)


def signatures(url: str, token: str) -> dict[str, str]:
    """Return the headers that prove that a request to `url` is the carrier's."""
    nonce = "".join(secrets.choice("0123456789") for _ in range(20))
    base = url.partition("?")[0]
    signed = {}
    for version, text in (("V2", base + nonce), ("V3", f"{base}.{nonce}")):
        digest = hmac.new(token.encode(), text.encode(), hashlib.sha256).digest()
        signed[f"X-Vobiz-Signature-{version}"] = base64.b64encode(digest).decode()
        signed[f"X-Vobiz-Signature-{version}-Nonce"] = nonce
    return signed
