"""The local stack from the command line: set it up, keep it running, call it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from commands.options import DEFAULT_MANIFEST, Ears, Gateway, JsonFlag, ManifestPath, Via
from commands.running import json_text, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.stack import StackOptions


def setup() -> None:
    """Build the servers of the local stack (once; two to five minutes, kept in a cache)."""
    from lab.servers.binaries import ensure_livekit_server
    from lab.terminal.progress import progress_line

    with progress_line("[setup] livekit-server") as progress:
        path = ensure_livekit_server(progress)
    typer.echo(f"[setup] livekit-server is {path}")


def demo(gateway: Gateway = "auto", via: Via = "sip", ears: Ears = "real", as_json: JsonFlag = False) -> None:
    """Start the stack, provision a number, call it, and show the talk as it happens. Needs no account and no key."""
    from lab.demo import run_demo
    from lab.terminal.call import Screen

    result = run(run_demo(_stack_options("demo", via=via, gateway=gateway, ears=ears), Screen(quiet=as_json)))
    typer.echo(json_text(result.to_json()) if as_json else f"\n{result.verdict()}")
    raise typer.Exit(0 if result.passed else 1)


def up(
    gateway: Gateway = "auto",
    via: Via = "sip",
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
        "up", via=via, gateway=gateway, ears=ears, manifest=manifest, sip_port=sip_port, workers=workers, warm=warm
    )

    def ready(line: Mapping[str, Any]) -> None:
        called = (
            f"call {', '.join(line['numbers'])} at sip:{line['calls_to']}, e.g. `dialroom call {line['numbers'][0]}`"
        )
        typer.echo(json_text(line) if as_json else f"Ready: {called}. Ctrl-C ends everything.")

    run(run_up(options, on_event=(lambda _line: None) if as_json else typer.echo, on_ready=ready))


def call(
    number: Annotated[str, typer.Argument(help="The number to call, as one would dial it.")],
    script: Annotated[
        Path | None, typer.Option(help="What the caller does, as YAML; a short greeting if none.")
    ] = None,
    sip: Annotated[str | None, typer.Option(help="HOST:PORT that takes the INVITE; default: the running `up`.")] = None,
    via: Annotated[
        Literal["sip", "stream"] | None,
        typer.Option(help="Which way the running `up` must have; without it, the one that it has."),
    ] = None,
    from_number: Annotated[str, typer.Option("--from", help="The caller's number.")] = "+919812345678",
    recording: Annotated[
        Path | None,
        typer.Option(help="Stereo WAV to write, left the caller, right the agent; the events as .json beside it."),
    ] = None,
    callers: Annotated[int, typer.Option(min=1, max=200, help="Callers at once, all with the same script.")] = 1,
    human: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Open a second telephone there, for a call whose agent hands the caller over."
        ),
    ] = None,
    human_answers_after: Annotated[
        float | None, typer.Option(min=0, max=600, help="Seconds that the second telephone rings; 1 if not given.")
    ] = None,
    human_says: Annotated[
        str | None,
        typer.Option(help='What the human answers to the briefing; "Yes, put them through." if not given.'),
    ] = None,
    human_presses: Annotated[str | None, typer.Option(help="Keys that they press instead, such as 1.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Call a number with the synthetic caller and measure what is on the wire.

    With --human a transfer is played by hand: the caller asks for somebody, and a second telephone takes the call that
    the agent makes then. A target of the manifest must name it: the example's does with
    `CLINIC_PBX=127.0.0.1:5090 dialroom up`, and `dialroom call +918071000001 --human 127.0.0.1:5090`. In a script,
    `meet: {timeout_s: 60}` waits until the human has greeted the caller.
    """
    from lab.dial import dial
    from lab.human import plan_of
    from lab.terminal.call import Screen, summary

    plan = plan_of(human, answers_after_s=human_answers_after, says=human_says, presses=human_presses)
    results = run(
        dial(
            number,
            script=script,
            sip=sip,
            via=via,
            from_number=from_number,
            recording=recording,
            callers=callers,
            screen=Screen(quiet=as_json),
            human=human,
            plan=plan,
        )
    )
    if as_json:
        told = [result.to_json() for result in results]
        typer.echo(json_text(told[0] if callers == 1 else {"calls": told}))
    else:
        typer.echo(summary(results))
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


def _stack_options(kind: str, *, via: Literal["sip", "stream"], **given: Any) -> StackOptions:
    from lab.running import new_run_dir
    from lab.stack import StackOptions
    from lab.stream_manifest import over_stream

    run_dir, options = new_run_dir(kind), {key: value for key, value in given.items() if value is not None}
    if via == "stream":
        manifest = over_stream(Path(options.get("manifest", DEFAULT_MANIFEST)), run_dir)
        options |= {"manifest": manifest, "stream": True, "workers": 0}
    return StackOptions(run_dir=run_dir, **options)
