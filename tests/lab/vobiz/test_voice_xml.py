"""The XML of answers: what is read, what is refused."""

from __future__ import annotations

import pytest

from lab.vobiz.calls.voice_xml import MAX_BYTES, MAX_DEPTH, VoiceXmlError, parse_document


def test_elements_have_attributes_text_and_children() -> None:
    """Spaces around the text do not count; flags and numbers have defaults."""
    stream, dial = parse_document(
        b'<?xml version="1.0"?><Response><Stream bidirectional="TRUE" maxRetries="3" streamTimeout="x">\n wss://h/a \n'
        b"</Stream><Dial><Number>1</Number></Dial></Response>"
    )
    assert (stream.name, stream.text) == ("Stream", "wss://h/a")
    assert (stream.flag("bidirectional"), stream.flag("keepCallAlive")) == (True, False)
    assert (stream.number("maxRetries", 0), stream.number("streamTimeout", 9)) == (3, 9)
    assert [child.text for child in dial.children] == ["1"]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"hello",
        b"<Answer/>",
        b"<Response>",
        b"<Response>&nbsp;</Response>",
        b"<Response><Stream>ws://h?a=1&b=2</Stream></Response>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Response>&b;</Response>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Response/>',
        b'<?xml version="1.0" encoding="klingon"?><Response/>',
        b"<Response>" + b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH + b"</Response>",
        b"<Response>" + b" " * MAX_BYTES + b"</Response>",
    ],
)
def test_what_is_no_document_is_refused(document: bytes) -> None:
    """Also anything with a document type: no entity is ever expanded, no file ever read."""
    with pytest.raises(VoiceXmlError):
        parse_document(document)


def test_the_five_entities_of_xml_are_read() -> None:
    """As in any document."""
    (speak,) = parse_document(b"<Response><Speak>Priya &amp; &lt;sons&gt; &#33;</Speak></Response>")
    assert speak.text == "Priya & <sons> !"
