"""The imitation against the real livekit-server: a table of situations, each written to it and asked about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from livekit import api

from lab.psrpc.bus import Bus
from lab.psrpc.client import PsrpcClient
from lab.servers.livekit import livekit_server
from lab.servers.valkey import valkey
from provision.routing.call import Invite
from tests.provision.routing.real import Opinion, ask_imitation, ask_real
from tests.provision.routing.worlds import (
    CALLER,
    NUMBER,
    OTHER_CALLER,
    OTHER_NUMBER,
    SOURCE,
    Writer,
    Written,
    invite,
    rule,
    trunk,
)

NATIONAL = f"0{NUMBER[3:]}"
DESK = trunk("desk", NUMBER)
TO_DESK = rule("to-desk", "desk")
CALL = invite()


@dataclass(frozen=True)
class Situation:
    """A world, a call, and the answer in words: ``result trunk rule`` by name, or ``error code``."""

    name: str
    answer: str
    trunks: tuple[api.SIPInboundTrunkInfo, ...] = (DESK,)
    rules: tuple[api.SIPDispatchRuleInfo, ...] = (TO_DESK,)
    call: Invite = CALL
    room: str | None = None


def desk(**fields: object) -> tuple[api.SIPInboundTrunkInfo]:
    return (trunk("desk", NUMBER, **fields),)


def addresses(*allowed: str) -> tuple[api.SIPInboundTrunkInfo]:
    return desk(allowed_addresses=list(allowed))


ANSWERED, NO_TRUNK = "accept desk to-desk", "drop - -"
CATCH_ALL = trunk("all")
TO_ALL = rule("to-all", "all", agent="bela")
ONLY_X, ANYBODY = trunk("x", NUMBER, allowed_numbers=[CALLER]), trunk("open", NUMBER)
ONLY_Y = trunk("y", NUMBER, allowed_numbers=[OTHER_CALLER])
TWO = (trunk("a", NUMBER), trunk("b", NUMBER))

SITUATIONS = [
    Situation("a number and its rule", ANSWERED, room=f"call_{CALLER}_…"),
    # Forms of the number.
    Situation("To without a plus sign", ANSWERED, call=invite(NUMBER[1:])),
    Situation("To in national form", NO_TRUNK, call=invite(NATIONAL)),
    Situation("To with 00", NO_TRUNK, call=invite(f"00{NUMBER[1:]}")),
    Situation("To without country code", NO_TRUNK, call=invite(NUMBER[3:])),
    Situation("To with separators", ANSWERED, call=invite("91 (80) 7100-0001")),
    Situation("To with a blank before the plus sign", NO_TRUNK, call=invite(f" {NUMBER}")),
    Situation("the trunk's number with separators", ANSWERED, (trunk("desk", "(91) 80-7100 0001"),)),
    Situation("the trunk's number without a plus sign", ANSWERED, (trunk("desk", NUMBER[1:]),)),
    Situation("the trunk's number in national form", NO_TRUNK, (trunk("desk", NATIONAL),)),
    Situation("both in national form", ANSWERED, (trunk("desk", NATIONAL),), call=invite(NATIONAL)),
    Situation("a word", ANSWERED, (trunk("desk", "front-desk"),), call=invite("front-desk")),
    Situation("a word in other case", NO_TRUNK, (trunk("desk", "front-desk"),), call=invite("Front-Desk")),
    Situation("no To user", NO_TRUNK, call=invite("")),
    # Trunks beside each other.
    Situation("no trunk at all", NO_TRUNK, ()),
    Situation("a catch-all trunk", "accept all to-all", (CATCH_ALL,), (TO_ALL,)),
    Situation("the number before the catch-all", ANSWERED, (CATCH_ALL, DESK), (TO_ALL, TO_DESK)),
    Situation(
        "the catch-all behind a refused source",
        "accept all to-all",
        (CATCH_ALL, *addresses("10.0.0.0/8")),
        (TO_ALL, TO_DESK),
    ),
    Situation(
        "the catch-all behind a refused caller",
        "accept all to-all",
        (CATCH_ALL, *desk(allowed_numbers=[OTHER_CALLER])),
        (TO_ALL, TO_DESK),
    ),
    Situation("two trunks on one number", "error failed_precondition", TWO, ()),
    Situation(
        "two trunks on one number, one of them refusing",
        "accept b to-b",
        (trunk("a", NUMBER, allowed_addresses=["10.0.0.0/8"]), trunk("b", NUMBER)),
        (rule("to-b", "b"),),
    ),
    Situation("two trunks on two forms of a number", "error failed_precondition", (DESK, trunk("b", NUMBER[1:]))),
    Situation("two trunks told apart by the caller", "accept y to-y", (ONLY_X, ONLY_Y), (rule("to-y", "y"),),
              invite(caller=OTHER_CALLER)),
    Situation("a caller of a trunk and of everybody's", "error failed_precondition", (ONLY_X, ANYBODY), ()),
    Situation("a caller of everybody's trunk alone", "accept open r", (ONLY_X, ANYBODY), (rule("r", "open"),),
              invite(caller=OTHER_CALLER)),
    Situation("two catch-alls", "error failed_precondition", (CATCH_ALL, trunk("two", allowed_numbers=[CALLER])), ()),
    Situation("two catch-alls behind the number", ANSWERED, (CATCH_ALL, trunk("two", allowed_numbers=[CALLER]), DESK)),
    # Callers.
    Situation("a caller in another form", ANSWERED, desk(allowed_numbers=["91 98123-45678"])),
    Situation("a caller who is not listed", NO_TRUNK, desk(allowed_numbers=[OTHER_CALLER])),
    Situation("a caller without number, filtered", NO_TRUNK, desk(allowed_numbers=[CALLER]), call=invite(caller="")),
    Situation("a caller without number", ANSWERED, call=invite(caller="")),
    # Addresses.
    Situation("a range", ANSWERED, addresses("203.0.113.0/24")),
    Situation("a range of one", ANSWERED, addresses(f"{SOURCE}/32")),
    Situation("another range", NO_TRUNK, addresses("198.51.100.0/24")),
    Situation("a range with bits behind its prefix", ANSWERED, addresses("203.0.113.77/24")),
    Situation("a netmask", NO_TRUNK, addresses("203.0.113.0/255.255.255.0")),
    Situation("a prefix with a leading zero", NO_TRUNK, addresses("203.0.113.5/032")),
    Situation("a bare address", ANSWERED, addresses(SOURCE)),
    Situation("another bare address", NO_TRUNK, addresses("198.51.100.9")),
    Situation("another bare address, written into From", ANSWERED, addresses("198.51.100.9"),
              call=invite(host="198.51.100.9")),
    Situation("a host name", NO_TRUNK, addresses("sip.carrier.in")),
    Situation("a host name, written into From", ANSWERED, addresses("sip.carrier.in"),
              call=invite(host="sip.carrier.in")),
    Situation("a host name in other case", NO_TRUNK, addresses("SIP.carrier.in"), call=invite(host="sip.carrier.in")),
    Situation("only entries that cannot be read", ANSWERED, addresses("sip://10.0.0.1", "10.0.0.1;x", "10.0.0.1, 2")),
    Situation("one entry that can be read", NO_TRUNK, addresses("sip://10.0.0.1", "10.0.0.0/8")),
    Situation("no addresses", ANSWERED, desk(allowed_addresses=[])),
    Situation("IPv6 in a range", ANSWERED, addresses("2001:db8::/32"), call=invite(source="2001:DB8::1")),
    Situation("IPv6 in brackets", NO_TRUNK, addresses("[2001:db8::]/32"), call=invite(source="2001:db8::1")),
    Situation("IPv4 inside IPv6", NO_TRUNK, addresses("203.0.113.0/24"), call=invite(source="::ffff:203.0.113.5")),
    Situation("IPv6 with a zone", NO_TRUNK, addresses("fe80::/10"), call=invite(source="fe80::1%eth0")),
    Situation("a source that is no address", "error invalid_argument", call=invite(source="carrier")),
    Situation("no source", ANSWERED, addresses("10.0.0.0/8"), call=invite(source="")),
    # Passwords.
    Situation("a password", ANSWERED, desk(auth_username="lotus", auth_password="secret")),
    Situation("a user name alone", ANSWERED, desk(auth_username="lotus")),
    # Rules and trunks.
    Situation("no rule", "drop desk -", rules=()),
    Situation("a rule of another trunk", "drop desk -", (DESK, trunk("b", OTHER_NUMBER)), (rule("r", "b"),)),
    Situation("a rule of no known trunk", "drop desk -", rules=(rule("r", "ST_nobody"),)),
    Situation("a rule of several trunks", "accept desk r", rules=(rule("r", "ST_nobody", "desk"),)),
    Situation("a rule of any trunk", "accept desk r", rules=(rule("r"),)),
    Situation("a rule of any trunk, and no trunk", "accept - r", (), (rule("r"),)),
    Situation("the trunk's rule before any rule", ANSWERED, rules=(rule("r", kind="direct"), TO_DESK)),
    Situation("any rule behind a filtered one", "accept desk r",
              rules=(rule("r"), rule("to-desk", "desk", inbound_numbers=[OTHER_CALLER]))),
    # Rules beside each other.
    Situation("a PIN", "pin desk r", rules=(rule("r", "desk", pin="1234"),)),
    Situation("a PIN before an open rule", "pin desk r", rules=(TO_DESK, rule("r", "desk", pin="1234"))),
    Situation("direct PIN before individual PIN", "pin desk r",
              rules=(rule("i", "desk", pin="1"), rule("r", "desk", kind="direct", pin="2"))),
    Situation("PINs in the order of rooms", "pin desk r",
              rules=(rule("i", "desk", pin="1", room="b"), rule("r", "desk", pin="2", room="a"))),
    Situation("callers of a rule", "accept desk r", rules=(rule("r", "desk", inbound_numbers=[CALLER]),)),
    Situation("callers of a rule in another form", "drop desk -",
              rules=(rule("r", "desk", inbound_numbers=[CALLER[1:]]),)),
    Situation("called numbers of a rule", "accept desk r", rules=(rule("r", "desk", numbers=[NUMBER]),)),
    Situation("called numbers of a rule in another form", "drop desk -",
              rules=(rule("r", "desk", numbers=[NUMBER[1:]]),)),
    Situation("a rule for the caller before one for all", "accept desk r",
              rules=(TO_DESK, rule("r", "desk", kind="callee", inbound_numbers=[CALLER]))),
    Situation("a rule for the number before one for all", "accept desk r",
              rules=(rule("d", "desk", kind="direct"), rule("r", "desk", kind="callee", numbers=[NUMBER]))),
    Situation("an open rule for the caller behind a PIN for all", "accept desk r",
              rules=(rule("r", "desk", inbound_numbers=[CALLER]), rule("p", "desk", pin="1"))),
    # Rules against each other.
    Situation("two rules of one trunk", "error invalid_argument", rules=(TO_DESK, rule("r", "desk"))),
    Situation("a rule that lists a number in two forms", "error invalid_argument",
              rules=(rule("r", "desk", numbers=[NUMBER, NUMBER[1:]]),)),
    Situation("a rule that lists a trunk twice", "error invalid_argument", rules=(rule("r", "desk", "desk"),)),
    Situation("two rules of any trunk", "error invalid_argument", rules=(TO_DESK, rule("r"), rule("s"))),
    Situation("two rules of another trunk", ANSWERED, (DESK, trunk("b", OTHER_NUMBER)),
              (TO_DESK, rule("r", "b"), rule("s", "b"))),
    Situation("two rules of another trunk, and no trunk", "error invalid_argument", (trunk("b", OTHER_NUMBER),),
              (rule("r", "b"), rule("s", "b"))),
    Situation("a rule that lists two callers", "accept desk r",
              rules=(rule("r", "desk", inbound_numbers=[CALLER, OTHER_CALLER]),)),
    # Rooms and agents.
    Situation("no agent", "accept desk r", rules=(rule("r", "desk", agent=None),)),
    Situation("a fixed room", "accept desk r", rules=(rule("r", "desk", kind="direct"),), room="desk"),
    Situation("a room of the called number", "accept desk r", rules=(rule("r", "desk", kind="callee"),),
              room=f"call_{NUMBER}"),
    Situation("a random room of the called number", "accept desk r",
              rules=(rule("r", "desk", kind="callee", randomize=True),), room=f"call_{NUMBER}_…"),
    Situation("a room of the caller", "accept desk r", rules=(rule("r", "desk", room="", no_randomness=True),),
              room=CALLER),
    Situation("a room of a hidden caller", "accept desk r", rules=(rule("r", "desk", hide_phone_number=True),),
              room="call_5678_…"),
    Situation("a room of a hidden short caller", "accept desk r", rules=(rule("r", "desk", hide_phone_number=True),),
              call=invite(caller="1234"), room="call_4_…"),
]  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
async def test_the_server_and_the_imitation_say_the_same(writer: Writer, io: PsrpcClient, situation: Situation):
    """Outcome, trunk, rule, room and agents; and it is what the table says."""
    async with writer.written(situation.trunks, situation.rules) as written:
        real = await ask_real(io, situation.call)
        assert ask_imitation(written.trunks, written.rules, situation.call) == real
        assert in_words(real, written) == situation.answer
        assert situation.room in (None, real.room)


def in_words(opinion: Opinion, written: Written) -> str:
    if opinion.error:
        return f"error {opinion.error}"
    assert opinion.trunk == opinion.dispatched_by
    return f"{opinion.result} {written.name(opinion.trunk)} {written.name(opinion.rule)}"


async def test_a_caller_without_number_ends_a_server_that_hides_numbers(tmp_path: Path):
    """Measured on a server of its own: the imitation says so, and the process is gone."""
    async with valkey(tmp_path) as redis_url, livekit_server(tmp_path, redis_url=redis_url) as livekit:
        async with (
            api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client,
            Bus(redis_url) as bus,
        ):
            io = await PsrpcClient(bus, "IOInfo").start()
            hiding = rule("to-desk", "desk", hide_phone_number=True)
            call = invite(caller="")
            with pytest.raises(aiohttp.ClientError):  # noqa: PT012 - the server dies inside, and the clean-up meets its absence
                async with Writer(client, livekit).written([DESK], [hiding]) as written:
                    assert (await ask_real(io, invite())).result == "accept"
                    assert ask_imitation(written.trunks, written.rules, call).error == "panic"
                    assert "timed out" in (await ask_real(io, call)).error
        assert "slice bounds out of range" in (tmp_path / "livekit.log").read_text()
