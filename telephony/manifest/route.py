"""Where the calls of a number go: to an agent, to one of several, to another SIP platform, to a stream server."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from telephony.manifest.entry import Entry
from telephony.shown_url import shown_url
from telephony.sip_uri import SipUri, SipUriError

Transport = Literal["udp", "tcp", "tls"]
Preset = Literal["vapi", "retell", "elevenlabs", "bolna", "ultravox", "livekit-cloud"]

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_TLS_PORT: Final = 5061


@dataclass(frozen=True, slots=True)
class _Platform:
    """How a platform takes calls. `host` has ``{project}`` where each customer has a name; "" where nobody can know."""

    host: str
    transport: Transport
    port: int | None = None


_PLATFORMS: Final[dict[Preset, _Platform]] = {
    # https://docs.vapi.ai/advanced/sip, https://docs.retellai.com/deploy/custom-telephony,
    # https://doc.didww.com/integrations/elevenlabs, https://www.bolna.ai/docs/byot-setup,
    # https://docs.ultravox.ai/telephony/sip, https://docs.livekit.io/sip; all seen in November 2026.
    "vapi": _Platform("sip.vapi.ai", "udp"),
    "retell": _Platform("sip.retellai.com", "tcp"),
    "elevenlabs": _Platform("sip.rtc.elevenlabs.io", "tcp", 5060),
    "bolna": _Platform("13.200.45.61", "udp", 5060),
    "ultravox": _Platform("", "udp"),
    "livekit-cloud": _Platform("{project}.sip.livekit.cloud", "tcp"),
}


PRESETS: Final[tuple[Preset, ...]] = tuple(_PLATFORMS)


class SipDestination(Entry):
    """One SIP host. `port` None is the transport's own."""

    host: str
    port: int | None = Field(None, ge=1, le=65535)
    transport: Transport = "udp"

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.host}{port};transport={self.transport}"

    @property
    def host_port(self) -> str:
        """Return ``host`` or ``host:port``, as a carrier's trunk wants it."""
        return f"{self.host}:{self.port}" if self.port else self.host


class AgentRoute(Entry):
    """Calls go to an agent of this manifest."""

    agent: str

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents that may answer."""
        return (self.agent,)


class WeightedAgent(Entry):
    """An agent and its share of the calls."""

    agent: str
    weight: int = Field(ge=1, le=1000)


class SplitRoute(Entry):
    """Each call goes to one of several agents; which one, the worker decides by the call's id."""

    split: Annotated[tuple[WeightedAgent, ...], Field(min_length=2)]

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents that may answer."""
        return tuple(share.agent for share in self.split)


class SipRoute(Entry):
    """Calls go to another platform or a PBX: the first destination, and the others when it fails."""

    sip: Annotated[tuple[SipDestination, ...], BeforeValidator(lambda given: _destinations(given))]


class StreamRoute(Entry):
    """Vobiz asks an answer URL, which sends it to a WebSocket."""

    stream: "StreamUrls"

    @property
    def agents(self) -> tuple[str, ...]:
        """The agent that answers at our own server, none at another's."""
        return (self.stream.agent,) if self.stream.agent else ()


class StreamUrls(Entry):
    """The URLs of a Vobiz application. `server` stands for our own stream server's, where `agent` answers."""

    agent: str = ""
    answer_url: str = ""
    hangup_url: str = ""
    fallback_url: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_server(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if "server" not in data:
            if "agent" in data:
                raise ValueError("agent goes with server: who answers at another answer_url is not known here")
            return data
        if not data.get("agent"):
            raise ValueError("server needs agent: who answers there")
        if "answer_url" in data or not isinstance(data["server"], str):
            raise ValueError("write either server, or answer_url")
        if set("?#") & set(data["server"]):
            raise ValueError("server must be an address without a query or a fragment")
        base = data["server"].rstrip("/")
        rest = {key: value for key, value in data.items() if key != "server"}
        return {"answer_url": f"{base}/vobiz/answer", "hangup_url": f"{base}/vobiz/hangup", **rest}

    @model_validator(mode="after")
    def _are_addresses(self) -> Self:
        if not self.answer_url:
            raise ValueError("write server (our own stream server), or answer_url")
        for url in (self.answer_url, self.hangup_url, self.fallback_url):
            if url:
                _check_url(url)
        return self


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None  # reading a port that is none raises ValueError
    except ValueError:
        host = None
    if not host or any(char.isspace() for char in url) or parts.scheme not in ("http", "https"):
        raise ValueError(f"{shown_url(url)!r} is not an https:// address")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError(f"{shown_url(url)!r} must begin with https://, since the carrier calls it over the internet")


def _kind(value: Any) -> str:
    given = value if isinstance(value, dict) else getattr(type(value), "model_fields", ())
    return next((name for name in _KINDS if name in given), "agent")


_KINDS: Final = ("agent", "split", "sip", "stream")
Route = Annotated[
    Annotated[AgentRoute, Tag("agent")]
    | Annotated[SplitRoute, Tag("split")]
    | Annotated[SipRoute, Tag("sip")]
    | Annotated[StreamRoute, Tag("stream")],
    Discriminator(_kind),
]


def _destinations(given: Any) -> Any:
    """Read a URI, or a mapping with a preset or a host, and its fallbacks."""
    if isinstance(given, (tuple, list)) and all(isinstance(item, SipDestination) for item in given):
        return given
    return tuple(_read(given))


def _read(given: Any) -> Iterator[SipDestination]:
    if isinstance(given, str):
        yield _from_uri(given)
        return
    if not isinstance(given, dict):
        raise ValueError("write a SIP URI, or a mapping with preset or host")
    known = {"preset", "host", "project", "port", "transport", "fallbacks"}
    if unknown := sorted(set(map(str, given)) - known):
        raise ValueError(f"unknown key {unknown[0]!r}; keys here are: {', '.join(sorted(known))}")
    yield _from_mapping(given)
    fallbacks = given.get("fallbacks", [])
    if not isinstance(fallbacks, (list, tuple)):
        raise ValueError("fallbacks must be a list")
    for fallback in fallbacks:
        yield from _read(fallback)


def _from_uri(text: str) -> SipDestination:
    try:
        uri = SipUri.parse(text)
    except SipUriError as error:
        raise ValueError(f"{text!r} is not a SIP URI; write it like sip:pbx.example.com:5060;transport=tcp") from error
    if uri.user is not None:
        told = f"{uri.scheme}:{uri.user}@{uri.host}"  # without the password that may stand there
        raise ValueError(f"{told!r} must not name a user: the carrier puts the called number there")
    transport = (uri.parameter("transport") or "").lower() or ("tls" if uri.scheme == "sips" else "udp")
    return _destination(uri.host, uri.port, transport)


def _from_mapping(given: dict[Any, Any]) -> SipDestination:
    preset = given.get("preset")
    if preset is not None and preset not in list(_PLATFORMS):
        raise ValueError(f"no preset named {preset!r}; presets are: {', '.join(_PLATFORMS)}")
    platform = _PLATFORMS[preset] if preset is not None else _Platform("", "udp")
    host = given.get("host") or platform.host
    if isinstance(host, str) and "{project}" in host:
        if not given.get("project"):
            raise ValueError(f"preset {preset} needs project: the first part of {host.format(project='<project>')}")
        host = host.format(project=given["project"])
    if not host:
        told = f"preset {preset} needs host: the SIP domain of your account there" if preset else "host is missing"
        raise ValueError(told)
    return _destination(host, given.get("port", platform.port), given.get("transport", platform.transport))


def _destination(host: Any, port: Any, transport: Any) -> SipDestination:
    if not isinstance(host, str) or not _is_bare(host):
        raise ValueError(f"{host!r} must be a bare host name or address")
    if transport not in ("udp", "tcp", "tls"):
        raise ValueError(f"transport must be udp, tcp or tls, not {transport!r}")
    if port is None and transport == "tls":
        port = _TLS_PORT
    return SipDestination(host=host.lower(), port=port, transport=transport)


def _is_bare(host: str) -> bool:
    try:
        return SipUri.parse(f"sip:{host}").host == host.lower()
    except SipUriError:
        return False
