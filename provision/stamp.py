"""The mark that says that an object is ours, and whose: names at the carrier, name and metadata at LiveKit.

A carrier trunk has no field that is certainly ours but its name, so the name is the stamp. Deployment names hold no
upper case and no underscore, and the suffix is fixed, so that one deployment's name is never another's.
"""

import json
import re
from typing import Any, Final

STAMP_VERSION: Final = 1
_PREFIX: Final = "dialroom-"
_CARRIER_NAME = re.compile(r"dialroom-(?P<deployment>[a-z][a-z0-9-]*)-in", re.ASCII)


def carrier_trunk_name(deployment: str) -> str:
    """Return the name of a deployment's inbound trunk at the carrier."""
    return f"{_PREFIX}{deployment}-in"


def carrier_stamp(name: str) -> str | None:
    """Return the deployment whose trunk has this name, or None when it is not ours."""
    match = _CARRIER_NAME.fullmatch(name)
    return match["deployment"] if match else None


def livekit_name(deployment: str, agent: str) -> str:
    """Return the name of an agent's trunk and rule at LiveKit."""
    return f"{_PREFIX}{deployment}-{agent}"


def livekit_stamp_json(deployment: str) -> str:
    """Return the metadata that marks a LiveKit object as a deployment's."""
    stamp = {"dialroom": {"deployment": deployment, "v": STAMP_VERSION}}
    return json.dumps(stamp, sort_keys=True, separators=(",", ":"))


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
