"""How this account of the carrier behaves: every habit that documents, clients or experience disagree on, as a switch.

The defaults are what live answers looked like; where nothing was seen, what is harder to live with.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.vobiz.errors import ErrorShape
from telephony.errors import UserError

PutStyle = Literal["merge", "replace"]
PagingStyle = Literal["offset", "page", "records"]
NumberForm = Literal["e164", "digits", "national"]
_Share = Annotated[float, Field(ge=0)]
_Count = Annotated[int, Field(ge=0)]


class HabitsError(UserError):
    """A habit that is not known, or a value that it cannot have."""


class Habits(BaseModel):
    """The switches; may be changed at any time, every change is checked.

    Answers:
        create_status           what answers the creation of trunks, credentials, ip-acls, uris (201 prose, 200 OpenAPI)
        put_style               whether an update keeps (merge) or resets (replace) the fields that it does not send
        patch                   whether trunks take PATCH (one page says so); else 405
        status_word             what an enabled trunk's `trunk_status` says: active, or enabled in older documents
        spelling                field names of trunks in answers: newer, older (trunk_type, max_concurrent_calls), both
        upper_case              words such as inbound and udp arrive in capitals
        extra_fields            every object in an answer has a field that no document names
        error_shape             all refusals in one shape, instead of each family's own
        null_lists              which empty lists arrive as null: those called `objects`, all, none
        total_name              what the length of a list is called; documented means each family's own
        paging                  another style of paging for a family: trunks, credentials, ip-acl, origination-uris,
                                applications, numbers, inventory, cdr
    Time:
        latency_ms              before every answer; requests do not wait for each other
        late_reads, late_ms     how long lists show a family without a new object or change: so many reads, and so long
        rate_per_s, rate_burst  token bucket over all requests; 0 is off
        retry_after             where a 429 names its seconds
    Rules:
        lower_case_paths        /account/ is taken for /Account/, as the older clients do
        strict_usernames        only letters and digits, else 400
        strict_app_names        only letters, digits, _ and -, else 400
        delete_cascades         deleting a trunk deletes its credential, ip-acl and uris
        assign_clears_application  assigning a number to a trunk takes its Application off
        cool_off_s, release_fee    of a number that is released
    Calls:
        both_route_to           where a call goes when a number has a trunk and an Application
        called_form, caller_form   the user part of To and From towards a trunk's destination, and in forms
        same_call_id            the INVITE to a destination has the Call-ID of the caller's, as from a proxy; an
                                Application's call has it as its CallUUID
        ring_timeout_s          until an unanswered call is given up (cause 6010)
        silence_s               without any response a destination counts as silent
        refer                   what a REFER of the destination gets: a status, or relay: it reaches the caller's phone
        answer_tries            requests to answer_url before fallback_answer_url
        answer_timeout_s        of each of them
        sign_callbacks          X-Vobiz-Signature-V2 and -V3 on every callback
        media_timeout_s         without the caller's RTP a call of an Application ends (cause 6020)
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    create_status: Literal[200, 201, 202] = 201
    put_style: PutStyle = "merge"
    patch: bool = False
    status_word: str = "active"
    spelling: Literal["newer", "older", "both"] = "newer"
    upper_case: bool = False
    extra_fields: bool = True
    error_shape: ErrorShape | None = None
    null_lists: Literal["objects", "all", "none"] = "objects"
    total_name: Literal["documented", "total", "total_count", "none"] = "documented"
    paging: dict[str, PagingStyle] = Field(default_factory=dict)

    latency_ms: _Share = 0
    late_reads: _Count = 0
    late_ms: _Share = 0
    rate_per_s: _Share = 0
    rate_burst: Annotated[int, Field(ge=1)] = 1
    retry_after: Literal["both", "header", "body", "none"] = "both"

    lower_case_paths: bool = False
    strict_usernames: bool = True
    strict_app_names: bool = True
    delete_cascades: bool = False
    assign_clears_application: bool = False
    cool_off_s: _Share = 86_400
    release_fee: _Share = 700

    both_route_to: Literal["application", "trunk"] = "application"
    called_form: NumberForm = "e164"
    caller_form: NumberForm = "e164"
    ring_timeout_s: _Share = 120
    silence_s: _Share = 10
    same_call_id: bool = False
    refer: Annotated[int, Field(ge=200, le=699)] | Literal["relay"] = 405
    answer_tries: Annotated[int, Field(ge=1)] = 3
    answer_timeout_s: _Share = 10
    sign_callbacks: bool = False
    media_timeout_s: _Share = 60

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change some habits, all of them or none. Raises HabitsError."""
        try:
            checked = Habits.model_validate(self.model_dump() | dict(changes))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise HabitsError(f"habit {name}: {first['msg']}") from None
        for name in changes:
            setattr(self, name, getattr(checked, name))
