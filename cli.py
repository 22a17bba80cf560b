"""The `dialroom` command: reads arguments, calls, renders, ends with an exit code. It decides nothing.

Exit codes: 0 done, 1 the world refused, 2 what the user wrote is wrong, 3 changes are pending, 130 after Ctrl-C.
Everything heavy is imported inside the command that needs it: `--help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
import typer.core

from telephony.errors import DialroomError, UserError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from lab.stack import StackOptions
    from provision.apply import Progress
    from provision.plan import Plan
    from provision.settings import CarrierSettings, ProvisionSettings
    from telephony.manifest.model import Manifest

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
CHANGES_PENDING = 3

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
ManifestPath = Annotated[
    Path, typer.Option("--manifest", "-m", envvar="DIALROOM_MANIFEST", help="The manifest: numbers and agents.")
]
Gateway = Annotated[
    Literal["auto", "lab", "livekit-sip"],
    typer.Option(help="What plays the SIP side: auto (a livekit-sip on PATH, else lab), lab, or livekit-sip."),
]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Move numbers that hang on somebody else's trunk.")]
AllowDelete = Annotated[bool, typer.Option("--allow-delete", help="Numbers may lose their route; much may be deleted.")]
NumberArgument = Annotated[str, typer.Argument(help="The number, in any Indian form or E.164.")]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Ears = Annotated[
    Literal["real", "oracle"],
    typer.Option(help="How the stand-in hears: real (Whisper, from a wheel) or oracle (it is told; exact times)."),
]
DEFAULT_MANIFEST = Path("dialroom.yaml")


def _version(wanted: bool) -> None:
    from importlib.metadata import version

    if wanted:
        typer.echo(f"dialroom {version('dialroom')}")
        raise typer.Exit


class Commands(typer.core.TyperGroup):
    """The one place where an error becomes a line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; no traceback reaches a user for what the user or the world did."""
        try:
            return super().invoke(ctx)
        except DialroomError as error:
            typer.echo(f"dialroom: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


class ProvisionCommands(typer.core.TyperGroup):
    """Lets `provision +91… --agent NAME` stand beside `provision plan` and `provision apply`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Send a first word that looks like a number to the command `number`."""
        if args and args[0].lstrip("+(").replace(" ", "")[:1].isdigit():
            args = ["number", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Commands,
    name="dialroom",
    help="An AI agent of your own behind a Vobiz phone number.\n\n"
    "Without any account: `dialroom demo`, or `dialroom up` and then `dialroom call`.\n"
    "With one: put the keys into `.env`, then `dialroom provision` and `dialroom worker`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
provision_app = typer.Typer(
    cls=ProvisionCommands,
    help="Make Vobiz and LiveKit as the manifest says: `plan` shows, `apply` does.\n\n"
    "`dialroom provision +918071000001 --agent front-desk` is the one-line way for one number.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.add_typer(provision_app, name="provision")
numbers_app = typer.Typer(
    help="The numbers of the Vobiz account: list, search, buy, release. Nothing else ever buys.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.add_typer(numbers_app, name="numbers")


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def setup() -> None:
    """Build the servers of the local stack (once; two to five minutes, kept in a cache)."""
    from lab.servers.binaries import ensure_livekit_server
    from lab.terminal.progress import progress_line

    with progress_line("[setup] livekit-server") as progress:
        path = ensure_livekit_server(progress)
    typer.echo(f"[setup] livekit-server is {path}")


@app.command()
def demo(gateway: Gateway = "auto", ears: Ears = "real", as_json: JsonFlag = False) -> None:
    """Start the stack, provision a number, call it, and show the talk as it happens. Needs no account and no key."""
    from lab.demo import run_demo
    from lab.terminal.call import Screen, summary

    result = _run(run_demo(_stack_options("demo", gateway=gateway, ears=ears), Screen(quiet=as_json)))
    typer.echo(_json(result.to_json()) if as_json else f"{summary([result.call])}\n{result.verdict()}")
    raise typer.Exit(0 if result.passed else 1)


@app.command()
def up(
    gateway: Gateway = "auto",
    ears: Ears = "real",
    manifest: ManifestPath = DEFAULT_MANIFEST,
    sip_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port for SIP on 127.0.0.1; a free one when not given.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes.")] = 1,
    warm: Annotated[int, typer.Option(min=0, help="Idle call processes that each worker keeps ready.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
) -> None:
    """Run the same stack until Ctrl-C, to call it with a softphone or with `dialroom call`."""
    from lab.up import run_up

    options = _stack_options(
        "up", gateway=gateway, ears=ears, manifest=manifest, sip_port=sip_port, workers=workers, warm=warm
    )

    def ready(line: Mapping[str, Any]) -> None:
        called = f"call {', '.join(line['numbers'])} at sip:{line['sip']}, e.g. `dialroom call {line['numbers'][0]}`"
        typer.echo(_json(line) if as_json else f"Ready: {called}. Ctrl-C ends everything.")

    _run(run_up(options, on_event=(lambda _line: None) if as_json else typer.echo, on_ready=ready))


@app.command()
def worker(
    manifest: ManifestPath = DEFAULT_MANIFEST,
    max_calls: Annotated[int, typer.Option(min=1, help="Calls at once; more are left to other workers.")] = 20,
    warm: Annotated[int, typer.Option(min=0, help="Idle call processes kept ready.")] = 2,
    health_port: Annotated[int, typer.Option(min=0, help="HTTP port for health checks; 0 takes a free one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line when registered.")] = False,
) -> None:
    """Answer calls: joins LIVEKIT_URL as the manifest's worker. Run as many as you like.

    SIGTERM lets the calls in progress finish and takes no new ones.
    """
    import asyncio

    from agent.settings import AgentSettings
    from agent.worker import run_worker
    from telephony.manifest.load import load_manifest

    def registered(worker_id: str) -> None:
        typer.echo(_json({"ready": True, "worker_id": worker_id}) if as_json else f"registered as {worker_id}")

    loaded = load_manifest(manifest, environ=_environ())
    code = asyncio.run(
        run_worker(
            AgentSettings.load(),
            loaded,
            manifest_path=manifest,
            max_calls=max_calls,
            warm=warm,
            health_port=health_port,
            on_ready=registered,
        )
    )
    raise typer.Exit(code)


@app.command()
def call(
    number: Annotated[str, typer.Argument(help="The number to call, as one would dial it.")],
    script: Annotated[
        Path | None, typer.Option(help="What the caller does, as YAML; a short greeting if none.")
    ] = None,
    sip: Annotated[str | None, typer.Option(help="HOST:PORT that takes the INVITE; default: the running `up`.")] = None,
    from_number: Annotated[str, typer.Option("--from", help="The caller's number.")] = "+919812345678",
    recording: Annotated[
        Path | None,
        typer.Option(help="Stereo WAV to write, left the caller, right the agent; the events as .json beside it."),
    ] = None,
    callers: Annotated[int, typer.Option(min=1, max=200, help="Callers at once, all with the same script.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Call a number with the synthetic caller and measure what is on the wire."""
    from lab.dial import dial
    from lab.terminal.call import Screen, summary

    results = _run(
        dial(
            number,
            script=script,
            sip=sip,
            from_number=from_number,
            recording=recording,
            callers=callers,
            screen=Screen(quiet=as_json),
        )
    )
    if as_json:
        told = [result.to_json() for result in results]
        typer.echo(_json(told[0] if callers == 1 else {"calls": told}))
    else:
        typer.echo(summary(results))
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


@provision_app.command("plan")
def provision_plan(
    manifest: ManifestPath = DEFAULT_MANIFEST,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 when something would change.")] = False,
    out: Annotated[Path | None, typer.Option(help="Save the plan, for `apply PLAN` after a review.")] = None,
    take_over: TakeOver = False,
    allow_delete: AllowDelete = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what apply would change. Writes nothing."""
    from provision.run import plan_manifest

    loaded, settings = _provision_inputs(manifest)
    plan = _run(plan_manifest(loaded, settings, take_over=take_over, allow_delete=allow_delete, out=out))
    typer.echo(_json(plan.to_dict()) if as_json else _plan_text(plan))
    raise typer.Exit(CHANGES_PENDING if exit_code and plan.changes else 0)


@provision_app.command("drift")
def provision_drift(manifest: ManifestPath = DEFAULT_MANIFEST, as_json: JsonFlag = False) -> None:
    """Say whether the servers are as the manifest wants them: exit code 0 when they are, 3 when they are not."""
    from provision.run import plan_manifest

    loaded, settings = _provision_inputs(manifest)
    plan = _run(plan_manifest(loaded, settings))
    typer.echo(_json(plan.to_dict()) if as_json else _plan_text(plan))
    raise typer.Exit(CHANGES_PENDING if plan.changes or plan.conflicts else 0)


@provision_app.command("apply")
def provision_apply(
    saved: Annotated[Path | None, typer.Argument(metavar="[PLAN]", help="A plan that `plan --out` has saved.")] = None,
    manifest: ManifestPath = DEFAULT_MANIFEST,
    take_over: TakeOver = False,
    allow_delete: AllowDelete = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the plan, ask, then make Vobiz and LiveKit as the manifest says. Run again, it writes nothing.

    A saved plan is applied only while the servers are as they were when it was made.
    """
    from provision.run import plan_manifest
    from provision.saved import load_plan

    if saved is not None:
        plan, digest = load_plan(saved)
        settings = _provision_inputs(manifest)[1] if plan.calls_out else _provision_settings()
        _apply(plan, settings, yes=yes, as_json=as_json, digest=digest)
        return
    loaded, settings = _provision_inputs(manifest)
    plan = _run(plan_manifest(loaded, settings, take_over=take_over, allow_delete=allow_delete))
    _apply(plan, settings, yes=yes, as_json=as_json)


@provision_app.command("show")
def provision_show(manifest: ManifestPath = DEFAULT_MANIFEST, as_json: JsonFlag = False) -> None:
    """List what is there of the manifest's deployment, at Vobiz and at LiveKit."""
    from dataclasses import asdict

    from provision.render import inventory
    from provision.run import show

    loaded, settings = _provision_inputs(manifest)
    values = _run(show(loaded.deployment, settings))
    told = [{"kind": value.kind.name.lower(), **asdict(value)} for value in values]
    typer.echo(_json({"objects": told}) if as_json else inventory(loaded.deployment, values))


@provision_app.command("destroy")
def provision_destroy(
    manifest: ManifestPath = DEFAULT_MANIFEST, yes: YesFlag = False, as_json: JsonFlag = False
) -> None:
    """Delete everything of the manifest's deployment, after asking. The numbers stay yours, without a route."""
    from provision.run import plan_destroy

    loaded, settings = _provision_inputs(manifest)
    _apply(_run(plan_destroy(loaded.deployment, settings)), settings, yes=yes, as_json=as_json)


@provision_app.command("number", hidden=True)
def provision_number(
    number: Annotated[str, typer.Argument(help="The number, in any Indian form or E.164.")],
    agent: Annotated[str, typer.Option(help="The agent of the manifest that answers it.")],
    manifest: ManifestPath = DEFAULT_MANIFEST,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Put one number through to an agent of the manifest."""
    from provision.run import plan_number

    loaded, settings = _provision_inputs(manifest)
    plan = _run(plan_number(number, agent=agent, manifest=loaded, settings=settings))
    _apply(plan, settings, yes=yes, as_json=as_json)


@numbers_app.command("list")
def numbers_list(as_json: JsonFlag = False) -> None:
    """Show the account's numbers: what each hangs on, what keeps it from taking calls, what it costs."""
    from provision.number_stock.render import render_owned
    from provision.number_stock.run import list_numbers

    owned = _run(list_numbers(_carrier_settings()))
    typer.echo(_json({"numbers": [number.to_dict() for number in owned]}) if as_json else render_owned(owned))


@numbers_app.command("search")
def numbers_search(
    prefix: Annotated[str, typer.Option(help="How the number begins: 80, 080 or +9180.")] = "",
    contains: Annotated[str, typer.Option(help="Digits anywhere in it.")] = "",
    area: Annotated[str, typer.Option(help="A region or city, e.g. Karnataka or Mumbai.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show so many at most.")] = 25,
    as_json: JsonFlag = False,
) -> None:
    """Show numbers for sale, with their prices. Example: dialroom numbers search --area Bengaluru --contains 777."""
    from provision.number_stock.render import render_found
    from provision.number_stock.run import search_numbers
    from provision.number_stock.wanted import Wanted

    wanted = Wanted(prefix=prefix, contains=contains, area=area)
    found = _run(search_numbers(wanted, _carrier_settings(), limit=limit))
    typer.echo(_json(found.to_dict()) if as_json else render_found(found))


@numbers_app.command("buy")
def numbers_buy(number: NumberArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Show the price, ask, and buy one number. It is sent once; after a lost answer the account is read."""
    from provision.number_stock.consent import consent
    from provision.number_stock.render import buying_question, render_bought
    from provision.number_stock.run import buy_number, find_offer

    settings = _carrier_settings()
    offer = _run(find_offer(number, settings))
    if not consent(buying_question(offer), yes=yes):
        raise typer.Exit(1)
    bought = _run(buy_number(offer, settings))
    typer.echo(_json(bought.to_dict()) if as_json else render_bought(bought))


@numbers_app.command("release")
def numbers_release(
    number: NumberArgument,
    immediate: Annotated[bool, typer.Option("--immediate", help="Do not wait 24 hours.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Although its calls still go somewhere.")] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Say what it costs, ask, and give one number back. Refused while the number has a route."""
    from provision.number_stock.consent import consent
    from provision.number_stock.render import releasing_question, render_released
    from provision.number_stock.run import find_owned, release_number

    settings = _carrier_settings()
    owned = _run(find_owned(number, settings, force=force))
    if not consent(releasing_question(owned, immediate=immediate), yes=yes):
        raise typer.Exit(1)
    released = _run(release_number(owned, settings, immediate=immediate, force=force))
    typer.echo(_json(released.to_dict()) if as_json else render_released(released))


@app.command()
def firewall(
    form: Annotated[
        Literal["nft", "ufw", "iptables", "aws", "gcp"], typer.Argument(help="For which tool the rules are.")
    ],
    sip_port: Annotated[int, typer.Option(min=1, max=65535, help="Where the SIP node listens, UDP and TCP.")] = 5060,
    tls_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where it listens for TLS.")] = None,
    rtp: Annotated[str, typer.Option(help="Its range of RTP ports.")] = "10000-20000",
    as_json: JsonFlag = False,
) -> None:
    """Print firewall rules that let in exactly Vobiz's signalling and media addresses.

    Example: dialroom firewall nft | sudo nft -f -
    """
    from provision.firewall.openings import openings
    from provision.firewall.rules import rules

    made = rules(form, openings(sip_port=sip_port, tls_port=tls_port, rtp=rtp))
    if as_json:
        typer.echo(_json(made.to_dict()))
        return
    typer.echo(made.text, nl=False)
    for note in made.notes:
        typer.echo(note, err=True)


@app.command()
def cost(
    manifest: ManifestPath = DEFAULT_MANIFEST,
    minutes_per_number: Annotated[float | None, typer.Option(help="Minutes of calls per number and month.")] = None,
    calls: Annotated[float | None, typer.Option(help="All calls of a month, instead.")] = None,
    mean_s: Annotated[float, typer.Option(help="Mean length of a call in seconds.")] = 180.0,
    transfers: Annotated[float, typer.Option(min=0, max=1, help="Share of calls with a second leg to a human.")] = 0.0,
    sip_rate: Annotated[float, typer.Option(help="INR per minute over SIP.")] = 0.45,
    stream_rate: Annotated[float, typer.Option(help="INR per minute over <Stream>.")] = 0.65,
    number_rate: Annotated[float, typer.Option(help="INR per number and month.")] = 500.0,
    ai_rate: Annotated[float, typer.Option(help="INR per minute of talk for speech and model.")] = 0.0,
    fee: Annotated[float, typer.Option(help="INR per month for your own servers.")] = 0.0,
    other_rate: Annotated[float | None, typer.Option(help="INR per minute, all in, of a platform to compare.")] = None,
    other_fee: Annotated[float, typer.Option(help="INR per month of that platform.")] = 0.0,
    plot: Annotated[Path | None, typer.Option(help="Draw cost over volume: NAME.svg or NAME.png.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Reckon what the manifest's numbers cost a month, SIP beside stream, and where another platform is cheaper.

    Example: dialroom cost --minutes-per-number 600 --ai-rate 2.5 --other-rate 6
    """
    from provision.cost.rates import Platform, Rates
    from provision.cost.reckon import count_routes, reckon
    from provision.cost.render import render
    from provision.cost.traffic import traffic
    from telephony.manifest.load import load_manifest

    numbers = count_routes(load_manifest(manifest, environ=_environ()))
    volume = traffic(
        numbers=numbers.total,
        minutes_per_number=minutes_per_number,
        calls=calls,
        mean_s=mean_s,
        transfer_share=transfers,
    )
    prices = Rates(sip=sip_rate, stream=stream_rate, number=number_rate, ai_per_minute=ai_rate, platform_fee=fee)
    other = None if other_rate is None else Platform(per_minute=other_rate, fee=other_fee)
    result = reckon(numbers, volume, prices, other)
    typer.echo(_json(result.to_dict()) if as_json else render(result))
    if plot is not None:
        from provision.cost.plot import write_plot

        write_plot(result, plot)


def _apply(plan: Plan, settings: ProvisionSettings, *, yes: bool, as_json: bool, digest: str | None = None) -> None:
    from provision.run import apply_plan

    if not as_json:
        typer.echo(_plan_text(plan))
    if plan.changes and not plan.conflicts and not yes:
        if as_json or not sys.stdin.isatty():
            raise UserError("nothing was written: give --yes, since nobody can be asked here")
        typer.confirm("Make it so?", abort=True)
    applied = _run(apply_plan(plan, settings, on_progress=None if as_json else _told_change, digest=digest))
    typer.echo(_json(applied.to_dict()) if as_json else f"Done: {applied.writes} written, all read back.")


def _told_change(progress: Progress) -> None:
    typer.echo(f"  [{progress.position}/{progress.total}] {progress.change.key}")


def _provision_inputs(manifest: Path) -> tuple[Manifest, ProvisionSettings]:
    from provision.settings import with_passwords
    from telephony.manifest.load import load_manifest

    loaded = load_manifest(manifest, environ=_environ())
    return loaded, with_passwords(_provision_settings(), loaded, _environ(), folder=manifest.parent)


def _carrier_settings() -> CarrierSettings:
    from provision.settings import CarrierSettings

    return CarrierSettings.from_environ(_environ())


def _provision_settings() -> ProvisionSettings:
    from provision.settings import ProvisionSettings

    return ProvisionSettings.from_environ(_environ())


def _plan_text(plan: Plan) -> str:
    import os

    from provision.render import render

    return render(plan, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ).rstrip()


def _environ() -> Mapping[str, str]:
    """Return the environment over `.env` of the working folder."""
    import os

    from dotenv import dotenv_values

    try:
        written = dotenv_values(".env")
    except UnicodeDecodeError:
        raise UserError(".env: is not UTF-8 text") from None
    return {key: value for key, value in written.items() if value is not None} | dict(os.environ)


def _stack_options(kind: str, **given: Any) -> StackOptions:
    from lab.running import new_run_dir
    from lab.stack import StackOptions

    return StackOptions(run_dir=new_run_dir(kind), **{key: value for key, value in given.items() if value is not None})


def _run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end. SIGINT and SIGTERM cancel it and let it clean up; the second one ends the process at once."""
    import asyncio
    import os
    import signal

    caught: list[int] = []

    async def guarded() -> Any:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()

        def stop(number: int) -> None:
            if caught or task is None:
                os._exit(128 + number)
            caught.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        return await main

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if caught:
            raise typer.Exit(128 + caught[0]) from None
        raise


def _json(value: Mapping[str, Any]) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    app()
