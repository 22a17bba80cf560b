"""What may be written into the manifest, and what was: the schema, and every value with its origin."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.options import DEFAULT_MANIFEST, GROUP_SETTINGS, JsonFlag, ManifestPath
from commands.running import environment, json_text

config_app = typer.Typer(help="The manifest as it is understood.", **GROUP_SETTINGS)


def schema() -> None:
    """Print the JSON schema of the manifest, for an editor that completes and checks it.

    Example: dialroom schema > dialroom.schema.json; then begin the manifest with the line
    # yaml-language-server: $schema=dialroom.schema.json
    """
    from telephony.manifest.schema import schema_text

    typer.echo(schema_text(), nl=False)


@config_app.command("show")
def show(
    part: Annotated[str, typer.Argument(help="Only what begins so, e.g. agents.front-desk or numbers.")] = "",
    origin: Annotated[bool, typer.Option("--origin", help="Say where every value comes from.")] = False,
    manifest: ManifestPath = DEFAULT_MANIFEST,
    as_json: JsonFlag = False,
) -> None:
    """Show every value of the manifest: what is written, what a template says, what is left at its default.

    What came from the environment is shown by its name.
    """
    from telephony.manifest.load import read_source
    from telephony.manifest.origins import explain, render_settings

    found = [setting for setting in explain(read_source(manifest, environ=environment())) if setting.is_in(part)]
    if as_json:
        typer.echo(json_text({"settings": [setting.to_dict() for setting in found]}))
    else:
        typer.echo(render_settings(found, origin=origin))
