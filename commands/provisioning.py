"""Provisioning from the command line: show, ask, write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from commands.applying import Asked, apply_and_tell, ask
from commands.inputs import load, plan_text, provision_inputs, provision_settings, state_of, targets
from commands.options import (
    DEFAULT_MANIFEST,
    GROUP_SETTINGS,
    AllowDelete,
    Drain,
    JsonFlag,
    ManifestPath,
    Parallel,
    TakeOver,
    Target,
    YesFlag,
)
from commands.running import CHANGES_PENDING, environment, json_text, run
from telephony.errors import UserError

if TYPE_CHECKING:
    from provision.plan import Plan


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
    target: Target = None,
    parallel: Parallel = 16,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a table for a pull request.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what apply would change. Writes nothing."""
    from provision.render import markdown, shown
    from provision.run import plan_manifest

    loaded, settings = provision_inputs(manifest, parallel=parallel)
    only = targets(loaded, target)
    plan = run(plan_manifest(loaded, settings, take_over=take_over, allow_delete=allow_delete, only=only, out=out))
    if as_json:
        typer.echo(json_text(shown(plan.to_dict(), plan.written_urls)))
    else:
        typer.echo(markdown(plan) if as_markdown else plan_text(plan))
    raise typer.Exit(CHANGES_PENDING if exit_code and (plan.changes or plan.conflicts) else 0)


@provision_app.command("drift")
def provision_drift(manifest: ManifestPath = DEFAULT_MANIFEST, as_json: JsonFlag = False) -> None:
    """Say whether the servers are as the manifest wants them: exit code 0 when they are, 3 when they are not."""
    from provision.render import shown
    from provision.run import plan_manifest

    loaded, settings = provision_inputs(manifest)
    plan = run(plan_manifest(loaded, settings))
    typer.echo(json_text(shown(plan.to_dict(), plan.written_urls)) if as_json else plan_text(plan))
    raise typer.Exit(CHANGES_PENDING if plan.changes or plan.conflicts else 0)


@provision_app.command("apply")
def provision_apply(
    saved: Annotated[Path | None, typer.Argument(metavar="[PLAN]", help="A plan that `plan --out` has saved.")] = None,
    manifest: ManifestPath = DEFAULT_MANIFEST,
    take_over: TakeOver = False,
    allow_delete: AllowDelete = False,
    target: Target = None,
    drain: Drain = None,
    parallel: Parallel = 16,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the plan, ask, then make Vobiz and LiveKit as the manifest says. Run again, it writes nothing.

    A saved plan is applied only while the servers are as they were when it was made.
    """
    from provision.run import plan_manifest
    from provision.saved import load_plan

    asked = Asked(yes=yes, as_json=as_json, drain=drain)
    state = state_of(manifest, "apply")
    if saved is not None:
        if target or take_over or allow_delete:
            raise UserError("a saved plan is applied as it is: give --target, --take-over and --allow-delete to `plan`")
        plan, digest = load_plan(saved)
        settings = provision_inputs(manifest, parallel=parallel)[1] if plan.calls_out else provision_settings()
        apply_and_tell(lambda: plan, settings, asked, state=state, digest=digest)
        return
    loaded, settings = provision_inputs(manifest, parallel=parallel)
    only = targets(loaded, target)

    def make() -> Plan:
        planned: Plan = run(plan_manifest(loaded, settings, take_over=take_over, allow_delete=allow_delete, only=only))
        return planned

    apply_and_tell(make, settings, asked, state=state)


@provision_app.command("adopt")
def provision_adopt(manifest: ManifestPath = DEFAULT_MANIFEST, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Take over what plays a part of the manifest already, made by hand or by another tool: writes our stamp on it.

    Nothing but names and stamps is written. What else differs, `plan` shows next and `apply` changes. With --json and
    without --yes nothing is written: it says what would be.
    """
    from provision.adopt import render_adoptions
    from provision.run import adopt, plan_adoptions

    loaded, settings = provision_inputs(manifest)
    found = run(plan_adoptions(loaded, settings))
    if as_json and not yes:
        typer.echo(json_text({"adopted": False, **found.to_dict()}))
        return
    if not as_json:
        typer.echo(render_adoptions(found))
    if found.found and not any(report.level == "conflict" for report in found.reports):
        ask("Stamp them?", yes=yes, as_json=as_json)
    run(adopt(found, settings, state=state_of(manifest, "adopt")))
    if as_json:
        typer.echo(json_text({"adopted": True, **found.to_dict()}))
    elif found.found:
        typer.echo("Done. `dialroom provision plan` shows what differs from the manifest.")


@provision_app.command("import")
def provision_import(
    deployment: Annotated[str, typer.Option(help="The name of the deployment that the manifest is for.")] = "prod",
    out: Annotated[Path | None, typer.Option(help="Write it to this new file; else to stdout.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a first manifest out of what Vobiz and LiveKit have: every number with the route that it has now.

    Next: fill in what it marks with TODO, then `dialroom provision adopt` and `dialroom provision plan`.
    """
    from provision.run import draft

    if out is not None and out.exists():
        raise UserError(f"{out} is there already; name another file")
    drafted = run(draft(deployment, provision_settings()))
    if out is not None:
        try:
            out.write_text(drafted.text, encoding="utf8")
        except OSError as error:
            raise UserError(f"{out}: cannot be written: {error.strerror}") from error
    if as_json:
        typer.echo(json_text(drafted.to_dict()))
    elif out is None:
        typer.echo(drafted.text, nl=False)
    else:
        typer.echo(f"{out} is written; fill in what it marks with TODO.")


@provision_app.command("password")
def provision_password(
    manifest: ManifestPath = DEFAULT_MANIFEST,
    renew: Annotated[
        bool, typer.Option("--renew", help="Although there is one; `apply` then writes the new one.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make the password that calls leave with, and keep it where the manifest says. It is never shown.

    `outbound.password` says where: a line of an environment file and a file get mode 600, a command gets it on its
    standard input.
    """
    from provision.passwords import make_password
    from telephony.manifest.load import folder_of

    loaded = load(manifest)
    if loaded.outbound is None:
        raise UserError(f"{manifest} has no outbound: no call leaves, and no password is needed")
    kept = make_password(loaded.outbound, environment(), folder=folder_of(manifest), renew=renew)
    typer.echo(
        json_text({"kept": kept})
        if as_json
        else f"A new password is kept in {kept}. `dialroom provision apply` writes it."
    )


@provision_app.command("rollback")
def provision_rollback(
    which: Annotated[str, typer.Argument(metavar="[SNAPSHOT]", help="The number of a snapshot; the newest.")] = "last",
    listed: Annotated[bool, typer.Option("--list", help="Show the snapshots there are, and do nothing.")] = False,
    manifest: ManifestPath = DEFAULT_MANIFEST,
    allow_delete: AllowDelete = False,
    drain: Drain = None,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Go back to what was there before an apply: shows the plan, asks, writes.

    Every apply keeps a snapshot first. A rollback is an apply like any other, and can be rolled back too.
    """
    from provision.errors import ApplyError
    from provision.remember import snapshots
    from provision.render import snapshot_list
    from provision.run import plan_rollback

    loaded, settings = provision_inputs(manifest)
    state = state_of(manifest, "rollback")
    found = run(snapshots(state, loaded.deployment))
    if listed:
        rows = [{"id": s.id, "taken_at": s.taken_at.isoformat(), "reason": s.reason} for s in found]
        typer.echo(json_text({"snapshots": rows}) if as_json else snapshot_list(loaded.deployment, rows))
        return
    if which == "last" and found:
        which = str(found[0].id)
    try:
        apply_and_tell(
            lambda: run(plan_rollback(loaded.deployment, which, settings, state, allow_delete=allow_delete)),
            settings,
            Asked(yes=yes, as_json=as_json, drain=drain),
            state=state,
            reason=f"rollback to {which}",
        )
    except (ApplyError, typer.Exit):  # the newest snapshot may be that of this rollback now
        typer.echo(f"the rest of this rollback: `dialroom provision rollback {which}`", err=True)
        raise


@provision_app.command("show")
def provision_show(manifest: ManifestPath = DEFAULT_MANIFEST, as_json: JsonFlag = False) -> None:
    """List what is there of the manifest's deployment, at Vobiz and at LiveKit."""
    from dataclasses import asdict

    from provision.render import inventory, shown
    from provision.run import show

    loaded, settings = provision_inputs(manifest)
    values = run(show(loaded.deployment, settings))
    told = [{"kind": value.kind.name.lower(), **asdict(value)} for value in values]
    if as_json:
        typer.echo(json_text({"objects": shown(told, loaded.written_urls)}))
    else:
        typer.echo(inventory(loaded.deployment, values, loaded.written_urls))


@provision_app.command("destroy")
def provision_destroy(
    manifest: ManifestPath = DEFAULT_MANIFEST, drain: Drain = None, yes: YesFlag = False, as_json: JsonFlag = False
) -> None:
    """Delete everything of the manifest's deployment, after asking. The numbers stay yours, without a route."""
    from provision.run import plan_destroy

    loaded, settings = provision_inputs(manifest)
    apply_and_tell(
        lambda: run(plan_destroy(loaded.deployment, settings)),
        settings,
        Asked(yes=yes, as_json=as_json, drain=drain),
        state=state_of(manifest, "destroy"),
        reason="destroy",
    )


@provision_app.command("number")
def provision_number(
    number: Annotated[str, typer.Argument(help="The number, in any Indian form or E.164.")],
    agent: Annotated[str, typer.Option(help="The agent of the manifest that answers it.")],
    manifest: ManifestPath = DEFAULT_MANIFEST,
    drain: Drain = None,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Put one number through to an agent of the manifest; the word `number` may be left out.

    Everything else stays as it is. Example: dialroom provision +918071000001 --agent front-desk
    """
    from provision.run import plan_number

    loaded, settings = provision_inputs(manifest)
    apply_and_tell(
        lambda: run(plan_number(number, agent=agent, manifest=loaded, settings=settings)),
        settings,
        Asked(yes=yes, as_json=as_json, drain=drain),
        state=state_of(manifest, "provision"),
        reason=f"provision {number}",
    )
