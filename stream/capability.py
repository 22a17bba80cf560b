"""The token in the socket's URL: it opens the socket of one call, until it is over. Pure.

Layout, as base64url without padding: expiry (5 bytes, seconds since 1970, big-endian), the call's id (ASCII), and the
first 16 bytes of HMAC-SHA256 over both (RFC 2104 section 5). For a UUID that is 76 characters. Whether the call still
lives, and whether the `start` frame names the same call, is for the server to ask.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from stream.errors import CapabilityError, SecretTooShortError
from stream.ids import ID_LIMIT, is_id

SECRET_BYTES: Final = 32
_USE: Final = b"dialroom stream socket\0"
"""Stands before what is signed, so that the secret may sign other things as well."""
_EXPIRY_BYTES: Final = 5
_TAG_BYTES: Final = 16
TOKEN_LIMIT: Final = -(-(_EXPIRY_BYTES + ID_LIMIT + _TAG_BYTES) * 4 // 3)
"""Characters of the longest token."""


class Capabilities:
    """Makes and reads tokens with one secret (at least 32 bytes). Raises SecretTooShortError."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SECRET_BYTES:
            raise SecretTooShortError
        self._secret = secret

    def token(self, call_id: str, *, expires_s: int) -> str:
        """Return a token for a call; `expires_s` is the second since 1970 from which it opens nothing.

        Raises:
            ValueError: the call's id is none (see `stream.ids`), or the expiry does not fit 5 bytes.
        """
        if not is_id(call_id) or not 0 <= expires_s < 256**_EXPIRY_BYTES:
            raise ValueError("a token cannot be made for this call id or expiry")
        body = expires_s.to_bytes(_EXPIRY_BYTES, "big") + call_id.encode("ascii")
        return _written(body + self._tag(body))

    def read(self, token: str, *, now_s: float) -> str:
        """Return the call's id.

        Raises:
            CapabilityError: the token was not made with this secret, was changed, or is over.
        """
        if len(token) > TOKEN_LIMIT:
            raise CapabilityError("the token of the socket is too long")
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise CapabilityError("the token of the socket is not one of ours") from None
        body, tag = signed[:-_TAG_BYTES], signed[-_TAG_BYTES:]
        is_ours = hmac.compare_digest(tag, self._tag(body))
        # The last character has bits that mean nothing: only one spelling of them is ours.
        if not is_ours or _written(signed) != token:
            raise CapabilityError("the token of the socket is not one of ours")
        if now_s >= int.from_bytes(body[:_EXPIRY_BYTES], "big"):
            raise CapabilityError("the token of the socket is over")
        return body[_EXPIRY_BYTES:].decode("ascii")

    def _tag(self, body: bytes) -> bytes:
        return hmac.new(self._secret, _USE + body, hashlib.sha256).digest()[:_TAG_BYTES]


def _written(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).decode("ascii").rstrip("=")
