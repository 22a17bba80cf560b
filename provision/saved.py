"""A plan in a file, for a review before it is applied: it holds only as long as the servers have not changed."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from provision.observed import Observed
from provision.plan import Plan
from telephony.errors import UserError, WorldError

SAVED_VERSION = 2


class PlanOutdatedError(WorldError):
    """The servers are not as they were when the plan was saved."""


def checksum(observed: Observed) -> str:
    """Return a digest of everything that was observed, ours or not; the order does not matter."""
    seen = sorted(
        json.dumps([s.value.kind.name, asdict(s.value), s.server_id, s.stamp, s.address], sort_keys=True, default=list)
        for s in observed.objects
    )
    owned = sorted(json.dumps(asdict(number), sort_keys=True) for number in observed.owned_numbers)
    return hashlib.sha256("\n".join([*seen, *owned]).encode()).hexdigest()


def save_plan(path: Path, plan: Plan, observed: Observed) -> None:
    """Write a plan with the digest of what it was made from, and one of itself.

    A new file gets mode 600: a URL in it may hold a token. Raises UserError when the file cannot be written, or is
    there and is no plan.
    """
    seen, fields = checksum(observed), plan.to_dict()
    content = {"version": SAVED_VERSION, "observed": seen, "plan": fields, "digest": _digest(seen, fields)}
    try:
        if path.is_file() and not _may_be_replaced(path.read_bytes()):
            raise UserError(f"{path}: is there already, and is no plan; name another file")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf8") as file:
            file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def _digest(seen: str, fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([seen, fields], sort_keys=True).encode()).hexdigest()


def _may_be_replaced(there: bytes) -> bool:
    """Say whether a file is an older plan, or empty; another one, such as the manifest, is not lost to a slip."""
    try:
        content: Any = json.loads(there or b'{"plan": {}}')
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "plan" in content


def load_plan(path: Path) -> tuple[Plan, str]:
    """Read a saved plan and the digest that must still hold.

    Raises UserError when the file holds none, or not what was saved: what is applied is what the manifest was checked
    for, and somebody has seen.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf8"))
        if content["version"] != SAVED_VERSION:
            raise ValueError("another version")
        loaded, seen = Plan.from_dict(content["plan"]), str(content["observed"])
        is_as_saved = content["digest"] == _digest(seen, content["plan"])
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(
            f"{path}: holds no plan of this version; write one with `dialroom provision plan --out`"
        ) from None
    if not is_as_saved:
        raise UserError(f"{path}: was changed since it was saved; change the manifest, and plan again")
    return loaded, seen


def check_current(observed: Observed, digest: str) -> None:
    """Raise PlanOutdatedError unless the servers are as they were."""
    if checksum(observed) != digest:
        raise PlanOutdatedError("the servers have changed since this plan was saved; plan again; nothing was changed")
