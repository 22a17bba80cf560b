"""Calls of strangers to what our own `apply` wrote: none is answered, none gets a room or a job; the carrier's are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import pytest

from tests.scenarios.attacks import (
    CARRIER_HOSTS,
    REFUSED,
    SOURCES,
    Attack,
    Targets,
    attacks,
    slashed_calls,
    strange_calls,
)
from tests.scenarios.conftest import NODES, eventually
from tests.scenarios.fort import OF_ANOTHER, SECURE_ONLY, SERVED, Fort, fort
from tests.scenarios.volley import Shot, Volley, figures, volley

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="needs more than one loopback address"),
]
LEAST = 500
AT_ONCE = 150
ROOM_IS_OVER = 486
ANYWHERE = Targets(served=SERVED, strange=(OF_ANOTHER,), node="127.0.0.1:5060")


def test_the_attacks_are_many_and_differ() -> None:
    """To the letter; and in every dimension."""
    found = attacks(ANYWHERE)
    assert len({(it.source, it.invite(port=1, call_id="c", branch="z9hG4bK12345678")) for it in found}) == len(found)
    assert len([it for it in found if it.is_proper]) >= LEAST
    assert {it.source for it in found} == set(SOURCES)
    assert not {it.source for it in found} & set(CARRIER_HOSTS)
    for number in SERVED:
        aimed = [it for it in found if number in it.called or number[3:] in it.called]
        assert len({it.called for it in aimed}) >= 15
        assert len({it.headers for it in aimed}) >= 15
        assert len({it.caller for it in aimed}) >= 10


@pytest.fixture(scope="module", params=NODES)
async def attacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fort]:
    async with fort(tmp_path_factory.mktemp(f"fort-{request.param}"), request.param) as running:
        yield running


@pytest.fixture
async def strangers(attacked: Fort) -> AsyncIterator[Volley]:
    async with volley(attacked.stack.sip.address) as it:
        yield it


def parts(whole: Sequence[Attack]) -> Iterator[Sequence[Attack]]:
    for start in range(0, len(whole), AT_ONCE):
        yield whole[start : start + AT_ONCE]


async def test_no_stranger_is_answered_and_the_carrier_always_is(
    attacked: Fort, strangers: Volley, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before, between the volleys and afterwards, the same numbers take the carrier's calls."""
    await attacked.call_all()
    fired: list[asyncio.Task[list[Shot]]] = []
    callable_numbers = [number for number in SERVED if number != SECURE_ONLY]
    async with asyncio.TaskGroup() as group:
        for index, part in enumerate(parts(attacks(attacked.targets))):
            fired.append(group.create_task(strangers.judged(part)))
            await attacked.call(callable_numbers[index % len(callable_numbers)])
    shots = [shot for volley_shots in fired for shot in volley_shots.result()]
    await attacked.call_all()
    with capsys.disabled():
        sys.stdout.write(f"\n{attacked.stack.gateway}: {len(shots)} attacks: {figures(shots)}\n")
    assert strangers.answered() == []
    assert [str(shot) for shot in shots if shot.attack.is_proper and not shot.is_judged] == []
    assert len([shot for shot in shots if shot.is_judged]) >= LEAST
    assert [str(shot) for shot in shots if ROOM_IS_OVER in shot.statuses] == []
    await attacked.as_welcome()


async def test_an_answer_would_be_noticed(attacked: Fort, strangers: Volley) -> None:
    """The same INVITE from the carrier's own address is answered, gets a room and a job, and all of it is seen."""
    caller = "+919876522222"
    (call, *_) = strange_calls(replace(attacked.targets, strange=(SERVED[0],)))
    assert call.source in CARRIER_HOSTS
    before = attacked.jobs

    async def noticed() -> bool:
        rooms = [room for room in attacked.seen if caller[1:] in room]
        return bool(strangers.answered() and rooms and attacked.jobs > before)

    await strangers.judged([replace(call, caller=f"<sip:{caller}@{call.source}>")])
    await eventually(noticed)
    attacked.welcome.update(room for room in attacked.seen if caller[1:] in room)


async def test_the_carriers_own_calls_to_strange_numbers_are_not_answered(attacked: Fort, strangers: Volley) -> None:
    """What the manifest does not serve, LiveKit does not take, whoever calls."""
    targets = attacked.targets
    left = tuple(number for number in targets.strange if number != OF_ANOTHER)
    shots = await strangers.judged(strange_calls(replace(targets, strange=left)))
    assert strangers.answered() == []
    assert [str(shot) for shot in shots if not shot.is_judged] == []
    await attacked.call(SERVED[0])
    await attacked.as_welcome()


async def test_a_caller_who_may_not_call_is_never_answered(attacked: Fort, strangers: Volley) -> None:
    """The carrier's address and a number of ours, but none of the callers that the manifest lets in."""
    (call, *_) = strange_calls(replace(attacked.targets, strange=(SERVED[4],)))
    jobs, refusals = attacked.jobs, attacked.refusals

    async def refused() -> bool:
        return attacked.refusals > refusals

    await strangers.judged([replace(call, caller=f"<sip:{REFUSED}@127.0.0.1>")])
    await eventually(refused)
    attacked.refuse(REFUSED)
    assert strangers.answered() == []
    assert attacked.jobs == jobs


async def test_the_allowed_range_as_host_of_from_is_never_answered(attacked: Fort, strangers: Volley) -> None:
    """LiveKit compares that host with the text of the range before it looks at any address (`matchAddrMasks`)."""
    before = attacked.jobs
    await strangers.fire(slashed_calls(attacked.targets))
    attacked.refuse(REFUSED)
    assert strangers.answered() == []
    assert attacked.jobs == before
