"""Prices that `dialroom cost` reckons with, in INR without taxes."""

from typing import Annotated

from pydantic import Field

from telephony.manifest.entry import Entry

Price = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]


class Rates(Entry):
    """What a deployment pays. The defaults are Vobiz's documents; an account's own prices may differ."""

    sip_per_minute: Price = 0.45
    stream_per_minute: Price = 0.65
    number_per_month: Price = 500.0
    ai_per_minute: Price = 0.0
    platform_fee: Price = 0.0
