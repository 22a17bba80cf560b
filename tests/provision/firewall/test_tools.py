"""The real tools take what is written for them. None of these tests asks a cloud or changes this machine's rules."""

import json
import re
from pathlib import Path

import pytest

from provision.firewall.rules import rules
from tests.provision.firewall.tools import ALONE, need, need_namespaces, ran, some_openings

RESTORE = re.compile(r"^(ip6?tables)-restore [^\n]*<<'END'\n(.*?)^END\n", re.MULTILINE | re.DOTALL)
RECORDED = """\
gcloud() {
  if [ "$3" = describe ]; then case " $THERE " in *" $4 "*) return 0 ;; *) return 1 ;; esac; fi
  for word in "$@"; do printf '%s\\n' "$word"; done
  printf '\\n'
}
"""
NO_ACCOUNT = "do not currently have an active account"


def test_nft_takes_the_rules(tmp_path: Path):
    """`nft -c` checks all of a file and loads nothing."""
    need("nft")
    need_namespaces()
    file = tmp_path / "rules.nft"
    file.write_text(rules("nft", some_openings()).text)
    done = ran([*ALONE, "nft", "-c", "-f", str(file)])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_iptables_restore_takes_both_families():
    """`--test` builds the tables and does not commit them."""
    need("iptables-restore", "ip6tables-restore")
    need_namespaces()
    parts = dict(RESTORE.findall(rules("iptables", some_openings()).text))
    assert sorted(parts) == ["ip6tables", "iptables"]
    for command, table in parts.items():
        done = ran([*ALONE, f"{command}-restore", "--test", "--noflush"], stdin=table)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("form", ["iptables", "ufw", "gcp"])
def test_scripts_are_posix_shell(form):
    """Debian's /bin/sh is no bash."""
    done = ran(["sh", "-n"], stdin=rules(form, some_openings()).text)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_aws_command_takes_the_permissions(tmp_path: Path):
    """Its model of the API checks names and types; `--generate-cli-skeleton output` sends nothing."""
    need("aws")
    file = tmp_path / "rules.json"
    file.write_text(rules("aws", some_openings()).text)
    nobody = {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CONFIG_FILE": "/dev/null"}
    for verb in ("authorize", "revoke"):
        command = f"aws ec2 {verb}-security-group-ingress --region ap-south-1 --group-id sg-1".split()
        done = ran([*command, "--ip-permissions", f"file://{file}", "--generate-cli-skeleton", "output"], **nobody)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["Return"] is True


def gcloud_commands(text: str, *, there: str = "") -> list[list[str]]:
    """Run the script with a gcloud that only says how it was called; `there` names the rules that exist."""
    done = ran(["sh"], stdin=RECORDED + text, TAG="sip", THERE=there)
    assert done.returncode == 0, done.stderr
    return [command.split("\n") for command in done.stdout.strip().split("\n\n")]


def test_gcp_rules_are_created_once_and_updated_afterwards():
    """One rule per role and family; what others send is denied behind them."""
    text = rules("gcp", some_openings()).text
    created = gcloud_commands(text)
    names = [command[3] for command in created]
    assert names == [
        "dialroom-signalling-v4",
        "dialroom-signalling-v6",
        "dialroom-media-v4",
        "dialroom-media-v6",
        "dialroom-others-v4",
        "dialroom-others-v6",
    ]
    assert "--rules=udp:5060,tcp:5060,tcp:5061" in created[0]
    assert "--source-ranges=2001:db8:6::1/128" in created[3]
    assert created[4][4:9] == [
        "--network=default",
        "--direction=INGRESS",
        "--action=DENY",
        "--priority=910",
        "--rules=udp:5060,tcp:5060,tcp:5061,udp:10000-20000",
    ]
    updated = gcloud_commands(text, there=" ".join(names))
    assert [command[2:4] for command in updated] == [["update", name] for name in names]


def test_a_gcp_rule_whose_family_has_no_address_any_more_is_deleted():
    """And only where it is there."""
    text = rules("gcp", some_openings(media=["18.96.230.96/28"])).text
    assert gcloud_commands(text, there="dialroom-media-v6")[-1][2:] == ["delete", "dialroom-media-v6", "--quiet"]
    assert not any("delete" in command for command in gcloud_commands(text))


def test_gcp_wants_the_tag_of_a_machine():
    """Without one the rules would be for every machine of the network."""
    done = ran(["sh"], stdin=RECORDED + rules("gcp", some_openings()).text, TAG="")
    assert done.returncode != 0
    assert "network tag" in done.stderr


def test_gcloud_understands_every_kind_of_command(tmp_path: Path):
    """Without an account it reads its arguments, and then says that there is no account."""
    need("gcloud")
    text = rules("gcp", some_openings()).text
    allow, *_, deny = gcloud_commands(text)
    update, *_ = gcloud_commands(text, there="dialroom-signalling-v4")
    undo = next(line for line in text.splitlines() if "Undo:" in line).partition("gcloud ")[2].split()
    for command in (allow, deny, update, undo):
        done = ran(
            ["gcloud", *command, "--project=p"], CLOUDSDK_CONFIG=str(tmp_path), CLOUDSDK_CORE_DISABLE_PROMPTS="1"
        )
        assert NO_ACCOUNT in done.stderr, done.stderr
