"""A token bucket over all requests of the account."""

import time

from lab.vobiz.habits import Habits


class Bucket:
    """Lets `rate_burst` requests through at once and `rate_per_s` in the long run; everything while that rate is 0.

    It is full again when one of these habits changes.
    """

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._size = (habits.rate_per_s, habits.rate_burst)
        self._tokens: float = habits.rate_burst
        self._filled_s = time.monotonic()

    def take(self) -> float:
        """Take a token and return 0, or return the seconds until there will be one."""
        rate, burst = self._habits.rate_per_s, self._habits.rate_burst
        if not rate:
            return 0
        if self._size != (rate, burst):
            self._size, self._tokens = (rate, burst), burst
        at_s = time.monotonic()
        self._tokens = min(self._tokens + (at_s - self._filled_s) * rate, burst)
        self._filled_s = at_s
        if self._tokens < 1:
            return (1 - self._tokens) / rate
        self._tokens -= 1
        return 0
