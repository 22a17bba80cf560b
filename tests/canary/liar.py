"""A server that answers everything wrongly, and always with what it was sent: headers, query, body.

The first part of a path is how it lies. ``writes-`` before it: only to requests that write; the others go on to the
real server, so that a command gets as far as its writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import aiohttp

WRITES: Final = "writes-"
_LIMIT_S: Final = 20.0
_OWN_HEADERS: Final = ("host", "accept-encoding", "connection", "content-length", "transfer-encoding")
_READ_PARTS: Final = ("/List", "/Get")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def words(self) -> str:
        """All of it that may hold a secret, on one line."""
        body = self.body.decode("latin-1").replace("\r", " ").replace("\n", " ")
        headers = [f"{name}: {value}" for name, value in sorted(self.headers.items(), key=_by_interest)]
        return " | ".join([body, *headers, self.path])

    @property
    def writes(self) -> bool:
        """Whether it wants something changed; LiveKit's reads are POSTs too."""
        return self.method != "GET" and not any(part in self.path for part in _READ_PARTS)


def _by_interest(header: tuple[str, str]) -> bool:
    return "auth" not in header[0]


def _http(
    status: int, body: bytes, kind: str = "application/json", reason: str = "", headers: Iterable[str] = ()
) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason or HTTPStatus(status).phrase}", f"Content-Type: {kind}", *headers]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in lines):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1", "replace") + body


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _error(status: int) -> Callable[[Asked], bytes]:
    """Every shape of an error at once, all of them quoting."""

    def answer(asked: Asked) -> bytes:
        words = asked.words
        body = {"error": words, "message": words, "code": words, "msg": words, "detail": words, "errors": [words]}
        return _http(status, _json(body))

    return answer


def _inner_error(status: int) -> Callable[[Asked], bytes]:
    return lambda asked: _http(status, _json({"error": {"code": asked.words, "message": asked.words}}))


def _twirp(status: int, code: str) -> Callable[[Asked], bytes]:
    return lambda asked: _http(status, _json({"code": code, "msg": asked.words, "meta": {"why": asked.words}}))


def _page(status: int) -> Callable[[Asked], bytes]:
    return lambda asked: _http(status, f"<h1>Debug</h1><pre>{html.escape(asked.words)}</pre>".encode(), "text/html")


def _away(status: int, to: str) -> Callable[[Asked], bytes]:
    def answer(asked: Asked) -> bytes:
        return _http(status, asked.words.encode(), "text/plain", headers=[f"Location: {to}?was={quote(asked.words)}"])

    return answer


def _rows(asked: Asked) -> bytes:
    row = dict.fromkeys(("trunk_id", "name", "e164", "username", "app_name", "trunk_domain"), asked.words)
    return _http(200, _json({"objects": [row], "items": [row], "meta": {"total": 1}, asked.words: 1, "auth_id": "x"}))


LIES: Final[Mapping[str, Callable[[Asked], bytes]]] = {
    "garbage": lambda asked: _http(200, bytes(range(256)) + asked.words.encode(), "application/octet-stream"),
    "page": _page(200),
    "text": lambda asked: _http(200, asked.words.encode(), "text/plain"),
    "object": lambda asked: _http(200, _json({"message": asked.words, asked.words: asked.words})),
    "list": lambda asked: _http(200, _json([asked.words])),
    "null": lambda _: _http(200, b"null"),
    "rows": _rows,
    "deep": lambda asked: _http(200, b"[" * 5000 + asked.words.encode()),
    "protobuf": lambda asked: _http(200, b"\x0a\xff\x01" + asked.words.encode(), "application/protobuf"),
    **{str(status): _error(status) for status in (400, 401, 403, 404, 405, 409, 422, 500, 501)},
    "torn-500": lambda asked: _http(500, b'{"code": "' + asked.words.encode()),
    "list-500": lambda asked: _http(500, _json([asked.words])),
    "inner-400": _inner_error(400),
    "inner-401": _inner_error(401),
    "inner-500": _inner_error(500),
    "twirp-400": _twirp(400, "invalid_argument"),
    "twirp-401": _twirp(401, "unauthenticated"),
    "twirp-403": _twirp(403, "permission_denied"),
    "twirp-500": _twirp(500, "internal"),
    "page-403": _page(403),
    "page-404": _page(404),
    "page-500": _page(500),
    "away-302": _away(302, "/away-302/again"),
    "away-307": _away(307, "/away-307/again"),
    "away-nowhere": _away(302, "http://127.0.0.1:1/nowhere"),
    "reason": lambda asked: _http(500, b"", reason=asked.words),
    "no-status": lambda asked: f"ECHO {asked.words}\r\n\r\n".encode(),
    "no-header": lambda asked: f"HTTP/1.1 200 OK\r\n{asked.words}\r\n\r\n".encode(),
    "cut": lambda asked: _http(200, asked.words.encode(), headers=["Content-Length: 1000000"]),
    "chunks": lambda asked: _http(200, f"{asked.words}\r\n".encode(), headers=["Transfer-Encoding: chunked"]),
    "not-packed": lambda asked: _http(200, asked.words.encode(), headers=["Content-Encoding: gzip"]),
    "charset": lambda asked: _http(200, b"\xff", f'application/json; charset="{asked.headers.get("x-auth-token")}"'),
}


class Liar:
    """One port of 127.0.0.1. `upstreams` are the real servers by the name that follows the lie in a path."""

    def __init__(self, upstreams: Mapping[str, str], session: aiohttp.ClientSession) -> None:
        self._upstreams = upstreams
        self._session = session
        self.port = 0

    def url(self, lie: str, server: str, path: str = "") -> str:
        """Return the base address that lies so."""
        return f"http://127.0.0.1:{self.port}/{lie}/{server}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            async with asyncio.timeout(_LIMIT_S):
                asked = await _read(reader)
                writer.write(await self._answer(asked))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, aiohttp.ClientError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, asked: Asked) -> bytes:
        _, lie, server, *rest = [*asked.path.split("/"), "", ""]
        if not lie.startswith(WRITES):
            return LIES.get(lie, LIES["404"])(asked)
        if asked.writes:
            return LIES[lie.removeprefix(WRITES)](asked)
        path = "/" + "/".join(rest).rstrip("/") + ("/" if asked.path.endswith("/") else "")
        headers = {name: value for name, value in asked.headers.items() if name not in _OWN_HEADERS}
        url = self._upstreams[server] + path
        async with self._session.request(asked.method, url, headers=headers, data=asked.body or None) as answer:
            return _http(answer.status, await answer.read(), answer.headers.get("Content-Type", "text/plain"))


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = f"{first}  ".split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method=method, path=path, headers=headers, body=body)


@asynccontextmanager
async def liar(**upstreams: str) -> AsyncIterator[Liar]:
    """Serve one; `upstreams` are addresses of real servers, by name."""
    async with aiohttp.ClientSession() as session:
        it = Liar(upstreams, session)
        server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
        it.port = server.sockets[0].getsockname()[1]
        try:
            yield it
        finally:
            server.close()
            await server.wait_closed()
