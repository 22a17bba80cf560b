"""Runs the command in forked children, so that a thousand runs need not import it a thousand times.

Reads a JSON line per run (environ, words, folder, output), writes a line when the child has begun and one at its end.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Serve until the input ends."""
    import aiohttp  # noqa: F401
    import anyio._backends._asyncio  # noqa: F401
    import httpcore2  # noqa: F401
    import httpx2  # noqa: F401
    import livekit.api  # noqa: F401
    import rich.progress  # noqa: F401

    import cli
    import provision.passwords
    import provision.run
    import provision.store.store  # noqa: F401
    import telephony.manifest.load  # noqa: F401

    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _run(cli, asked)
        _tell({"pid": child})
        _, status = os.waitpid(child, 0)
        _tell({"code": os.waitstatus_to_exitcode(status)})


def _tell(fields: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _run(cli: object, asked: dict[str, object]) -> None:
    output = os.open(str(asked["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(asked["environ"])  # type: ignore[call-overload]
    os.chdir(Path(str(asked["folder"])))
    sys.argv = ["dialroom", *asked["words"]]  # type: ignore[misc]
    code: object = 1
    try:
        cli.app()  # type: ignore[attr-defined]
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - the test looks for a traceback
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(bool(code)))


if __name__ == "__main__":
    main()
