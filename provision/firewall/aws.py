"""AWS: the permissions of a security group as JSON. Security groups let in only; what nobody lets in is dropped."""

import json
from typing import Any

from provision.firewall.comments import NAME, explained
from provision.firewall.openings import Openings, Service

RULES_PER_GROUP = 60
"""AWS's default quota of inbound rules in a group; each address counts once per permission.

https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""


def aws_rules(opened: Openings) -> str:
    """Return the JSON that ``--ip-permissions`` takes.

    Its form: https://docs.aws.amazon.com/cli/latest/reference/ec2/authorize-security-group-ingress.html
    """
    return json.dumps([_permission(service) for service in opened.services], indent=2) + "\n"


def aws_notes(opened: Openings) -> tuple[str, ...]:
    """Return what to do with the JSON, which has no comments itself."""
    count = sum(len(service.sources) for service in opened.services)
    notes = [
        *explained(opened),
        "Put them into a security group of their own; no other group of the instance may open these ports.",
        f"They are {count} rules; a group takes {RULES_PER_GROUP} unless you asked AWS for more.",
        "Apply:  aws ec2 authorize-security-group-ingress --group-id sg-… --ip-permissions file://FILE",
        "Undo:   aws ec2 revoke-security-group-ingress --group-id sg-… --ip-permissions file://FILE",
        "Again:  undo first; AWS refuses a rule that is there (InvalidPermission.Duplicate) and then adds none.",
    ]
    return tuple(notes)


def _permission(service: Service) -> dict[str, Any]:
    about = f"{NAME}: Vobiz {service.role}"
    ranges: dict[str, list[dict[str, str]]] = {
        "IpRanges": [{"CidrIp": str(source), "Description": about} for source in service.from_family(4)],
        "Ipv6Ranges": [{"CidrIpv6": str(source), "Description": about} for source in service.from_family(6)],
    }
    ports = {"IpProtocol": service.protocol, "FromPort": service.ports.first, "ToPort": service.ports.last}
    return ports | {name: members for name, members in ranges.items() if members}
