"""nftables: a table of our own, replaced as a whole in one transaction."""

from collections.abc import Iterator

from provision.firewall.comments import NAME, commented, explained
from provision.firewall.openings import Network, Openings, Service

TABLE = f"inet {NAME}"
_FAMILIES = ((4, "ip", "ipv4_addr"), (6, "ip6", "ipv6_addr"))


def nft_rules(opened: Openings) -> str:
    """Return a file for ``nft -f``."""
    head = [
        "#!/usr/sbin/nft -f",
        *commented([f"{NAME} firewall nft", *explained(opened)]),
        "# Apply, as often as you like:  nft -f FILE        (for every boot: include FILE in /etc/nftables.conf)",
        f"# Undo:                         nft delete table {TABLE}",
        "# Host networking is assumed: ports that Docker publishes do not pass the hook input.",
        "# An accept here does not undo a drop in another table; a drop here is final.",
        "",
        # Made first so that there is something to delete: nft before 1.0.7 has no `destroy`.
        f"table {TABLE}",
        f"delete table {TABLE}",
        f"table {TABLE} {{",
    ]
    body = [*_sets(opened), "chain input {", *(f"  {line}" for line in _chain(opened)), "}"]
    return "\n".join([*head, *(f"  {line}" for line in body), "}"]) + "\n"


def _sets(opened: Openings) -> Iterator[str]:
    for role, sources in (("signalling", opened.signalling), ("media", opened.media)):
        for version, _, kind in _FAMILIES:
            members = [source for source in sources if source.version == version]
            if members:
                yield f"set {role}{version} {{"
                yield f"  type {kind}; flags interval;"
                yield f"  elements = {{ {', '.join(map(_told, members))} }}"
                yield "}"


def _chain(opened: Openings) -> Iterator[str]:
    yield "type filter hook input priority filter; policy accept;"
    yield 'iif "lo" accept'
    yield "ct state established,related accept"
    for service in opened.services:
        for version, family, _ in _FAMILIES:
            if service.from_family(version):
                yield f"{family} saddr @{service.role}{version} {_to(service)} accept"
    for service in opened.services:
        yield f"{_to(service)} drop"


def _to(service: Service) -> str:
    return f"{service.protocol} dport {service.ports}"


def _told(source: Network) -> str:
    return str(source.network_address) if source.prefixlen == source.max_prefixlen else str(source)
