"""A first manifest says what the servers have, and can be read again."""

import pytest

from provision.importing import import_manifest
from provision.observed import Observed, OwnedNumber, Seen
from provision.values import Application, Assignment, CarrierTrunk, DispatchRule, InboundTrunk, Value
from telephony.dispatch import DispatchMetadata
from telephony.errors import UserError
from telephony.manifest.model import Manifest
from telephony.manifest.route import AgentRoute, SipRoute, SplitRoute, StreamRoute
from tests.telephony.manifest.manifests import parsed

FIRST, SECOND, THIRD = "+918071000001", "+918071000002", "+918071000003"
LIVEKIT = CarrierTrunk(name="to livekit", inbound_destination="sip.lotus.in:5080")


def hanging(number: str, target: Value, target_id: str) -> list[Seen]:
    """Return a number and what its calls go to."""
    is_stream = isinstance(target, Application)
    assigned = Assignment(name=number, **{"application" if is_stream else "trunk": target.name})
    return [
        Seen(value=target, server_id=target_id, stamp=None),
        Seen(value=assigned, server_id=number, stamp=None, refers=frozenset({target_id})),
    ]


def ruled(number: str, metadata: str, agent: str = "") -> list[Seen]:
    """Return a LiveKit trunk with a rule."""
    trunk = InboundTrunk(name=f"in {number}", numbers=(number,), allowed_addresses=())
    rule = DispatchRule(
        name=f"rule {number}", trunks=(trunk.name,), room_prefix="r-", agent_name=agent, agent_metadata=metadata
    )
    return [
        Seen(value=trunk, server_id=f"ST_{number}", stamp=None),
        Seen(value=rule, server_id=f"SDR_{number}", stamp=None, refers=frozenset({f"ST_{number}"})),
    ]


def imported(*seen: Seen) -> tuple[Manifest, str]:
    """Return the manifest, read again, and its text."""
    numbers = tuple(OwnedNumber(number=s.value.name, blockers=()) for s in seen if isinstance(s.value, Assignment))
    text = import_manifest(Observed(objects=seen, owned_numbers=numbers), deployment="prod").text
    return parsed(text), text


@pytest.mark.parametrize(
    ("there", "transport", "destination"),
    [
        ("pbx.lotus.in", "udp", "pbx.lotus.in;transport=udp"),
        ("pbx.lotus.in", "tls", "pbx.lotus.in:5061;transport=tls"),
        ("pbx:5080", "tcp", "pbx:5080;transport=tcp"),
        ("sip:pbx.lotus.in", "udp", "pbx.lotus.in;transport=udp"),
    ],
)
def test_a_trunk_to_somewhere_keeps_host_port_and_transport(there: str, transport: str, destination: str) -> None:
    """Also where somebody wrote a scheme before the host."""
    trunk = CarrierTrunk(name="pbx", inbound_destination=there, transport=transport)
    loaded, _ = imported(*hanging(FIRST, trunk, "t1"))
    route = loaded.numbers[0].route
    assert isinstance(route, SipRoute)
    assert [str(one) for one in route.sip] == [destination]


def test_what_is_no_host_is_named_and_left_out() -> None:
    """With its number."""
    loaded, text = imported(*hanging(FIRST, CarrierTrunk(name="x", inbound_destination="a b\n- c"), "t1"))
    assert loaded.numbers == ()
    assert f"# {FIRST} is left out: it goes to 'sip:a b\\n- c', which is no SIP host.\n" in text


def test_a_split_stays_a_split() -> None:
    """With its weights."""
    metadata = DispatchMetadata(deployment="old", agent="anna", split=(("anna", 70), ("bela", 30))).to_json()
    loaded, _ = imported(*hanging(FIRST, LIVEKIT, "t1"), *ruled(FIRST, metadata))
    route = loaded.numbers[0].route
    assert isinstance(route, SplitRoute)
    assert [(share.agent, share.weight) for share in route.split] == [("anna", 70), ("bela", 30)]
    assert loaded.livekit.sip_host == "sip.lotus.in:5080"


def test_agents_keep_apart() -> None:
    """Names that no manifest can have become ones that it can; a name that it can have stays."""
    names = {FIRST: "a-b", SECOND: "A b", THIRD: "a_b"}
    worlds = [one for n, agent in names.items() for one in (*hanging(n, LIVEKIT, "t1"), *ruled(n, "", agent))]
    loaded, _ = imported(*worlds)
    routes = {entry.number: entry.route for entry in loaded.numbers}
    assert [routes[n] for n in names] == [AgentRoute(agent=a) for a in ("a-b", "a-b-2", "a_b")]
    assert set(loaded.agents) == {"a-b", "a-b-2", "a_b"}


def test_urls_are_taken_by_the_letter() -> None:
    """Nothing of them is a variable of ours."""
    urls = {"answer_url": "https://x.in/${A}?b=$1", "hangup_url": "https://x.in/$${B}", "fallback_url": ""}
    loaded, _ = imported(*hanging(FIRST, Application(name="bot", **urls), "a1"))
    route = loaded.numbers[0].route
    assert isinstance(route, StreamRoute)
    assert (route.stream.answer_url, route.stream.hangup_url) == ("https://x.in/${A}?b=$1", "https://x.in/$${B}")


@pytest.mark.parametrize(("count", "told"), [(20, "+918071000019\n"), (45, "+918071000019 and 25 more\n")])
def test_numbers_without_a_route_are_counted(count: int, told: str) -> None:
    """The first twenty stand in a comment, all of them are told to programs."""
    numbers = tuple(f"+9180710000{index:02}" for index in range(count))
    owned = tuple(OwnedNumber(number=number) for number in numbers)
    drafted = import_manifest(Observed(owned_numbers=owned), deployment="prod")
    assert drafted.text.endswith(told)
    assert drafted.to_dict() == {"manifest": drafted.text, "without_route": list(numbers), "left_out": []}


@pytest.mark.parametrize("deployment", ["", "Prod", "1st", "a" * 33, "a\nb"])
def test_a_deployment_that_cannot_be_a_name_is_refused(deployment: str) -> None:
    """Before a file is written that nobody can read."""
    with pytest.raises(UserError, match="--deployment"):
        import_manifest(Observed(), deployment=deployment)
