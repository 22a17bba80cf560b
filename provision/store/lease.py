"""What a holder has: a lease that can be lost."""

from provision.store.errors import LeaseLostError
from provision.store.times import Clock, Now, Term


class Lease:
    """The lock of `deployment`, for as long as `check` says so."""

    def __init__(self, deployment: str, *, begun: Now, lease_s: float, clock: Clock) -> None:
        self.deployment = deployment
        self._lease_s = lease_s
        self._clock = clock
        self._term = Term(begun, lease_s)
        self._trouble = ""
        self._lost: str | None = None

    def check(self) -> None:
        """Call before every write. Asks the clocks, not the database: it costs nothing.

        Raises:
            LeaseLostError: another run has the lock, or may have it soon; from then on always.
        """
        if self._lost is None and self._term.over(self._clock()):
            self._lost = self._trouble or "it was not renewed in time, or the clock jumped"
        if self._lost is not None:
            raise LeaseLostError(self.deployment, self._lost)

    def renewed(self, begun: Now) -> None:
        """Tell that it was renewed; `begun` is the moment before that was asked for."""
        self._term = Term(begun, self._lease_s)
        self._trouble = ""

    def not_renewed(self, reason: str) -> None:
        """Tell that it could not be renewed this time; it may still be before it is over."""
        self._trouble = reason

    def lose(self, reason: str) -> None:
        """Tell that it is another run's."""
        self._lost = self._lost or reason
