"""Which inbound trunk takes a call, as livekit-server 1.13.5 decides (livekit/protocol, sip/sip.go MatchTrunkDetailed).

A trunk that lists the number goes before one that lists none. Two of the same kind are an error, whatever tells them
apart otherwise: only trunks whose caller or address filter refuses the call are out of the running. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from provision.routing.addresses import Admission, admit
from provision.routing.numbers import is_among
from provision.routing.refusal import ServerRefusedError

if TYPE_CHECKING:
    from livekit.api import SIPInboundTrunkInfo

    from provision.routing.call import Invite


@dataclass(frozen=True, slots=True)
class Look:
    """What a trunk makes of a call: whether it lists the number, any number, or others only, and its two filters."""

    trunk: SIPInboundTrunkInfo
    number: Literal["listed", "any", "other"]
    is_caller_allowed: bool
    admission: Admission

    @property
    def is_open(self) -> bool:
        """Whether the filters let the call pass; the number is another matter."""
        return self.is_caller_allowed and self.admission is not Admission.REFUSED


def look(trunk: SIPInboundTrunkInfo, invite: Invite) -> Look:
    """Hold a trunk against a call."""
    return Look(
        trunk=trunk,
        number=_number(trunk, invite),
        is_caller_allowed=not trunk.allowed_numbers or is_among(invite.from_user, trunk.allowed_numbers),
        admission=admit(invite.source_ip, invite.from_host, trunk.allowed_addresses),
    )


def match_trunk(trunks: Iterable[SIPInboundTrunkInfo], invite: Invite) -> SIPInboundTrunkInfo | None:
    """Return the trunk that takes a call, None when there is none.

    Raises:
        ServerRefusedError: several do.
    """
    looks = [look(trunk, invite) for trunk in sorted(trunks, key=lambda trunk: trunk.sip_trunk_id)]
    for number, words in (("listed", "Multiple SIP Trunks"), ("any", "Multiple default SIP Trunks")):
        found = [seen.trunk for seen in looks if seen.number == number and seen.is_open]
        if len(found) > 1:
            ids = (trunk.sip_trunk_id for trunk in found)
            raise ServerRefusedError("failed_precondition", f'{words} matched for "{invite.to_user}"', *ids)
        if found:
            return found[0]
    return None


def _number(trunk: SIPInboundTrunkInfo, invite: Invite) -> Literal["listed", "any", "other"]:
    if not trunk.numbers:
        return "any"
    return "listed" if is_among(invite.to_user, trunk.numbers) else "other"
