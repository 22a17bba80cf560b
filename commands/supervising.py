"""The supervisor from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.options import DEFAULT_MANIFEST, ManifestPath
from commands.running import environment, json_text


def supervise(
    manifest: ManifestPath = DEFAULT_MANIFEST,
    host: Annotated[str, typer.Option(help="Address that takes LiveKit's webhooks.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port for them; 0 takes a free one.")] = 8089,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line when it watches.")] = False,
) -> None:
    """End calls in which one leg is left, and send another agent where one has died.

    Agents leave a call that was handed to a human only while a supervisor watches its room. Put
    http://HOST:PORT/livekit into livekit.yaml (webhook: urls); without webhooks rooms are listed every 2 s.
    """
    import asyncio

    from agent.settings import LiveKitSettings
    from supervise.run import run_supervisor
    from telephony.manifest.load import load_manifest

    def ready(bound: str, at: int) -> None:
        url = f"http://{bound}:{at}/livekit"
        typer.echo(json_text({"ready": True, "webhooks": url}) if as_json else f"watching; webhooks at {url}")

    loaded = load_manifest(manifest, environ=environment())
    watching = run_supervisor(
        LiveKitSettings.load(), deployment=loaded.deployment, host=host, port=port, on_ready=ready
    )
    raise typer.Exit(asyncio.run(watching))
