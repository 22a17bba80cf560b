"""The arms of a run: ours, and the two controls, each behind a number of its own on the same stack."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lab.servers.livekit import ROOT
from lab.servers.process import Child, child
from lab.stack import Stack
from provision.run import provision_manifest
from provision.settings import ProvisionSettings
from telephony.dispatch import worker_name
from telephony.manifest.load import load_manifest

OURS = "dialroom"
CONTROLS = {"defaults": "+918071000011", "silero": "+918071000012"}


@dataclass(frozen=True, slots=True)
class Arm:
    """A name, the number that reaches it, and its worker."""

    name: str
    number: str
    worker: Child


@asynccontextmanager
async def control_arm(stack: Stack, name: str) -> AsyncIterator[Arm]:
    """Provision a control's number under a deployment of its own and run its worker."""
    deployment, number = f"bench-{name}", CONTROLS[name]
    path = stack.options.run_dir / f"{deployment}.yaml"
    path.write_text(_manifest(deployment, number))
    settings = ProvisionSettings.from_environ(stack.environ)
    await provision_manifest(load_manifest(path, environ=stack.environ), settings)
    argv = [sys.executable, "-m", "bench.control", "--arm", name, "--name", worker_name(deployment)]
    log_path = stack.options.run_dir / f"{deployment}.log"
    async with child(deployment, argv, env=stack.environ, log_path=log_path, cwd=ROOT) as worker:
        await worker.ready(timeout_s=90)
        yield Arm(name, number, worker)


def _manifest(deployment: str, number: str) -> str:
    return f"""\
version: 1
deployment: {deployment}
livekit: {{sip_host: "${{LIVEKIT_SIP_HOST}}"}}
numbers:
  - number: "{number}"
    route: {{agent: control}}
agents:
  control:
    greeting: Not used by a control.
    goodbye: Not used by a control.
    instructions: Not used by a control.
"""
