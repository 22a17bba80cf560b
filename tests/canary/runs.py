"""The runs: every command in worlds where things go well, badly, or are written wrongly. Pure.

All secrets are everywhere in every run: in the environment, in ``.env``, in files. What differs is who is there to
answer, and what the user has muddled.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote

from tests.canary.canaries import Canaries
from tests.canary.liar import LIES, WRITES
from tests.canary.runner import Run

DEAD: Final = "http://127.0.0.1:1"
FOREIGN: Final = "+918071009999"
MANIFEST: Final = """\
version: 1
deployment: {deployment}
agents:
  desk:
    greeting: Hello.
    goodbye: Goodbye.
    instructions: Look things up with the key ${{CRM_KEY}} and tell nobody.
    tools:
      - name: look_up
        description: Look somebody up
        method: GET
        url: "http://127.0.0.1:1/${{TOOL_TOKEN}}/{{name}}"
        parameters: {{ name: {{ type: string, description: The name }} }}
numbers:
  - {{ number: "{number}", route: {{ agent: desk }} }}
outbound: {{ username: line{line}, password: {password} }}
livekit: {{ sip_host: sip.lotus.in }}
"""
BY_ENV: Final = "{ env: CARRIER_PASSWORD }"
BY_FILE: Final = "{ file: password.txt }"


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Who answers. `binary` is livekit-server.

    `numbers` are the carrier account's, one for each run that writes, and the first for all others.
    """

    vobiz: str
    livekit: str
    auth_id: str
    livekit_key: str
    liar: str
    binary: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Makes runs."""

    canaries: Canaries
    servers: Servers
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def run(
        self,
        name: str,
        words: str,
        *,
        environ: Mapping[str, str | None] | None = None,
        files: Mapping[str, str | bytes | None] | None = None,
        password: str = BY_ENV,
        of_its_own: bool = False,
    ) -> Run:
        """Return a run; None in `environ` or `files` takes something away; ``{number}`` in `words` is its own one."""
        index = next(self._count)
        own, writes = self.servers.numbers[1:], "apply" in words or "{number}" in words
        number = own[next(self._numbers) % len(own)] if writes else self.servers.numbers[0]
        manifest = MANIFEST.format(deployment=f"canary{index}", number=number, line=index, password=password)
        all_files = {"dialroom.yaml": manifest, **self._files(), **(files or {})}
        return Run(
            name=f"{name}: {words}",
            words=tuple(word.format(number=number) for word in words.split()),
            environ={key: value for key, value in {**self._environ(), **(environ or {})}.items() if value is not None},
            files={key: value for key, value in all_files.items() if value is not None},
            of_its_own=of_its_own,
        )

    def lying(self, lie: str, *, vobiz: bool = False, livekit: bool = False) -> dict[str, str]:
        """Return the addresses of liars in place of servers."""
        found = {"VOBIZ_BASE_URL": f"{self.servers.liar}/{lie}/vobiz/api/v1"} if vobiz else {}
        return found | ({"LIVEKIT_URL": f"{self.servers.liar}/{lie}/livekit"} if livekit else {})

    def _environ(self) -> dict[str, str]:
        secrets, servers = self.canaries, self.servers
        return {
            "LIVEKIT_URL": servers.livekit,
            "LIVEKIT_API_KEY": servers.livekit_key,
            "LIVEKIT_API_SECRET": secrets["LIVEKIT_API_SECRET"],
            "VOBIZ_BASE_URL": servers.vobiz,
            "VOBIZ_AUTH_ID": servers.auth_id,
            "VOBIZ_AUTH_TOKEN": secrets["VOBIZ_AUTH_TOKEN"],
            "DIALROOM_CARRIER_CIDRS": "127.0.0.1/32",
            **{
                name: secrets[name]
                for name in (
                    "CARRIER_PASSWORD",
                    "DEEPGRAM_API_KEY",
                    "OPENAI_API_KEY",
                    "CRM_KEY",
                    "TOOL_TOKEN",
                    "AWS_SECRET_ACCESS_KEY",
                    "PGPASSWORD",
                )
            },
            "LIVEKIT_SERVER_BIN": servers.binary,
            "DEEPGRAM_BASE_URL": f"{DEAD}/v1",
            "OPENAI_BASE_URL": f"{DEAD}/v1",
        }

    def _files(self) -> dict[str, str | bytes | None]:
        secrets = self.canaries
        note = {"sip": "127.0.0.1:9", "api_secret": secrets["up.json"], "pid": 1, "started": 0, "speech_url": DEAD}
        return {
            ".env": f"BACKUP_KEY={dotenv(secrets['.env'])}\nVOBIZ_AUTH_TOKEN={dotenv(secrets['.env token'])}\n",
            "password.txt": secrets["password file"] + "\n",
            "~/.netrc": f"machine vobiz.invalid login dialroom password {secrets['.netrc']}\n",
            "garbage.yaml": b"\xff\xfe\x00",
            "garbage.json": json.dumps({"version": 1, "plan": secrets["CRM_KEY"]}),
            "script.yaml": f"- sing: {json.dumps(secrets['CRM_KEY'])}\n",
            ".dialroom/up.json": json.dumps(note),
        }


def dotenv(secret: str) -> str:
    """Quote a value for ``.env``."""
    escaped = secret.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def all_runs(maker: Maker, help_words: Iterable[str]) -> list[Run]:
    """Return every run; those of a family are spread, so that any part of the list has all families."""
    families = (
        _well(maker),
        _dead(maker),
        _liars(maker),
        _lying_to_writes(maker),
        _wrong_keys(maker),
        _muddled(maker),
        _broken_manifests(maker),
        _broken_env(maker),
        _workers(maker),
        _without_servers(maker),
        (maker.run("help", f"{words} --help".strip()) for words in help_words),
        (maker.run("unknown option", f"{words} --nonsense".strip()) for words in help_words),
    )
    listed = [run for family in families for run in family]
    return [run for row in range(_ROWS) for run in listed[row::_ROWS]]


_ROWS: Final = 5
_READS: Final = ("provision plan", "provision drift --json", "provision show", "numbers list")
_READS_AND_MORE: Final = (
    *_READS,
    "provision plan --json --out saved.json",
    "provision apply --yes",
    "provision apply --yes --json",
    "provision destroy --yes",
    "provision {number} --agent desk --yes",
    "provision adopt --yes",
    "provision import",
    "numbers list --json",
    "numbers search --prefix 80",
    "numbers buy +918071000001 --yes",
    "numbers release {number} --yes --immediate --force",
    "route-test {number} --json",
)


def _well(maker: Maker) -> Iterator[Run]:
    """Servers that are there, and users who know what they do."""
    for words in (
        *_READS_AND_MORE,
        "provision plan --exit-code",
        "provision plan --out saved.json",
        "provision plan --out dialroom.yaml/saved.json",
        "provision plan --out .",
        "provision plan --out /proc/saved.json",
        "provision plan --take-over --allow-delete",
        "provision plan --markdown",
        "provision apply --yes --no-drain --parallel 1",
        "provision import --out new.yaml",
        "provision import --out dialroom.yaml",
        "provision rollback --list",
        "provision rollback --list --json",
        "provision rollback --yes",
        "provision apply",
        "provision apply garbage.json",
        "provision apply nothing.json",
        "provision apply dialroom.yaml",
        "provision destroy",
        "provision drift",
        "provision show --json",
        f"provision {FOREIGN} --agent desk --yes",
        "provision {number} --agent nobody --yes",
        "provision hello --agent desk",
        "numbers search --contains 777 --json",
        "numbers search --area Nowhere",
        "numbers buy hello --yes",
        "numbers release +918071999999 --yes",
        "route-test {number}",
        "route-test {number} --offline",
    ):
        yield maker.run("well", words)
        yield maker.run("password in a file", words, password=BY_FILE)
    address = maker.canaries["DIALROOM_STATE"]
    state = {"DIALROOM_STATE": f"postgresql://dialroom:{quote(address, safe='')}@127.0.0.1:1/dialroom"}
    raw = {"DIALROOM_STATE": f"postgresql://dialroom:{address}@127.0.0.1:1/dialroom"}
    other = {"DIALROOM_STATE": f"mysql://dialroom:{quote(address, safe='')}@127.0.0.1:1/dialroom"}
    for environ in (state, raw, other):
        for words in ("provision apply --yes", "provision destroy --yes", "provision plan", "provision drift"):
            yield maker.run("state elsewhere", words, environ=environ)
    yield maker.run("of its own", "provision apply --yes", of_its_own=True)
    yield maker.run("of its own", "provision plan --json", environ=maker.lying("401", vobiz=True), of_its_own=True)


def _dead(maker: Maker) -> Iterator[Run]:
    """Nobody answers."""
    for words in _READS_AND_MORE:
        yield maker.run("no Vobiz", words, environ={"VOBIZ_BASE_URL": DEAD})
        if not words.startswith("numbers"):
            yield maker.run("no LiveKit", words, environ={"LIVEKIT_URL": DEAD})


def _liars(maker: Maker) -> Iterator[Run]:
    """Somebody answers, and quotes what he was sent."""
    for index, lie in enumerate(LIES):
        yield maker.run(f"Vobiz says {lie}", _READS[index % 4], environ=maker.lying(lie, vobiz=True))
        yield maker.run(f"Vobiz says {lie}", "provision apply --yes", environ=maker.lying(lie, vobiz=True))
        yield maker.run(f"LiveKit says {lie}", _READS[index % 3], environ=maker.lying(lie, livekit=True))
        both = maker.lying(lie, vobiz=True, livekit=True)
        yield maker.run(f"both say {lie}", "route-test {number}", environ=both)


def _lying_to_writes(maker: Maker) -> Iterator[Run]:
    """Reads are answered well, writes are not: the password of the login is on its way then."""
    for index, lie in enumerate(LIES):
        words = ("provision apply --yes", "provision apply --yes --json", "provision {number} --agent desk --yes")
        password = (BY_ENV, BY_FILE)[index % 2]
        for side in ("vobiz", "livekit"):
            environ = maker.lying(WRITES + lie, vobiz=side == "vobiz", livekit=side == "livekit")
            yield maker.run(f"{side} says {lie} to writes", words[index % 2], environ=environ, password=password)
    for words in ("numbers buy +918071000001 --yes", "numbers release {number} --yes --force"):
        yield maker.run("Vobiz says 500 to writes", words, environ=maker.lying(f"{WRITES}500", vobiz=True))


def _wrong_keys(maker: Maker) -> Iterator[Run]:
    """The servers refuse."""
    wrong = maker.canaries["wrong LIVEKIT_API_SECRET"]
    for words in _READS_AND_MORE:
        yield maker.run("wrong token", words, environ={"VOBIZ_AUTH_TOKEN": maker.canaries[".env token"]})
        if words.startswith("provision"):
            yield maker.run("wrong secret", words, environ={"LIVEKIT_API_SECRET": wrong})


def _muddled(maker: Maker) -> Iterator[Run]:
    """A secret stands where something else belongs, or with something that does not belong to it."""
    secrets, servers = maker.canaries, maker.servers
    inside = quote(secrets["address"], safe="")
    proxy = f"http://dialroom:{quote(secrets['proxy'], safe='')}@127.0.0.1:1"
    lying_proxy = f"http://dialroom:{quote(secrets['proxy'], safe='')}@{servers.liar.removeprefix('http://')}"
    for environ in (
        {"VOBIZ_BASE_URL": f"https://user:{inside}@api.vobiz.ai/api/v1"},
        {"VOBIZ_BASE_URL": f"http://user:{inside}@127.0.0.1:1"},
        {"LIVEKIT_URL": f"wss://user:{inside}@lotus.livekit.cloud"},
        {"LIVEKIT_URL": secrets["LIVEKIT_API_SECRET"]},
        {"VOBIZ_BASE_URL": secrets["VOBIZ_AUTH_TOKEN"]},
        {"VOBIZ_AUTH_ID": secrets["VOBIZ_AUTH_TOKEN"]},
        {"LIVEKIT_API_KEY": secrets["LIVEKIT_API_SECRET"]},
        {"VOBIZ_AUTH_TOKEN": secrets["VOBIZ_AUTH_TOKEN"] + "\n"},
        {"VOBIZ_AUTH_TOKEN": secrets["VOBIZ_AUTH_TOKEN"] + "é"},
        {"LIVEKIT_API_SECRET": " " + secrets["LIVEKIT_API_SECRET"]},
        {"CARRIER_PASSWORD": secrets["CARRIER_PASSWORD"] * 5},
        {"CARRIER_PASSWORD": secrets["CARRIER_PASSWORD"] + "é"},
        {"CARRIER_PASSWORD": None},
        {"DIALROOM_MANIFEST": "nothing.yaml"},
        {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy, "VOBIZ_BASE_URL": "http://vobiz.invalid/api"},
        {"HTTP_PROXY": lying_proxy, "VOBIZ_BASE_URL": "http://vobiz.invalid/api"},
        {"HTTPS_PROXY": lying_proxy, "VOBIZ_BASE_URL": "https://vobiz.invalid/api"},
        {"HTTP_PROXY": f"nonsense{proxy}", "VOBIZ_BASE_URL": "http://vobiz.invalid/api"},
        {"ALL_PROXY": f"socks5{proxy.removeprefix('http')}", "VOBIZ_BASE_URL": "http://vobiz.invalid/api"},
    ):
        name = "muddled " + ", ".join(environ)
        for words in ("provision plan", "provision apply --yes", "numbers list"):
            yield maker.run(name, words, environ=environ)
    yield maker.run("muddled password file", "provision plan", password=BY_FILE, files={"password.txt": None})
    yield maker.run("muddled password file", "provision plan", password=BY_FILE, files={"password.txt": b"\xff\xff"})


def _broken_manifests(maker: Maker) -> Iterator[Run]:
    """What stands in the environment came to a place where it cannot be."""
    good = MANIFEST.format(deployment="canary0", number=maker.servers.numbers[0], line=0, password=BY_ENV)
    literal = json.dumps(maker.canaries["CRM_KEY"])
    changes = (
        ("version: 1", 'version: "${CRM_KEY}"'),
        ("deployment: canary0", 'deployment: "${CRM_KEY}"'),
        (f'number: "{maker.servers.numbers[0]}"', 'number: "${CRM_KEY}"'),
        ("route: { agent: desk }", 'route: { agent: "${CRM_KEY}" }'),
        ("route: { agent: desk }", 'route: { sip: "sip:user:${CRM_KEY}@pbx.lotus.in" }'),
        ("route: { agent: desk }", 'route: { sip: "${CRM_KEY}" }'),
        ("route: { agent: desk }", 'route: { sip: { host: "${CRM_KEY}" } }'),
        ("route: { agent: desk }", 'route: { sip: { preset: "${CRM_KEY}" } }'),
        ("route: { agent: desk }", 'route: { stream: { answer_url: "http://bot.lotus.in/${CRM_KEY}" } }'),
        ("route: { agent: desk }", 'route: { stream: { answer_url: "${CRM_KEY}" } }'),
        ("route: { agent: desk }", 'route: { split: [{ agent: "${CRM_KEY}", weight: 1 }] }'),
        ("route: { agent: desk }", 'route: { agent: desk }, codecs: ["${CRM_KEY}"]'),
        ("route: { agent: desk }", 'route: { agent: desk }, headers_to_attributes: { X-A: "${CRM_KEY}", To: b }'),
        ("route: { agent: desk }", 'route: { agent: desk }, limits: { ring_s: "${CRM_KEY}" }'),
        ("route: { agent: desk }", 'route: { agent: desk }, limits: { callers: ["${CRM_KEY}"] }'),
        ("route: { agent: desk }", 'template: "${CRM_KEY}"'),
        ("http://127.0.0.1:1/${TOOL_TOKEN}", "ftp://${TOOL_TOKEN}@127.0.0.1:1"),
        ("http://127.0.0.1:1/${TOOL_TOKEN}", "http://127.0.0.1:1/{${TOOL_TOKEN}}"),
        ("http://127.0.0.1:1/${TOOL_TOKEN}", "http://127.0.0.1:1/ ${TOOL_TOKEN}"),
        ("method: GET", 'method: "${TOOL_TOKEN}"'),
        ("name: look_up", 'name: "${TOOL_TOKEN}"'),
        ("type: string", 'type: "${TOOL_TOKEN}"'),
        ("sip_host: sip.lotus.in", 'sip_host: "sip:${CRM_KEY}"'),
        ("username: line0", 'username: "${CRM_KEY}"'),
        ("username: line0", 'username: "${CARRIER_PASSWORD}"'),
        (BY_ENV, '"${CARRIER_PASSWORD}"'),
        (BY_ENV, literal),
        (BY_ENV, '{ env: "${CARRIER_PASSWORD}" }'),
        ("livekit:", 'vobiz: { signalling: ["${CRM_KEY}"] }\nlivekit:'),
        ("livekit:", f"nonsense: {literal}\nlivekit:"),
        ("livekit:", f"broken: [{literal}\nlivekit:"),
        ("livekit:", f"broken: {literal[:-1]}\nlivekit:"),
        ("livekit:", f"- {literal}\nlivekit:"),
        ("${CRM_KEY}", "${CRM_KEY"),
        ("${CRM_KEY}", "${NOT_THERE}"),
        ("livekit:", f"agents: {literal}\nlivekit:"),
    )
    for index, (old, new) in enumerate(changes):
        assert old in good, old
        words = ("provision plan", "worker", "cost --calls 100", "up", "route-test {number} --offline")[index % 5]
        manifest = good.replace(old, new, 1)
        yield maker.run(f"broken manifest {index} ({new[:40]})", words, files={"dialroom.yaml": manifest})
    for words in ("provision plan", "provision apply --yes", "worker", "up", "cost --calls 100"):
        yield maker.run("no manifest at all", f"{words} -m nothing.yaml")
        yield maker.run("a manifest that is no text", f"{words} -m garbage.yaml")


def _broken_env(maker: Maker) -> Iterator[Run]:
    """``.env`` cannot be read, or is where the keys are."""
    secret, token = maker.canaries[".env"], maker.canaries["VOBIZ_AUTH_TOKEN"]
    for name, content in (
        ("no text", b"KEY=\xff\xfe" + secret.encode()),
        ("no lines", f"this is {secret} and no setting\n= {secret}\n'{secret}\n"),
        ("an open quote", f"VOBIZ_AUTH_ID='{secret}\nVOBIZ_AUTH_TOKEN={secret}\n"),
        ("all keys", f"VOBIZ_AUTH_TOKEN={dotenv(token)}\n"),
        ("a name in a value", f"A={dotenv(secret)}\nVOBIZ_AUTH_TOKEN=${{A}}\nLIVEKIT_URL=${{A}}\n"),
    ):
        for words in ("provision plan", "numbers list", "worker", "cost --calls 100"):
            environ = {"VOBIZ_AUTH_TOKEN": None, "LIVEKIT_URL": None} if name != "all keys" else {}
            files = {".env": content}
            run = maker.run(f".env with {name}", words, environ={"VOBIZ_AUTH_TOKEN": None, **environ}, files=files)
            runs_on = words == "worker" and name == "all keys"
            yield replace(run, of_its_own=True, until="registered as") if runs_on else run


def _workers(maker: Maker) -> Iterator[Run]:
    """A worker that does not get as far as its first call."""
    secrets = maker.canaries
    inside = quote(secrets["address"], safe="")
    proxy = f"http://dialroom:{quote(secrets['proxy'], safe='')}@127.0.0.1:1"
    address = f"http://user:{inside}@127.0.0.1:1/v1"
    lying = dict.fromkeys(("DEEPGRAM_BASE_URL", "OPENAI_BASE_URL"), f"{maker.servers.liar}/401/speech/v1")
    for name, environ in (
        ("no LiveKit", {"LIVEKIT_URL": DEAD}),
        ("LiveKit says 401", maker.lying("twirp-401", livekit=True)),
        ("LiveKit says 500", maker.lying("500", livekit=True)),
        ("LiveKit says nonsense", maker.lying("no-status", livekit=True)),
        ("LiveKit says more nonsense", maker.lying("protobuf", livekit=True)),
        ("LiveKit says an error without words", maker.lying("reason", livekit=True)),
        ("LiveKit says a list", maker.lying("list-500", livekit=True)),
        ("LiveKit says half", maker.lying("torn-500", livekit=True)),
        ("LiveKit says 400", maker.lying("twirp-400", livekit=True)),
        ("wrong secret", {"LIVEKIT_API_SECRET": secrets["wrong LIVEKIT_API_SECRET"]}),
        ("keys refused", lying),
        ("keys refused by one", {"OPENAI_BASE_URL": f"{maker.servers.liar}/page-403/speech/v1"}),
        ("a secret in LiveKit's address", {"LIVEKIT_URL": f"ws://user:{inside}@127.0.0.1:1"}),
        ("a secret in Deepgram's address", {"DEEPGRAM_BASE_URL": address, "LIVEKIT_URL": DEAD}),
        ("a secret in the model's address", {"OPENAI_BASE_URL": address, "LIVEKIT_URL": DEAD}),
        ("a secret in a refusing address", {"OPENAI_BASE_URL": _with_user(lying["OPENAI_BASE_URL"], inside)}),
        ("an address that is a key", {"LIVEKIT_URL": secrets["LIVEKIT_API_SECRET"]}),
        ("a key with a line break", {"DEEPGRAM_API_KEY": secrets["DEEPGRAM_API_KEY"] + "\n"}),
        ("no key", {"OPENAI_API_KEY": None}),
        ("a proxy", {"HTTP_PROXY": proxy, "OPENAI_BASE_URL": "http://model.invalid/v1", "LIVEKIT_URL": DEAD}),
        ("a wrong delay", {"DIALROOM_TURN_MIN_ENDPOINTING_DELAY_S": secrets["CRM_KEY"]}),
        ("personal data in logs", {"DIALROOM_LOG_PERSONAL_DATA": "1", **lying}),
    ):
        yield maker.run(f"worker, {name}", "worker", environ=environ)
    yield maker.run("worker, as JSON", "worker --json", environ={"LIVEKIT_URL": DEAD, "DIALROOM_LOG_FORMAT": "json"})
    yield maker.run("worker of its own", "worker", environ={"LIVEKIT_URL": DEAD}, of_its_own=True)
    yield replace(maker.run("worker that runs", "worker --warm 1", of_its_own=True), until="registered as")
    words = "up --ears oracle --gateway lab --warm 1"
    yield replace(maker.run("stack that runs", words, of_its_own=True), until="Ready: ")


def _with_user(url: str, inside: str) -> str:
    return url.replace("http://", f"http://user:{inside}@", 1)


def _without_servers(maker: Maker) -> Iterator[Run]:
    """Commands that ask nobody, and those that end before they do."""
    for words in (
        "",
        "--version",
        "firewall nft",
        "firewall ufw --json",
        "firewall iptables --tls-port 5061",
        "firewall aws",
        "firewall gcp",
        "firewall windows",
        "firewall nft --rtp hello",
        "cost",
        "cost --minutes-per-number 600",
        "cost --calls 1000 --json",
        "cost --calls 1000 --other-rate 6 --ai-rate 2.5",
        "cost --calls -1",
        "call hello",
        "call +918071000001",
        "call +918071000001 --script script.yaml --sip 127.0.0.1:1",
        "call +918071000001 --script nothing.yaml --sip 127.0.0.1:1",
        "call +918071000001 --script .env --sip 127.0.0.1:1",
        "call +918071000001 --from hello --sip 127.0.0.1:1",
        "call +918071000001 --recording . --sip 127.0.0.1:1",
        "up --gateway plane",
        "up --sip-port 99999",
        "up --workers -1",
        "up --manifest .env",
        "worker --max-calls 0",
        "worker --health-port -5",
        "provision plan --manifest .env",
        "provision plan --manifest .",
        "provision apply .env",
        "provision apply password.txt",
        "provision nonsense",
        "nonsense",
    ):
        yield maker.run("nobody asked", words)
