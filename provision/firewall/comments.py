"""What every form says in its comments: what is let in, where the addresses come from, what is not in the rules."""

from provision.firewall.openings import SEEN, SOURCE, Openings, Role

NAME = "dialroom"


def explained(opened: Openings) -> list[str]:
    """Return the lines, without the comment sign of any form."""
    tls = f", {opened.tls}/tcp" if opened.tls else ""
    lines = [
        "SIP and RTP from Vobiz only; everything else to these ports is dropped.",
        f"  signalling  {opened.sip}/udp+tcp{tls} from {_count(len(opened.signalling))}",
        f"  media       {opened.rtp}/udp from {_count(len(opened.media))}",
        f"Addresses: {SOURCE}, seen {SEEN}. They may change: support@vobiz.ai has the list.",
    ]
    roles: tuple[Role, ...] = ("signalling", "media")
    lines += [
        f"The {role} addresses were given by hand; they are not the ones that Vobiz documents."
        for role in roles
        if role not in opened.documented
    ]
    if not any(source.version == 6 for source in (*opened.signalling, *opened.media)):
        lines.append("Vobiz documents no IPv6 address, so over IPv6 these ports are closed.")
    return lines


def commented(lines: list[str]) -> list[str]:
    """Return lines behind the comment sign that nft and shells share."""
    return [f"# {line}".rstrip() for line in lines]


def _count(addresses: int) -> str:
    return "1 address" if addresses == 1 else f"{addresses} addresses or ranges"
