"""Credentials, ip-acl, origination-uris: made beside the trunks, listed below them (D:trunks/credentials)."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from lab.vobiz import sip_objects
from lab.vobiz.account import Account
from lab.vobiz.paging import page
from lab.vobiz.rest.base import ACCOUNT, Answer, Handle, body_of
from lab.vobiz.sip_objects import CREDENTIALS, IP_ACLS, URIS

Row = dict[str, Any]


def _family(
    name: str,
    rows: Callable[[Account], dict[str, Row]],
    create: Callable[[Account, Mapping[str, Any]], Row],
    update: Callable[[Account, str, Mapping[str, Any]], Row],
    delete: Callable[[Account, str], None],
    show: Callable[[Row], Row] = dict,
) -> list[tuple[str, str, Handle]]:
    """Return the paths of a family: listed below ``trunks/``, everything else beside it."""

    async def listed(account: Account, request: web.Request) -> Answer:
        shown = account.late.listed(name, rows(account))
        return Answer(200, page(name, shown, request.query, account.habits, show=show))

    async def created(account: Account, request: web.Request) -> Answer:
        return Answer(account.habits.create_status, show(create(account, await body_of(request))))

    async def updated(account: Account, request: web.Request) -> Answer:
        return Answer(200, show(update(account, request.match_info["row_id"], await body_of(request))))

    async def deleted(account: Account, request: web.Request) -> Answer:
        delete(account, request.match_info["row_id"])
        return Answer(204)

    return [
        ("GET", f"{ACCOUNT}/trunks/{name}", listed),
        ("POST", f"{ACCOUNT}/{name}", created),
        ("PUT", f"{ACCOUNT}/{name}/{{row_id}}", updated),
        ("DELETE", f"{ACCOUNT}/{name}/{{row_id}}", deleted),
    ]


PATHS: list[tuple[str, str, Handle]] = [
    *_family(
        CREDENTIALS,
        lambda account: account.credentials,
        sip_objects.create_credential,
        sip_objects.update_credential,
        sip_objects.delete_credential,
        sip_objects.shown_credential,
    ),
    *_family(
        IP_ACLS,
        lambda account: account.ip_acls,
        sip_objects.create_ip_acl,
        sip_objects.update_ip_acl,
        sip_objects.delete_ip_acl,
    ),
    *_family(
        URIS,
        lambda account: account.uris,
        sip_objects.create_uri,
        sip_objects.update_uri,
        sip_objects.delete_uri,
    ),
]
