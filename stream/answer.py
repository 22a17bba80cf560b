"""The documents that the answer webhook is answered with (D:xml/stream, D:xml/speak, D:xml/dial). Pure.

They are built as trees, so that no text of ours or of the manifest's can become an element.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from stream.errors import AnswerError
from stream.media_format import MediaFormat
from telephony.numbers import is_e164

CONTENT_TYPE: Final = "application/xml"
DOCUMENT_LIMIT: Final = 100 * 1024
"""Bytes that the carrier reads (D:xml/request)."""
MAX_RETRIES: Final = 10
"""How often the carrier opens a lost socket again, at most (D:xml/stream)."""
URL_LIMIT: Final = 2048

_URL: Final = re.compile(rf"(?P<scheme>[a-z]+)://[!-~]{{1,{URL_LIMIT}}}", re.ASCII)
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document can hold, not even escaped (section 2.2, production Char)."""


def stream_document(
    *, socket_url: str, media_format: MediaFormat, status_url: str, max_retries: int, after_url: str | None = None
) -> bytes:
    """Return the document that answers the call and opens the socket, in both directions, until the stream ends.

    `media_format` is that of the caller's sound; what we play may have any. `status_url` is told of the stream's
    events, and `after_url` is asked what comes next when the stream is over and the caller has not hung up.

    Raises:
        AnswerError: a URL cannot be one (``ws`` and ``wss`` for the socket, ``http`` and ``https`` for the others), or
            there are more retries than the carrier allows.
    """
    if not 0 <= max_retries <= MAX_RETRIES:
        raise AnswerError(f"a stream is opened again 0 to {MAX_RETRIES} times: change max_retries")
    response = Element("Response")
    attributes = {
        "bidirectional": "true",
        "audioTrack": "inbound",
        "keepCallAlive": "true",
        "contentType": media_format.attribute,
        "statusCallbackUrl": _url(status_url, "https", "http"),
        "maxRetries": str(max_retries),
    }
    SubElement(response, "Stream", attributes).text = _url(socket_url, "wss", "ws")
    if after_url is not None:
        SubElement(response, "Redirect").text = _url(after_url, "https", "http")
    return _bytes(response)


def full_document(*, sentence: str) -> bytes:
    """Return the document for a call that nobody can take now: a sentence, then the end.

    Characters that XML cannot hold become spaces.

    Raises:
        AnswerError: nothing is left to say, or it is longer than the carrier reads.
    """
    response = Element("Response")
    SubElement(response, "Speak").text = _sentence(sentence)
    SubElement(response, "Hangup")
    return _bytes(response)


def hangup_document() -> bytes:
    """Return the document that ends the call."""
    response = Element("Response")
    SubElement(response, "Hangup")
    return _bytes(response)


def fallback_document(*, number: str, caller_id: str, sentence: str | None = None) -> bytes:
    """Return the document that connects a call to somebody else (E.164) when nobody here can take it.

    `caller_id` must be a number of the account's, or the carrier does not dial. The caller is answered first, with a
    sentence or a second of silence, since an inbound call that still rings is not connected.

    Raises:
        AnswerError: a number is not E.164, or the sentence cannot be said.
    """
    if not (is_e164(number) and is_e164(caller_id)):
        raise AnswerError("the fallback number and its caller id must be written like +918071000001")
    response = Element("Response")
    if sentence is None:
        SubElement(response, "Wait", length="1")
    else:
        SubElement(response, "Speak").text = _sentence(sentence)
    dial = SubElement(response, "Dial", callerId=caller_id)
    SubElement(dial, "Number").text = number
    return _bytes(response)


def _url(text: str, *schemes: str) -> str:
    found = _URL.fullmatch(text)
    if found is None or found["scheme"] not in schemes:
        raise AnswerError(f"an address for the carrier must be like {schemes[0]}://host/path, of visible ASCII alone")
    return text


def _sentence(text: str) -> str:
    said = _FORBIDDEN.sub(" ", text).strip()
    if not said:
        raise AnswerError("the sentence for callers who cannot be answered is empty")
    return said


def _bytes(response: Element) -> bytes:
    document: bytes = tostring(response, encoding="utf-8", xml_declaration=True)
    if len(document) > DOCUMENT_LIMIT:
        raise AnswerError("the sentence for callers who cannot be answered is longer than the carrier reads")
    return document
