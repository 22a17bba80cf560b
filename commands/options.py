"""Options and arguments that several commands have, with one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

GROUP_SETTINGS: Final[dict[str, Any]] = {
    "no_args_is_help": True,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 120},
}

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
ManifestPath = Annotated[
    Path, typer.Option("--manifest", "-m", envvar="DIALROOM_MANIFEST", help="The manifest: numbers and agents.")
]
Gateway = Annotated[
    Literal["auto", "lab", "livekit-sip"],
    typer.Option(help="What plays the SIP side: auto (a livekit-sip on PATH, else lab), lab, or livekit-sip."),
]
Via = Annotated[
    Literal["sip", "stream"], typer.Option(help="How calls reach the agent: SIP and LiveKit, or Vobiz's <Stream>.")
]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Move numbers that hang on somebody else's trunk.")]
AllowDelete = Annotated[bool, typer.Option("--allow-delete", help="Numbers may lose their route; much may be deleted.")]
Target = Annotated[
    list[str] | None,
    typer.Option(help="Only these numbers: +91…, agent:NAME, route:agent|sip|stream or label:KEY=VALUE; repeatable."),
]
Parallel = Annotated[int, typer.Option(min=1, max=64, help="Requests to Vobiz at once.")]
Drain = Annotated[
    bool | None,
    typer.Option("--drain/--no-drain", help="Wait for the calls that a change would disturb, or go on beside them."),
]
NumberArgument = Annotated[str, typer.Argument(help="The number, in any Indian form or E.164.")]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Ears = Annotated[
    Literal["real", "oracle"],
    typer.Option(help="How the stand-in hears: real (Whisper, from a wheel) or oracle (it is told; exact times)."),
]
DEFAULT_MANIFEST = Path("dialroom.yaml")
