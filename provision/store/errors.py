"""What can go wrong with the remembered state.

WorldError
├── StoreError                 everything below; nothing on the servers is lost by it
│   ├── StoreUnavailableError  it cannot be opened, reached or written
│   ├── StoreDamagedError      it is there, but it is not what dialroom wrote
│   ├── StoreTooNewError       a newer dialroom wrote it
│   └── SnapshotDamagedError   one snapshot is not what was saved
├── LockHeldError              another run has the deployment
└── LeaseLostError             this run had the deployment, and may have it no more
UserError
├── StoreAddressError          neither a path nor a PostgreSQL URL
└── SnapshotUnknownError       there is no such snapshot
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from provision.errors import RERUN
from telephony.errors import UserError, WorldError


class StoreError(WorldError):
    """The remembered state cannot be used. `label` is its path or its address, without secrets."""

    def __init__(self, label: str, text: str) -> None:
        self.label = label
        super().__init__(text)


class StoreUnavailableError(StoreError):
    """It cannot be opened, reached or written."""

    def __init__(self, label: str, reason: str, *, hint: str) -> None:
        self.reason = reason
        super().__init__(label, f"cannot use the provisioning state {label}: {reason}; {hint}")


class StoreDamagedError(StoreError):
    """It is there, but it is not what dialroom wrote."""

    def __init__(self, label: str, reason: str, *, hint: str) -> None:
        self.reason = reason
        super().__init__(
            label, f"the provisioning state {label} is damaged ({reason}); {hint}; the servers still have everything"
        )


class StoreTooNewError(StoreError):
    """A newer dialroom wrote it."""

    def __init__(self, label: str, *, found: int, known: int) -> None:
        self.found = found
        self.known = known
        super().__init__(
            label,
            f"the provisioning state {label} has version {found}, and this dialroom knows {known}: "
            "a newer one wrote it; update dialroom",
        )


class SnapshotDamagedError(StoreError):
    """What is stored of a snapshot is not what was saved."""

    def __init__(self, label: str, snapshot_id: int, reason: str, *, others: Sequence[int]) -> None:
        self.snapshot_id = snapshot_id
        instead = f"use another one: {_listed(others)}" if others else "there is no other one"
        super().__init__(label, f"snapshot {snapshot_id} in {label} is damaged ({reason}) and was not used; {instead}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Who has a deployment: `holder` is what the run calls itself, `since` the moment (UTC) when it got the lock."""

    deployment: str
    holder: str
    host: str
    pid: int
    since: datetime

    def __str__(self) -> str:
        return f"{self.holder} on {self.host} (process {self.pid}) since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class LockHeldError(WorldError):
    """Another run has the deployment, and still had it when the wait was over."""

    def __init__(self, held: Held, *, lease_s: float) -> None:
        self.held = held
        self.holder = held.holder
        self.host = held.host
        self.since = held.since
        super().__init__(
            f"deployment {held.deployment} is locked by {held}; run again when it has ended "
            f"(one that crashed frees the lock by itself within {lease_s:.0f} s); nothing was changed"
        )


class LeaseLostError(WorldError):
    """This run may have the deployment no more: it must not write."""

    def __init__(self, deployment: str, reason: str) -> None:
        self.deployment = deployment
        self.reason = reason
        super().__init__(
            f"the lock of deployment {deployment} is lost: {reason}; stopped before the next write; {RERUN}"
        )


class StoreAddressError(UserError):
    """An address that is neither a path nor a PostgreSQL URL. Never quotes the address: it may hold a password."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}; the provisioning state is a file's path or postgresql://user:password@host/database"
        )


class SnapshotUnknownError(UserError):
    """There is no such snapshot of the deployment."""

    def __init__(self, deployment: str, which: int | str, *, newest: Sequence[int]) -> None:
        self.deployment = deployment
        self.newest = tuple(newest)
        if newest:
            text = f"deployment {deployment} has no snapshot {which}; the newest are {_listed(newest)}"
        else:
            text = f"deployment {deployment} has no snapshots yet; an apply takes the first"
        super().__init__(text)


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(str(snapshot_id) for snapshot_id in ids)
