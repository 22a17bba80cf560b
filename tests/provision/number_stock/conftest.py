"""The stand-in's account, the key that opens it, and a stock that does not wait long."""

from collections.abc import AsyncIterator

import pytest

from lab.vobiz.server import FakeVobiz
from provision.number_stock.run import opened
from provision.number_stock.stock import Stock
from tests.provision.number_stock.keys import Key, key_of


@pytest.fixture
def key(vobiz: FakeVobiz) -> Key:
    """The account's key."""
    return key_of(vobiz)


@pytest.fixture
async def stock(key: Key) -> AsyncIterator[Stock]:
    """The account's numbers."""
    async with opened(key) as account:
        yield account
