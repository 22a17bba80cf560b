"""/auth/me, balance, concurrency, transactions, capacity (D:account/*)."""

from aiohttp import web

from lab.vobiz import money
from lab.vobiz.account import Account
from lab.vobiz.paging import integer
from lab.vobiz.rest.base import ACCOUNT, ACCOUNTS, BASE, Answer, Handle, body_of


async def me(account: Account, _request: web.Request) -> Answer:
    """GET auth/me: is the key right, and what may the account do."""
    return Answer(200, account.me())


async def balance(account: Account, request: web.Request) -> Answer:
    """GET balance/{currency}."""
    return Answer(200, money.balance(account, request.match_info["currency"]))


async def concurrency(account: Account, _request: web.Request) -> Answer:
    """GET concurrency."""
    return Answer(200, money.concurrency(account))


async def transactions(account: Account, request: web.Request) -> Answer:
    """GET transactions: page and per_page, in an envelope of their own."""
    number, size = integer(request.query, "page", 1, least=1), integer(request.query, "per_page", 20, least=1)
    rows = account.transactions[::-1]
    body = {
        "transactions": rows[(number - 1) * size : number * size],
        "summary": {},
        "total": len(rows),
        "page": number,
        "per_page": size,
        "total_pages": -(-len(rows) // size),
    }
    return Answer(200, body)


async def preview(_account: Account, request: web.Request) -> Answer:
    """GET channel-pricing-preview: nothing is bought."""
    quantity = integer(request.query, "quantity", 0)
    return Answer(200, money.preview(request.query.get("resource_type", ""), quantity))


async def subscribe(account: Account, request: web.Request) -> Answer:
    """POST channel-subscriptions: 201, paid at once."""
    return Answer(201, money.subscribe(account, await body_of(request)))


PATHS: list[tuple[str, str, Handle]] = [
    ("GET", f"{BASE}/auth/me", me),
    ("GET", f"{ACCOUNT}/balance/{{currency}}", balance),
    ("GET", f"{ACCOUNT}/concurrency", concurrency),
    ("GET", f"{ACCOUNT}/transactions", transactions),
    ("GET", f"{ACCOUNTS}/channel-pricing-preview", preview),
    ("POST", f"{ACCOUNTS}/channel-subscriptions", subscribe),
]
