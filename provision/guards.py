"""What an apply does only when it is told to: taking numbers off, and deleting much at once. Pure."""

from collections import Counter
from collections.abc import Iterator

from provision.changes import Create, Delete, Report
from provision.observed import Observed
from provision.plan import Plan
from provision.values import Assignment, Kind

MUCH_FROM = 10
MUCH_SHARE = 0.3


def guarded(plan: Plan, observed: Observed, *, allow_delete: bool) -> Plan:
    """Return the plan with a conflict for each deletion that was not allowed."""
    if not allow_delete:
        for report in _refused(plan, observed):
            plan = plan.with_report(report)
    return plan


def _refused(plan: Plan, observed: Observed) -> Iterator[Report]:
    gone = Counter(change.key.kind for change in plan.changes if isinstance(change, Delete))
    made_again = Counter(change.key.kind for change in plan.changes if isinstance(change, Create))
    there = Counter(value.kind for value in observed.ours(plan.deployment))
    numbers = [change.key.name for change in plan.changes if _takes_off(change)]
    if numbers:
        more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
        text = f"{numbers[0]}{more} would lose its route: give --allow-delete if the manifest means that"
        yield Report("conflict", numbers[0], text)
    for kind, count in sorted(gone.items()):
        lost = count - made_again.get(kind, 0)
        if kind is not Kind.ASSIGNMENT and there[kind] >= MUCH_FROM and lost > MUCH_SHARE * there[kind]:
            text = f"{lost} of {there[kind]} objects of one kind ({kind.value}) would be deleted: give --allow-delete"
            yield Report("conflict", kind.value, text)


def _takes_off(change: object) -> bool:
    return isinstance(change, Delete) and change.key.kind is Kind.ASSIGNMENT


def not_ours_then(plan: Plan, then: Observed) -> Iterator[Report]:
    """Warn of numbers that a rollback takes off ours, and that were somebody else's before they were taken over."""
    targets = {seen.value.name: seen.value.target for seen in then.objects if isinstance(seen.value, Assignment)}
    for change in plan.changes:
        number = change.key.name
        if _takes_off(change) and number in targets:
            text = f"{number} went to {targets[number]} then, which is not ours: it gets no route; assign it there"
            yield Report("warning", number, text)
