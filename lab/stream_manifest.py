"""A manifest whose agents are reached over `<Stream>`: an existing one with its routes changed, one line each."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

_AGENT_ROUTE: Final = re.compile(r"route: \{ agent: ([\w-]+) \}")
_STREAM_ROUTE: Final = r'route: { stream: { server: "${DIALROOM_STREAM_SERVER}", agent: \1 } }'


def over_stream(manifest: Path, folder: Path) -> Path:
    """Write the manifest into a folder, with the prompts beside it, and return its path.

    Every ``route: { agent: NAME }`` becomes a stream's, at the server that `StackOptions.stream` starts.
    """
    text, changed = _AGENT_ROUTE.subn(_STREAM_ROUTE, manifest.read_text(encoding="utf8"))
    assert changed, f"{manifest} has no route that could be a stream's"
    folder.mkdir(parents=True, exist_ok=True)
    prompts = manifest.parent / "prompts"
    if prompts.is_dir():
        shutil.copytree(prompts, folder / "prompts", dirs_exist_ok=True)
    path = folder / manifest.name
    path.write_text(text, encoding="utf8")
    return path
