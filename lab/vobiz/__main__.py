"""Run the stand-in: ``python -m lab.vobiz --port 9001 --number +918071000001``; one JSON line says when it is ready."""

import argparse
import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.vobiz.account import BASE_CALLS, Account
from lab.vobiz.habits import Habits
from lab.vobiz.server import FakeVobiz, running
from lab.vobiz.state import load
from telephony.errors import DialroomError, UserError, WorldError
from telephony.numbers import parse_number

if TYPE_CHECKING:
    from lab.vobiz.calls.carrier import Carrier


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
    parser.add_argument("--inventory", action="append", default=[], help="a number that can be bought; may be repeated")
    parser.add_argument("--state", type=Path, default=None, help="a file with what GET /lab/state once answered")
    parser.add_argument("--sip", metavar="HOST:PORT", help="take calls there, e.g. 127.0.0.9:0; off without it")
    parser.add_argument("--concurrent-calls", type=int, default=BASE_CALLS, help="how many calls may be live at once")
    parser.add_argument(
        "--habit",
        action="append",
        default=[],
        type=_habit,
        metavar="NAME=VALUE",
        help="one of lab/vobiz/habits.py, the value as JSON or a bare word; may be repeated",
    )
    return parser.parse_args(argv)


def _habit(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def account_of(arguments: argparse.Namespace) -> Account:
    """Return the account that the command line describes. Raises DialroomError."""
    habits = Habits()
    habits.change({"put_style": arguments.put} | dict(arguments.habit))
    account = Account(
        auth_id=arguments.auth_id,
        auth_token=arguments.auth_token or secrets.token_hex(20),
        habits=habits,
        concurrent_calls=arguments.concurrent_calls,
    )
    if arguments.state is not None:
        try:
            load(account, json.loads(arguments.state.read_bytes()))
        except (OSError, ValueError) as error:
            raise UserError(f"{arguments.state} is no state: {error}") from None
    for number in arguments.number:
        account.add_number(parse_number(number))
    for number in arguments.inventory:
        account.offer_number(parse_number(number))
    return account


def _carrier(account: Account, sip: str) -> "Carrier":
    """Return the carrier at an address written as HOST:PORT. Raises UserError."""
    from lab.vobiz.calls.carrier import Carrier  # half of the start, for those who take calls

    host, _, port = sip.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UserError(f"{sip!r} is no SIP address; write it like 127.0.0.9:0")
    return Carrier(account, host=host, port=int(port))


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    account = account_of(arguments)
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    async with AsyncExitStack() as exits:
        fake = await exits.enter_async_context(
            running(FakeVobiz(account=account), host=arguments.host, port=arguments.port)
        )
        ready = {
            "ready": True,
            "base_url": fake.base_url,
            "control_url": fake.control_url,
            "auth_id": account.auth_id,
            "auth_token": account.auth_token,
        }
        if arguments.sip:
            try:
                carrier = await exits.enter_async_context(_carrier(account, arguments.sip))
            except OSError as error:
                raise WorldError(f"cannot listen on {arguments.sip}: {error.strerror}") from None
            ready["sip"] = f"{carrier.address[0]}:{carrier.address[1]}"
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
