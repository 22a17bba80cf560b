"""What a command calls: plan and apply, with the servers opened and closed around them. No printing."""

from collections.abc import AsyncIterator, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from provision.adopt import Adoptions, find_adoptions
from provision.apply import OnProgress, Progress, apply, check_applied, refuse
from provision.batch import settled
from provision.changes import Report, after
from provision.conflicts import trunk_conflicts
from provision.desired import Desired, desire, desire_one, desire_some
from provision.errors import NotAsPlannedError, PlanConflictError
from provision.guards import guarded, not_ours_then
from provision.importing import Draft, import_manifest
from provision.livekit_sip import LiveKitSip
from provision.observed import Observed, observe
from provision.plan import Plan, plan
from provision.remember import State, run_of, session, snapshot
from provision.render import shown
from provision.saved import check_current, checksum, save_plan
from provision.secret import fingerprint
from provision.servers import Ids, Server
from provision.settings import ProvisionSettings
from provision.stamp import outbound_login
from provision.values import Credential, Key, Kind, OutboundTrunk, Side, Value, key_of
from provision.vobiz import Vobiz
from telephony.errors import UserError
from telephony.manifest.model import Manifest
from telephony.manifest.number_lines import NumberEntry
from telephony.manifest.route import AgentRoute, Route, SipRoute, SplitRoute
from telephony.numbers import parse_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A plan that was made so. `writes` is how many changes that took; 0 when everything was as planned already."""

    plan: Plan

    @property
    def writes(self) -> int:
        """How many changes were made."""
        return len(self.plan.changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values, to be shown."""
        return {"applied": True, "writes": self.writes, "plan": shown(self.plan.to_dict(), self.plan.written_urls)}


@asynccontextmanager
async def _open(settings: ProvisionSettings, deployment: str) -> AsyncIterator[tuple[Vobiz, LiveKitSip]]:
    passwords = settings.passwords
    vobiz = Vobiz(
        settings.vobiz_base_url,
        settings.vobiz_auth_id,
        settings.vobiz_auth_token,
        passwords=passwords,
        parallel=settings.parallel,
        calls_end_limit_s=settings.calls_end_limit_s,
        tell=settings.tell,
    )
    livekit = LiveKitSip(
        settings.livekit_url,
        settings.livekit_api_key,
        settings.livekit_api_secret,
        deployment=deployment,
        passwords=passwords,
    )
    async with vobiz as carrier_side, livekit as livekit_side:
        yield carrier_side, livekit_side


@asynccontextmanager
async def servers(settings: ProvisionSettings, deployment: str) -> AsyncIterator[dict[Side, Server]]:
    """Open the carrier and LiveKit for as long as the block lasts."""
    async with _open(settings, deployment) as (carrier, livekit):
        yield {"carrier": carrier, "livekit": livekit}


async def plan_manifest(
    manifest: Manifest,
    settings: ProvisionSettings,
    *,
    take_over: bool = False,
    allow_delete: bool = True,
    only: Set[str] | None = None,
    out: Path | None = None,
) -> Plan:
    """Return what has to be written so that everything is as the manifest says; objects of ours it lacks are deleted.

    With `take_over`, numbers on somebody else's trunk are moved; without `allow_delete`, numbers that lose their route
    are a conflict. With `only`, nothing but these numbers (E.164) is looked at. `out` is where the plan is saved.

    Raises:
        WorldError: a server cannot be reached or refuses the key (`provision.errors`).
        UserError: `out` cannot be written.
    """
    observed = await _observe(settings, manifest.deployment)
    if only is None:
        desired = _desired(manifest, settings, observed)
    else:
        desired = desire_some(manifest, only, observed, carrier_cidrs=settings.carrier_cidrs)
    made = plan(desired, observed, take_over=take_over)
    made = guarded(made, observed, allow_delete=allow_delete)
    if out is not None:
        save_plan(out, made, observed)
    return replace(made, written_urls=manifest.written_urls)


def _desired(manifest: Manifest, settings: ProvisionSettings, observed: Observed) -> Desired:
    login = outbound_login(manifest.deployment, manifest.outbound.username) if manifest.outbound else ""
    password = fingerprint(manifest.deployment, settings.passwords[login]) if login else ""
    addresses = observed.addresses(manifest.deployment)
    return desire(manifest, carrier_cidrs=settings.carrier_cidrs, password=password, addresses=addresses)


async def plan_destroy(deployment: str, settings: ProvisionSettings) -> Plan:
    """Return what has to be deleted so that nothing of a deployment is left. Raises what `plan_manifest` does."""
    return plan(Desired(deployment=deployment, values=()), await _observe(settings, deployment))


async def plan_rollback(
    deployment: str, which: int | str, settings: ProvisionSettings, state: State, *, allow_delete: bool = True
) -> Plan:
    """Return what has to be written so that a deployment is as it was in a snapshot (an id, or ``"last"``).

    A password is not in a snapshot: the one of `settings` stays.

    Raises:
        SnapshotUnknownError, StoreError: there is none. Else what `plan_manifest` does.
    """
    _, then = await snapshot(state, deployment, which)
    observed = await _observe(settings, deployment)
    hosts = observed.addresses(deployment)
    kept = [seen.value for seen in then.by_key(deployment).values()]
    values = tuple(_with_host(_with_password(value, deployment, settings), hosts) for value in kept)
    desired = Desired(deployment=deployment, values=tuple(sorted(values, key=key_of)))
    made = plan(desired, observed)
    for report in not_ours_then(made, then):
        made = made.with_report(report)
    return guarded(made, observed, allow_delete=allow_delete)


def _with_host(value: Value, hosts: Mapping[str, str]) -> Value:
    """A carrier trunk that is made anew has another host, which is known by then."""
    return replace(value, address=hosts.get(value.carrier, "")) if isinstance(value, OutboundTrunk) else value


def _with_password(value: Value, deployment: str, settings: ProvisionSettings) -> Value:
    username = value.name if isinstance(value, Credential) else getattr(value, "username", "")
    if isinstance(value, (Credential, OutboundTrunk)) and username in settings.passwords:
        return replace(value, fingerprint=fingerprint(deployment, settings.passwords[username]))
    return value


async def plan_adoptions(manifest: Manifest, settings: ProvisionSettings) -> Adoptions:
    """Return what is there without a stamp and plays a part of the manifest. Raises what `plan_manifest` does."""
    observed = await _observe(settings, manifest.deployment)
    return find_adoptions(_desired(manifest, settings, observed), observed)


async def adopt(found: Adoptions, settings: ProvisionSettings, *, state: State | None = None) -> None:
    """Stamp what was found, and nothing else; another run finds the rest if this one breaks off.

    Raises:
        PlanConflictError: another deployment has one of the numbers; nothing was written.
        NotAsPlannedError: a stamp is not there afterwards. Else what `apply_plan` does.
    """
    conflicts = [report for report in found.reports if report.level == "conflict"]
    if conflicts:
        raise PlanConflictError(conflicts)
    async with _open(settings, found.deployment) as (carrier, livekit), session(state, found.deployment) as locked:
        ids = Ids(await observe(carrier, livekit), found.deployment)
        for adoption in found.found:
            locked.check()
            seen, name = adoption.seen, adoption.key.name
            if seen.value.kind.side == "livekit":
                await livekit.adopt(seen.server_id, seen.value.kind, name)
            else:
                for credential in seen.refers:
                    ids.add(Key(Kind.CREDENTIAL, getattr(seen.value, "credential", "")), credential)
                await carrier.update(seen.server_id, seen.value, replace(seen.value, name=name), ids)
        stamped = (await observe(carrier, livekit)).by_key(found.deployment)
        for adoption in found.found:
            if stamped.get(adoption.key) is None or stamped[adoption.key].server_id != adoption.seen.server_id:
                raise NotAsPlannedError(str(adoption.key), "it does not carry the stamp")


async def draft(deployment: str, settings: ProvisionSettings) -> Draft:
    """Return a first manifest out of what the servers have. Raises what `plan_manifest` does."""
    return import_manifest(await _observe(settings, deployment), deployment=deployment)


async def show(deployment: str, settings: ProvisionSettings) -> tuple[Value, ...]:
    """Return everything that is there of a deployment, sorted. Raises what `plan_manifest` does."""
    return tuple(sorted((await _observe(settings, deployment)).ours(deployment), key=key_of))


async def plan_number(number: str, *, agent: str, manifest: Manifest, settings: ProvisionSettings) -> Plan:
    """Return what has to be written to put one number through to an agent; everything else of ours stays.

    The number may be written in any Indian form. When the manifest lacks it, the plan carries a warning, since applying
    the manifest later takes the number off again.

    Raises:
        UserError: no number, no such agent, or the manifest gives the number to another agent.
        WorldError: a server cannot be reached or refuses the key (`provision.errors`).
    """
    entry = _entry(parse_number(number), agent, manifest)
    observed = await _observe(settings, manifest.deployment)
    planned = plan(desire_one(manifest, entry, observed, carrier_cidrs=settings.carrier_cidrs), observed)
    planned = replace(planned, written_urls=manifest.written_urls)
    if entry in manifest.numbers:
        return planned
    text = f"{entry.number} is not in the manifest; add it there, or the next `dialroom provision apply` removes it"
    return planned.with_report(Report("warning", entry.number, text))


def _check_passwords(plan: Plan, settings: ProvisionSettings) -> None:
    """Look before the first write. Raises UserError: a login is to be written whose password nobody named."""
    for change in plan.changes:
        value = after(change)
        username = value.name if isinstance(value, Credential) else getattr(value, "username", "")
        if isinstance(value, (Credential, OutboundTrunk)) and username not in settings.passwords:
            raise UserError(
                f"nothing was written: {change.key} needs the password of {username!r}, which is not the login of "
                "`outbound` in the manifest now"
            )


async def apply_plan(
    plan: Plan,
    settings: ProvisionSettings,
    *,
    on_progress: OnProgress | None = None,
    digest: str | None = None,
    state: State | None = None,
    reason: str = "apply",
) -> Applied:
    """Make a plan so, and check the whole result. An empty plan writes nothing, and reads only for `digest`.

    `on_progress` is called after each change. `digest` is that of a saved plan: the servers must be as they were then.
    With `state`, the deployment is locked meanwhile, and what was there before is kept under `reason` for a rollback.

    Raises:
        PlanOutdatedError: they are not; nothing was written.
        PlanConflictError, PlanStaleError: nothing was written.
        ApplyError: a write failed; it says what is done and what remains.
        NotAsPlannedError: somebody else wrote at the same time.
        LockHeldError, LeaseLostError, StoreError: another apply of the deployment is running, or `state` is of no use.
    """
    if not plan.changes and not plan.conflicts:
        if digest is not None:
            check_current(await _observe(settings, plan.deployment), digest)
        return Applied(plan=plan)
    async with servers(settings, plan.deployment) as opened, session(state, plan.deployment) as locked:
        observed = await _observe_in(opened)
        if digest is not None:
            check_current(observed, digest)
        refuse(plan, observed)
        _check_passwords(plan, settings)
        await locked.begin(plan, observed, reason=reason, checksum=checksum(observed))

        def tell(progress: Progress) -> None:
            locked.done(progress.position, progress.change)
            if on_progress is not None:
                on_progress(progress)

        async with run_of(locked):
            guarded_servers = {side: locked.guarded(server) for side, server in opened.items()}
            await apply(plan, observed, guarded_servers, on_progress=tell, calls_arrive_s=settings.calls_arrive_s)

            async def look() -> None:
                _check(plan, await _observe_in(opened))

            await settled(look)
    return Applied(plan=plan)


async def provision_manifest(
    manifest: Manifest, settings: ProvisionSettings, *, on_progress: OnProgress | None = None
) -> Applied:
    """Plan a manifest and apply it without asking. Raises what `plan_manifest` and `apply_plan` do."""
    return await apply_plan(await plan_manifest(manifest, settings), settings, on_progress=on_progress)


async def provision_one(
    number: str,
    *,
    agent: str,
    manifest: Manifest,
    settings: ProvisionSettings,
    on_progress: OnProgress | None = None,
) -> Applied:
    """Put one number through to an agent without asking. Raises what `plan_number` and `apply_plan` do."""
    planned = await plan_number(number, agent=agent, manifest=manifest, settings=settings)
    return await apply_plan(planned, settings, on_progress=on_progress)


def _entry(number: str, agent: str, manifest: Manifest) -> NumberEntry:
    if agent not in manifest.agents:
        raise UserError(f"no agent named {agent!r} in the manifest; agents are: {', '.join(sorted(manifest.agents))}")
    written = next((entry for entry in manifest.numbers if entry.number == number), None)
    if written is None:
        return NumberEntry(number=number, route=AgentRoute(agent=agent))
    if written.route != AgentRoute(agent=agent):
        raise UserError(f"the manifest gives {number} to {_told(written.route)}; change it there")
    return written


def _told(route: Route) -> str:
    if isinstance(route, (AgentRoute, SplitRoute)):
        return f"agent {' and '.join(map(repr, route.agents))}"
    return "another SIP host" if isinstance(route, SipRoute) else "a stream server"


async def _observe(settings: ProvisionSettings, deployment: str) -> Observed:
    async with servers(settings, deployment) as opened:
        return await _observe_in(opened)


async def _observe_in(opened: dict[Side, Server]) -> Observed:
    return await observe(opened["carrier"], opened["livekit"])


def _check(plan: Plan, observed: Observed) -> None:
    check_applied(plan, observed)
    ours = Desired(deployment=plan.deployment, values=observed.ours(plan.deployment))
    for report in trunk_conflicts(ours, observed):
        raise NotAsPlannedError(report.subject, report.message)
