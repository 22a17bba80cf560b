"""What commands read: the manifest, the settings that it needs, and how a plan is shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from commands.running import environment

if TYPE_CHECKING:
    from provision.plan import Plan
    from provision.settings import CarrierSettings, ProvisionSettings
    from telephony.manifest.model import Manifest


def provision_inputs(manifest: Path) -> tuple[Manifest, ProvisionSettings]:
    """Read the manifest, and from the environment what it takes to write both servers. Raises UserError."""
    from provision.settings import with_passwords
    from telephony.manifest.load import load_manifest

    loaded = load_manifest(manifest, environ=environment())
    return loaded, with_passwords(provision_settings(), loaded, environment(), folder=manifest.parent)


def carrier_settings() -> CarrierSettings:
    """Read where the carrier is, and its key. Raises UserError."""
    from provision.settings import CarrierSettings

    return CarrierSettings.from_environ(environment())


def provision_settings() -> ProvisionSettings:
    """Read where the carrier and LiveKit are, and their keys. Raises UserError."""
    from provision.settings import ProvisionSettings

    return ProvisionSettings.from_environ(environment())


def plan_text(plan: Plan) -> str:
    """Return a plan for the terminal, in colour where that is wanted."""
    import os

    from provision.render import render

    return render(plan, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ).rstrip()
