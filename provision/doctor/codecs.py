"""Whether trunks keep the sound at 8 kHz although the manifest does not. Pure.

livekit-sip takes G.722 (16 kHz) before PCMU and PCMA where both sides have it, unless a trunk lists its codecs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from provision.doctor.concern import of_trunk
from provision.doctor.facts import Facts, Unknown
from provision.doctor.finding import Code, Finding, or_well, skipped
from provision.doctor.trunks import SUBJECT
from provision.livekit_numbers import livekit_forms
from provision.routing import mends

if TYPE_CHECKING:
    from livekit.api import SIPInboundTrunkInfo

    from telephony.manifest.model import Manifest

_WIDE: Final = "G722"
_NARROW: Final = frozenset({"PCMU", "PCMA"})


def check_codecs(facts: Facts) -> Iterator[Finding]:
    """Judge the trunks that have numbers of the manifest."""
    world = facts.sip_objects
    if isinstance(world, Unknown):
        yield skipped(Code.TRUNK_CODECS, SUBJECT, world.reason)
        return
    narrow = [trunk for trunk in world.trunks if _is_narrow(trunk)]
    wide = _forms_wanted_wide(facts.manifest) if narrow else frozenset()
    sentence = "It takes 8 kHz codecs only; the manifest would let G.722 (16 kHz) through."
    mend = "let it take every codec, or list codecs without G722 in the manifest"
    found = (
        of_trunk(
            Code.TRUNK_CODECS, "warning", trunk, sentence, mends.rewrite_trunk(world, trunk, mend, is_declared=True)
        )
        for trunk in narrow
        if wide.intersection(trunk.numbers)
    )
    yield from or_well(found, Code.TRUNK_CODECS, SUBJECT, "The codecs are those that the manifest wants.")


def _is_narrow(trunk: SIPInboundTrunkInfo) -> bool:
    listed = {codec.name.upper() for codec in trunk.media.codecs}
    return trunk.media.only_listed_codecs and bool(listed) and listed <= _NARROW


def _forms_wanted_wide(manifest: Manifest) -> frozenset[str]:
    """Return every form of the numbers whose codecs are LiveKit's own, or have G.722 among them."""
    return frozenset(
        form
        for entry in manifest.numbers
        if not entry.settings.codecs or _WIDE in entry.settings.codecs
        for form in livekit_forms(entry.number)
    )
