"""The JSON of numbers and inventory (https://www.vobiz.ai/docs/account-phone-number). Pure.

Read leniently: only the number itself has to be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from provision.number_stock.values import Offer, Owned
from provision.vobiz_json import NumberRow


class _Capabilities(BaseModel):
    model_config = ConfigDict(extra="ignore")

    voice: bool | None = None


class StockRow(NumberRow):
    """A number with what it costs; the inventory's rows lack what only an owner has."""

    region: str | None = None
    setup_fee: float | None = None
    monthly_fee: float | None = None
    currency: str | None = None
    minimum_commitment_months: int | None = None
    capabilities: _Capabilities | None = None

    def owned(self, trunks: Mapping[str, str], applications: Mapping[str, str]) -> Owned:
        """Return a number of the account; the mappings have names by id, and an id without a name stands for itself."""
        trunk, application = self.trunk_group_id or "", self.application_id or ""
        return Owned(
            number=self.number,
            region=self.region or "",
            status=self.status or "",
            trunk=trunks.get(trunk) or trunk,
            application=applications.get(application) or application,
            blockers=self.blockers(),
            monthly_fee=self.monthly_fee,
            currency=self.currency or "",
            commitment_months=self.minimum_commitment_months or 0,
        )

    def offer(self) -> Offer:
        """Return a number of the inventory."""
        voice = self.capabilities.voice if self.capabilities else None
        return Offer(
            number=self.number,
            region=self.region or "",
            setup_fee=self.setup_fee,
            monthly_fee=self.monthly_fee,
            currency=self.currency or "",
            commitment_months=self.minimum_commitment_months or 0,
            needs_aadhaar=bool(self.aadhaar_verification_required),
            voice=voice is not False,
        )


class ReleaseAnswer(BaseModel):
    """What a release is answered with."""

    model_config = ConfigDict(extra="ignore")

    status: str = ""
    release_fee: float | None = None
    cooldown_ends_at: str | None = None


def purchased_number(answer: Any) -> str | None:
    """Return the number that a purchase is answered with, None when there is none to read."""
    row = answer.get("number") if isinstance(answer, dict) else None
    e164 = row.get("e164") if isinstance(row, dict) else None
    return StockRow(e164=e164).number if isinstance(e164, str) else None
