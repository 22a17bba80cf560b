"""The environment, read in one place: where LiveKit and the carrier are, and the keys that open them."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from provision.errors import SettingMissingError
from telephony.errors import UserError
from telephony.keys import header_value
from telephony.manifest.cidr import Cidr

VOBIZ_BASE_URL: Final = "https://api.vobiz.ai/api/v1"
VOBIZ_PATH: Final = "/api/v1"


def base_url_hint(url: str) -> str:
    """Return what to look at when something answers at the carrier's address, and not as the carrier does."""
    if url.endswith(VOBIZ_PATH):
        return "check VOBIZ_BASE_URL and the network"
    return f"VOBIZ_BASE_URL does not end with {VOBIZ_PATH}, as {VOBIZ_BASE_URL} does"


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _http(value: Any) -> Any:
    """Return the HTTP form of an address; LiveKit's is usually written for its WebSocket."""
    if not isinstance(value, str):
        return value
    for scheme, http in (("ws://", "http://"), ("wss://", "https://")):
        if value.startswith(scheme):
            value = http + value.removeprefix(scheme)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not value.isprintable() or " " in value:
        raise ValueError("must be an address like https://… or wss://…")
    if parts.username is not None:
        raise ValueError("must not hold a user or a password: the keys have variables of their own")
    return value.rstrip("/")


_Settings = TypeVar("_Settings", bound="_Given")


class _Given(BaseSettings):
    """Settings of an environment that is handed in, and of nothing else."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read an environment.

        Raises:
            SettingMissingError: an address or a key is not set.
            UserError: a value has the wrong form; values of keys are never told.
        """
        return _checked(cls, {name: value for name, value in environ.items() if value})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is pydantic's)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out the process's environment and files."""
        return (init_settings,)


class CarrierSettings(_Given):
    """The carrier's address and key; `tell` gets a line for the user while the carrier has to be waited for."""

    vobiz_auth_id: Annotated[str, BeforeValidator(header_value)] = Field(validation_alias="VOBIZ_AUTH_ID")
    vobiz_auth_token: Annotated[SecretStr, BeforeValidator(header_value)] = Field(validation_alias="VOBIZ_AUTH_TOKEN")
    vobiz_base_url: Annotated[str, BeforeValidator(_http)] = Field(VOBIZ_BASE_URL, validation_alias="VOBIZ_BASE_URL")
    tell: Callable[[str], None] | None = Field(None, exclude=True)


class ProvisionSettings(CarrierSettings):
    """Addresses and keys. `carrier_cidrs` stands in for the manifest's ``vobiz.signalling``; None leaves that alone.

    `passwords` are those of the logins that calls go out with, by user name (`provision.passwords`); `parallel` is how
    many requests to the carrier may be on their way at once; `calls_end_limit_s` is how long a delete waits for calls
    on what it deletes; `calls_arrive_s` is how long one at LiveKit waits for calls that the carrier has sent before.
    """

    livekit_url: Annotated[str, BeforeValidator(_http)] = Field(validation_alias="LIVEKIT_URL")
    livekit_api_key: Annotated[str, BeforeValidator(header_value)] = Field(validation_alias="LIVEKIT_API_KEY")
    livekit_api_secret: Annotated[SecretStr, BeforeValidator(header_value)] = Field(
        validation_alias="LIVEKIT_API_SECRET"
    )
    passwords: Mapping[str, SecretStr] = Field({}, exclude=True)
    parallel: int = Field(16, exclude=True, ge=1, le=64)
    calls_end_limit_s: float = Field(30.0, exclude=True, ge=0)
    calls_arrive_s: float = Field(2.0, exclude=True, ge=0)
    carrier_cidrs: Annotated[tuple[Cidr, ...] | None, NoDecode, BeforeValidator(_split)] = Field(
        None, validation_alias="DIALROOM_CARRIER_CIDRS", min_length=1
    )


def _checked(cls: type[_Settings], given: Mapping[str, Any]) -> _Settings:
    try:
        return cls(**given)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        missing = sorted(str(detail["loc"][0]) for detail in details if detail["type"] == "missing")
        if missing:
            raise SettingMissingError(missing) from None
        name, message = str(details[0]["loc"][0]), details[0]["msg"].removeprefix("Value error, ")
        raise UserError(f"{name}: {message}") from None
