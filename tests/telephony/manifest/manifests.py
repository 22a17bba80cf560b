"""Manifest texts for tests."""

from telephony.manifest.load import parse_manifest
from telephony.manifest.model import Manifest

MINIMAL = """\
version: 1
deployment: test
numbers:
  - number: "+918071000001"
    route: { agent: front-desk }
agents:
  front-desk:
    greeting: Hello.
    goodbye: Goodbye.
    instructions: Be brief and kind.
livekit: { sip_host: sip.example.com }
"""


def no_files(name: str) -> str:
    """Stand in for an empty folder."""
    raise FileNotFoundError(2, "No such file or directory", name)


def parsed(text: str = MINIMAL, **environ: str) -> Manifest:
    """Parse a manifest that names no files."""
    return parse_manifest(text, name="dialroom.yaml", environ=environ, read_text=no_files)
