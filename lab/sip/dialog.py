"""A dialog: what makes a request belong to a call (RFC 3261 section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from sipmessage import URI, Request, Response

from lab.sip.message import Address, all_values, parameter, uri_of


@dataclass(slots=True, kw_only=True)
class Dialog:
    """One side's view. `local` and `remote` are the From and To texts of our requests, tags and all.

    `peer` is where the peer's messages come from: used when its Contact or Route is no IPv4 address.
    """

    call_id: str
    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    local_cseq: int
    remote_cseq: int | None
    peer: Address

    @classmethod
    def of_response(cls, invite: Request, response: Response, source: Address) -> Dialog:
        """The dialog of a request of ours that got a response with a tag (section 12.1.2)."""
        return cls(
            call_id=invite.call_id,
            local=invite.headers["From"],
            remote=response.headers["To"],
            target=contact_of(response) or str(invite.uri),
            routes=tuple(reversed(all_values(response, "Record-Route"))),
            local_cseq=invite.cseq.sequence,
            remote_cseq=None,
            peer=source,
        )

    @classmethod
    def of_request(cls, invite: Request, local_tag: str, source: Address) -> Dialog:
        """The dialog of an INVITE that we received (section 12.1.1)."""
        return cls(
            call_id=invite.call_id,
            local=f"{invite.headers['To']};tag={local_tag}",
            remote=invite.headers["From"],
            target=contact_of(invite) or uri_of(invite.headers["From"]),
            routes=tuple(all_values(invite, "Record-Route")),
            local_cseq=0,
            remote_cseq=invite.cseq.sequence,
            peer=source,
        )

    def request(self, method: str, *, sequence: int | None = None, body: bytes = b"") -> Request:
        """Return the next request of this dialog, without Via and Contact. `sequence` is given for ACK only."""
        if sequence is None:
            self.local_cseq += 1
            sequence = self.local_cseq
        request = Request(method, self._target_uri(), body)
        request.headers.set("Max-Forwards", "70")
        if self.routes:
            request.headers.setlist("Route", list(self.routes))
        request.headers.set("From", self.local)
        request.headers.set("To", self.remote)
        request.headers.set("Call-ID", self.call_id)
        request.headers.set("CSeq", f"{sequence} {method}")
        return request

    def destination(self) -> Address:
        """Return where requests go: the first route, else the peer's Contact, else where its messages came from."""
        return address_of(uri_of(self.routes[0]) if self.routes else self.target) or self.peer

    def refresh(self, message: Request | Response, source: Address) -> None:
        """Take a new Contact from a re-INVITE or its response (section 12.2.1.2)."""
        self.target = contact_of(message) or self.target
        self.peer = source

    def _target_uri(self) -> URI:
        try:
            return URI.parse(self.target)
        except ValueError:
            return URI(scheme="sip", host=self.peer[0], port=self.peer[1])


def contact_of(message: Request | Response) -> str | None:
    """Return the URI of the first Contact, None without one."""
    values = all_values(message, "Contact")
    return uri_of(values[0]) if values else None


def address_of(uri: str) -> Address | None:
    """Return host and port (5060 when absent) of a URI whose host is a usable IPv4 address, else None."""
    try:
        parsed = URI.parse(uri)
        host = IPv4Address(parsed.host)
    except (ValueError, AddressValueError):
        return None
    port = parsed.port or 5060
    unusable = host.is_unspecified or port > 65535 or (parameter(uri, "transport") or "udp").lower() != "udp"
    return None if unusable else (str(host), port)
