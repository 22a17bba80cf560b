"""The name of a call outside our own systems: given to speech services so that their usage can be tied to a call."""

import hashlib
from typing import Final

_DIGITS: Final = 16


def call_tag(sip_call_id: str) -> str:
    """Return ``call-`` and the first 16 hex digits of the SHA-256 of a SIP Call-ID.

    A Call-ID may hold host names or numbers; its digest holds no personal data and fits a tag's character set.
    """
    return "call-" + hashlib.sha256(sip_call_id.encode()).hexdigest()[:_DIGITS]
