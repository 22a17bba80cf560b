"""The whole way of a number with the stand-in as a process of its own: searched, bought, listed, released."""

from pydantic import SecretStr

from provision.number_stock.run import buy_number, find_offer, find_owned, list_numbers, release_number, search_numbers
from provision.number_stock.wanted import Wanted
from tests.lab.vobiz.test_main import ready_line, started
from tests.provision.number_stock.keys import Key

OWNED, FREE = "+918071000001", "+912261000003"


async def test_a_number_from_the_inventory_and_back():
    """As `python -m lab.vobiz` serves it."""
    async with started("--number", OWNED, "--inventory", FREE) as process:
        ready = await ready_line(process)
        key = Key(
            vobiz_base_url=str(ready["base_url"]),
            vobiz_auth_id=str(ready["auth_id"]),
            vobiz_auth_token=SecretStr(str(ready["auth_token"])),
        )
        (found,) = (await search_numbers(Wanted(prefix="22"), key)).offers
        await buy_number(await find_offer(found.number, key), key)
        assert [owned.number for owned in await list_numbers(key)] == [FREE, OWNED]
        assert (await search_numbers(Wanted(), key)).offers == ()
        released = await release_number(await find_owned(FREE, key), key)
        assert released.status == "pending_release"
        assert [owned.blockers for owned in await list_numbers(key)] == [("its status is pending_release",), ()]
