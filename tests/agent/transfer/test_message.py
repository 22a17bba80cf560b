"""Messages that callers leave."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agent.call import Call
from agent.transfer.message import LONGEST, keep_message

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Kolkata"))
CALL = Call(
    call_id="SCL_1",
    sip_call_id="1@127.0.0.1",
    caller="+919812345678",
    called="+918071000001",
    trunk="ST_1",
    agent="desk",
    deployment="demo",
    room="call-1",
    identity="sip-1",
)


def test_every_message_is_a_line_that_only_we_can_read(tmp_path):
    """Whatever is in it; the folder is made."""
    path = tmp_path / "kept" / "messages.jsonl"
    for message in ("Please call back.\nTwo lines.", "नमस्ते", "x" * (LONGEST + 1)):
        keep_message(path, CALL, message, now=NOON)
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["message"][:20] for line in lines] == ["Please call back.\nTw", "नमस्ते", "x" * 20]
    assert len(lines[2]["message"]) == LONGEST
    assert lines[0] | {"message": ""} == {
        "at": "2026-11-23T12:00:00+05:30",
        "from": "+919812345678",
        "to": "+918071000001",
        "message": "",
    }


def test_what_cannot_be_kept_is_an_error(tmp_path):
    """The agent has to say so."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="exists"):
        keep_message(tmp_path / "file" / "messages.jsonl", CALL, "Hello.", now=NOON)
