"""What commands read: the manifest, the settings that it needs, and how a plan is shown."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from commands.running import environment

if TYPE_CHECKING:
    from provision.plan import Plan
    from provision.remember import State
    from provision.settings import CarrierSettings, ProvisionSettings
    from provision.store.errors import Held
    from telephony.manifest.model import Manifest


def provision_inputs(manifest: Path, *, parallel: int = 16) -> tuple[Manifest, ProvisionSettings]:
    """Read the manifest, and from the environment what it takes to write both servers. Raises UserError."""
    from provision.passwords import with_passwords
    from telephony.manifest.load import folder_of

    loaded = load(manifest)
    settings = with_passwords(provision_settings(), loaded, environment(), folder=folder_of(manifest))
    return loaded, settings.model_copy(update={"parallel": parallel})


def load(manifest: Path) -> Manifest:
    """Read the manifest. Raises UserError, with line and column."""
    from telephony.manifest.load import load_manifest

    return load_manifest(manifest, environ=environment())


def targets(manifest: Manifest, wanted: list[str] | None) -> frozenset[str] | None:
    """Return the numbers that ``--target`` names, None when all are meant. Raises UserError."""
    if not wanted:
        return None
    from telephony.manifest.select import select

    return select(manifest, wanted)


def state_of(manifest: Path, command: str) -> State:
    """Return where provisioning keeps its lock and snapshots: DIALROOM_STATE, else a file beside the manifest."""
    import getpass

    from provision.remember import State
    from provision.store.address import default_path

    address = environment().get("DIALROOM_STATE") or default_path(manifest)
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return State(address=address, holder=f"dialroom {command} by {user}", on_wait=_tell_waiting)


def _tell_waiting(held: Held) -> None:
    typer.echo(f"waiting for {held}", err=True)


def carrier_settings() -> CarrierSettings:
    """Read where the carrier is, and its key. Raises UserError."""
    from provision.settings import CarrierSettings

    return CarrierSettings.from_environ(environment()).model_copy(update={"tell": _tell})


def provision_settings() -> ProvisionSettings:
    """Read where the carrier and LiveKit are, and their keys. Raises UserError."""
    from provision.settings import ProvisionSettings

    return ProvisionSettings.from_environ(environment()).model_copy(update={"tell": _tell})


def _tell(text: str) -> None:
    with suppress(OSError):  # nobody listens any more: no reason to stop half-way
        typer.echo(text, err=True)


def plan_text(plan: Plan) -> str:
    """Return a plan for the terminal, in colour where that is wanted."""
    import os

    from provision.render import render

    return render(plan, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ).rstrip()
