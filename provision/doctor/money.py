"""Whether the account's money and limits are enough for the manifest. Pure.

Limits are the account's; those of a trunk are stored and not enforced (https://www.vobiz.ai/docs/trunks/create-trunk).
How many calls come at once nobody but you knows: without a word about it, a tenth of the numbers is expected to be busy
at once, and all of those calls to begin within a minute. Both are rules of thumb of ours, so they only warn.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Final

from provision.cost.rates import Rates
from provision.doctor.facts import Account, Balance, Facts, Load, Unknown
from provision.doctor.finding import Code, Finding, Level, counted, skipped, well

NUMBERS_PER_CALL: Final = 10
BEGIN_WITHIN_S: Final = 60
BUSY_SHARE: Final = 0.8
_RECHARGE: Final = "recharge the account in the carrier's console"
_BUY: Final = "buy more in the carrier's console"


def check_money(facts: Facts) -> Iterator[Finding]:
    """Judge balance, channels and calls per second."""
    yield _balance(facts)
    yield _channels(facts)
    yield _calls_per_second(facts)


def expected_calls(facts: Facts) -> int:
    """Return how many calls at once there should be room for."""
    if facts.expected_calls is not None:
        return facts.expected_calls
    return max(1, ceil(len(facts.manifest.numbers) / NUMBERS_PER_CALL))


def _balance(facts: Facts) -> Finding:
    balance = facts.balance
    if isinstance(balance, Unknown):
        return skipped(Code.BALANCE, "balance", balance.reason)
    if balance.available is None:
        return skipped(Code.BALANCE, "balance", "the API does not tell it")
    left = _money(balance.available, balance)
    if balance.is_postpaid:
        return well(Code.BALANCE, "balance", f"The account is postpaid; {left} are available.")
    if balance.available <= 0:
        return _poor("error", f"{left} are available: the carrier refuses calls.")
    if balance.low is not None and balance.available < balance.low:
        return _poor("warning", f"{left} are available, less than the account's own {_money(balance.low, balance)}.")
    count = len(facts.manifest.numbers)
    monthly = Rates().number * count
    if balance.currency == "INR" and balance.available < monthly:
        told = f"{counted(count, 'number')} of the manifest cost a month ({_money(monthly, balance)} as documented)"
        return _poor("warning", f"{left} are available, less than the {told}.")
    return well(Code.BALANCE, "balance", f"{left} are available.")


def _channels(facts: Facts) -> Finding:
    code, subject = Code.CHANNELS, "calls at once"
    account, load = facts.account, facts.load
    if isinstance(account, Unknown) and isinstance(load, Unknown):
        return skipped(code, subject, account.reason)
    limit = account.calls_limit if isinstance(account, Account) else None
    live = load.live if isinstance(load, Load) else None
    if limit is None and isinstance(load, Load):
        limit = load.most
    if limit is None:
        return skipped(code, subject, "the API does not tell the account's limit")
    wanted = expected_calls(facts)
    taken = "" if live is None else f" and has {live:,}"
    told = f"The account may have {counted(limit, 'call')} at once{taken}"
    if limit <= 0 or (live is not None and live >= limit):
        return _limited(code, subject, "error", f"{told}: the next caller is refused (503).")
    if limit < wanted:
        return _limited(code, subject, "warning", f"{told}; {_because(facts, wanted)}.")
    if live is not None and live >= BUSY_SHARE * limit:
        return _limited(code, subject, "warning", f"{told}: callers are soon refused (503).")
    return well(code, subject, f"{told}.")


def _calls_per_second(facts: Facts) -> Finding:
    code, subject, account = Code.CALLS_PER_SECOND, "calls per second", facts.account
    if isinstance(account, Unknown):
        return skipped(code, subject, account.reason)
    if account.cps_limit is None:
        return skipped(code, subject, "the API does not tell the account's limit")
    told = f"The account may begin {counted(account.cps_limit, 'call')} a second"
    if account.cps_limit <= 0:
        return _limited(code, subject, "error", f"{told}: every caller is refused.")
    wanted = expected_calls(facts)
    if account.cps_limit * BEGIN_WITHIN_S < wanted:
        return _limited(code, subject, "warning", f"{told}; {_because(facts, wanted)}, maybe within a minute.")
    return well(code, subject, f"{told}.")


def _because(facts: Facts, wanted: int) -> str:
    if facts.expected_calls is not None:
        return f"{wanted:,} at once are expected"
    numbers = counted(len(facts.manifest.numbers), "number")
    return f"with {numbers}, {wanted:,} at once are likely"


def _poor(level: Level, sentence: str) -> Finding:
    return Finding(code=Code.BALANCE, level=level, subject="balance", sentence=sentence, mend=_RECHARGE)


def _limited(code: Code, subject: str, level: Level, sentence: str) -> Finding:
    return Finding(code=code, level=level, subject=subject, sentence=sentence, mend=_BUY)


def _money(amount: float, balance: Balance) -> str:
    return f"{amount:,.2f} {balance.currency}"
