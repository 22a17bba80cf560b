"""Whom a caller may be handed to: targets by name, each with the people who are dialled in turn."""

import string
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from telephony.manifest.agent import Sentence, TargetName
from telephony.manifest.call_settings import Number
from telephony.manifest.entry import Entry, Location, problems
from telephony.manifest.hours import Hours
from telephony.manifest.route import Transport
from telephony.numbers import NumberError, parse_number
from telephony.sip_uri import SipUri, SipUriError

Mode = Literal["warm", "press-1", "blind"]
"""How somebody is won: briefed by the agent, told in one sentence and asked for a key, or not asked at all."""

Afterwards = Literal["leaves", "stays_silent"]
"""What the agent does once both talk: it leaves to a supervisor to end the call, or waits for its end in the room."""

Privacy = Literal["default", "strict"]
"""`strict`: the caller hears nothing at all while the human is briefed but updates, and then the human is muted."""

Strategy = Literal["gated_room", "redial", "cloud_move"]
"""Where somebody is asked, and how they get to the caller: in the caller's room, behind gates; in a room of their own,
from which they are called again; or in one from which LiveKit Cloud moves their leg."""

BRIEFING_WORDS: Final = ("reason", "caller", "called")
"""Placeholders of a briefing of your own."""


class SayAfter(Entry):
    """The caller hears this, and is back with the agent."""

    say: Sentence


class TargetAfter(Entry):
    """The caller is handed to another target."""

    target: TargetName


def _after_kind(value: Any) -> str:
    if isinstance(value, SayAfter) or (isinstance(value, dict) and "say" in value):
        return "say"
    return "target" if isinstance(value, (TargetAfter, dict)) else "word"


After = Annotated[
    Annotated[Literal["next", "return", "voicemail", "hang_up"], Tag("word")]
    | Annotated[SayAfter, Tag("say")]
    | Annotated[TargetAfter, Tag("target")],
    Discriminator(_after_kind),
]
"""What happens when a person was not won: the next one is dialled, the caller is back with the agent, is asked for a
message, hears in one sentence what happened and is hung up on, hears something else, or goes to another target."""


def _callee(text: str) -> str:
    if text.lower().startswith(("sip:", "sips:")):
        try:
            uri = SipUri.parse(text)
        except SipUriError as error:
            raise ValueError(str(error)) from error
        if not uri.user:
            raise ValueError(f"{text!r} names nobody: write sip:USER@HOST")
        if not uri.user.isprintable() or "@" in uri.user:
            raise ValueError(f"{text!r} names nobody: a user has no line break and no @, not even escaped")
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
    hours: tuple[Hours, ...] = ()

    @property
    def uri(self) -> SipUri | None:
        """The SIP URI, None for a telephone number."""
        return None if self.call.startswith("+") else SipUri.parse(self.call)


def _person(given: Any) -> Any:
    return {"call": given} if isinstance(given, (str, int)) else given


AFTER_KEYS: Final = ("on_busy", "on_no_answer", "on_declined", "on_unreachable", "on_voicemail", "on_closed")
HeaderName = Annotated[str, StringConstraints(pattern=r"^X-VH-[A-Za-z0-9-]{1,60}$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,254}[\x21-\x7e])?$")]
"""One line of printable ASCII: nothing that could end the header."""


class Target(Entry):
    """People behind one name. `says` is how the agent speaks of them: "the sales team".

    `refer` says that the carrier's trunk takes REFER: a blind transfer then leaves LiveKit, and is dialled only when
    that was refused. `hold` is what the caller hears meanwhile: `chime`, `tone`, `silence`, or the path of a sound
    file beside the manifest. `update` is said to the caller every `update_every_s`. `briefing` is what the human hears
    first, with placeholders of `BRIEFING_WORDS`; without it the model's reason. `introduction` is said to both before
    they are joined. `caller_id` None is the number that was called. `briefing_s` is how long a human has to decide.
    `strategy` is for those who are asked (warm, press-1); `auto` is what the server is made for.
    """

    says: Sentence
    people: Annotated[tuple[Annotated[Person, BeforeValidator(_person)], ...], Field(min_length=1)]
    mode: Mode = "warm"
    hours: tuple[Hours, ...] = ()
    privacy: Privacy = "default"
    strategy: Literal["auto", Strategy] = "auto"
    refer: bool = False
    agent: Afterwards = "leaves"
    hold: Sentence = "chime"
    update: Sentence | None = None
    update_every_s: int = Field(20, ge=8, le=120)
    briefing: Sentence | None = None
    introduction: Sentence | None = None
    caller_id: Number | None = None
    headers: dict[HeaderName, HeaderValue] = Field({})
    on_busy: After = "next"
    on_no_answer: After = "next"
    on_declined: After = "next"
    on_unreachable: After = "next"
    on_voicemail: After = "next"
    on_closed: After = "return"
    briefing_s: int = Field(60, ge=10, le=600)

    def mode_of(self, person: int) -> Mode:
        """Return how the person with this index is won."""
        return self.people[person].mode or self.mode

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        found = list(self._problems())
        if found:
            raise problems("Target", found)
        return self

    def _problems(self) -> Iterator[tuple[Location, str]]:
        if self.briefing is not None:
            try:
                placeholders = [part[1:] for part in string.Formatter().parse(self.briefing) if part[1] is not None]
            except ValueError as error:
                yield ("briefing",), f"placeholders are written {{name}}: {error}"
                return
            for word in sorted({str(name) for name, _, _ in placeholders} - set(BRIEFING_WORDS)):
                yield ("briefing",), f"{{{word}}} is not one of {', '.join(BRIEFING_WORDS)}"
            if any(form or conversion for _, form, conversion in placeholders):
                yield ("briefing",), "placeholders are names alone, without : or !"
        if self.on_closed == "next":
            yield ("on_closed",), "who is not in their hours is passed over already: write return, or another one"
