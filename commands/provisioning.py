"""Provisioning from the command line: show, ask, write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from commands.inputs import plan_text, provision_inputs, provision_settings
from commands.options import DEFAULT_MANIFEST, GROUP_SETTINGS, AllowDelete, JsonFlag, ManifestPath, TakeOver, YesFlag
from commands.running import CHANGES_PENDING, json_text, run
from telephony.errors import UserError

if TYPE_CHECKING:
    from provision.apply import Progress
    from provision.plan import Plan
    from provision.settings import ProvisionSettings


class ProvisionCommands(typer.core.TyperGroup):
    """Lets `provision +91… --agent NAME` stand beside `provision plan` and `provision apply`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Send a first word that looks like a number to the command `number`."""
        if args and args[0].lstrip("+(").replace(" ", "")[:1].isdigit():
            args = ["number", *args]
        return super().parse_args(ctx, args)


provision_app = typer.Typer(
    cls=ProvisionCommands,
    help="Make Vobiz and LiveKit as the manifest says: `plan` shows, `apply` does.\n\n"
    "`dialroom provision +918071000001 --agent front-desk` is the one-line way for one number.",
    **GROUP_SETTINGS,
)


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

    loaded, settings = provision_inputs(manifest)
    plan = run(plan_manifest(loaded, settings, take_over=take_over, allow_delete=allow_delete, out=out))
    typer.echo(json_text(plan.to_dict()) if as_json else plan_text(plan))
    raise typer.Exit(CHANGES_PENDING if exit_code and plan.changes else 0)


@provision_app.command("drift")
def provision_drift(manifest: ManifestPath = DEFAULT_MANIFEST, as_json: JsonFlag = False) -> None:
    """Say whether the servers are as the manifest wants them: exit code 0 when they are, 3 when they are not."""
    from provision.run import plan_manifest

    loaded, settings = provision_inputs(manifest)
    plan = run(plan_manifest(loaded, settings))
    typer.echo(json_text(plan.to_dict()) if as_json else plan_text(plan))
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
        settings = provision_inputs(manifest)[1] if plan.calls_out else provision_settings()
        _apply(plan, settings, yes=yes, as_json=as_json, digest=digest)
        return
    loaded, settings = provision_inputs(manifest)
    plan = run(plan_manifest(loaded, settings, take_over=take_over, allow_delete=allow_delete))
    _apply(plan, settings, yes=yes, as_json=as_json)


@provision_app.command("show")
def provision_show(manifest: ManifestPath = DEFAULT_MANIFEST, as_json: JsonFlag = False) -> None:
    """List what is there of the manifest's deployment, at Vobiz and at LiveKit."""
    from dataclasses import asdict

    from provision.render import inventory
    from provision.run import show

    loaded, settings = provision_inputs(manifest)
    values = run(show(loaded.deployment, settings))
    told = [{"kind": value.kind.name.lower(), **asdict(value)} for value in values]
    typer.echo(json_text({"objects": told}) if as_json else inventory(loaded.deployment, values))


@provision_app.command("destroy")
def provision_destroy(
    manifest: ManifestPath = DEFAULT_MANIFEST, yes: YesFlag = False, as_json: JsonFlag = False
) -> None:
    """Delete everything of the manifest's deployment, after asking. The numbers stay yours, without a route."""
    from provision.run import plan_destroy

    loaded, settings = provision_inputs(manifest)
    _apply(run(plan_destroy(loaded.deployment, settings)), settings, yes=yes, as_json=as_json)


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

    loaded, settings = provision_inputs(manifest)
    plan = run(plan_number(number, agent=agent, manifest=loaded, settings=settings))
    _apply(plan, settings, yes=yes, as_json=as_json)


def _apply(plan: Plan, settings: ProvisionSettings, *, yes: bool, as_json: bool, digest: str | None = None) -> None:
    from provision.run import apply_plan

    if not as_json:
        typer.echo(plan_text(plan))
    if plan.changes and not plan.conflicts and not yes:
        if as_json or not sys.stdin.isatty():
            raise UserError("nothing was written: give --yes, since nobody can be asked here")
        typer.confirm("Make it so?", abort=True)
    applied = run(apply_plan(plan, settings, on_progress=None if as_json else _told_change, digest=digest))
    typer.echo(json_text(applied.to_dict()) if as_json else f"Done: {applied.writes} written, all read back.")


def _told_change(progress: Progress) -> None:
    typer.echo(f"  [{progress.position}/{progress.total}] {progress.change.key}")
