"""Numbers, questions and outcomes as text for a person. Pure; `to_dict` of each value is the same for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.number_stock.values import Bought, Found, Offer, Owned, Released

COOL_OFF = "24 hours"
_GONE = "It is gone at once; nobody can undo that."
_COOL_OFF = (
    f"For {COOL_OFF} the release can be cancelled in the console, which gives the fee back; what the number hung on has"
    " to be set anew then. After that it is gone."
)


def render_owned(numbers: Sequence[Owned]) -> str:
    """Return the account's numbers as a table, and what they cost a month together."""
    if not numbers:
        return "The account has no numbers.\n"
    rows = [("NUMBER", "HANGS ON", "A MONTH", "REGION", "BLOCKERS")]
    for owned in numbers:
        hangs_on = ", ".join(owned.hangs_on) or "nothing"
        monthly, blockers = _money(owned.monthly_fee, owned.currency), "; ".join(owned.blockers)
        rows.append((owned.number, hangs_on, monthly, owned.region, blockers))
    count = "1 number" if len(numbers) == 1 else f"{len(numbers):,} numbers"
    return "\n".join([*_columns(rows), "", f"{count}{_sum(numbers)}."]) + "\n"


def render_found(found: Found) -> str:
    """Return offers as a table."""
    if not found.offers:
        return "Nothing in the inventory fits.\n"
    rows = [("NUMBER", "SETUP", "A MONTH", "REGION", "")]
    for offer in found.offers:
        setup, monthly = (_money(fee, offer.currency) for fee in (offer.setup_fee, offer.monthly_fee))
        rows.append((offer.number, setup, monthly, offer.region, "; ".join(_conditions(offer))))
    more = ["", "There are more: search closer, or with a higher --limit."] if found.has_more else []
    return "\n".join([*_columns(rows), *more]) + "\n"


def buying_question(offer: Offer) -> str:
    """Return what somebody agrees to who buys."""
    region = f" ({offer.region})" if offer.region else ""
    setup, monthly = _money(offer.setup_fee, offer.currency), _money(offer.monthly_fee, offer.currency)
    told = [f"{offer.number}{region}: setup {setup}, then {monthly} a month, taxes extra; paid from the balance."]
    told += [f"Mind: {condition}." for condition in _conditions(offer)]
    return "\n".join([*told, "Buy it?"])


def releasing_question(owned: Owned, *, immediate: bool = False) -> str:
    """Return what somebody agrees to who gives a number back.

    Fee and cool-off: https://www.vobiz.ai/docs/account-phone-number (a fee since 31 July 2026, its amount depends on
    the account and is told only by the answer).
    """
    told = [f"{owned.number}: a release fee is charged at once; how much depends on the account (700 INR was seen)."]
    if owned.hangs_on:
        told.append(f"It hangs on {' and '.join(owned.hangs_on)}: callers will not get through any more.")
    if owned.commitment_months:
        told.append(f"It was taken for at least {_months(owned.commitment_months)}.")
    told.append(_GONE if immediate else _COOL_OFF)
    return "\n".join([*told, "Release it?"])


def render_bought(bought: Bought) -> str:
    """Return the outcome of a purchase."""
    read = " The carrier's answer was lost, but the account has it." if bought.known_by == "reading" else ""
    return f"{bought.offer.number} is yours.{read} Put it into the manifest, then `dialroom provision apply`.\n"


def render_released(released: Released) -> str:
    """Return the outcome of a release."""
    if released.was_before:
        return f"{released.number} had been released before ({released.status}); nothing was sent.\n"
    lost = " The carrier's answer was lost, so the fee is not known." if released.known_by == "reading" else ""
    fee = f" Release fee: {released.fee:,.2f}." if released.fee is not None else ""
    if released.status == "released":
        return f"{released.number} is released and gone.{fee}{lost}\n"
    until = f"until {released.ends_at}" if released.ends_at else f"for {COOL_OFF}"
    return f"{released.number} is being released; {until} that can be cancelled in the console.{fee}{lost}\n"


def _conditions(offer: Offer) -> Iterator[str]:
    if offer.commitment_months:
        yield f"taken for at least {_months(offer.commitment_months)}"
    if offer.needs_aadhaar:
        yield "takes calls only after Aadhaar verification in the console"
    if not offer.voice:
        yield "takes no voice calls"


def _months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"


def _money(amount: float | None, currency: str) -> str:
    return "not told" if amount is None else f"{amount:,.2f} {currency}".rstrip()


def _sum(numbers: Sequence[Owned]) -> str:
    """Sum what is told, by currency."""
    sums: dict[str, float] = {}
    for owned in numbers:
        if owned.monthly_fee is not None:
            sums[owned.currency] = sums.get(owned.currency, 0.0) + owned.monthly_fee
    told = " + ".join(_money(amount, currency) for currency, amount in sorted(sums.items()))
    return f", {told} a month" if told else ""


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
