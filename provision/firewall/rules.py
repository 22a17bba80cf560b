"""Openings in the form of one firewall."""

from dataclasses import dataclass
from typing import Any, Literal, assert_never

from provision.firewall.aws import aws_notes, aws_rules
from provision.firewall.gcp import gcp_rules
from provision.firewall.iptables import iptables_rules
from provision.firewall.nft import nft_rules
from provision.firewall.openings import Openings
from provision.firewall.ufw import ufw_rules

Form = Literal["nft", "ufw", "iptables", "aws", "gcp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Rules as text.

    `text` is for standard output: a file or script that its tool takes as it is. `notes` are lines for people (apply,
    undo, limits) that belong on standard error; they are empty where the form has comments and says all that itself.
    """

    form: Form
    text: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        return {"form": self.form, "text": self.text, "notes": list(self.notes)}


def rules(form: Form, opened: Openings) -> Rules:
    """Return rules that let in exactly `opened` and drop everything else to the same ports.

    Applied again, rules replace those of the time before (aws: after its undo). Loopback and answers to what the host
    asked first are let in everywhere: nft and iptables say so, the others do it by themselves.
    """
    match form:
        case "nft":
            return Rules(form=form, text=nft_rules(opened))
        case "ufw":
            return Rules(form=form, text=ufw_rules(opened))
        case "iptables":
            return Rules(form=form, text=iptables_rules(opened))
        case "aws":
            return Rules(form=form, text=aws_rules(opened), notes=aws_notes(opened))
        case "gcp":
            return Rules(form=form, text=gcp_rules(opened))
        case _:
            assert_never(form)
