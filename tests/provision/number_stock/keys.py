"""The key of a stand-in, as the functions want it, and nothing else: no LiveKit is needed for numbers."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr

from lab.vobiz.server import FakeVobiz


@dataclass(frozen=True, kw_only=True)
class Key:
    """Address and key of a carrier account."""

    vobiz_base_url: str
    vobiz_auth_id: str
    vobiz_auth_token: SecretStr
    tell: Callable[[str], None] | None = None


def key_of(fake: FakeVobiz) -> Key:
    """Return the key of a stand-in that is served."""
    account = fake.account
    return Key(
        vobiz_base_url=fake.base_url,
        vobiz_auth_id=account.auth_id,
        vobiz_auth_token=SecretStr(account.auth_token),
    )
