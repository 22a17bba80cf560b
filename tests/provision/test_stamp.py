"""Stamps: ours is told from everybody else's, and one deployment's from another's."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.stamp import (
    application_name,
    carrier_stamp,
    carrier_trunk_name,
    is_livekit_trunk,
    livekit_name,
    livekit_stamp,
    livekit_stamp_json,
    sip_route_name,
)
from telephony.dispatch import outbound_name

deployments = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)


@given(deployments, deployments)
def test_a_carrier_trunks_name_belongs_to_one_deployment(one, other):
    """Also when one deployment's name continues another's."""
    assert carrier_stamp(carrier_trunk_name(one)) == one
    assert (carrier_trunk_name(one) == carrier_trunk_name(other)) is (one == other)


@given(deployments, deployments, st.text(), st.text())
def test_trunks_and_applications_of_routes_belong_to_one_deployment(one, other, host, whole):
    """Whatever the host is called; the name is one that Vobiz takes for an application."""
    for name_of in (sip_route_name, application_name):
        name = name_of(one, host, whole=whole)
        assert carrier_stamp(name) == one
        assert (name == name_of(other, host, whole=whole)) is (one == other)
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name)
        assert not is_livekit_trunk(name)
    assert carrier_stamp(outbound_name(one)) == one


@given(deployments, st.from_regex(r"[a-z][a-z0-9_-]{0,31}", fullmatch=True))
def test_a_livekit_object_belongs_to_the_deployment_of_its_metadata(deployment, agent):
    """The name alone could be two deployments': `a` with agent `b-c`, and `a-b` with agent `c`."""
    assert livekit_stamp(livekit_name(deployment, agent), livekit_stamp_json(deployment)) == deployment


@pytest.mark.parametrize(
    "name",
    ["", "dialroom", "dialroom-in", "dialroom-demo", "dialroom-demo_to_", "Dialroom-demo-in", "x-dialroom-demo-in"],
)
def test_other_carrier_trunks_are_not_ours(name):
    """Near misses are somebody's."""
    assert carrier_stamp(name) is None


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("dialroom-demo-desk", ""),
        ("dialroom-demo-desk", "{}"),
        ("dialroom-demo-desk", "not json"),
        ("dialroom-demo-desk", '["dialroom"]'),
        ("dialroom-demo-desk", '{"dialroom":{"deployment":7}}'),
        ("dialroom-demo-desk", livekit_stamp_json("other")),
        ("renamed", livekit_stamp_json("demo")),
    ],
)
def test_other_livekit_objects_are_not_ours(name, metadata):
    """Name and metadata have to agree; somebody's metadata is no error."""
    assert livekit_stamp(name, metadata) is None
