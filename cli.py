"""The `dialroom` command: `commands/` parse, call, render; here they are put together. Nothing is decided.

Exit codes: 0 done, 1 the world refused, 2 what the user wrote is wrong or missing, 3 changes pending, 130 after Ctrl-C.
Everything heavy is imported inside the command that needs it: `--help` answers at once.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
import typer.core

from commands import checking, estimates, provisioning, stack, stock, streaming, supervising, working, written
from commands.options import GROUP_SETTINGS
from commands.running import INTERRUPTED, open_closed_streams
from telephony.errors import DialroomError


def _version(wanted: bool) -> None:
    from importlib.metadata import version

    if wanted:
        typer.echo(f"dialroom {version('dialroom')}")
        raise typer.Exit


class Commands(typer.core.TyperGroup):
    """The one place where an error becomes a line on stderr and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; a stream that the shell has closed is one that takes everything and says nothing."""
        open_closed_streams()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; no traceback reaches a user for what the user or the world did."""
        try:
            return super().invoke(ctx)
        except DialroomError as error:
            typer.echo(f"dialroom: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            typer.echo(f"dialroom: what it tells cannot be written: {error.strerror}", err=True)
            sys.stdout = None  # else Python tries once more at its end
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    name="dialroom",
    help="An AI agent of your own behind a Vobiz phone number.\n\n"
    "Without any account: `dialroom demo`, or `dialroom up` and then `dialroom call`.\n"
    "With one: put the keys into `.env`, then `dialroom provision` and `dialroom worker`.",
    add_completion=False,
    pretty_exceptions_enable=False,
    **GROUP_SETTINGS,
)


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


COMMANDS: tuple[Callable[..., None], ...] = (
    stack.setup,
    stack.demo,
    stack.up,
    working.worker,
    streaming.stream,
    supervising.supervise,
    stack.call,
    checking.doctor,
    checking.route_test,
    estimates.firewall,
    estimates.cost,
    written.schema,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(provisioning.provision_app, name="provision")
app.add_typer(stock.numbers_app, name="numbers")
app.add_typer(written.config_app, name="config")


if __name__ == "__main__":
    app()
