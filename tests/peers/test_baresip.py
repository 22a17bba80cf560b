"""baresip, a softphone, as the caller: it records what it hears."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lab.servers.ports import free_port
from lab.speech.ears import Ears, EarsMissingError
from lab.speech.voice import ToneVoice

MODULES = next(iter(sorted(Path("/usr/lib").glob("**/baresip/modules"))), None)
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not (shutil.which("baresip") and MODULES), reason="baresip is not installed"),
]
GREETED_S = 8
"""So long it says nothing: the greeting is not to be interrupted."""
CONFIG = """\
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_player aufile,{folder}/heard.wav
audio_source aufile,{folder}/speech.wav
audio_alert aufile,{folder}/alert.wav
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
snd_path {folder}
module_app account.so
module_app menu.so
"""


async def test_baresip_holds_a_call_and_is_answered(ready: dict[str, Any], tmp_path: Path) -> None:
    """Its own recording of the line has the agent's greeting in it, and an answer to what it said."""
    try:
        ears = Ears()
    except EarsMissingError:
        pytest.skip("the recogniser's wheel is not installed")
    speech = ToneVoice().speak("hello there my friend", sample_rate=8000)
    spoken = np.tile(np.pad(speech, (0, 16000)), 4)
    soundfile.write(tmp_path / "speech.wav", np.pad(spoken, (GREETED_S * 8000, 0)), 8000)
    config = CONFIG.format(port=free_port("udp"), folder=tmp_path, modules=MODULES)
    (tmp_path / "config").write_text(config)
    (tmp_path / "accounts").write_text("<sip:+919822222222@127.0.0.1>;regint=0\n")
    (tmp_path / "contacts").write_text("")
    dialled = f"/dial sip:{ready['numbers'][0]}@{ready['sip']}"
    process = await asyncio.create_subprocess_exec(
        *("baresip", "-f", str(tmp_path), "-e", dialled, "-t", str(GREETED_S + 12)),
        cwd=tmp_path,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    text = output.decode(errors="replace")
    assert "Call established" in text, text[-3000:]
    recorded = sorted(tmp_path.glob("dump-*-dec.wav"))
    assert recorded, text[-3000:]
    sound, rate = soundfile.read(recorded[0], dtype="int16")
    words = ears.recognise(np.ascontiguousarray(sound if sound.ndim == 1 else sound[:, 0]), sample_rate=rate)
    assert "this is lotus" in words.lower()
    assert "what can i do for you" in words.lower()
