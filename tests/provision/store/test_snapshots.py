"""Snapshots: what was saved comes back, or an error does."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.store.content import ContentError, Packed, pack, unpack
from provision.store.errors import SnapshotDamagedError, SnapshotUnknownError
from provision.store.store import Store, open_store
from tests.provision.store.raw import execute

DEPLOYMENT = "demo"
OBSERVED = {"objects": [{"name": "dialroom-demo-in", "numbers": ["+918071387001"]}], "note": "ÄÖ 電話 😀"}
PLAN = {"version": 1, "changes": []}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(), json_values, max_size=4)


async def test_what_was_saved_comes_back(store: Store):
    """By its id, as text too, and as the last."""
    info = await store.save_snapshot(DEPLOYMENT, OBSERVED, PLAN, "before apply")
    for which in (info.id, str(info.id), "last"):
        snapshot = await store.snapshot(DEPLOYMENT, which)
        assert snapshot.info == info
        assert (snapshot.observed, snapshot.plan) == (OBSERVED, PLAN)
    assert info.reason == "before apply"
    assert await store.snapshots(DEPLOYMENT) == (info,)


async def test_equal_content_has_an_equal_checksum(store: Store):
    """Whatever the order of its keys."""
    one = await store.save_snapshot(DEPLOYMENT, {"a": 1, "b": 2}, PLAN, "one")
    other = await store.save_snapshot(DEPLOYMENT, {"b": 2, "a": 1}, PLAN, "other")
    third = await store.save_snapshot(DEPLOYMENT, {"b": 2, "a": 2}, PLAN, "third")
    assert one.checksum == other.checksum != third.checksum


async def test_it_is_there_after_opening_again(address: str):
    """In another opening of the same state."""
    async with open_store(address) as store:
        info = await store.save_snapshot(DEPLOYMENT, OBSERVED, PLAN, "before apply")
    async with open_store(address) as store:
        assert (await store.snapshot(DEPLOYMENT, "last")).info == info


async def test_an_unknown_one_names_the_newest(store: Store):
    """Five of them, newest first."""
    infos = [await store.save_snapshot(DEPLOYMENT, {}, {}, str(index)) for index in range(7)]
    newest = [info.id for info in reversed(infos)][:5]
    with pytest.raises(SnapshotUnknownError) as caught:
        await store.snapshot(DEPLOYMENT, infos[-1].id + 1)
    assert caught.value.newest == tuple(newest)
    assert f"the newest are {', '.join(map(str, newest))}" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("which", ["last", "1", 1, 0, -1, "lasst", "", "9" * 5000, 2**63, "٣", "1\0"])
async def test_without_snapshots_every_one_is_unknown(store: Store, which):
    """Also those that no database could have."""
    with pytest.raises(SnapshotUnknownError, match="no snapshots yet"):
        await store.snapshot(DEPLOYMENT, which)


async def test_deployments_see_their_own(store: Store):
    """Another one's id is unknown."""
    info = await store.save_snapshot("other", OBSERVED, PLAN, "before apply")
    assert await store.snapshots(DEPLOYMENT) == ()
    with pytest.raises(SnapshotUnknownError):
        await store.snapshot(DEPLOYMENT, info.id)


async def test_pruning_keeps_the_newest_of_each_deployment(store: Store):
    """And says how many are gone; their ids are not given again."""
    kept = {}
    for deployment in ("a", "b"):
        infos = [await store.save_snapshot(deployment, {}, {}, str(index)) for index in range(5)]
        kept[deployment] = tuple(reversed(infos[-2:]))
    assert await store.prune(keep=2) == 6
    assert await store.prune(keep=2) == 0
    assert {deployment: await store.snapshots(deployment) for deployment in kept} == kept
    new = await store.save_snapshot("a", {}, {}, "new")
    assert new.id > max(info.id for infos in kept.values() for info in infos)


async def test_the_newest_is_never_pruned(store: Store):
    """It is what a run falls back to."""
    with pytest.raises(ValueError, match="always kept"):
        await store.prune(keep=0)


async def test_savers_do_not_disturb_each_other(address: str):
    """Two openings, many at once, and pruning between them."""
    async with open_store(address) as one, open_store(address) as other:
        saves = [(one, other)[i % 2].save_snapshot(DEPLOYMENT, {"i": i}, {}, str(i)) for i in range(40)]
        infos = await asyncio.gather(*saves, one.prune(keep=100), other.prune(keep=100))
        assert len(await one.snapshots(DEPLOYMENT)) == 40
        for index, info in enumerate(infos[:40]):
            assert (await other.snapshot(DEPLOYMENT, info.id)).observed == {"i": index}


@pytest.mark.parametrize("content", [b"", b"nothing", pack({"observed": {}, "plan": {"other": 1}}).data])
async def test_a_damaged_one_is_reported(address: str, store: Store, content):
    """It names the others; those can still be used."""
    good = await store.save_snapshot(DEPLOYMENT, OBSERVED, PLAN, "good")
    bad = await store.save_snapshot(DEPLOYMENT, OBSERVED, PLAN, "bad")
    await execute(
        address, "UPDATE dialroom_snapshots SET content = :content WHERE id = :id", {"content": content, "id": bad.id}
    )
    with pytest.raises(SnapshotDamagedError) as caught:
        await store.snapshot(DEPLOYMENT, "last")
    assert f"snapshot {bad.id} in {store.label} is damaged" in str(caught.value)
    assert str(caught.value).endswith(f"use another one: {good.id}")
    assert (await store.snapshot(DEPLOYMENT, good.id)).observed == OBSERVED


async def test_what_is_no_json_is_refused(store: Store):
    """Nothing is kept of it."""
    with pytest.raises(TypeError):
        await store.save_snapshot(DEPLOYMENT, {"a": object()}, {}, "no")
    with pytest.raises(ValueError, match="JSON"):
        await store.save_snapshot(DEPLOYMENT, {"a": float("nan")}, {}, "no")
    assert await store.snapshots(DEPLOYMENT) == ()


@given(objects)
def test_content_survives_packing(fields):
    """Every JSON value."""
    assert unpack(pack(fields)) == fields


@given(objects, st.data())
def test_no_changed_bit_passes_for_content(fields, data):
    """Either an error, or a bit that says nothing."""
    packed = pack(fields)
    changed = bytearray(packed.data)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(ContentError):
        assert unpack(Packed(bytes(changed), packed.checksum)) == fields
