"""`python -m tests.scenarios.privacy.arms.serve ARM`: the worker with other gates; nothing else differs."""

from __future__ import annotations

import importlib
import sys

from agent import worker
from tests.agent import serve

if __name__ == "__main__":
    worker.job = importlib.import_module(f"tests.scenarios.privacy.arms.{sys.argv.pop(1)}")  # type: ignore[assignment]
    sys.exit(serve.main())
