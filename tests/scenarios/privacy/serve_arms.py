"""`python -m tests.scenarios.privacy.serve_arms`: the worker with the arms' gates; nothing else differs."""

from __future__ import annotations

import sys

from agent import worker
from tests.agent import serve
from tests.scenarios.privacy import arms

if __name__ == "__main__":
    worker.job = arms  # type: ignore[assignment]
    sys.exit(serve.main())
