"""The worker from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.options import DEFAULT_MANIFEST, ManifestPath
from commands.running import environment, json_text


def worker(
    manifest: ManifestPath = DEFAULT_MANIFEST,
    max_calls: Annotated[int, typer.Option(min=1, help="Calls at once; more are left to other workers.")] = 20,
    warm: Annotated[int, typer.Option(min=0, help="Idle call processes kept ready.")] = 2,
    health_port: Annotated[int, typer.Option(min=0, help="HTTP port for health checks; 0 takes a free one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line when registered.")] = False,
) -> None:
    """Answer calls: joins LIVEKIT_URL as the manifest's worker. Run as many as you like.

    SIGTERM lets the calls in progress finish and takes no new ones.
    """
    import asyncio

    from agent.settings import AgentSettings
    from agent.worker import run_worker
    from telephony.manifest.load import load_manifest

    def registered(worker_id: str) -> None:
        typer.echo(json_text({"ready": True, "worker_id": worker_id}) if as_json else f"registered as {worker_id}")

    loaded = load_manifest(manifest, environ=environment())
    code = asyncio.run(
        run_worker(
            AgentSettings.load(),
            loaded,
            manifest_path=manifest,
            max_calls=max_calls,
            warm=warm,
            health_port=health_port,
            on_ready=registered,
        )
    )
    raise typer.Exit(code)
