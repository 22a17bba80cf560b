"""iptables: a chain of our own, once for IPv4 and once for IPv6, and one jump to it."""

from collections.abc import Iterator

from provision.firewall.comments import NAME, commented, explained
from provision.firewall.openings import Openings, PortRange, Service

CHAIN = NAME.upper()
_COMMANDS = ((4, "iptables"), (6, "ip6tables"))


def iptables_rules(opened: Openings) -> str:
    """Return a script for ``sh``. Restoring with ``--noflush`` empties the chains that it names and no others."""
    head = [
        "#!/bin/sh",
        *commented([f"{NAME} firewall iptables", *explained(opened)]),
        "# Apply, as often as you like:  sh FILE        (for every boot: save with iptables-persistent)",
        "# Undo:",
        *(f"#   {_undo(command)}" for _, command in _COMMANDS),
        "# Host networking is assumed: ports that Docker publishes do not pass the chain INPUT.",
        "set -eu",
    ]
    parts = [line for version, command in _COMMANDS for line in _family(opened, version, command)]
    return "\n".join([*head, *parts]) + "\n"


def _family(opened: Openings, version: int, command: str) -> Iterator[str]:
    yield ""
    yield f"{command}-restore --noflush --wait <<'END'"
    yield "*filter"
    yield f":{CHAIN} - [0:0]"
    yield f"-A {CHAIN} -i lo -j RETURN"
    yield f"-A {CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"
    for service in opened.services:
        for source in service.from_family(version):
            yield f"-A {CHAIN} -s {source} {_to(service)} -j ACCEPT"
    for service in opened.services:
        yield f"-A {CHAIN} {_to(service)} -j DROP"
    yield "COMMIT"
    yield "END"
    yield f"{command} -C INPUT -j {CHAIN} 2>/dev/null || {command} -I INPUT 1 -j {CHAIN}"


def _to(service: Service) -> str:
    return f"-p {service.protocol} --dport {_ports(service.ports)}"


def _ports(ports: PortRange) -> str:
    return str(ports).replace("-", ":")


def _undo(command: str) -> str:
    return f"{command} -D INPUT -j {CHAIN}; {command} -F {CHAIN}; {command} -X {CHAIN}"
