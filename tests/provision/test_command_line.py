"""The commands against both servers, as processes: what they print, how they end, what they leave behind."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.vobiz.faults import Fault
from tests.provision.world import World

ROOT = Path(__file__).resolve().parents[2]
LIMITED = "Vobiz limits the rate of requests (HTTP 429): waiting until it takes more"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass
class Folder:
    """A folder with a manifest, in which commands run."""

    path: Path
    world: World

    def write(self, *lines: str, sip_host: str = "sip.lotus.in") -> None:
        numbers = "".join(f"  - {{{line}}}\n" for line in lines)
        agents = "".join(f"  {a}: {{greeting: Hi., goodbye: Bye., instructions: Be kind.}}\n" for a in ("anna", "bela"))
        (self.path / "dialroom.yaml").write_text(
            f"version: 1\ndeployment: {self.world.deployment}\nlivekit: {{sip_host: {sip_host}}}\n"
            f"numbers:\n{numbers}agents:\n{agents}"
        )

    @property
    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
        return kept | {"PYTHONPATH": str(ROOT)} | self.world.environ

    async def shell(self, words: str) -> tuple[str, str]:
        """Run through a shell, which may redirect; return what it printed."""
        command = f"{sys.executable} -m cli {words}"
        process = await asyncio.create_subprocess_shell(
            command,
            cwd=self.path,
            env=self._environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return out.decode(), err.decode()

    async def answer(self, words: str, keys: bytes) -> int:
        """Run at a terminal, press keys when it asks, and return the exit code."""
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", *words.split()),
            cwd=self.path,
            env=self._environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        seen = b""
        while b"[y/N]" not in seen:
            seen += await asyncio.to_thread(os.read, ours, 1024)
        ended = asyncio.ensure_future(process.wait())
        while not ended.done():
            # A signal just before input() blocks is kept by CPython until the next key: press again, as people do.
            os.write(ours, keys)
            await asyncio.wait([ended], timeout=10)
        os.close(ours)
        return ended.result()

    async def run(self, *words: str, **environ: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli",
            *words,
            cwd=self.path,
            env=self._environ | environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        assert "Traceback" not in err.decode(), err.decode()
        return Ended(process.returncode, out.decode(), err.decode())

    async def stop(self, *words: str, at: Callable[[], bool]) -> Ended:
        """Run until something has happened, then press Ctrl-C."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", *words),
            cwd=self.path,
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        while not at():
            assert process.returncode is None
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
def folder(tmp_path: Path, world: World) -> Folder:
    return Folder(tmp_path, world)


async def test_plan_apply_drift_rollback(folder: Folder) -> None:
    """The whole way, with exit codes that a script can use."""
    one, two = folder.world.number(), folder.world.number()
    folder.write(f'number: "{one}", route: {{agent: anna}}')
    assert (await folder.run("provision", "plan", "--exit-code")).code == 3
    table = await folder.run("provision", "plan", "--markdown")
    assert "| `+` | number " in table.out
    assert (await folder.run("provision", "apply")).code == 2  # nobody can be asked
    applied = await folder.run("provision", "apply", "--yes")
    assert (applied.code, "Done: 4 written, all read back." in applied.out) == (0, True)
    again = await folder.run("provision", "apply", "--yes")
    assert (again.code, again.out.splitlines()[-1]) == (0, "Nothing to do: nothing was written.")
    assert (await folder.run("provision", "drift")).code == 0
    folder.write(f'number: "{one}", route: {{agent: bela}}', f'number: "{two}", route: {{agent: anna}}')
    assert (await folder.run("provision", "drift")).code == 3
    assert (await folder.run("provision", "apply", "--yes", "--json")).code == 0
    listed = json.loads((await folder.run("provision", "rollback", "--list", "--json")).out)["snapshots"]
    assert [row["reason"] for row in listed] == ["apply", "apply"]
    refused = await folder.run("provision", "rollback", "--yes")
    assert (refused.code, "--allow-delete" in refused.out + refused.err) == (1, True)
    assert (await folder.run("provision", "rollback", "--yes", "--allow-delete")).code == 0
    folder.write(f'number: "{one}", route: {{agent: anna}}')
    assert (await folder.run("provision", "drift")).code == 0
    manifest = folder.path / "dialroom.yaml"
    right = manifest.read_text()
    manifest.write_text(right.replace(folder.world.deployment, "mistyped"))
    nothing = await folder.run("provision", "destroy", "--yes")
    assert (nothing.code, f"but objects of {folder.world.deployment} are" in nothing.out) == (0, True), nothing.out
    manifest.write_text(right)
    assert (await folder.run("provision", "destroy", "--yes")).code == 0
    assert (folder.path / ".dialroom" / "provision.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("words", ["provision plan --json", "numbers list --json"])
async def test_a_carrier_that_limits_the_rate_or_fails_is_told(folder: Folder, words: str) -> None:
    """On standard error, while it is waited for; and that nothing of ours was refused when its API is broken."""
    folder.write(f'number: "{folder.world.number()}", route: {{agent: anna}}')
    folder.world.vobiz.faults.waiting = [Fault(method="GET", status=429)]
    waited = await folder.run(*words.split())
    assert (waited.code, waited.err) == (0, f"{LIMITED}\n")
    assert json.loads(waited.out)
    folder.world.vobiz.faults.waiting = [Fault(method="GET", status=503, times=3)]
    failed = await folder.run(*words.split())
    assert (failed.code, failed.out) == (1, "")
    assert "Vobiz's API failed when asked for " in failed.err
    assert failed.err.endswith(" (HTTP 503: Service Unavailable); try again later\n")


@pytest.mark.parametrize(
    "words", ["provision plan", "provision import", "numbers list", "numbers search", "numbers buy +918071000001 --yes"]
)
async def test_an_address_without_its_path_is_told_with_what_lacks(folder: Folder, words: str) -> None:
    """The same for every command that asks the carrier."""
    folder.write(f'number: "{folder.world.number()}", route: {{agent: anna}}')
    url = folder.world.vobiz.base_url.removesuffix("/api/v1")
    told = await folder.run(*words.split(), VOBIZ_BASE_URL=url)
    hint = "VOBIZ_BASE_URL does not end with /api/v1, as https://api.vobiz.ai/api/v1 does\n"
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith(f"dialroom: cannot reach Vobiz at {url}: ")
    assert told.err.endswith(f"; {hint}")


async def test_two_applies_at_once_make_everything_once(folder: Folder) -> None:
    """One waits for the other, finds nothing left, and both are well."""
    folder.write(*(f'number: "{folder.world.number()}", route: {{agent: anna}}' for _ in range(8)))
    both = await asyncio.gather(*(folder.run("provision", "apply", "--yes") for _ in range(2)))
    assert [ended.code for ended in both] == [0, 0], [ended.err for ended in both]
    assert len(await folder.world.trunks()) == 1
    assert len(await folder.world.rules()) == 1
    assert len(folder.world.vobiz.account.trunks) == 1


async def test_a_saved_plan_is_refused_when_the_world_has_moved(folder: Folder) -> None:
    """The checksum is of everything that was observed."""
    number = folder.world.number()
    folder.write(f'number: "{number}", route: {{agent: anna}}')
    assert (await folder.run("provision", "plan", "--out", "plan.json")).code == 0
    folder.world.vobiz.account.create_trunk({"name": "somebody's", "trunk_direction": "inbound"})
    refused = await folder.run("provision", "apply", "plan.json", "--yes")
    assert (refused.code, "plan again" in refused.err) == (1, True)
    refused = await folder.run("provision", "apply", "plan.json", "--yes", "--target", number)
    assert (refused.code, "applied as it is" in refused.err) == (2, True)
    assert await folder.world.trunks() == []


async def test_by_hand_to_adopted(folder: Folder) -> None:
    """import → adopt → apply: the number keeps its trunk at the carrier."""
    number = folder.world.number()
    trunk = folder.world.vobiz.account.create_trunk(
        {"name": "mine", "trunk_direction": "inbound", "inbound_destination": "pbx.lotus.in"}
    )
    folder.world.vobiz.account.assign(number, {"trunk_group_id": trunk["trunk_id"]})
    name = folder.world.deployment
    drafted = await folder.run("provision", "import", "--deployment", name, "--out", "dialroom.yaml")
    assert drafted.code == 0, drafted.err
    idle = folder.world.number()
    told = json.loads((await folder.run("provision", "import", "--json")).out)
    assert (told["without_route"], told["manifest"].startswith("version: 1\n")) == ([idle], True)
    assert (await folder.run("provision", "import", "--out", "dialroom.yaml")).code == 2  # it is there already
    plan = await folder.run("provision", "plan")
    assert "so carrier trunk" in plan.out
    assert "`dialroom provision adopt`" in plan.out
    before = await folder.world.snapshot()
    shown = await folder.run("provision", "adopt", "--json")
    assert (shown.code, shown.err) == (0, "")
    would = json.loads(shown.out)
    assert (would["adopted"], [one["server_id"] for one in would["adopt"]]) == (False, [trunk["trunk_id"]])
    assert await folder.world.snapshot() == before
    adopted = await folder.run("provision", "adopt", "--yes")
    assert (adopted.code, "1 to adopt" in adopted.out) == (0, True)
    assert (await folder.run("provision", "plan", "--exit-code")).code == 0
    assert folder.world.vobiz.account.trunks[trunk["trunk_id"]]["name"].startswith(f"dialroom-{name}_to_pbx")


async def test_a_secret_in_a_url_is_written_and_not_shown(folder: Folder) -> None:
    """Also from a saved plan, which keeps it."""
    number = folder.world.number()
    folder.write(
        f'number: "{number}", route: {{stream: {{answer_url: "https://x.in/${{PART}}/a?t=s3cret", '
        'hangup_url: "https://me:s3cret@x.in/b"}}'
    )
    commands = ["plan", "plan --json", "plan --markdown", "plan --out plan.json", "apply plan.json --yes --json"]
    commands = [f"provision {words}" for words in (*commands, "show", "show --json")] + [f"route-test {number}"]
    told = [await folder.run(*words.split(), PART="hidden-part") for words in commands]
    assert [ended.code for ended in told] == [0] * len(told), [ended.err for ended in told]
    assert not any("s3cret" in ended.out + ended.err for ended in told)
    assert not any("hidden-part" in ended.out for ended in told if '"applied"' not in ended.out)
    (application,) = folder.world.vobiz.account.applications.values()
    assert application["answer_url"] == "https://x.in/hidden-part/a?t=s3cret"
    assert application["hangup_url"] == "https://me:s3cret@x.in/b"


async def test_what_looks_only(folder: Folder) -> None:
    """route-test and doctor as JSON; a number that is not provisioned ends in exit code 1."""
    number = folder.world.number()
    folder.write(f'number: "{number}", route: {{agent: anna}}')
    before = await folder.world.snapshot()
    tested = await folder.run("route-test", number, "--json")
    told = json.loads(tested.out)
    assert (tested.code, told["ok"]) == (1, False)
    assert "number_not_assigned" in [cause["code"] for cause in told["causes"]]
    assert (await folder.run("route-test", number, "--offline")).code == 0
    looked = await folder.run("doctor", "--json", "--no-ask-sip")
    assert "number_route" in {finding["code"] for finding in json.loads(looked.out)["findings"]}
    assert await folder.world.snapshot() == before


async def test_nobody_listening_does_not_break_an_apply(folder: Folder) -> None:
    """``| head -1``, and streams that the shell has closed: what was begun is done."""
    lines: list[str] = []
    for words in ("| head -1", ">&- 2>&-", "<&- >&-", "< /dev/null > /dev/full"):
        lines += [f'number: "{folder.world.number()}", route: {{agent: anna}}' for _ in range(3)]
        folder.write(*lines)
        _, err = await folder.shell(f"provision apply --yes {words}")
        assert "Traceback" not in err, (words, err)
        if "full" not in words:  # there, the plan itself cannot be shown
            assert (await folder.run("provision", "drift")).code == 0, words


async def test_ctrl_c_at_the_question_is_an_interrupt(folder: Folder) -> None:
    """With its exit code, and nothing is written; "no" is another."""
    folder.write(f'number: "{folder.world.number()}", route: {{agent: anna}}')
    assert await folder.answer("provision apply", b"\x03") == 130
    assert await folder.answer("provision apply", b"n\n") == 1
    assert folder.world.vobiz.account.trunks == {}


async def test_what_was_stopped_half_way_says_how_far_it_came(folder: Folder) -> None:
    """And a rollback how to go on with it: the newest snapshot is its own by then."""
    one, two = folder.world.number(), folder.world.number()
    folder.write(f'number: "{one}", route: {{agent: anna}}')
    assert (await folder.run("provision", "apply", "--yes")).code == 0
    folder.write(f'number: "{one}", route: {{agent: bela}}', f'number: "{two}", route: {{agent: anna}}')
    assert (await folder.run("provision", "apply", "--yes")).code == 0
    folder.world.vobiz.faults.waiting = [Fault(method="POST", status=403), Fault(method="DELETE", status=403)]
    broken = await folder.run("provision", "rollback", "--yes", "--allow-delete")
    assert (broken.code, "`dialroom provision rollback 2`" in broken.err) == (1, True), broken.err
    slow = Fault(method="DELETE", delay_s=10, passes=True)
    folder.world.vobiz.faults.waiting = [slow]
    stopped = await folder.stop("provision", "rollback", "2", "--yes", "--allow-delete", at=lambda: not slow.times)
    assert stopped.code == 130
    assert "stopped: 0 of 2 changes are made, and maybe some that were on their way; run the same" in stopped.err
    folder.world.vobiz.faults.waiting = []
    assert (await folder.run("provision", "rollback", "2", "--yes", "--allow-delete")).code == 0
    folder.write(f'number: "{one}", route: {{agent: anna}}')
    assert (await folder.run("provision", "drift")).code == 0
