"""Whether a request is the carrier's: by its signature, or by a path that nobody guesses and the address it came from.

What is believed is the request, not its form: nothing signs that. Refusals say nothing to whoever asked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal

from stream.errors import SeenUnavailableError
from stream.seen import Seen
from stream.signature import Tokens, Valid, check_signature

NONCE_KEPT_S: Final = 90 * 86_400.0
"""How long a nonce is remembered. A signature never ends by itself (no time is signed), but tables must."""
_USE: Final = b"dialroom stream path\0"
_PATH_BYTES: Final = 16
_FORWARDED: Final = "x-forwarded-for"
_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

Refusal = Literal["path", "address", "signature missing", "signature wrong", "replayed", "database"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A request, as far as it matters here.

    `path` is its path as it came, still encoded and without a query; `key` what stood where the unguessable part of
    the path belongs, None when nothing did. `headers` are all lines; `peer` is the address at the other end of the
    connection, "" when there is none.
    """

    path: str
    key: str | None = field(repr=False)
    headers: Sequence[tuple[str, str]] = field(repr=False)
    peer: str = field(repr=False)


def path_key(secret: bytes) -> str:
    """Return the part of the path that nobody guesses: 22 characters of base64url, the same for a whole deployment."""
    digest = hmac.new(secret, _USE, hashlib.sha256).digest()[:_PATH_BYTES]
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


class Gate:
    """Lets the carrier's requests pass.

    With `tokens`, every request must be signed for its address below `public_url`, and be the first with its nonces of
    all that share `seen`; the key may be left out of the path. Without, the key must be there, and the address must be
    in `cidrs` unless that is None. A peer in `trusted_proxies` is believed who asked it (the last hop of
    X-Forwarded-For).
    """

    def __init__(
        self,
        *,
        public_url: str,
        key: str,
        tokens: Tokens | None,
        seen: Seen,
        cidrs: Collection[str] | None = None,
        trusted_proxies: Collection[str] = (),
    ) -> None:
        self._public_url = public_url
        self._key = key.encode("ascii")
        self._tokens = tokens
        self._seen = seen
        self._cidrs = None if cidrs is None else [ip_network(cidr) for cidr in cidrs]
        self._proxies = [ip_network(cidr) for cidr in trusted_proxies]

    async def refuses(self, knock: Knock) -> Refusal | None:
        """Say why a request may not pass, None when it may; never raises.

        A request that passed by its signature does not pass again.
        """
        if knock.key is not None or self._tokens is None:
            given = (knock.key or "").encode("utf-8", "surrogatepass")
            if not hmac.compare_digest(given, self._key):
                return "path"
        if self._tokens is not None:
            return await self._unsigned(knock, self._tokens)
        return None if self._comes_from_the_carrier(knock) else "address"

    async def _unsigned(self, knock: Knock, tokens: Tokens) -> Refusal | None:
        match check_signature(knock.headers, self._public_url + knock.path, tokens):
            case Valid(nonces):
                try:
                    # Each is asked, also after one was seen: none of a refused request may be new later.
                    first = [await self._seen.first_time("nonce", nonce, keep_s=NONCE_KEPT_S) for nonce in nonces]
                except SeenUnavailableError:
                    return "database"
                return None if all(first) else "replayed"
            case "missing":
                return "signature missing"
            case "wrong":
                return "signature wrong"

    def _comes_from_the_carrier(self, knock: Knock) -> bool:
        if self._cidrs is None:
            return True
        address = self._asker(knock)
        return address is not None and _is_in(address, self._cidrs)

    def _asker(self, knock: Knock) -> _Address | None:
        peer = _address(knock.peer)
        if peer is None or not _is_in(peer, self._proxies):
            return peer
        hops = ",".join(value for name, value in knock.headers if name.lower() == _FORWARDED)
        return _address(hops.rpartition(",")[2].strip())


def _address(text: str) -> _Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: _Address, networks: Collection[_Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
