"""Why calls to Applications end (D:concepts/hangup-causes). The names are inferred, the numbers are documented."""

from __future__ import annotations

from typing import Final, NamedTuple


class Cause(NamedTuple):
    """Why a call ended (D:concepts/hangup-causes); `by` is who ended it."""

    name: str
    code: int
    by: str


NORMAL: Final = Cause("NORMAL_CLEARING", 4000, "caller")
CANCELLED: Final = Cause("ORIGINATOR_CANCEL", 1000, "caller")
HANGUP: Final = Cause("NORMAL_CLEARING", 4000, "application")
END_OF_XML: Final = Cause("END_OF_XML_INSTRUCTIONS", 4010, "carrier")
NO_ANSWER_URL: Final = Cause("ANSWER_URL_FAILED", 7011, "carrier")
BAD_XML: Final = Cause("INVALID_ANSWER_XML", 8011, "carrier")
UNKNOWN_ELEMENT: Final = Cause("UNKNOWN_XML_ELEMENT", 8012, "carrier")
NO_MEDIA: Final = Cause("MEDIA_TIMEOUT", 6020, "carrier")
BY_API: Final = Cause("API_REQUEST", 4000, "api")
UNUSABLE_OFFER: Final = Cause("INCOMPATIBLE_DESTINATION", 5020, "carrier")
