"""A call, as the carrier makes it and as livekit-server hears of it. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """What livekit-server is told of an INVITE: the users of To and From, From's host, the address it came from.

    The Request-URI plays no part. `from_user` is "" for a caller whose From has no user.
    """

    to_user: str
    from_user: str
    from_host: str
    source_ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call to `number` (E.164) that may arrive in several ways.

    The first of `to_forms` and `source_ip` are the way that the verdict is about; the others are judged beside it.
    `auth` is the user name that the carrier signs in with when it is challenged, with the right password; None when it
    cannot.
    """

    number: str
    to_forms: tuple[str, ...]
    from_number: str
    from_host: str
    source_ip: str
    other_sources: tuple[str, ...] = ()
    auth: str | None = None

    @property
    def invite(self) -> Invite:
        """The way that the verdict is about."""
        return self._arriving(self.to_forms[0], self.source_ip)

    @property
    def variants(self) -> tuple[Invite, ...]:
        """The other ways: other forms of the number, other sources."""
        forms = [self._arriving(form, self.source_ip) for form in self.to_forms[1:]]
        sources = [self._arriving(self.to_forms[0], source) for source in self.other_sources]
        return (*forms, *sources)

    def _arriving(self, to_user: str, source_ip: str) -> Invite:
        # A carrier that writes its address into From writes the one that it sends from.
        host = source_ip if self.from_host == self.source_ip else self.from_host
        return Invite(to_user=to_user, from_user=self.from_number, from_host=host, source_ip=source_ip)
