"""/Account/{id}/numbers and /inventory (D:account-phone-number/*); cancel-release and health are in lower case."""

from aiohttp import web

from lab.vobiz import numbers
from lab.vobiz.account import Account
from lab.vobiz.paging import page
from lab.vobiz.rest.base import ACCOUNT, LOWER_ACCOUNT, Answer, Handle, body_of, number_of


async def list_numbers(account: Account, request: web.Request) -> Answer:
    """GET: page and per_page; `search` is a part of the number."""
    account.settle_releases()
    search = request.query.get("search", "").strip()
    owned = account.numbers
    if search:
        owned = {e164: account.numbers[e164] for e164 in account.numbers_with(search)}
    rows = account.late.listed(numbers.FAMILY, owned)
    return Answer(200, page("numbers", rows, request.query, account.habits, show=dict))


async def list_inventory(account: Account, request: web.Request) -> Answer:
    """GET: what can be bought; `search` a part of the number, `exclude` prefixes."""
    asked = {name: request.query.get(name, "") for name in ("country", "search", "exclude")}
    rows = numbers.search_inventory(account, **asked)
    return Answer(200, page("inventory", rows, request.query, account.habits, show=dict))


async def purchase(account: Account, request: web.Request) -> Answer:
    """POST: 200; 500 without money."""
    return Answer(200, numbers.purchase(account, await body_of(request)))


async def assign(account: Account, request: web.Request) -> Answer:
    """POST: 204."""
    numbers.assign(account, number_of(request), await body_of(request))
    return Answer(204)


async def unassign(account: Account, request: web.Request) -> Answer:
    """DELETE: 204."""
    numbers.unassign(account, number_of(request))
    return Answer(204)


async def attach(account: Account, request: web.Request) -> Answer:
    """POST: 204 live, 200 in the documents."""
    numbers.attach(account, number_of(request), await body_of(request))
    return Answer(204)


async def detach(account: Account, request: web.Request) -> Answer:
    """DELETE: 204; 404 is already detached."""
    numbers.detach(account, number_of(request))
    return Answer(204)


async def release(account: Account, request: web.Request) -> Answer:
    """DELETE: 200."""
    immediate = request.query.get("immediate", "") == "true"
    return Answer(200, numbers.release(account, number_of(request), immediate=immediate))


async def cancel_release(account: Account, request: web.Request) -> Answer:
    """POST: 200."""
    return Answer(200, numbers.cancel_release(account, number_of(request)))


async def health(account: Account, request: web.Request) -> Answer:
    """GET: status and how many calls there were."""
    row = numbers.get(account, number_of(request))
    calls = [call for call in account.finished if call["number"] == row["e164"]]
    answered = [call for call in calls if call["answered_at"]]
    stats = {"total_calls": len(calls), "answered_calls": len(answered)}
    return Answer(200, {"e164": row["e164"], "status": row["status"], "is_spam": False, "stats": stats})


_ONE = f"{ACCOUNT}/numbers/{{number}}"
PATHS: list[tuple[str, str, Handle]] = [
    ("GET", f"{ACCOUNT}/numbers", list_numbers),
    ("GET", f"{ACCOUNT}/inventory/numbers", list_inventory),
    ("POST", f"{ACCOUNT}/numbers/purchase-from-inventory", purchase),
    ("POST", f"{_ONE}/assign", assign),
    ("DELETE", f"{_ONE}/assign", unassign),
    ("POST", f"{_ONE}/application", attach),
    ("DELETE", f"{_ONE}/application", detach),
    ("DELETE", _ONE, release),
    ("POST", f"{LOWER_ACCOUNT}/numbers/{{number}}/cancel-release", cancel_release),
    ("GET", f"{LOWER_ACCOUNT}/numbers/{{number}}/health", health),
]
