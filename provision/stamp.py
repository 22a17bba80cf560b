"""The mark that says that an object is ours, and whose: names at the carrier, name and metadata at LiveKit.

A carrier trunk has no field that is certainly ours but its name, so the name is the stamp. Deployment names hold no
upper case and no underscore, and what follows them is fixed or begins with an underscore, so that one deployment's name
is never another's.
"""

import hashlib
import json
import re
from typing import Any, Final

STAMP_VERSION: Final = 1
_PREFIX: Final = "dialroom-"
_LOGIN: Final = "dialroom"
_LOGIN_NAME = re.compile(r"dialroom(?P<deployment>[a-z][a-z0-9Z]*)", re.ASCII)
_CARRIER_NAME = re.compile(
    r"dialroom-(?P<deployment>[a-z][a-z0-9-]*)(-in|-out|_to_[a-z0-9-]+|_app_[a-z0-9-]+)", re.ASCII
)


def carrier_trunk_name(deployment: str) -> str:
    """Return the name of a deployment's inbound trunk at the carrier."""
    return f"{_PREFIX}{deployment}-in"


def sip_route_name(deployment: str, host: str, *, whole: str) -> str:
    """Return the name of the carrier trunk to another SIP host; `whole` is everything that tells two such apart."""
    return f"{_PREFIX}{deployment}_to_{_slug(host, whole)}"


def application_name(deployment: str, host: str, *, whole: str) -> str:
    """Return the name of the carrier application of a stream route. Vobiz takes letters, digits, ``_`` and ``-``."""
    return f"{_PREFIX}{deployment}_app_{_slug(host, whole)}"


def login_name(deployment: str) -> str:
    """Return the user name of a deployment's calls out. Vobiz takes letters and digits only, so ``-`` becomes ``Z``."""
    return f"{_LOGIN}{deployment.replace('-', 'Z')}"


def outbound_login(deployment: str, username: str | None) -> str:
    """Return the user name that calls leave with: the manifest's, or ours."""
    return username or login_name(deployment)


def login_stamp(username: str) -> str | None:
    """Return the deployment whose `login_name` this is, or None when it is not ours."""
    match = _LOGIN_NAME.fullmatch(username)
    return match["deployment"].replace("Z", "-") if match else None


def is_livekit_trunk(name: str) -> bool:
    """Say whether a carrier trunk of ours is the one that leads to LiveKit."""
    return name.startswith(_PREFIX) and name.endswith("-in") and "_" not in name


def _slug(host: str, whole: str) -> str:
    readable = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"


def carrier_stamp(name: str) -> str | None:
    """Return the deployment whose trunk or application has this name, or None when it is not ours."""
    match = _CARRIER_NAME.fullmatch(name)
    return match["deployment"] if match else None


def livekit_name(deployment: str, agent: str) -> str:
    """Return the name of an agent's trunk and rule at LiveKit."""
    return f"{_PREFIX}{deployment}-{agent}"


def livekit_stamp_json(deployment: str) -> str:
    """Return the metadata that marks a LiveKit object as a deployment's."""
    stamp = {"dialroom": {"deployment": deployment, "v": STAMP_VERSION}}
    return json.dumps(stamp, sort_keys=True, separators=(",", ":"))


def with_livekit_stamp(metadata: str, deployment: str) -> str:
    """Return an object's metadata with our mark in it; JSON that others keep there stays, another text is replaced."""
    try:
        fields: Any = json.loads(metadata or "{}")
    except ValueError:
        fields = {}
    kept = fields if isinstance(fields, dict) else {}
    stamp = json.loads(livekit_stamp_json(deployment))
    return json.dumps(kept | stamp, sort_keys=True, separators=(",", ":"))


def livekit_stamp(name: str, metadata: str) -> str | None:
    """Return the deployment that an object is stamped with: its metadata and the prefix of its name must agree."""
    try:
        fields: Any = json.loads(metadata)
        deployment = fields["dialroom"]["deployment"]
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(deployment, str) or not name.startswith(f"{_PREFIX}{deployment}-"):
        return None
    return deployment
