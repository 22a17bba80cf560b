"""The carrier's facts, read over its API: account, balance, load, and what it has of the deployment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from provision.doctor.account_rows import read_account, read_balance, read_load
from provision.doctor.contact import contact_of, told, unknown_since
from provision.doctor.facts import Account, Balance, Contact, Load, Unknown
from provision.observed import Observed
from provision.settings import ProvisionSettings
from provision.vobiz import Vobiz
from provision.vobiz_http import SERVER
from telephony.errors import WorldError

FIRST_ANSWER_S: Final = 20.0
"""For the first question; a host that drops packets would otherwise be tried for most of a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierFacts:
    """What the carrier told."""

    contact: Contact
    detail: str
    account: Account | Unknown
    balance: Balance | Unknown
    load: Load | Unknown
    stock: Observed | Unknown


async def read_carrier_facts(settings: ProvisionSettings) -> CarrierFacts:
    """Read the carrier. What fails is told in the facts."""
    address = (settings.vobiz_base_url, settings.vobiz_auth_id, settings.vobiz_auth_token)
    async with Vobiz(*address, parallel=settings.parallel, tell=settings.tell) as vobiz:
        try:
            async with asyncio.timeout(FIRST_ANSWER_S):
                me = await vobiz.http.account()
        except TimeoutError:
            return _nothing(vobiz.http.unreachable(f"no answer within {FIRST_ANSWER_S:g} s"))
        except WorldError as error:
            return _nothing(error)
        account = read_account(me)
        currency = account.currency if isinstance(account, Account) else "INR"
        balance, load, stock = await asyncio.gather(
            _asked(vobiz, "balance", currency), _asked(vobiz, "concurrency"), _stock(vobiz)
        )
    return CarrierFacts(
        contact=Contact.ANSWERS,
        detail="",
        account=account,
        balance=balance if isinstance(balance, Unknown) else read_balance(balance, currency=currency),
        load=load if isinstance(load, Unknown) else read_load(load),
        stock=stock,
    )


async def _asked(vobiz: Vobiz, *parts: str) -> Any:
    """Return an answer's body, or Unknown."""
    try:
        return await vobiz.http.send("GET", vobiz.http.path(*parts), what=f"the {parts[0]}")
    except WorldError as error:
        return Unknown(told(error))


async def _stock(vobiz: Vobiz) -> Observed | Unknown:
    try:
        return await vobiz.observe()
    except WorldError as error:
        return Unknown(told(error))


def _nothing(error: WorldError) -> CarrierFacts:
    contact = contact_of(error)
    unknown = unknown_since(SERVER, contact)
    return CarrierFacts(
        contact=contact, detail=told(error), account=unknown, balance=unknown, load=unknown, stock=unknown
    )
