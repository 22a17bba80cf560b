"""What looks and writes nothing: where a call goes, and what is wrong."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from commands.inputs import load, provision_inputs, provision_settings
from commands.options import DEFAULT_MANIFEST, JsonFlag, ManifestPath, NumberArgument
from commands.running import json_text, run


def route_test(
    number: NumberArgument,
    from_number: Annotated[str, typer.Option("--from", help="The caller's number.")] = "+919812345678",
    source_ip: Annotated[
        str | None, typer.Option(help="The address that the INVITE comes from; every one of the carrier's, if none.")
    ] = None,
    to_form: Annotated[
        str | None, typer.Option(help="How the carrier writes the number, e.g. 08071000001; all its forms, if none.")
    ] = None,
    from_host: Annotated[str | None, typer.Option(help="The host in the caller's From.")] = None,
    auth: Annotated[str | None, typer.Option(help="The user name that the carrier signs in with.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no server: test what `apply` would make of the manifest.")
    ] = False,
    manifest: ManifestPath = DEFAULT_MANIFEST,
    as_json: JsonFlag = False,
) -> None:
    """Say where a call to a number goes, hop by hop, and what is wrong; makes no call.

    Exit code 0 when the call arrives where the manifest says, 1 when it does not. Names the field of the object that is
    wrong, and how to mend it. Example: dialroom route-test +918071000001 --source-ip 13.203.7.132
    """
    from provision.routing.live import route_test as test
    from provision.routing.render import render

    loaded = load(manifest)
    verdict = run(
        test(
            number,
            manifest=loaded,
            settings=None if offline else provision_settings(),
            from_number=from_number,
            source_ip=source_ip,
            to_form=to_form,
            from_host=from_host,
            auth=auth,
        )
    )
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo(json_text(verdict.to_dict()) if as_json else render(verdict, colour=colour).rstrip())
    raise typer.Exit(verdict.exit_code)


def doctor(
    expected_calls: Annotated[
        int | None, typer.Option(min=1, help="Calls at once that you expect; else one for ten numbers.")
    ] = None,
    asks_sip: Annotated[
        bool, typer.Option("--ask-sip/--no-ask-sip", help="Send an OPTIONS to livekit.sip_host and wait for an answer.")
    ] = True,
    manifest: ManifestPath = DEFAULT_MANIFEST,
    as_json: JsonFlag = False,
) -> None:
    """Look at everything that a call needs, at Vobiz and at LiveKit; each finding says how to mend it. Writes nothing.

    Exit code 1 when something keeps calls away or lets in strangers.
    """
    from provision.doctor.diagnose import diagnose
    from provision.doctor.render import render

    loaded, settings = provision_inputs(manifest)
    diagnosis = run(diagnose(loaded, settings, expected_calls=expected_calls, asks_sip=asks_sip))
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo(json_text(diagnosis.to_dict()) if as_json else render(diagnosis, colour=colour).rstrip())
    raise typer.Exit(diagnosis.exit_code)
