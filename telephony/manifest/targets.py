"""Whom a caller may be handed to: targets by name, each with the people who are dialled in turn."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from telephony.manifest.agent import Sentence
from telephony.manifest.entry import Entry
from telephony.manifest.route import Transport
from telephony.numbers import NumberError, parse_number
from telephony.sip_uri import SipUri, SipUriError

Mode = Literal["warm", "press-1", "blind"]
"""How somebody is won: briefed by the agent, told in one sentence and asked for a key, or not asked at all."""

Afterwards = Literal["leaves", "stays_silent"]
"""What the agent does once both talk: it leaves to a supervisor to end the call, or waits for its end in the room."""

AfterFailure = Literal["next", "return"]
"""The next person is dialled, or the caller is back with the agent."""


def _callee(text: str) -> str:
    if text.lower().startswith(("sip:", "sips:")):
        try:
            uri = SipUri.parse(text)
        except SipUriError as error:
            raise ValueError(str(error)) from error
        if not uri.user:
            raise ValueError(f"{text!r} names nobody: write sip:USER@HOST")
        if uri.headers:
            raise ValueError(f"{text!r} must not carry headers after the question mark")
        transport = (uri.parameter("transport") or "udp").lower()
        if transport not in get_args(Transport):
            raise ValueError(f"{text!r}: transport must be {', '.join(get_args(Transport))}")
        return str(uri)
    try:
        return parse_number(text)
    except NumberError as error:
        raise ValueError(str(error)) from error


def _unquoted(value: Any) -> Any:
    """A number without quotes and plus sign is an integer to YAML."""
    return str(value) if type(value) is int else value


class Person(Entry):
    """Somebody who may be dialled. `call` is E.164, or a SIP URI with a user; `mode` None is the target's."""

    call: Annotated[str, BeforeValidator(_unquoted), AfterValidator(_callee)]
    ring_s: int = Field(25, ge=3, le=120)
    mode: Mode | None = None

    @property
    def uri(self) -> SipUri | None:
        """The SIP URI, None for a telephone number."""
        return None if self.call.startswith("+") else SipUri.parse(self.call)


def _person(given: Any) -> Any:
    return {"call": given} if isinstance(given, (str, int)) else given


class Target(Entry):
    """People behind one name. `says` is how the agent speaks of them: "the sales team".

    `refer` says that the carrier's trunk takes REFER: a blind transfer then leaves LiveKit, and is dialled only when
    that was refused. `briefing_s` is how long a human may take to decide.
    """

    says: Sentence
    people: Annotated[tuple[Annotated[Person, BeforeValidator(_person)], ...], Field(min_length=1)]
    mode: Mode = "warm"
    refer: bool = False
    agent: Afterwards = "leaves"
    on_busy: AfterFailure = "next"
    on_no_answer: AfterFailure = "next"
    on_declined: AfterFailure = "next"
    on_unreachable: AfterFailure = "next"
    on_voicemail: AfterFailure = "next"
    briefing_s: int = Field(60, ge=10, le=600)

    def mode_of(self, person: int) -> Mode:
        """Return how the person with this index is won."""
        return self.people[person].mode or self.mode
