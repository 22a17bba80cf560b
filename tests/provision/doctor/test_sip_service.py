"""Redis, the SIP node, the worker."""

import pytest

from provision.doctor.facts import Unknown
from provision.doctor.sip_service import check_sip_service, check_worker
from provision.routing.world import SipService
from tests.provision.doctor.pure import found, told, world
from tests.provision.routing.pure import WORKER


@pytest.mark.parametrize(
    ("sip", "redis", "node"),
    [
        (SipService.READY, "ok", "ok"),
        (SipService.NO_REDIS, "error", "skipped"),
        (SipService.NO_NODE, "ok", "error"),
        (SipService.UNKNOWN, "ok", "skipped"),
    ],
)
def test_sip_service(sip, redis, node):
    """One follows from the other."""
    findings = found(check_sip_service, world=world(sip=sip))
    assert told(findings) == [("livekit_redis", redis), ("sip_node", node)]


@pytest.mark.parametrize(
    ("sip", "command"),
    [(SipService.NO_REDIS, "docker compose up -d"), (SipService.NO_NODE, "docker compose up -d sip")],
)
def test_a_missing_service_is_started(sip, command):
    (finding,) = [f for f in found(check_sip_service, world=world(sip=sip)) if f.level == "error"]
    assert finding.command == command


@pytest.mark.parametrize(
    ("seen", "unserved", "level", "command"),
    [
        ({WORKER}, set(), "ok", ""),
        ({WORKER}, {WORKER}, "ok", ""),
        (set(), {WORKER}, "error", "dialroom worker"),
        (set(), set(), "skipped", ""),
        ({"other"}, {"other"}, "skipped", ""),
    ],
)
def test_worker(seen, unserved, level, command):
    """A call that was taken proves it; one that waits proves the contrary; no call proves nothing."""
    given = world(seen_agents=frozenset(seen), unserved_agents=frozenset(unserved))
    (finding,) = found(check_worker, world=given)
    assert (finding.level, finding.command, finding.subject) == (level, command, f"worker {WORKER}")


def test_livekit_was_not_read():
    """Then nothing is known of either."""
    away = Unknown("LiveKit cannot be reached")
    findings = found(check_sip_service, world=away) + found(check_worker, world=away)
    assert told(findings) == [("livekit_redis", "skipped"), ("sip_node", "skipped"), ("worker", "skipped")]
