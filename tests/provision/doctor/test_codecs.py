"""Trunks that keep the sound at 8 kHz."""

import pytest
from livekit import api

from provision.doctor.codecs import check_codecs
from provision.doctor.facts import Unknown
from tests.provision.doctor.pure import APPLY, found, manifest, told, world
from tests.provision.routing.pure import our_trunk, their_trunk
from tests.provision.routing.worlds import NUMBER, OTHER_NUMBER


def media(*names: str, only: bool = True) -> api.SIPMediaConfig:
    return api.SIPMediaConfig(only_listed_codecs=only, codecs=[api.SIPCodec(name=name, rate=8000) for name in names])


def wanting(*codecs: str):
    listed = f", codecs: [{', '.join(codecs)}]" if codecs else ""
    return manifest(f'{{ number: "{NUMBER}", route: {{ agent: anna }}{listed} }}')


@pytest.mark.parametrize(
    ("listed", "wanted", "level"),
    [
        (media("PCMU", "PCMA"), (), "warning"),
        (media("PCMA"), ("PCMA", "G722"), "warning"),
        (media("pcmu"), (), "warning"),
        (media("PCMU", "PCMA"), ("PCMU", "PCMA"), "ok"),
        (media("PCMU", "G722"), (), "ok"),
        (media("PCMU", only=False), (), "ok"),
        (media(), (), "ok"),
    ],
)
def test_g722_is_kept_out(listed, wanted, level):
    """Although the manifest would take it."""
    findings = found(check_codecs, world=world(trunks=[our_trunk(media=listed)]), manifest=wanting(*wanted))
    assert told(findings) == [("trunk_codecs", level)]
    assert findings[0].command == (APPLY if level == "warning" else "")


def test_only_trunks_with_numbers_of_the_manifest_matter():
    other = their_trunk("desk", OTHER_NUMBER, media=media("PCMU"))
    assert told(found(check_codecs, world=world(trunks=[our_trunk(), other]))) == [("trunk_codecs", "ok")]


def test_trunks_that_were_not_read():
    assert told(found(check_codecs, world=Unknown("no"))) == [("trunk_codecs", "skipped")]
