"""What can go wrong between a manifest and the servers.

UserError
└── SettingMissingError    a key or address is not set

WorldError
├── UnreachableError       no connection, or no answer to a read
├── AccessDeniedError      the key is wrong (401, 403)
├── RefusedError           the server understood and said no
│   ├── BusyError          it takes no more requests for now, and was waited for (429)
│   └── FailedError        its API failed (5xx)
├── OutcomeUnknownError    a write was sent and no answer came: it may have happened
├── PlanConflictError      something that is not ours stands in the way; nothing was written
├── PlanStaleError         the servers changed after the plan was made; nothing was written
├── ApplyError             a write failed: what was done, what remains
└── NotAsPlannedError      everything was written, but the servers say something else
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from telephony.errors import UserError, WorldError

if TYPE_CHECKING:
    from provision.changes import Change, Report

RERUN = "run the same command again: it looks before it writes"
LATER = "try again later"


class SettingMissingError(UserError):
    """One or more environment variables are not set."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        verb = "is" if len(self.names) == 1 else "are"
        super().__init__(f"{', '.join(self.names)} {verb} not set; write {'it' if verb == 'is' else 'them'} into .env")


class UnreachableError(WorldError):
    """A server cannot be reached, or did not answer a read."""

    def __init__(self, server: str, url: str, reason: str, *, hint: str) -> None:
        self.server = server
        self.url = url
        super().__init__(f"cannot reach {server} at {url}: {reason}; {hint}")


class AccessDeniedError(WorldError):
    """A server refused the key."""

    def __init__(self, server: str, *, names: Sequence[str], detail: str = "") -> None:
        self.server = server
        told = f" ({detail})" if detail else ""
        super().__init__(f"{server} refused the key{told}; check {' and '.join(names)}")


class RefusedError(WorldError):
    """A server said no. `status` is HTTP's; `code` is the server's own word, "" when it has none."""

    def __init__(self, server: str, what: str, *, status: int, code: str, detail: str) -> None:
        self.server = server
        self.status = status
        self.code = code
        self.detail = detail
        super().__init__(f"{server} refused {what}: {detail or code or 'no reason given'} (HTTP {status})")


class BusyError(RefusedError):
    """The server takes no more requests for now, and that for longer than it was waited for."""

    def __init__(self, server: str, what: str, *, status: int, code: str, detail: str) -> None:
        super().__init__(server, what, status=status, code=code, detail=detail)
        told = f": {detail}" if detail else ""
        self.args = (f"{server} limits the rate of requests, and took none for {what} (HTTP {status}{told}); {LATER}",)


class FailedError(RefusedError):
    """The server's API failed at a read; it says nothing about what was asked."""

    def __init__(self, server: str, what: str, *, status: int, code: str, detail: str) -> None:
        super().__init__(server, what, status=status, code=code, detail=detail)
        told = f": {detail}" if detail else ""
        self.args = (f"{server}'s API failed when asked for {what} (HTTP {status}{told}); {LATER}",)


class InUseError(RefusedError):
    """What is to be deleted still has calls, longer than they were waited for."""

    def __init__(self, refused: RefusedError) -> None:
        super().__init__(refused.server, "", status=refused.status, code=refused.code, detail=refused.detail)
        hint = "new calls go elsewhere already; give --drain to wait for the old ones"
        self.args = (f"{refused}: {hint}",)


class OutcomeUnknownError(WorldError):
    """A write was sent and its answer never came. It is never sent again blindly."""

    def __init__(self, server: str, what: str, reason: str) -> None:
        self.server = server
        super().__init__(f"no clear answer from {server} to {what} ({reason}); it may have happened; {RERUN}")


class PlanConflictError(WorldError):
    """The plan holds conflicts. `reports` has all of them; the text names the first."""

    def __init__(self, reports: Sequence["Report"]) -> None:
        self.reports = tuple(reports)
        more = f" (and {len(self.reports) - 1} more conflicts)" if len(self.reports) > 1 else ""
        super().__init__(f"{self.reports[0].message}{more}; nothing was changed")


class PlanStaleError(WorldError):
    """What the plan was made from is no longer so."""

    def __init__(self, change: "Change") -> None:
        self.change = change
        super().__init__(f"{change.key} changed after the plan was made; plan again; nothing was changed")


class ApplyError(WorldError):
    """The pass stopped at `failed`. A rerun goes on from there."""

    def __init__(
        self, cause: WorldError, *, done: Sequence["Change"], failed: "Change", remaining: Sequence["Change"]
    ) -> None:
        self.cause = cause
        self.done = tuple(done)
        self.failed = failed
        self.remaining = tuple(remaining)
        count = f"{len(self.done)} of {len(self.done) + 1 + len(self.remaining)} changes are done"
        text = str(cause).removesuffix(f"; {RERUN}")
        super().__init__(f"{failed.key}: {text}; {count}; {RERUN}")


class NotAsPlannedError(WorldError):
    """A write was accepted, but reading it back gives something else."""

    def __init__(self, subject: str, detail: str) -> None:
        self.subject = subject
        super().__init__(f"{subject} is not as planned: {detail}")


def connection_reason(error: BaseException) -> str:
    """Return why a connection failed in the system's words, which libraries hide behind their own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower() if cause.errno > 0 else str(cause.strerror).lower()
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
