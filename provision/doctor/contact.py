"""What came of asking a server, and what that makes of everything that depends on it. Pure."""

from __future__ import annotations

from typing import Final

from provision.doctor.facts import Contact, Unknown
from provision.errors import LATER, AccessDeniedError, RefusedError, UnreachableError
from telephony.errors import WorldError

_TOLD: Final = {
    Contact.SILENT: "cannot be reached",
    Contact.DENIES: "refuses the key",
    Contact.REFUSES: "answers with an error",
}


def contact_of(error: WorldError) -> Contact:
    """Return what an error says of the server that it comes from."""
    if isinstance(error, AccessDeniedError):
        return Contact.DENIES
    return Contact.REFUSES if isinstance(error, RefusedError) else Contact.SILENT


def told(error: WorldError) -> str:
    """Return an error's text without its last clause where that says what to do: a finding has a mend of its own."""
    text = str(error).removesuffix(f"; {LATER}")
    return text.rpartition("; ")[0] if isinstance(error, (UnreachableError, AccessDeniedError)) else text


def unknown_since(server: str, contact: Contact) -> Unknown:
    """Return what is known of a server's objects after a contact that failed."""
    return Unknown(f"{server} {_TOLD[contact]}")
