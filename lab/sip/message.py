"""SIP messages between bytes and `sipmessage`: reading without surprises, and what must be kept to the letter.

From, To, Via and Record-Route are echoed as texts: parsing and printing them again would change what the peer compares.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from sipmessage import Address as NameAddress
from sipmessage import Message, Request, Response

Address = tuple[str, int]
MAGIC_COOKIE = "z9hG4bK"
"""RFC 3261 section 8.1.1.7."""

REASONS = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 183: "Session Progress",
    200: "OK", 202: "Accepted", 302: "Moved Temporarily",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    407: "Proxy Authentication Required", 408: "Request Timeout", 415: "Unsupported Media Type", 420: "Bad Extension",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending",
    500: "Server Internal Error", 501: "Not Implemented", 503: "Service Unavailable",
    600: "Busy Everywhere", 603: "Decline",
}  # fmt: skip

_FOLDED = re.compile(rb"\r\n[ \t]+")
_SPACED_NAME = re.compile(rb"(?m)^([A-Za-z0-9-]++)[ \t]++:")
# Possessive: a header is as long as a datagram, and backtracking over its blanks would take minutes.
_VIA = re.compile(
    r"SIP\s*+/\s*+2\.0\s*+/\s*+[A-Za-z]++\s++(?P<host>\[[0-9A-Fa-f:.]++\]|[^\s;:,]++)\s*+"
    r"(?::\s*+(?P<port>[0-9]{1,5}+)\s*+)?+(?=[;,]|$)"
)
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")
_COMPACT = {"v": "Via", "f": "From", "t": "To", "i": "Call-ID"}


class Malformed(Exception):  # noqa: N818  (a value for the transport, not an error that travels)
    """A datagram that is no usable SIP message. `reply` is the 400 to send back, None when none is possible."""

    def __init__(self, reason: str, reply: bytes | None) -> None:
        self.reply = reply
        super().__init__(reason)


def parse(data: bytes) -> Request | Response:
    """Read a datagram; every header that transactions need is there and readable then. Raises Malformed."""
    head, separator, body = data.partition(b"\r\n\r\n")
    try:
        if not separator:
            raise ValueError("no empty line after the headers")
        head = _SPACED_NAME.sub(rb"\1:", _FOLDED.sub(b" ", head))
        message = Message.parse(head + separator + body)
        _check(message)
    except (ValueError, KeyError, IndexError, RecursionError) as error:
        raise Malformed(str(error), _bad_request(data)) from None
    return message


def _check(message: Request | Response) -> None:
    for name in _MANDATORY:
        if not message.headers.get(name):
            raise ValueError(f"no {name}")
    if not tag_of(message.headers["From"]) or not branch_of(top_via(message)):
        raise ValueError("no From tag or no Via branch")
    sent_by(top_via(message))
    NameAddress.parse(message.headers["From"])
    NameAddress.parse(message.headers["To"])
    method = message.cseq.method
    if not 0 <= message.cseq.sequence < 2**31:
        raise ValueError("CSeq out of range")
    _check_length(message)
    if isinstance(message, Request):
        if message.method != method or not _TOKEN.fullmatch(method):
            raise ValueError("the method and CSeq differ")
    elif not 100 <= message.code <= 699:
        raise ValueError("no SIP status")


def _check_length(message: Request | Response) -> None:
    length = message.content_length
    if length is None:
        return
    if not 0 <= length <= len(message.body):
        raise ValueError("the body is shorter than its Content-Length")
    message.body = message.body[:length]  # RFC 3261 section 18.3


def _bad_request(data: bytes) -> bytes | None:
    lines = _FOLDED.sub(b" ", data.partition(b"\r\n\r\n")[0]).decode("utf8", "replace").split("\r\n")
    if not lines[0].endswith(" SIP/2.0") or lines[0].startswith(("ACK ", "SIP/2.0")):
        return None
    found: dict[str, list[str]] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        name = name.strip()
        name = _COMPACT.get(name.lower(), name)
        known = next((known for known in _MANDATORY if known.lower() == name.lower()), None)
        if known and value.strip():
            found.setdefault(known, []).append(value.strip())
    if len(found) != len(_MANDATORY):
        return None
    echoed = [f"{name}: {value}" for name in _MANDATORY for value in found[name]]
    return "\r\n".join(["SIP/2.0 400 Bad Request", *echoed, "Content-Length: 0", "", ""]).encode("utf8", "replace")


def response_to(
    request: Request,
    status: int,
    reason: str = "",
    *,
    to_tag: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """Return a response with what RFC 3261 section 8.2.6.2 copies; `to_tag` is added to a To without one."""
    response = Response(status, reason or REASONS.get(status, "Unknown"), body)
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        response.headers.setlist(name, list(request.headers.getlist(name)))
    if to_tag and not tag_of(request.headers["To"]):
        response.headers.set("To", f"{request.headers['To']};tag={to_tag}")
    put_headers(response, headers)
    response.headers.set("Content-Length", str(len(body)))
    return response


def put_headers(message: Request | Response, headers: Sequence[tuple[str, str]]) -> None:
    """Add headers; those that the message has already are replaced. One name may stand several times."""
    names = {name.lower() for name, _ in headers}
    for name in names:
        message.headers.remove(name)
    for name, value in headers:
        message.headers.add(name, value.replace("\r", " ").replace("\n", " "))


def top_via(message: Request | Response) -> str:
    """Return the topmost Via value as it came."""
    return split_values(message.headers["Via"])[0]


def mark_source(request: Request, source: Address) -> None:
    """Write received and rport into the topmost Via (RFC 3261 section 18.2.1, RFC 3581 section 4)."""
    lines = request.headers.getlist("Via")
    first, *rest = split_values(lines[0])
    if parameter(first, "rport") == "":
        first = re.sub(r"(?i);\s*+rport(?=\s*+(;|$))", f";rport={source[1]}", first, count=1)
    if sent_by(first)[0] != source[0] or parameter(first, "rport") is not None:
        first = re.sub(r"(?i);\s*+received\s*+=[^;]*+", "", first) + f";received={source[0]}"
    request.headers.setlist("Via", [", ".join([first, *rest]), *lines[1:]])


def reply_address(request: Request, source: Address) -> Address:
    """Return where responses go: back to the source when the peer asked for it, else to its sent-by port."""
    via = top_via(request)
    if parameter(via, "rport") is not None:
        return source
    return source[0], sent_by(via)[1]


def sent_by(via: str) -> Address:
    """Return host and port of a Via value; the port is 5060 when absent. Raises ValueError."""
    match = _VIA.match(via)
    if match is None:
        raise ValueError("a Via cannot be read")
    port = int(match["port"] or 5060)
    if not 0 < port < 65536:
        raise ValueError("a Via with an impossible port")
    return match["host"], port


def branch_of(via: str) -> str:
    """Return a Via value's branch, "" without one (RFC 2543)."""
    return parameter(via, "branch") or ""


def tag_of(header: str) -> str | None:
    """Return the tag of a From or To header, None without one."""
    return parameter(header.rpartition(">")[2] if ">" in header else header, "tag")


def uri_of(header: str) -> str:
    """Return the URI text of a From, To, Contact or Refer-To value, without brackets, name and parameters."""
    start, bracket, rest = header.partition("<")
    if bracket and start.count('"') % 2 == 0:
        return rest.partition(">")[0].strip()
    if bracket:
        return rest.rpartition("<")[2].partition(">")[0].strip()
    return header.partition(";")[0].strip()


def parameter(text: str, name: str) -> str | None:
    """Return a parameter's value as it came, "" when it has none, None when it is absent."""
    match = re.search(rf"(?i);\s*+{re.escape(name)}\s*+(?:=\s*+([^;,\s]*+)\s*+)?+(?=[;,]|$)", text)
    return None if match is None else match[1] or ""


def split_values(text: str) -> list[str]:
    """Split a header at its commas, but not inside quotes or brackets."""
    values, start, quoted, depth = [], 0, False, 0
    for place, char in enumerate(text):
        if char == '"' and text[place - 1 : place] != "\\":
            quoted = not quoted
        elif not quoted and char in "<>":
            depth += 1 if char == "<" else -1
        elif char == "," and not quoted and depth == 0:
            values.append(text[start:place].strip())
            start = place + 1
    return [*values, text[start:].strip()]


def all_values(message: Request | Response, name: str) -> list[str]:
    """Return every value of a header that may be a list, in order."""
    return [value for line in message.headers.getlist(name) for value in split_values(line) if value]


def new_branch() -> str:
    """Return a branch that no other transaction has."""
    return MAGIC_COOKIE + secrets.token_hex(10)


def new_tag() -> str:
    """Return a tag with 64 bits of randomness (RFC 3261 section 19.3 asks for 32)."""
    return secrets.token_hex(8)


def new_call_id(host: str) -> str:
    """Return a Call-ID that no other call has."""
    return f"{secrets.token_hex(12)}@{host}"
