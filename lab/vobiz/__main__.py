"""Run the stand-in: ``python -m lab.vobiz --port 9001 --number +918071000001``; one JSON line says when it is ready."""

import argparse
import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Sequence

from lab.vobiz.account import Account
from lab.vobiz.server import FakeVobiz, running
from telephony.errors import DialroomError
from telephony.numbers import parse_number


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.vobiz", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--number", action="append", default=[], help="a number that the account owns; may be repeated")
    parser.add_argument("--auth-id", default="MA_LAB00001")
    parser.add_argument("--auth-token", default=None, help="drawn at random when not given")
    parser.add_argument(
        "--put", choices=("merge", "replace"), default="merge", help="what PUT does with missing fields"
    )
    return parser.parse_args(argv)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    account = Account(
        auth_id=arguments.auth_id,
        auth_token=arguments.auth_token or secrets.token_hex(20),
        put_style=arguments.put,
    )
    for number in arguments.number:
        account.add_number(parse_number(number))
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    async with running(FakeVobiz(account=account), host=arguments.host, port=arguments.port) as fake:
        ready = {
            "ready": True,
            "base_url": fake.base_url,
            "auth_id": account.auth_id,
            "auth_token": account.auth_token,
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stopped.wait()


def main() -> int:
    """Run the stand-in and return the exit code."""
    arguments = parse_arguments(sys.argv[1:])
    try:
        asyncio.run(serve(arguments))
    except DialroomError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"cannot listen on {arguments.host}:{arguments.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
