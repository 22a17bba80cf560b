"""Digest authentication both ways, MD5 and SHA-256 (RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Algorithm = Literal["MD5", "SHA-256"]
AuthVerdict = Literal["ok", "missing", "wrong", "stale"]
NONCE_LIFE_S = 30.0
"""How long livekit-sip waits for the answer to its challenge."""

_PARAMETER = re.compile(r'\s*([A-Za-z0-9_\-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*)\s*(?:,|$)')
_STRENGTH = ("SHA-256", "SHA-256-SESS", "MD5", "MD5-SESS")


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestCredentials:
    """What an Authorization header presents."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str | None = None
    nc: str = ""
    cnonce: str = ""

    @classmethod
    def parse(cls, header: str) -> DigestCredentials | None:
        """Read an Authorization header; None when it is no complete Digest."""
        given = parse_digest(header)
        if given is None or not {"username", "realm", "nonce", "uri", "response"} <= given.keys():
            return None
        wanted = ("username", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce")
        return cls(**{name: given[name] for name in wanted if name in given})

    def is_right(self, *, password: str, method: str) -> bool:
        """Say whether the response was made with `password`."""
        if self.algorithm.upper() not in _STRENGTH or self.qop not in (None, "auth"):
            return False
        return hmac.compare_digest(self.response.lower().encode(), _response(self, password, method).encode())


def parse_digest(header: str) -> dict[str, str] | None:
    """Return the parameters of a Digest challenge or answer, names in lower case; None for other schemes."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    parameters: dict[str, str] = {}
    place = 0
    while place < len(rest) and (match := _PARAMETER.match(rest, place)):
        parameters[match[1].lower()] = _unquoted(match[2])
        place = match.end()
    return parameters if place >= len(rest) else None


def answer_challenge(
    challenges: Sequence[str], *, method: str, uri: str, credentials: tuple[str, str], nc: int = 1
) -> str | None:
    """Return the Authorization value for the strongest of the challenges; None when none is a Digest that we speak."""
    readable = [found for found in map(parse_digest, challenges) if found and "nonce" in found and "realm" in found]
    spoken = [found for found in readable if _algorithm(found) in _STRENGTH and _offers_auth(found)]
    if not spoken:
        return None
    challenge = min(spoken, key=lambda found: _STRENGTH.index(_algorithm(found)))
    given = DigestCredentials(
        username=credentials[0],
        realm=challenge["realm"],
        nonce=challenge["nonce"],
        uri=uri,
        response="",
        algorithm=challenge.get("algorithm", "MD5"),
        qop="auth" if "qop" in challenge else None,
        nc=f"{nc:08x}",
        cnonce=secrets.token_hex(8),
    )
    return _header(given, _response(given, credentials[1], method), challenge)


class Challenges:
    """The nonces that an endpoint has given out, each for one Call-ID and for `NONCE_LIFE_S`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issued: dict[str, tuple[str, str, Algorithm, float]] = {}
        self._used: dict[str, int] = {}

    def issue(self, *, realm: str, algorithm: Algorithm, call_id: str, stale: bool = False) -> str:
        """Return the value of a WWW-Authenticate or Proxy-Authenticate header."""
        self._forget_old()
        nonce = secrets.token_hex(16)
        self._issued[nonce] = (call_id, realm, algorithm, self._clock())
        more = ", stale=true" if stale else ""
        return f'Digest realm="{_quotable(realm)}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{more}'

    def verify(
        self, given: DigestCredentials | None, *, call_id: str, method: str, username: str, password: str
    ) -> AuthVerdict:
        """Check credentials against what was issued for this Call-ID."""
        issued = self._issued.get(given.nonce) if given else None
        if given is None or issued is None or issued[0] != call_id:
            return "missing"
        _, realm, algorithm, at = issued
        if (given.username, given.realm, given.algorithm.upper()) != (username, realm, algorithm):
            return "wrong"
        if not given.is_right(password=password, method=method):
            return "wrong"
        count = int(given.nc, 16) if re.fullmatch(r"[0-9a-fA-F]{8}", given.nc) else 1
        if self._clock() - at > NONCE_LIFE_S or count <= self._used.get(given.nonce, 0):
            return "stale"
        self._used[given.nonce] = count
        return "ok"

    def _forget_old(self) -> None:
        limit = self._clock() - 10 * NONCE_LIFE_S
        for nonce in [nonce for nonce, issued in self._issued.items() if issued[3] < limit]:
            del self._issued[nonce]
            self._used.pop(nonce, None)


def _response(given: DigestCredentials, password: str, method: str) -> str:
    """RFC 7616 section 3.4.1; without qop as in RFC 2069."""
    algorithm = given.algorithm.upper()
    secret = _hash(algorithm, f"{given.username}:{given.realm}:{password}")
    if algorithm.endswith("-SESS"):
        secret = _hash(algorithm, f"{secret}:{given.nonce}:{given.cnonce}")
    request = _hash(algorithm, f"{method}:{given.uri}")
    middle = f"{given.nc}:{given.cnonce}:{given.qop}:" if given.qop else ""
    return _hash(algorithm, f"{secret}:{given.nonce}:{middle}{request}")


def _hash(algorithm: str, text: str) -> str:
    if algorithm.startswith("SHA-256"):
        return hashlib.sha256(text.encode()).hexdigest()
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _header(given: DigestCredentials, response: str, challenge: dict[str, str]) -> str:
    parts = [
        f'username="{_quotable(given.username)}"',
        f'realm="{_quotable(given.realm)}"',
        f'nonce="{_quotable(given.nonce)}"',
        f'uri="{_quotable(given.uri)}"',
        f'response="{response}"',
        f"algorithm={given.algorithm}",
    ]
    if given.qop:
        parts += [f'cnonce="{given.cnonce}"', f"qop={given.qop}", f"nc={given.nc}"]
    if "opaque" in challenge:
        parts.append(f'opaque="{_quotable(challenge["opaque"])}"')
    return "Digest " + ", ".join(parts)


def _algorithm(challenge: dict[str, str]) -> str:
    return challenge.get("algorithm", "MD5").upper()


def _offers_auth(challenge: dict[str, str]) -> bool:
    return "qop" not in challenge or "auth" in [choice.strip() for choice in challenge["qop"].split(",")]


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
