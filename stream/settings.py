"""The environment of the stream server, read in one place: where it is, its secret, and how many calls it takes."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from agent.errors import SettingMissingError
from stream.capability import SECRET_BYTES
from stream.gate import path_key
from stream.signature import Tokens
from telephony.errors import UserError
from telephony.keys import header_value
from telephony.manifest.cidr import Cidr
from telephony.numbers import is_e164

SEEN: Final = Path(".dialroom/seen.db")
FULL_SENTENCE: Final = "All our lines are busy at the moment. Please call again later."
URL_LIMIT: Final = 512
"""Characters of the public address: what is put behind it must fit into a document's address, too."""

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_HTTP: Final = {"https": "https", "wss": "https", "http": "http", "ws": "http"}


def _public(value: str) -> str:
    """Return the HTTP form of the server's address."""
    try:
        parts = urlsplit(value)
        host = parts.hostname if parts.port != 0 else None  # reading a port that is none raises ValueError
    except ValueError:
        host = None
    is_visible = value.isascii() and value.isprintable() and not set(" <>\"'") & set(value)
    if not host or not is_visible or parts.scheme not in _HTTP or len(value) > URL_LIMIT:
        raise ValueError("must be an address like https://voice.example.com")
    if "@" in parts.netloc or "?" in value or "#" in value:
        raise ValueError("must be an address alone: no user, no query, no fragment")
    if _HTTP[parts.scheme] == "http" and host not in _LOOPBACK:
        raise ValueError("must begin with https:// or wss://, since the carrier comes over the internet")
    return f"{_HTTP[parts.scheme]}://{value.partition('://')[2]}".rstrip("/")


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().encode()) < SECRET_BYTES:
        raise ValueError(f"is shorter than {SECRET_BYTES} bytes: make one with openssl rand -hex 32")
    return value


def _number(value: str) -> str:
    if not is_e164(value):
        raise ValueError("must be written like +918071000001")
    return value


def _range(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("must be addresses or ranges like 10.0.0.0/24, separated by commas") from None


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


_Secret = Annotated[SecretStr, BeforeValidator(header_value)]
_E164 = Annotated[str, AfterValidator(_number)]
_Range = Annotated[str, AfterValidator(_range)]


class StreamSettings(BaseSettings):
    """What the server of the WebSocket door has to know.

    `public_url` is where the carrier finds it, in its HTTP form and without a slash at its end (the socket's scheme is
    the other one's); a proxy that has the server below a path takes that path off. `secret` makes the tokens of sockets
    and the path that nobody guesses. With `signed`, requests must bear the carrier's signature, made with the auth
    token of the account, or of its parent; without it they must come to that path and, when `carrier_cidrs` is set,
    from there. `trusted_proxies` are those whose X-Forwarded-For says who asked. `seen` is the database of what may
    come only once, a file or a PostgreSQL's URL. A call too many hears `full_sentence`, or is put through to
    `full_number`, with `full_caller_id`, a number of the account's.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    public_url: Annotated[str, AfterValidator(_public)] = Field(validation_alias="DIALROOM_STREAM_URL")
    secret: Annotated[_Secret, AfterValidator(_long_enough)] = Field(validation_alias="DIALROOM_STREAM_SECRET")
    signed: bool = Field(False, validation_alias="DIALROOM_STREAM_SIGNED")
    auth_token: _Secret | None = Field(None, validation_alias="VOBIZ_AUTH_TOKEN")
    parent_auth_token: _Secret | None = Field(None, validation_alias="VOBIZ_PARENT_AUTH_TOKEN")
    carrier_cidrs: Annotated[tuple[Cidr, ...] | None, NoDecode, BeforeValidator(_split)] = Field(
        None, validation_alias="DIALROOM_CARRIER_CIDRS", min_length=1
    )
    trusted_proxies: Annotated[tuple[_Range, ...], NoDecode, BeforeValidator(_split)] = Field(
        (), validation_alias="DIALROOM_STREAM_TRUSTED_PROXIES"
    )
    seen: SecretStr = Field(SecretStr(str(SEEN)), validation_alias="DIALROOM_STREAM_SEEN")
    max_calls: int = Field(10, ge=1, le=10_000, validation_alias="DIALROOM_STREAM_MAX_CALLS")
    full_sentence: str = Field(FULL_SENTENCE, max_length=2000, validation_alias="DIALROOM_STREAM_FULL_SENTENCE")
    full_number: _E164 | None = Field(None, validation_alias="DIALROOM_STREAM_FULL_NUMBER")
    full_caller_id: _E164 | None = Field(None, validation_alias="DIALROOM_STREAM_FULL_CALLER_ID")

    @model_validator(mode="after")
    def _dials_with_a_caller_id(self) -> Self:
        if (self.full_number is None) != (self.full_caller_id is None):
            raise ValueError(
                "DIALROOM_STREAM_FULL_NUMBER and DIALROOM_STREAM_FULL_CALLER_ID go together: set both or none"
            )
        return self

    @property
    def tokens(self) -> Tokens | None:
        """The keys of signatures; None when requests need not be signed."""
        if not self.signed:
            return None
        account, parent = (
            token.get_secret_value() if token is not None else None
            for token in (self.auth_token, self.parent_auth_token)
        )
        return Tokens(account=account, parent=parent)

    @property
    def server_url(self) -> str:
        """What the manifest's ``server`` has to be. Without signatures it is as secret as a key."""
        if self.signed:
            return self.public_url
        return f"{self.public_url}/{path_key(self.secret.get_secret_value().encode())}"

    @classmethod
    def load(cls) -> Self:
        """Read the process's environment, and ``.env`` in the working folder for what is not set there.

        Raises:
            SettingMissingError: an address or a key is not set.
            UserError: a value has the wrong form; values of keys are never told.
        """
        return _checked(cls)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> StreamSettings:
        """Read a given environment and nothing else. Raises what `load` raises."""
        return _checked(_OnlyGiven, {name: value for name, value in environ.items() if value})


class _OnlyGiven(StreamSettings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is pydantic's)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out the process's environment and ``.env``."""
        return (init_settings,)


_Settings = TypeVar("_Settings", bound=StreamSettings)


def _checked(cls: type[_Settings], given: Mapping[str, Any] | None = None) -> _Settings:
    try:
        settings = cls(**(given or {}))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    else:
        if settings.signed and settings.auth_token is None and settings.parent_auth_token is None:
            raise SettingMissingError(["VOBIZ_AUTH_TOKEN"])
        return settings
    missing = sorted(str(detail["loc"][0]) for detail in details if detail["type"] == "missing")
    if missing:
        raise SettingMissingError(missing)
    where = f"{details[0]['loc'][0]}: " if details[0]["loc"] else ""
    raise UserError(where + details[0]["msg"].removeprefix("Value error, "))
