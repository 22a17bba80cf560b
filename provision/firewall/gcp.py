"""Google Cloud: VPC firewall rules by gcloud; ours stand before others by priority, the denials right behind them."""

from collections.abc import Iterator, Sequence

from provision.firewall.comments import NAME, commented, explained
from provision.firewall.openings import Openings, Service

ALLOW_PRIORITY = 900
DENY_PRIORITY = 910
_EVERYBODY = {4: "0.0.0.0/0", 6: "::/0"}
_NAMES = tuple(f"{NAME}-{role}-v{version}" for role in ("signalling", "media", "others") for version in _EVERYBODY)
_RULE = """\
rule() {
  name=$1 action=$2
  shift 2
  if gcloud compute firewall-rules describe "$name" >/dev/null 2>&1; then
    gcloud compute firewall-rules update "$name" "$@"
  else
    gcloud compute firewall-rules create "$name" --network="$NETWORK" --direction=INGRESS --action="$action" "$@"
  fi
}
gone() {
  if gcloud compute firewall-rules describe "$1" >/dev/null 2>&1; then
    gcloud compute firewall-rules delete "$1" --quiet
  fi
}"""


def gcp_rules(opened: Openings) -> str:
    """Return a script for ``sh``.

    One rule takes addresses of one family only, so there is one per role and family; the rule of a family that has no
    address any more is deleted.
    """
    rules = dict(_rules(opened))
    absent = [name for name in _NAMES if name not in rules]
    head = [
        "#!/bin/sh",
        *commented([f"{NAME} firewall gcp", *explained(opened)]),
        "# Apply, as often as you like:  NETWORK=default TAG=the-tag-of-the-machine sh FILE",
        f"# Undo:                         gcloud compute firewall-rules delete {' '.join(rules)} --quiet",
        f"# Other rules for these ports must not have a priority below {DENY_PRIORITY}.",
        "set -eu",
        "NETWORK=${NETWORK:-default}",
        "TAG=${TAG:?set it to a network tag of the machine that runs livekit-sip}",
        "",
        _RULE,
        "",
    ]
    return "\n".join([*head, *rules.values(), *(f"gone {name}" for name in absent)]) + "\n"


def _rules(opened: Openings) -> Iterator[tuple[str, str]]:
    for role in ("signalling", "media"):
        services = [service for service in opened.services if service.role == role]
        for version in _EVERYBODY:
            sources = [str(source) for source in services[0].from_family(version)]
            if sources:
                yield _rule(f"{NAME}-{role}-v{version}", "ALLOW", ALLOW_PRIORITY, services, sources)
    for version, everybody in _EVERYBODY.items():
        yield _rule(f"{NAME}-others-v{version}", "DENY", DENY_PRIORITY, opened.services, [everybody])


def _rule(
    name: str, action: str, priority: int, services: Sequence[Service], sources: Sequence[str]
) -> tuple[str, str]:
    ports = ",".join(f"{service.protocol}:{service.ports}" for service in services)
    about = f"{NAME}: SIP and RTP from Vobiz only"
    options = f"--priority={priority} --rules={ports} --source-ranges={','.join(sources)}"
    return name, f"rule {name} {action} {options} --target-tags=\"$TAG\" --description='{about}'"
