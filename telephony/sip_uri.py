"""SIP URIs as frozen values (RFC 3261 section 19.1), as far as telephony uses them: user, host, port, parameters."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

from telephony.errors import UserError

_USER_SAFE = "-_.!~*'()&=+$,;?/"
"""RFC 3261 section 25.1: unreserved / user-unreserved."""
_PARAMETER_SAFE = "-_.!~*'()[]/:&+$"
"""RFC 3261 section 25.1: unreserved / param-unreserved."""

_URI = re.compile(
    r"""(?P<scheme>sips?):
        (?:(?P<user>[^@<>\s:]+)(?::[^@<>\s]*)?@)?
        (?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?\.?)
        (?::(?P<port>[0-9]{1,5}))?
        (?P<parameters>(?:;[^;?<>\s]+)*)
        (?:\?(?P<headers>[^<>\s]*))?""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_MAX_PORT = 65535


class SipUriError(UserError):
    """A text that is no SIP URI."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r} is not a SIP URI; write it like sip:+918071000001@sip.example.com:5060")


@dataclass(frozen=True, slots=True, kw_only=True)
class SipUri:
    """One SIP URI. `user` is unescaped, None when absent; `port` None means the transport's default.

    Parameters keep their order; a parameter without a value has None. A password is dropped on parsing (RFC 3261
    section 19.1.1 advises against it); headers after ``?`` are kept as they came.
    """

    host: str
    user: str | None = None
    port: int | None = None
    scheme: str = "sip"
    parameters: tuple[tuple[str, str | None], ...] = ()
    headers: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URI; one pair of angle brackets around it is removed.

        Raises:
            SipUriError: other schemes (``tel:``), no host, a port outside 1-65535.
        """
        bare = text.strip()
        if bare.startswith("<") and bare.endswith(">"):
            bare = bare[1:-1]
        match = _URI.fullmatch(bare)
        if match is None:
            raise SipUriError(text)
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 0 < port <= _MAX_PORT:
            raise SipUriError(text)
        return cls(
            scheme=match["scheme"].lower(),
            user=unquote(match["user"]) if match["user"] else None,
            host=match["host"].lower(),
            port=port,
            parameters=_parse_parameters(match["parameters"].split(";")[1:]),
            headers=match["headers"] or "",
        )

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value ("" when it has none), or None when it is absent; names ignore case."""
        for key, value in self.parameters:
            if key.lower() == name.lower():
                return value or ""
        return None

    def __str__(self) -> str:
        user = f"{quote(self.user, safe=_USER_SAFE)}@" if self.user is not None else ""
        port = f":{self.port}" if self.port is not None else ""
        parameters = "".join(_format_parameter(key, value) for key, value in self.parameters)
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{self.host}{port}{parameters}{headers}"


def _parse_parameters(parts: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    pairs = (part.partition("=") for part in parts)
    return tuple((unquote(key), unquote(value) if equals else None) for key, equals, value in pairs)


def _format_parameter(key: str, value: str | None) -> str:
    name = quote(key, safe=_PARAMETER_SAFE)
    return f";{name}" if value is None else f";{name}={quote(value, safe=_PARAMETER_SAFE)}"
