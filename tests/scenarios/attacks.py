"""Calls that must not be answered, as INVITEs to the letter: what is forged, and from which address it is sent. Pure.

Each stands alone: what one varies, the others keep plain, but for the last family, which mixes all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

CARRIER_HOSTS: Final = ("127.0.0.1", "127.0.0.9")
"""The lab's carrier: what an attacker would like to be."""
SOURCES: Final = (
    "127.0.0.2",
    "127.0.0.8",
    "127.0.0.10",
    "127.0.0.19",
    "127.0.0.90",
    "127.0.0.254",
    "127.0.1.1",
    "127.0.1.9",
    "127.1.0.1",
    "127.9.0.1",
)
"""Neighbours of the carrier's addresses, and what looks like them."""
STRANGER: Final = "+919876500000"
REFUSED: Final = "+919876511111"
"""A caller of calls that get as far as the worker, which refuses them."""

_FROM_HOSTS: Final = (
    *CARRIER_HOSTS,
    "127.0.0.1:5060",
    "127.0.0.9:5060",
    "sip.vobiz.ai",
    "SIP.VOBIZ.AI",
    "3f0c1a2b.sip.vobiz.ai",
    "13.233.44.61",
    "localhost",
    "LOCALHOST",
    "anonymous.invalid",
    "sip.example.com",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:127.0.0.9]:5060",
    "127.0.0.2",
)
_ODD_FROM_HOSTS: Final = (
    "",
    "127.1",
    "127.0.0.01",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "127.0.0.1%00.example.com",
    "127.0.0.1,127.0.0.9",
    "*",
    "%31%32%37.0.0.1",
    "127.0.0.1\\",
    "[127.0.0.1]",
)
"""No hosts by RFC 3261: a node may refuse them, or not even answer."""
_MADE_UP_DIGEST: Final = (
    'Digest username="vobiz", realm="LiveKit", nonce="5ca1ab1e", uri="sip:127.0.0.1", '
    'response="00000000000000000000000000000000"'
)
_AUTHORIZATIONS: Final = (
    ("made-up answer to a proxy", ("Proxy-Authorization", _MADE_UP_DIGEST)),
    ("made-up answer", ("Authorization", _MADE_UP_DIGEST)),
    ("stale nonce", ("Proxy-Authorization", f'{_MADE_UP_DIGEST}, qop=auth, nc=00000002, cnonce="c", stale=true')),
    ("empty fields", ("Proxy-Authorization", 'Digest username="", realm="", nonce="", uri="", response=""')),
    ("another algorithm", ("Authorization", f"{_MADE_UP_DIGEST}, algorithm=SHA-256")),
    ("no algorithm", ("Authorization", f"{_MADE_UP_DIGEST}, algorithm=none, qop=auth-int")),
    ("basic", ("Authorization", "Basic dm9iaXo6dm9iaXo=")),
    ("bearer", ("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzaXAiOnsiYWRtaW4iOnRydWV9fQ.")),
    ("nothing after the scheme", ("Proxy-Authorization", "Digest")),
)
_HEADERS: Final = (
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Real-IP", "127.0.0.9"),
    ("Forwarded", "for=127.0.0.1;by=127.0.0.9"),
    ("X-Source-IP", "127.0.0.1"),
    ("X-VH-Trusted", "1"),
    ("X-Vobiz-Auth", "MA_TEST0001"),
    ("X-Clinic", "main"),
    ("X-LiveKit-Trunk", "ST_aaaaaaaaaaaa"),
    ("sip.trunkID", "ST_aaaaaaaaaaaa"),
    ("P-Asserted-Identity", "<sip:+919800000001@127.0.0.1>"),
    ("P-Preferred-Identity", "<sip:+919800000001@127.0.0.9>"),
    ("Remote-Party-ID", "<sip:+919800000001@127.0.0.1>;party=calling;screen=yes"),
    ("Diversion", "<sip:+918071000101@127.0.0.9>;reason=unconditional"),
    ("History-Info", "<sip:+918071000101@127.0.0.9>;index=1"),
    ("P-Charging-Vector", "icid-value=1;orig-ioi=vobiz.ai"),
    ("P-Access-Network-Info", "3GPP-UTRAN-TDD;network-provided"),
    ("Identity", "eyJhbGciOiJub25lIn0..;info=<https://127.0.0.9/c>;alg=none"),
    ("Referred-By", "<sip:127.0.0.9>"),
    ("Answer-Mode", "Auto"),
    ("Priv-Answer-Mode", "Auto"),
    ("Call-Info", "<sip:127.0.0.9>;answer-after=0"),
    ("Alert-Info", "<http://127.0.0.9>;info=alert-autoanswer"),
    ("Replaces", "1@127.0.0.9;to-tag=1;from-tag=1"),
    ("Join", "1@127.0.0.9;to-tag=1;from-tag=1"),
    ("Route", "<sip:127.0.0.9;lr>"),
    ("Record-Route", "<sip:127.0.0.9;lr>"),
    ("Path", "<sip:127.0.0.9;lr>"),
    ("User-Agent", "Vobiz"),
    ("Organization", "Vobiz"),
    ("Subject", "dispatch dialroom"),
    ("Privacy", "id"),
    ("Max-Forwards", "0"),
)
_CALLERS: Final = (
    "<sip:anonymous@anonymous.invalid>",
    "<sip:127.0.0.1>",
    "<sip:+919800000001@127.0.0.1>",
    "<sip:919800000001@127.0.0.9>",
    "<sip:09800000001@127.0.0.1>",
    "<sip:+919800000001;phone-context=+91@127.0.0.1;user=phone>",
    "<sip:%2B919800000001@127.0.0.1>",
    "<sip:vobiz@127.0.0.9>",
    "<sip:admin:admin@127.0.0.1>",
    "<sips:+919800000001@127.0.0.1>",
    '"127.0.0.1" <sip:+919800000001@127.0.0.2>',
    '"sip:+919800000001@127.0.0.1" <sip:+919800000001@127.0.0.2>',
    '"Vobiz, <sip:127.0.0.9>" <sip:+919800000001@127.0.0.2>',
    "sip:+919800000001@127.0.0.1",
    "<sip:+919800000001@127.0.0.1;transport=udp;maddr=127.0.0.9>",
    "<sip:+918071000101@127.0.0.1>",
    "<tel:+919800000001>",
)
_CONTACTS: Final = (
    "<sip:+919800000001@127.0.0.1:5060>",
    "<sip:127.0.0.9:5060;transport=udp>",
    "<sips:127.0.0.9:5061>",
    "<sip:[::1]:5060>",
    "<sip:127.0.0.1:5060>;expires=3600;q=1.0",
    "<sip:127.0.0.1:5060>, <sip:127.0.0.9:5060>",
    '"127.0.0.1" <sip:x@127.0.0.9>;+sip.instance="<urn:uuid:0>"',
    "<sip:localhost>",
    "*",
    "",
)
_VIAS: Final = (
    ("SIP/2.0/UDP 127.0.0.1:{port};rport;branch={branch}",),
    ("SIP/2.0/UDP 127.0.0.9:{port};rport;branch={branch}",),
    ("SIP/2.0/UDP 127.0.0.1:{port};branch={branch}",),
    ("SIP/2.0/UDP {source}:{port};received=127.0.0.1;rport;branch={branch}",),
    ("SIP/2.0/UDP {source}:{port};received=127.0.0.9;rport={port};branch={branch}",),
    ("SIP/2.0/UDP {source}:{port};maddr=127.0.0.1;rport;branch={branch}",),
    ("SIP/2.0/TCP {source}:{port};rport;branch={branch}",),
    ("SIP/2.0/TLS 127.0.0.9:{port};rport;branch={branch}",),
    ("SIP/2.0/UDP sip.vobiz.ai:{port};rport;branch={branch}",),
    ("SIP/2.0/UDP [::1]:{port};rport;branch={branch}",),
    ("SIP/2.0/UDP {source}:{port};rport;branch={branch}", "SIP/2.0/UDP 127.0.0.9:5060;branch=z9hG4bK1"),
    ("SIP/2.0/UDP 127.0.0.9:{port};rport;branch={branch}", "SIP/2.0/UDP {source}:{port};branch=z9hG4bK2"),
    ("SIP/2.0/UDP {source}:{port};rport;branch={branch}, SIP/2.0/UDP 127.0.0.1;received=127.0.0.1;branch=z9hG4bK3",),
    ("SIP/2.0/UDP {source}:{port};rport;branch={branch};x=127.0.0.1",),
)
_ROWS: Final = 16
_BODIES: Final = ("plain", "elsewhere", "none", "held", "secure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What is attacked: numbers that take calls, numbers that are not ours, and the SIP node's host:port."""

    served: tuple[str, ...]
    strange: tuple[str, ...]
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One INVITE. `caller` and `called` are header values without a tag; `vias` have places for address and branch.

    `is_proper` says that every SIP node has to answer it at all; what is no SIP may be left without a word.
    """

    family: str
    forged: str
    source: str
    request_uri: str
    called: str
    caller: str
    contact: str = "<sip:{source}:{port}>"
    vias: tuple[str, ...] = ("SIP/2.0/UDP {source}:{port};rport;branch={branch}",)
    headers: tuple[tuple[str, str], ...] = ()
    body: str = "plain"
    is_proper: bool = True

    def invite(self, *, port: int, call_id: str, branch: str) -> bytes:
        """Return the datagram. `port` is where its sender listens."""
        places = {"source": self.source, "port": port, "branch": branch}
        body = _body(self.body, self.source)
        given = {name.lower() for name, _ in self.headers}
        lines = [f"INVITE {self.request_uri} SIP/2.0", *(f"Via: {via.format(**places)}" for via in self.vias)]
        if "max-forwards" not in given:
            lines.append("Max-Forwards: 70")
        lines += [f"From: {self.caller};tag={branch[-8:]}", f"To: {self.called}", f"Call-ID: {call_id}"]
        lines.append("CSeq: 1 INVITE")
        if self.contact:
            lines.append(f"Contact: {self.contact.format(**places)}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += ["Content-Type: application/sdp"] if body else []
        lines += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def ack(self, *, port: int, call_id: str, branch: str, to: str) -> bytes:
        """Return the ACK for a final response; `to` is the To of that."""
        return self._after("1 ACK", branch, port=port, call_id=call_id, branch=branch, to=to)

    def bye(self, *, port: int, call_id: str, branch: str, to: str) -> bytes:
        """Return the BYE for a call that was answered."""
        return self._after("2 BYE", f"{branch}bye", port=port, call_id=call_id, branch=branch, to=to)

    def _after(self, cseq: str, own_branch: str, *, port: int, call_id: str, branch: str, to: str) -> bytes:
        via = self.vias[0].format(source=self.source, port=port, branch=own_branch)
        lines = [f"{cseq.split()[1]} {self.request_uri} SIP/2.0", f"Via: {via}", "Max-Forwards: 70"]
        lines += [f"From: {self.caller};tag={branch[-8:]}", f"To: {to}", f"Call-ID: {call_id}", f"CSeq: {cseq}"]
        return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


def attacks(targets: Targets) -> list[Attack]:
    """Return all of them, none twice. Those of a family are spread over the list: any part of it has all families."""
    families = (_sources, _called_forms, _authorizations, _callers, _headers, _vias, _contacts, _strangers, _syntax)
    found: dict[tuple[str, bytes], Attack] = {}
    for family in (*families, _mixed):
        for attack in family(targets):
            found.setdefault((attack.source, attack.invite(port=5060, call_id="1", branch="z9hG4bK00000000")), attack)
    listed = list(found.values())
    return [attack for row in range(_ROWS) for attack in listed[row::_ROWS]]


def strange_calls(targets: Targets, *, hosts: Sequence[str] = CARRIER_HOSTS) -> list[Attack]:
    """Return calls from the carrier's own addresses to what is not ours."""
    served = targets.served[0]
    users = [*targets.strange, f"{served}0", served[:-1], "*", "anonymous", "admin", "911", "112", f"+{served}", "%00"]
    return [
        _attack(targets, family="strange number", forged=user, source=host, called=f"<sip:{user}@{targets.node}>")
        for host, user in product(hosts, users)
    ]


def slashed_calls(targets: Targets) -> list[Attack]:
    """Return calls whose From host is not a host but the very range that the trunk allows."""
    ranges = [f"{host}/32" for host in CARRIER_HOSTS]
    return [
        replace(
            _attack(targets, family="range as host", forged=given, source=source, called=_at(number, targets)),
            caller=f"<sip:{REFUSED}@{given}>",
            is_proper=False,
        )
        for given, source, number in product(ranges, SOURCES[:2], targets.served)
    ]


def _attack(targets: Targets, *, family: str, forged: str, source: str, called: str, uri: str = "") -> Attack:
    """Return a call that claims to be the carrier's, and is plain otherwise."""
    return Attack(
        family=family,
        forged=forged,
        source=source,
        request_uri=uri or _uri_of(called),
        called=called,
        caller=f"<sip:{STRANGER}@{CARRIER_HOSTS[0]}>",
    )


def _sources(targets: Targets) -> Iterator[Attack]:
    """Every place to come from, with every host to name in From."""
    hosts = [(host, True) for host in _FROM_HOSTS] + [(host, False) for host in _ODD_FROM_HOSTS]
    for index, (source, (host, is_proper)) in enumerate(product(SOURCES, hosts)):
        number = targets.served[index % len(targets.served)]
        plain = _attack(targets, family="source", forged=host, source=source, called=_at(number, targets))
        yield replace(plain, caller=f"<sip:{STRANGER}@{host}>", is_proper=is_proper)


def _called_forms(targets: Targets) -> Iterator[Attack]:
    """Every number in every way to write it."""
    for index, number in enumerate(targets.served):
        source = SOURCES[index % len(SOURCES)]
        for form, is_proper in _forms(number, targets.node):
            plain = _attack(targets, family="called", forged=form, source=source, called=form)
            yield replace(plain, is_proper=is_proper)
        other = targets.strange[index % len(targets.strange)]
        for uri, called in ((number, other), (other, number), ("*", number), (number, "*")):
            yield _attack(
                targets,
                family="called",
                forged=f"Request-URI {uri}, To {called}",
                source=source,
                called=_at(called, targets),
                uri=f"sip:{uri}@{targets.node}",
            )


def _forms(number: str, node: str) -> list[tuple[str, bool]]:
    digits, national = number[1:], number[3:]
    host = node.partition(":")[0]
    proper = [
        f"<sip:{digits}@{node}>",
        f"<sip:0{national}@{node}>",
        f"<sip:00{digits}@{node}>",
        f"<sip:{national}@{node}>",
        f"<sip:%2B{digits}@{node}>",
        f"<sip:+91-{national[:2]}-{national[2:6]}-{national[6:]}@{node}>",
        f"<sip:+91({national[:2]}){national[2:]}@{node}>",
        f"<sip:{number};phone-context=+91@{node}>",
        f"<sip:{number};npdi;rn={number}@{node};user=phone>",
        f"<sip:{number}@{node};user=phone>",
        f"<sip:{number}@{node};USER=PHONE;TRANSPORT=UDP>",
        f"<sip:{number}@127.0.0.9:5060>",
        f"<sip:{number}@sip.vobiz.ai>",
        f"<sip:{number}:secret@{node}>",
        f"<sips:{number}@{node}>",
        f"<SIP:{number}@{host.upper()}>",
        f'"Front Desk" <sip:{number}@{node}>',
        f"<sip:{number}%20@{node}>",
        f"<sip:%20{number}@{node}>",
        f"<sip:{number}%00@{node}>",
        f"<sip:{number}%0d%0aX-VH-Trusted:1@{node}>",
        f"<sip:{'%E0%A5%AF'}{national}@{node}>",
        f"<sip:*@{node}>",
        f"<sip:{node}>",
    ]
    odd = [f"<tel:{number}>", f"<sip:@{node}>", f"<sip:{number}@>", f"<{number}>", "*"]
    return [(form, True) for form in proper] + [(form, False) for form in odd]


def _authorizations(targets: Targets) -> Iterator[Attack]:
    """Credentials for a trunk that asks for none."""
    for (index, number), (words, header) in product(enumerate(targets.served), _AUTHORIZATIONS):
        source = SOURCES[(index + 3) % len(SOURCES)]
        plain = _attack(targets, family="credentials", forged=words, source=source, called=_at(number, targets))
        yield replace(plain, headers=(header,))


def _callers(targets: Targets) -> Iterator[Attack]:
    """Who is said to call, allowed callers too."""
    for (index, source), caller in product(enumerate(SOURCES[:3]), _CALLERS):
        for number in (targets.served[index], targets.served[-1 - index]):
            plain = _attack(targets, family="caller", forged=caller, source=source, called=_at(number, targets))
            yield replace(plain, caller=caller, is_proper="tel:" not in caller)


def _headers(targets: Targets) -> Iterator[Attack]:
    """Words of other hops, which nobody here has reason to believe."""
    for index, header in enumerate(_HEADERS):
        for turn in range(2):
            number = targets.served[(index + 5 * turn) % len(targets.served)]
            source = SOURCES[(index + turn) % len(SOURCES)]
            plain = _attack(
                targets, family="header", forged=": ".join(header), source=source, called=_at(number, targets)
            )
            yield replace(plain, headers=(header,))


def _vias(targets: Targets) -> Iterator[Attack]:
    """Where it says that it came through."""
    for (index, vias), source in product(enumerate(_VIAS), SOURCES[1:4]):
        number = targets.served[index % len(targets.served)]
        plain = _attack(targets, family="via", forged=", ".join(vias), source=source, called=_at(number, targets))
        yield replace(plain, vias=vias, is_proper=vias[0].startswith("SIP/2.0/UDP {source}") and "maddr" not in vias[0])


def _contacts(targets: Targets) -> Iterator[Attack]:
    """Where it wants to be reached, and where its sound should go."""
    for (index, contact), turn in product(enumerate((*_CONTACTS, *_BODIES)), range(2)):
        number = targets.served[(index + turn) % len(targets.served)]
        source = SOURCES[(index + 5 * turn) % len(SOURCES)]
        plain = _attack(targets, family="contact", forged=contact, source=source, called=_at(number, targets))
        if contact in _BODIES:
            yield replace(plain, body=contact)
        else:
            yield replace(plain, contact=contact, is_proper=contact not in ("", "*"))


def _strangers(targets: Targets) -> Iterator[Attack]:
    """Numbers of others, from addresses of others."""
    yield from strange_calls(targets, hosts=SOURCES[:2])


def _syntax(targets: Targets) -> Iterator[Attack]:
    """Headers that stand twice, in short or in other letters: which one is believed?"""
    carrier = f"<sip:{STRANGER}@{CARRIER_HOSTS[1]}>"
    number = targets.served[0]
    for (index, header), source in product(
        enumerate(
            (
                ("From", f"{carrier};tag=second"),
                ("f", f"{carrier};tag=short"),
                ("FROM", f"{carrier};tag=loud"),
                ("To", _at(number, targets)),
                ("t", _at(number, targets)),
                ("Call-ID", "second@127.0.0.9"),
                ("CSeq", "2 INVITE"),
                ("v", "SIP/2.0/UDP 127.0.0.9:5060;branch=z9hG4bKshort"),
                ("Content-Length", "0"),
                ("Require", "100rel"),
                ("Proxy-Require", "privacy"),
            )
        ),
        SOURCES[4:6],
    ):
        called = _at(targets.served[index % len(targets.served)], targets)
        plain = _attack(targets, family="syntax", forged=": ".join(header), source=source, called=called)
        yield replace(plain, headers=(header,), is_proper=False)


def _mixed(targets: Targets) -> Iterator[Attack]:
    """All at once: source, From host, form of To, trunk, credentials, header, Via, session description."""
    forms = [form for form, is_proper in _forms("{number}", "{node}") if is_proper and "{number}" in form]
    kept = [via for via in _VIAS if len(via) == 1]
    for index in range(180):
        number = targets.served[index % len(targets.served)]
        form = forms[(index * 7) % len(forms)].replace("{number}", number).replace("{node}", targets.node)
        words, authorization = _AUTHORIZATIONS[(index * 5) % len(_AUTHORIZATIONS)]
        header = _HEADERS[(index * 11) % (len(_HEADERS) - 1)]
        source, host = SOURCES[(index * 3) % len(SOURCES)], _FROM_HOSTS[(index * 13) % len(_FROM_HOSTS)]
        plain = _attack(targets, family="mixed", forged=f"{index}: {host}, {words}", source=source, called=form)
        yield replace(
            plain,
            caller=f"<sip:{STRANGER}@{host}>",
            headers=(authorization, header),
            vias=kept[(index * 17) % len(kept)],
            is_proper=False,
            body=_BODIES[(index // 3) % len(_BODIES)],
        )


def _at(user: str, targets: Targets) -> str:
    return f"<sip:{user}@{targets.node}>"


def _uri_of(header: str) -> str:
    return header.partition("<")[2].partition(">")[0] or header


def _body(kind: str, source: str) -> bytes:
    """Return a session description: plain, for somebody else's ear, on hold, or with keys of its own."""
    if kind == "none":
        return b""
    host = CARRIER_HOSTS[1] if kind == "elsewhere" else source
    profile = "RTP/SAVP" if kind == "secure" else "RTP/AVP"
    lines = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0", f"m=audio 40000 {profile} 0 8 101"]
    lines += ["a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000"]
    lines.append("a=inactive" if kind == "held" else "a=sendrecv")
    if kind == "secure":
        lines.append("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40)
    return "".join(f"{line}\r\n" for line in lines).encode()
