"""The rules in a real kernel, on a host of its own: the carrier gets through, strangers do not, and undo is undo."""

import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from provision.firewall.openings import openings
from provision.firewall.rules import Form, rules
from tests.provision.firewall.tools import need, on_a_host, some_openings

CARRIER, CARRIER6 = "13.203.7.132", "2001:db8:5::9"
MEDIA, MEDIA6 = "18.96.230.97", "2001:db8:6::1"
STRANGER, STRANGER6 = "198.51.100.1", "2001:db8:7::1"


def probe(source: str, protocol: str, port: int) -> dict[str, Any]:
    return {"source": source, "protocol": protocol, "port": port}


LET_IN = [
    probe(CARRIER, "udp", 5060),
    probe(CARRIER, "tcp", 5060),
    probe(CARRIER, "tcp", 5061),
    probe(CARRIER6, "udp", 5060),
    probe(MEDIA, "udp", 10000),
    probe(MEDIA, "udp", 20000),
    probe(MEDIA6, "udp", 15000),
    probe(STRANGER, "udp", 5062),
    probe(STRANGER, "tcp", 7880),
    probe(STRANGER6, "udp", 20001),
]
"""The last three are none of our ports."""
KEPT_OUT = [
    probe(STRANGER, "udp", 5060),
    probe(STRANGER, "tcp", 5060),
    probe(STRANGER, "tcp", 5061),
    probe(STRANGER, "udp", 10000),
    probe(STRANGER6, "udp", 5060),
    probe(STRANGER6, "udp", 20000),
    probe(MEDIA, "udp", 5060),
    probe(CARRIER, "udp", 10000),
]
"""The last two are the carrier's, but each role has its own ports."""
NFT_UNDO = "nft delete table inet dialroom"
UFW_PREPARED = (
    "set -e; cp -a /etc/ufw/. {0}; mount --bind {0} /etc/ufw; ufw --force reset; "
    "ufw default allow incoming; ufw allow 5060; ufw --force enable"
)
"""On a copy of its settings; a rule of somebody else lets strangers in."""
SHOWN: dict[Form, str] = {
    "nft": "nft list ruleset",
    "iptables": "iptables -S; ip6tables -S",
    "ufw": "ufw show added",
}


def undo_of(text: str) -> str:
    """Return the commands that the comments name, as a reader would copy them."""
    lines = text.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("# Undo:"))
    first = lines[at].partition("Undo:")[2].strip()
    return first or "\n".join(line[1:].strip() for line in lines[at + 1 : at + 3])


@pytest.mark.parametrize("form", ["nft", "iptables", pytest.param("ufw", marks=pytest.mark.full)])
def test_only_the_carrier_gets_through(form: Form, tmp_path: Path):
    """Applied once or again it is the same, and without it everything is as it was."""
    need({"nft": "nft", "iptables": "iptables", "ufw": "ufw"}[form])
    before = "true"
    if form == "ufw":
        if os.geteuid() != 0:
            pytest.skip("ufw's settings can be read by root only")
        (tmp_path / "ufw").mkdir()
        before = UFW_PREPARED.format(shlex.quote(str(tmp_path / "ufw")))
    text = rules(form, some_openings()).text
    file = tmp_path / "rules"
    file.write_text(text)
    apply = f"{'nft -f' if form == 'nft' else 'sh'} {shlex.quote(str(file))}"
    _, open_to_all, clean, _, once, arrived, kept_out, _, twice, still_out, _, undone, after = on_a_host(
        {"sh": before},
        {"probes": KEPT_OUT},
        {"sh": SHOWN[form]},
        {"sh": apply},
        {"sh": SHOWN[form]},
        {"probes": LET_IN},
        {"probes": KEPT_OUT},
        {"sh": apply},
        {"sh": SHOWN[form]},
        {"probes": KEPT_OUT},
        {"sh": undo_of(text)},
        {"sh": SHOWN[form]},
        {"probes": KEPT_OUT},
    )
    assert all(open_to_all)
    assert arrived == [True] * len(LET_IN)
    assert kept_out == [False] * len(KEPT_OUT)
    assert twice == once != clean
    assert still_out == kept_out
    assert undone == clean
    assert all(after)


def test_new_addresses_replace_the_old_ones(tmp_path: Path):
    """Also in the middle of traffic: nft changes all or nothing."""
    need("nft")
    files = [tmp_path / "old", tmp_path / "new"]
    files[0].write_text(rules("nft", openings()).text)
    files[1].write_text(rules("nft", openings(signalling=[STRANGER])).text)
    probes = [probe(CARRIER, "udp", 5060), probe(STRANGER, "udp", 5060)]
    _, old, _, new = on_a_host(
        {"sh": f"nft -f {shlex.quote(str(files[0]))}"},
        {"probes": probes},
        {"sh": f"nft -f {shlex.quote(str(files[1]))}"},
        {"probes": probes},
    )
    assert (old, new) == ([True, False], [False, True])
