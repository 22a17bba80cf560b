"""The lab's own paths below ``/lab/``: state, habits, faults, kill points, the log, calls.

No key is asked, so only this machine is answered: a kill point ends any process of the user.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import ValidationError

from lab.vobiz import state
from lab.vobiz.faults import Fault
from lab.vobiz.habits import Habits
from lab.vobiz.kill import KillAt
from lab.vobiz.live import LiveCall
from telephony.errors import UserError
from telephony.numbers import parse_number

if TYPE_CHECKING:
    from lab.vobiz.server import FakeVobiz

Control = Callable[["FakeVobiz", Any], dict[str, Any]]


def get_log(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """GET /lab/log: requests with method, path, status, time; counters of requests, writes, writes done."""
    return fake.gate.log.told()


def clear_log(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """DELETE /lab/log: count anew."""
    fake.gate.log.clear()
    return {}


def set_faults(fake: FakeVobiz, body: Any) -> dict[str, Any]:
    """PUT or POST /lab/faults: a list of faults in place of those that wait."""
    if not isinstance(body, list):
        raise UserError("faults are a list")
    fake.faults.waiting = [Fault.model_validate(fields) for fields in body]
    return get_faults(fake, None)


def get_faults(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """GET /lab/faults: how many wait, and each with the times that are left."""
    waiting = [fault for fault in fake.faults.waiting if fault.times > 0]
    return {"waiting": len(waiting), "faults": [fault.model_dump() for fault in fake.faults.waiting]}


def get_habits(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """GET /lab/habits."""
    return fake.account.habits.model_dump()


def change_habits(fake: FakeVobiz, body: Any) -> dict[str, Any]:
    """POST /lab/habits: change those that are named."""
    fake.account.habits.change(body)
    return get_habits(fake, None)


def set_habits(fake: FakeVobiz, body: Any) -> dict[str, Any]:
    """PUT /lab/habits: those that are named, and the defaults of all others."""
    fake.account.habits.change(Habits().model_dump() | body)
    return get_habits(fake, None)


def get_state(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """GET /lab/state: everything that the account owns."""
    return state.dump(fake.account)


def put_state(fake: FakeVobiz, body: Any) -> dict[str, Any]:
    """PUT /lab/state: replace the families that are named. Answers with their sizes."""
    state.load(fake.account, body)
    return {name: len(rows) for name, rows in state.dump(fake.account).items() if isinstance(rows, (dict, list))}


def add_numbers(fake: FakeVobiz, body: Any) -> dict[str, Any]:
    """POST /lab/numbers: {"owned": [...], "inventory": [...]}, each a number or an object with an e164."""
    for name, add in (("owned", fake.account.add_number), ("inventory", fake.account.offer_number)):
        for given in body.get(name, ()):
            fields = dict(given) if isinstance(given, dict) else {"e164": given}
            add(parse_number(str(fields.pop("e164", ""))), **fields)
    return {"owned": len(fake.account.numbers), "inventory": len(fake.account.inventory)}


def kill_at(fake: FakeVobiz, body: Any) -> dict[str, Any]:
    """POST /lab/kill_at: wait for a request (see `KillAt`)."""
    fake.gate.kill.order(KillAt.model_validate(body))
    return fake.gate.kill.told()


def get_kill_at(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """GET /lab/kill_at: what waits, and the moments that were reached."""
    return fake.gate.kill.told()


def no_kill(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """DELETE /lab/kill_at: kill nobody."""
    fake.gate.kill.order(None)
    return fake.gate.kill.told()


def get_calls(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """GET /lab/calls: finished calls, oldest first, with where they were routed; and those that are live."""
    return {"calls": list(fake.account.finished), "live": [call.shown() for call in fake.account.live.values()]}


def add_call(fake: FakeVobiz, body: Any) -> dict[str, Any]:
    """POST /lab/calls: a live call in the state only, e.g. {"trunk_id": ...}; answers with its call_uuid."""
    given = {name: body.get(name) for name in ("trunk_id", "application_id")}
    caller, called = str(body.get("from", "+919812345678")), str(body.get("to", ""))
    call = LiveCall(from_number=caller, to_number=called, status="in-progress", **given)
    fake.account.live[call.call_uuid] = call
    return call.shown()


def end_calls(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """DELETE /lab/calls: the calls that only stand in the state are over."""
    live = fake.account.live
    gone = [call_uuid for call_uuid, call in live.items() if call.hang_up is None]
    for call_uuid in gone:
        del live[call_uuid]
    return {"ended": len(gone)}


def cut_sockets(fake: FakeVobiz, _body: Any) -> dict[str, Any]:
    """DELETE /lab/sockets: break the connection of every stream; the carrier opens it anew where it may."""
    cuts = [call.cut for call in fake.account.live.values() if call.cut is not None]
    for cut in cuts:
        cut()
    return {"cut": len(cuts)}


PATHS: tuple[tuple[str, str, Control], ...] = (
    ("GET", "/lab/log", get_log),
    ("DELETE", "/lab/log", clear_log),
    ("GET", "/lab/faults", get_faults),
    ("PUT", "/lab/faults", set_faults),
    ("POST", "/lab/faults", set_faults),
    ("GET", "/lab/habits", get_habits),
    ("POST", "/lab/habits", change_habits),
    ("PUT", "/lab/habits", set_habits),
    ("GET", "/lab/state", get_state),
    ("PUT", "/lab/state", put_state),
    ("POST", "/lab/numbers", add_numbers),
    ("GET", "/lab/kill_at", get_kill_at),
    ("POST", "/lab/kill_at", kill_at),
    ("DELETE", "/lab/kill_at", no_kill),
    ("GET", "/lab/calls", get_calls),
    ("POST", "/lab/calls", add_call),
    ("DELETE", "/lab/calls", end_calls),
    ("DELETE", "/lab/sockets", cut_sockets),
)


def bind(fake: FakeVobiz, control: Control) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler of aiohttp; what the caller wrote wrongly is a 400 in words."""

    async def handler(request: web.Request) -> web.Response:
        if not ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104  (no address at all)
            raise web.HTTPForbidden
        try:
            body = json.loads(await request.read() or b"{}")
            if not isinstance(body, (dict, list)):
                raise UserError("the body must be an object or a list")
            return web.json_response(control(fake, body))
        except (ValueError, ValidationError, UserError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handler
