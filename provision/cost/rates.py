"""Prices, all in INR without taxes.

The defaults are Vobiz's documents (https://www.vobiz.ai/docs/concepts/sip-vs-websockets, seen October 2026). Accounts
differ: an India rate card relayed on 2 October 2026 has 0.38 and 0.44 a minute, and the account's own price is
`pricing_tier.rate_per_minute` of ``GET /auth/me``.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

from telephony.errors import UserError

PULSE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What the carrier, the AI and we ourselves cost.

    `sip` and `stream` are per minute of a leg, inbound or outbound, in which every started pulse of `pulse_s` counts as
    a whole one; `number` is per number and month. `ai_per_minute` is per minute of talk with the agent, not rounded;
    nobody but you knows it, so it is 0 unless given. `platform_fee` is what our own servers cost a month.

    Raises:
        UserError: a price that is negative or no number.
    """

    sip: float = 0.45
    stream: float = 0.65
    number: float = 500.0
    ai_per_minute: float = 0.0
    platform_fee: float = 0.0
    pulse_s: int = PULSE_S

    def __post_init__(self) -> None:
        check_prices(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Another way to have the same calls answered.

    `per_minute` is all in: AI and the caller's leg, in started pulses of `pulse_s`. `fee` is per month, `number` per
    number and month. The second leg of a transfer costs what it costs with us. `name` heads its column.

    Raises:
        UserError: a price that is negative or no number, or a name that is none.
    """

    per_minute: float
    fee: float = 0.0
    number: float = 0.0
    name: str = "other platform"
    pulse_s: int = PULSE_S

    def __post_init__(self) -> None:
        if not (self.name[:1].isalnum() and self.name.isprintable()):
            raise UserError(f"{self.name!r} cannot be the name of a platform: it begins with a letter or a digit")
        check_prices(self)


def check_prices(prices: Any) -> None:
    """Refuse prices that cannot be. Raises UserError."""
    for field in fields(prices):
        value = getattr(prices, field.name)
        if field.name == "name":
            continue
        if not math.isfinite(value) or value < 0:
            raise UserError(f"{field.name} is {value}: a price is a number from 0 up")
        if field.name == "pulse_s" and value < 1:
            raise UserError(f"pulse_s is {value}: a pulse has at least one second")
