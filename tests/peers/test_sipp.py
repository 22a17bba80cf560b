"""sipp, a SIP load tester, as the caller: its own SIP stack, its own RTP."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.media.codec import Codec
from lab.servers.ports import free_port
from lab.speech.voice import ToneVoice

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not shutil.which("sipp"), reason="sipp is not installed (Debian: sip-tester)"),
]
SCENARIO = Path(__file__).with_name("uac.xml")


async def test_sipp_holds_a_call(ready: dict[str, Any], tmp_path: Path) -> None:
    """It is answered, speaks, holds the call for seconds and ends it: sipp exits 0 only if every message fitted."""
    speech = ToneVoice().speak("hello there my friend", sample_rate=8000)
    padded = np.pad(speech, (0, -len(speech) % 160))
    (tmp_path / "speech.ul").write_bytes(Codec("PCMU").encode(padded))
    scenario = tmp_path / "uac.xml"
    scenario.write_text(SCENARIO.read_text())
    host, number = ready["sip"], ready["numbers"][0]
    argv = ["sipp", host, "-sf", str(scenario), "-s", number, "-i", "127.0.0.1", "-p", str(free_port("udp")), "-m", "1"]
    argv += ["-mi", "127.0.0.1", "-timeout", "60", "-nostdin"]
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")[-3000:]
    assert "Successful call" in output.decode(errors="replace")
