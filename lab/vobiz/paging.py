"""Three styles of paging, each family its own (reference: pagination of D:api-reference; SDK types)."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.vobiz.errors import plain_error
from lab.vobiz.habits import Habits, PagingStyle

Row = dict[str, Any]
MAX_ROWS = 100
STYLES: dict[str, PagingStyle] = {
    "trunks": "offset",
    "credentials": "offset",
    "ip-acl": "offset",
    "origination-uris": "offset",
    "applications": "offset",
    "numbers": "page",
    "inventory": "page",
    "cdr": "records",
}
_OF_APPLICATIONS = {"applications"}
"""Their meta has total_count, next and previous, and there is an api_id."""


def page(
    family: str,
    rows: Sequence[Row],
    query: Mapping[str, str],
    habits: Habits,
    *,
    show: Callable[[Row], Row],
    account_id: str = "",
) -> dict[str, Any]:
    """Return one page of a list as an answer. Raises AccountError for numbers that are none."""
    match habits.paging.get(family, STYLES[family]):
        case "offset":
            return _by_offset(family, rows, query, habits, show)
        case "page":
            number, size = integer(query, "page", 1, least=1), _size(query, "per_page", 25)
            items = [show(row) for row in rows[(number - 1) * size : number * size]]
            body = {"items": _listed(items, "items", habits), "page": number, "per_page": size}
            return body | _total(len(rows), "total", habits)
        case "records":
            return _by_records(rows, query, habits, show, account_id)


def integer(query: Mapping[str, str], name: str, default: int, *, least: int = 0) -> int:
    """Return a number of the query. Raises AccountError."""
    try:
        value = int(query.get(name, default))
    except ValueError:
        raise plain_error(400, "invalid request", f"{name} must be a number") from None
    if value < least:
        raise plain_error(400, "invalid request", f"{name} is out of range")
    return value


def _by_offset(
    family: str, rows: Sequence[Row], query: Mapping[str, str], habits: Habits, show: Callable[[Row], Row]
) -> dict[str, Any]:
    limit, offset = _size(query, "limit", 20), integer(query, "offset", 0)
    objects = _listed([show(row) for row in rows[offset : offset + limit]], "objects", habits)
    meta: dict[str, Any] = {"limit": limit, "offset": offset}
    if family not in _OF_APPLICATIONS:
        return {"meta": meta | _total(len(rows), "total", habits), "objects": objects}
    following = f"?limit={limit}&offset={offset + limit}" if offset + limit < len(rows) else None
    preceding = f"?limit={limit}&offset={max(offset - limit, 0)}" if offset else None
    meta |= _total(len(rows), "total_count", habits) | {"next": following, "previous": preceding}
    return {"api_id": str(uuid.uuid4()), "meta": meta, "objects": objects}


def _by_records(
    rows: Sequence[Row], query: Mapping[str, str], habits: Habits, show: Callable[[Row], Row], account_id: str
) -> dict[str, Any]:
    number, size = integer(query, "page", 1, least=1), _size(query, "per_page", 20)
    data = [show(row) for row in rows[(number - 1) * size : number * size]]
    pages = -(-len(rows) // size)
    paging = {"page": number, "per_page": size, "pages": pages, "has_next": number < pages, "has_prev": number > 1}
    talk_s = [float(row.get("talk_s", 0)) for row in rows]
    return {
        "account_id": account_id,
        "count": len(data),
        "data": _listed(data, "data", habits),
        "pagination": paging | _total(len(rows), "total", habits),
        "summary": {"totalCalls": len(rows), "avgCallDuration": f"{round(sum(talk_s) / max(len(rows), 1))}s"},
        "success": True,
    }


def _size(query: Mapping[str, str], name: str, default: int) -> int:
    return min(integer(query, name, default, least=1), MAX_ROWS)


def _listed(rows: list[Row], name: str, habits: Habits) -> list[Row] | None:
    nulls = habits.null_lists == "all" or (habits.null_lists == "objects" and name == "objects")
    return rows or (None if nulls else [])


def _total(count: int, documented: str, habits: Habits) -> dict[str, int]:
    match habits.total_name:
        case "none":
            return {}
        case "documented":
            return {documented: count}
        case name:
            return {name: count}
