"""`python -m tests.agent.serve`: the worker as a process of its own. Prints one JSON line when it is registered."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from agent.settings import AgentSettings
from agent.worker import run_worker
from telephony.errors import DialroomError
from telephony.manifest.load import load_manifest


def registered(worker_id: str) -> None:
    """Tell the test."""
    sys.stdout.write(json.dumps({"ready": True, "worker_id": worker_id}) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Return the exit code that the command would end with."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-calls", type=int, default=5)
    parser.add_argument("--warm", type=int, default=1)
    parser.add_argument("--health-port", type=int, default=0)
    arguments = parser.parse_args()
    try:
        manifest = load_manifest(Path(os.environ["DIALROOM_MANIFEST"]), environ=os.environ)
        settings = AgentSettings.from_environ(os.environ)
        return asyncio.run(run_worker(settings, manifest, on_ready=registered, **vars(arguments)))
    except DialroomError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
