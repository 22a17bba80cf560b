"""Whether a request is the carrier's: Vobiz's signatures V2 and V3 (D:concepts/validating-callbacks). Pure.

They cover the address and a nonce, and neither the form nor the time, so whoever accepts one must remember its nonces.
V1 (SHA-1) is never looked at. Header lines may not be logged: some hold the auth token in clear.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from stream.errors import TokensMissingError

_OWN: Final = "x-vobiz-signature-"
_PARENTS: Final = "x-vobiz-signature-ma-"
_VERSIONS: Final = {"v2": "", "v3": "."}
"""What stands between the address and the nonce."""
_NONCE: Final = re.compile(r"[0-9]{20}", re.ASCII)
"""Exactly that: with V2 a longer nonce would move the border between itself and the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The keys that signatures are made with. At least one must be there. Raises TokensMissingError.

    With the `account`'s own token, its own signature decides wherever there is one. The `parent`'s signature (MA) is
    on the callbacks of all its sub-accounts, so with that token alone each of them is believed.
    """

    account: str | None = field(default=None, repr=False)
    parent: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        given = [token for token in (self.account, self.parent) if token is not None]
        if not given or not all(given):
            raise TokensMissingError


@dataclass(frozen=True, slots=True)
class Valid:
    """Signed by the carrier. If any of the `nonces`, usually one, was seen before, it is a replay."""

    nonces: tuple[str, ...]


Verdict = Valid | Literal["missing", "wrong"]


def check_signature(headers: Iterable[tuple[str, str]], url: str, tokens: Tokens) -> Verdict:
    """Say whether a request is signed; never raises, whatever the headers are.

    `headers` are all lines in any case of letters, doubled ones included, and `url` the address as the carrier has it
    (scheme, host, path), not as a proxy has made it; a query is left out. ``missing`` is a request without any
    signature but V1; ``wrong`` is one that has one, and none that a token has made.
    """
    given = _signature_lines(headers)
    base = url.partition("?")[0]
    for token, prefix in ((tokens.account, _OWN), (tokens.parent, _PARENTS)):
        if token is not None and any(prefix + version in given for version in _VERSIONS):
            nonces = _signed_nonces(given, base, token, prefix)
            return Valid(nonces) if nonces else "wrong"
    is_signed = any(prefix + version in given for prefix in (_OWN, _PARENTS) for version in _VERSIONS)
    return "wrong" if is_signed else "missing"


def _signature_lines(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return the lines that matter by their names in small letters; one that comes twice is worth nothing."""
    given: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(_OWN):
            given[lower] = "" if lower in given else value
    return given


def _signed_nonces(given: Mapping[str, str], base: str, token: str, prefix: str) -> tuple[str, ...]:
    """Return the nonces that are signed with a token. The parent's signatures have the nonces of the account's."""
    nonces: list[str] = []
    for version, between in _VERSIONS.items():
        nonce, signature = given.get(f"{_OWN}{version}-nonce", ""), given.get(prefix + version, "")
        expected = _signature(token, f"{base}{between}{nonce}")
        is_right = hmac.compare_digest(expected, _bytes(signature))
        if is_right and _NONCE.fullmatch(nonce) and nonce not in nonces:
            nonces.append(nonce)
    return tuple(nonces)


def _signature(token: str, text: str) -> bytes:
    return base64.b64encode(hmac.new(_bytes(token), _bytes(text), hashlib.sha256).digest())


def _bytes(text: str) -> bytes:
    """Return bytes of any text: header lines may hold what is no UTF-8."""
    return text.encode("utf-8", "surrogatepass")
