"""Refusals of the API, in the four shapes that Vobiz's documents have for them, and the gateway's.

Which family uses which: D:errors (general), D:trunks/assign-number (plain), D:trunks/credentials/create-credential
(coded), Applications and conferences (detail); the prefix D: stands for https://www.vobiz.ai/docs/.
"""

import secrets
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from lab.vobiz.times import now

ErrorShape = Literal["general", "plain", "coded", "detail", "gateway"]


class AccountError(Exception):
    """A request that the API refuses. `shape` is how its family tells it; `details` are more fields of the body."""

    def __init__(
        self, status: int, code: str, message: str, *, shape: ErrorShape, details: Mapping[str, Any] | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.shape = shape
        self.details = dict(details or {})
        super().__init__(f"{status} {code}: {message}")

    def body(self, shape: ErrorShape | None = None) -> dict[str, Any]:
        """Return the body as this family writes it, or in another shape."""
        return error_body(shape or self.shape, self.status, self.code, self.message, self.details)


def error_body(
    shape: ErrorShape, status: int, code: str, message: str, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return an error body in one of the documented shapes."""
    more = dict(details or {})
    match shape:
        case "general":
            error = {"code": code.upper().replace(" ", "_"), "message": message} | ({"details": more} if more else {})
            return {"status": "error", "error": error, "timestamp": now(), "requestId": f"req_{secrets.token_hex(6)}"}
        case "plain":
            return {"api_id": str(uuid.uuid4()), "error": code, "message": message} | more
        case "coded":
            return {"error": message, "code": status} | more
        case "detail":
            return {"error": message, "details": more}
        case "gateway":
            return {"message": message}


def plain_error(status: int, code: str, message: str, **details: Any) -> AccountError:
    """Return an error as numbers and trunks have it: a code, words, and an id."""
    return AccountError(status, code, message, shape="plain", details=details)


def coded_error(status: int, message: str) -> AccountError:
    """Return an error as the resources below trunks have it: words, and the status once more."""
    return AccountError(status, "not_found" if status == 404 else "conflict", message, shape="coded")


def detail_error(status: int, message: str, **details: Any) -> AccountError:
    """Return an error as Applications have it: words and details."""
    return AccountError(status, "invalid request", message, shape="detail", details=details)


def field_error(field_name: str, message: str, value: Any) -> AccountError:
    """Return an error as the general error page has it, for a field of a wrong value."""
    detail = {"field": field_name, "message": message, "code": "invalid", "value": value}
    return AccountError(422, "VALIDATION_ERROR", "validation failed", shape="general", details={"errors": [detail]})
