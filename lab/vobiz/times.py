"""Times as the API writes them."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time of day, as answers have it."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """Return a moment as answers have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
