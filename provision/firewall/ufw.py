"""ufw: commands; every rule has a comment, by which all of them are found and removed again."""

from collections.abc import Iterator

from provision.firewall.comments import NAME, commented, explained
from provision.firewall.openings import Openings, PortRange, Service

REMOVE = f"""ufw show added | sed -n "s/^ufw \\(.*\\) comment '{NAME} .*/ufw delete \\1/p" | sh"""
"""Removes every rule with our comment; without any it does nothing."""


def ufw_rules(opened: Openings) -> str:
    """Return a script for ``sh``.

    Every rule is put in front of those that are there, the denials first, so that in the end ours come before all
    others and what is let in stands before what is not. Loopback and running flows are let in by ufw's own rules.
    """
    head = [
        "#!/bin/sh",
        *commented([f"{NAME} firewall ufw", *explained(opened)]),
        "# Apply, as often as you like:  sh FILE        (rules hold while `ufw status` says active;",
        "#                                              let SSH in before `ufw enable`)",
        f"# Undo:                         {REMOVE}",
        "# Host networking is assumed: ports that Docker publishes pass ufw by.",
        "set -eu",
        "",
        REMOVE,
    ]
    return "\n".join([*head, *_denials(opened), *_allowances(opened)]) + "\n"


def _denials(opened: Openings) -> Iterator[str]:
    for service in opened.services:
        yield f"ufw prepend deny proto {service.protocol} {_to(service)} comment '{NAME} others'"


def _allowances(opened: Openings) -> Iterator[str]:
    for service in opened.services:
        for source in service.sources:
            allowed = f"ufw prepend allow proto {service.protocol} from {source} {_to(service)}"
            yield f"{allowed} comment '{NAME} {service.role}'"


def _to(service: Service) -> str:
    return f"to any port {_ports(service.ports)}"


def _ports(ports: PortRange) -> str:
    return str(ports).replace("-", ":")
