"""The imitation against the real livekit-server: random small worlds, the same ones in every run."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit import api

from lab.psrpc.client import PsrpcClient
from provision.routing.call import Invite
from tests.provision.routing.real import ask_imitation, ask_real
from tests.provision.routing.worlds import CALLER, NUMBER, OTHER_CALLER, OTHER_NUMBER, SOURCE, Writer, rule, trunk

WORLDS = 150
CALLS = 6
NUMBERS = (NUMBER, NUMBER[1:], f"0{NUMBER[3:]}", "91 80710-00001", OTHER_NUMBER, "desk", "--", " 91")
CALLERS = (CALLER, CALLER[1:], OTHER_CALLER, "anonymous")
MASKS = (f"{SOURCE}/32", SOURCE, "0.0.0.0/0", "198.51.100.0/24", "sip.carrier.in", "sip:x;y", "2001:db8::/32", "::/0")
HOSTS = (SOURCE, "sip.carrier.in", "198.51.100.9", "anonymous.invalid")
SOURCES = (SOURCE, "198.51.100.9", "2001:db8::1", "::ffff:203.0.113.5", "")
NAMES = ("a", "b", "c")


@st.composite
def few(draw: st.DrawFn, values: tuple[str, ...], most: int) -> list[str]:
    """Mostly none, so that calls get somewhere; seldom one twice, which LiveKit takes for a contradiction in a rule."""
    if draw(st.integers(0, 9)) < 6:
        return []
    found = draw(st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True))
    return [*found, found[0]] if draw(st.integers(0, 9)) == 9 else found


@st.composite
def trunks(draw: st.DrawFn) -> list[api.SIPInboundTrunkInfo]:
    names = NAMES[: draw(st.sampled_from((0, 1, 1, 2, 2, 3)))]
    return [
        trunk(
            name,
            *draw(st.lists(st.sampled_from(NUMBERS), max_size=3)),
            allowed_addresses=draw(few(MASKS, 2)),
            allowed_numbers=draw(few(CALLERS, 2)),
            # The server wants one of numbers, addresses and a user name to be there.
            auth_username="lotus",
            auth_password=draw(st.sampled_from(("", "secret"))),
        )
        for name in names
    ]


@st.composite
def rules(draw: st.DrawFn) -> list[Any]:
    made = []
    for index in range(draw(st.sampled_from((0, 1, 1, 2, 2, 3)))):
        kind = draw(st.sampled_from(("direct", "individual", "callee")))
        made.append(
            rule(
                f"r{index}",
                *draw(st.lists(st.sampled_from((*NAMES, "ST_nobody")), max_size=3, unique=True)),
                kind=kind,
                room=draw(st.sampled_from(("x", "y"))),
                pin=draw(st.sampled_from(("", "", "", "1", "2"))),
                inbound_numbers=draw(few(CALLERS, 2)),
                numbers=draw(few(NUMBERS, 2)),
            )
        )
    return made


invites = st.builds(
    Invite,
    to_user=st.sampled_from(NUMBERS),
    from_user=st.sampled_from((*CALLERS, "")),
    from_host=st.sampled_from(HOSTS),
    source_ip=st.sampled_from(SOURCES),
)


@settings(
    max_examples=WORLDS,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(some_trunks=trunks(), some_rules=rules(), calls=st.lists(invites, min_size=CALLS, max_size=CALLS))
async def test_random_worlds_are_judged_alike(
    writer: Writer, io: PsrpcClient, some_trunks: list[Any], some_rules: list[Any], calls: list[Invite]
):
    """Several calls to each world; what the server's API refuses slips in, so contradictions are among them."""
    async with writer.written(some_trunks, some_rules) as written:
        for call in calls:
            assert ask_imitation(written.trunks, written.rules, call) == await ask_real(io, call)
