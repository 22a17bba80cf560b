"""The WebSocket door from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.options import DEFAULT_MANIFEST, ManifestPath
from commands.running import environment, json_text


def stream(
    manifest: ManifestPath = DEFAULT_MANIFEST,
    host: Annotated[str, typer.Option(help="Address to listen on, behind whatever ends TLS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8095,
    show_server: Annotated[
        bool, typer.Option("--show-server", help="Print the URL for the manifest's `server`, and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line when it takes calls.")] = False,
) -> None:
    """Answer calls of Vobiz's <Stream>: webhooks and sockets, without LiveKit.

    Takes the numbers whose route is `stream: {server: URL, agent: NAME}`. DIALROOM_STREAM_URL is the public https
    address, DIALROOM_STREAM_SECRET at least 32 bytes that nobody guesses. The URL that --show-server prints is as
    secret as a key. SIGTERM lets the calls in progress finish and takes no new ones.
    """
    import asyncio

    from agent.settings import TalkSettings
    from stream.run import run_stream
    from stream.settings import StreamSettings
    from telephony.manifest.load import load_manifest

    settings = StreamSettings.load()
    if show_server:
        typer.echo(settings.server_url)
        return

    def ready(at: int) -> None:
        typer.echo(json_text({"ready": True, "port": at}) if as_json else f"takes calls on {host}:{at}")

    loaded = load_manifest(manifest, environ=environment())
    serving = run_stream(settings, TalkSettings.load(), loaded, host=host, port=port, on_ready=ready)
    raise typer.Exit(asyncio.run(serving))
