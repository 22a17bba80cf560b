"""A cost over the volume as a picture. matplotlib is needed for this alone and imported here alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from provision.cost.cost import BreakEven, Cost
from provision.cost.reckon import MIXED, SIP, STREAM
from provision.cost.render import clock
from telephony.errors import UserError, WorldError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INSTALL: Final = "python -m pip install 'matplotlib>=3.11'"
_SUFFIXES: Final = (".svg", ".png")
_BLUE, _ORANGE, _PURPLE = "#0b6e99", "#d9730d", "#6940a5"
_INK, _GRID = "#37352f", "#e3e2e0"


class PlotUnavailableError(WorldError):
    """The library that draws is not installed."""

    def __init__(self) -> None:
        super().__init__(f"a plot needs matplotlib, which is not installed; install it: {INSTALL}")


def write_plot(cost: Cost, path: Path) -> None:
    """Write costs over minutes of talk to an SVG or PNG file; equal costs give equal SVG files.

    Raises:
        UserError: another suffix, or a file that cannot be written.
        PlotUnavailableError: matplotlib is not installed.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise UserError(f"{path}: a plot is written as {' or '.join(_SUFFIXES)}")
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise PlotUnavailableError from None
    kind = path.suffix.lower().removeprefix(".")
    # A dollar sign in a name is no formula.
    with mpl.rc_context({"svg.hashsalt": "dialroom", "svg.fonttype": "path", "text.parse_math": False}):
        figure = Figure(figsize=(9, 6), layout="constrained")
        draw(figure.add_subplot(), cost)
        try:
            figure.savefig(path, format=kind, dpi=160, metadata={"Date": None} if kind == "svg" else None)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}") from None


def last_minute(cost: Cost) -> float:
    """Return how far the volume is drawn: past today's traffic and past every crossing that is not far beyond it."""
    today = cost.traffic.minutes
    crossings = [point.minutes for point in cost.break_evens if point.minutes is not None]
    near = [minutes for minutes in crossings if minutes <= 20 * today or not today]
    return max(1.6 * today, 1.3 * max(near, default=0.0)) or 1000.0


def draw(axes: Axes, cost: Cost) -> None:
    """Draw both routes and the other platform over the volume, where they cross, and the traffic that was reckoned.

    All words stand in the legend, where nothing can lie over them, however close the lines are.
    """
    end = last_minute(cost)
    drawn = [column for column in cost.columns if column.name != MIXED]
    for column in drawn:
        label = f"{column.name}: INR {column.fixed:,.0f} + {column.slope:,.2f} a minute of talk"
        axes.plot([0, end], [column.at(0), column.at(end)], color=_colour(column.name), linewidth=2, label=label)
    for point in cost.break_evens:
        if point.minutes is not None and point.minutes < end and point.first != MIXED:
            _mark_crossing(axes, cost, point, point.minutes)
    minutes = cost.traffic.minutes
    if minutes:
        label = f"your traffic: {minutes:,.0f} minutes"
        axes.axvline(minutes, color=_INK, linewidth=1, linestyle=(0, (1, 2)), label=label)
    top = max(column.at(end) for column in drawn) * 1.05 or 1.0
    axes.set(xlim=(0, end), ylim=(0, top))
    _dress(axes, cost)


def _colour(name: str) -> str:
    return {SIP: _BLUE, STREAM: _ORANGE}.get(name, _PURPLE)


def _mark_crossing(axes: Axes, cost: Cost, point: BreakEven, minutes: float) -> None:
    column = next(column for column in cost.columns if column.name == point.first)
    amount, colour = column.at(minutes), _colour(point.first)
    axes.vlines(minutes, 0, amount, color=colour, linewidth=1, linestyle="--")
    axes.plot(
        minutes,
        amount,
        marker="o",
        markersize=9,
        linestyle="none",
        color=colour,
        markeredgecolor="white",
        zorder=5,
        label=f"break-even of {point.first} and {point.second}: {minutes:,.0f} minutes, INR {amount:,.0f}",
    )


def _dress(axes: Axes, cost: Cost) -> None:
    count, mean_s = cost.numbers.total, cost.traffic.mean_s
    numbers = "1 number" if count == 1 else f"{count:,} numbers"
    axes.set_title(
        f"Cost of a month: {numbers}, calls of {clock(mean_s)} min on average", color=_INK, loc="left", pad=12
    )
    axes.set_xlabel("minutes of talk a month", color=_INK)
    axes.set_ylabel("INR a month, without taxes", color=_INK)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _position: f"{value:,.0f}")
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(_INK)
    axes.tick_params(colors=_INK, length=0)
    axes.legend(
        loc="upper left", bbox_to_anchor=(0, -0.13), frameon=False, fontsize=9, labelcolor=_INK, borderaxespad=0
    )
