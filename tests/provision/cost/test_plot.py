"""The picture: written in both formats, the same for the same cost, with both routes and where they cross."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from provision.cost.cost import Cost, Numbers
from provision.cost.plot import INSTALL, PlotUnavailableError, draw, last_minute, write_plot
from provision.cost.rates import Platform, Rates
from provision.cost.reckon import reckon
from provision.cost.traffic import Traffic
from telephony.errors import UserError


def month(calls: float = 1350, **platform: float) -> Cost:
    other = Platform(name="$Elsewhere$"[1:], **platform) if platform else None
    rates = Rates(ai_per_minute=3.2, platform_fee=4000)
    return reckon(Numbers(sip=2, stream=1), Traffic(calls=calls, mean_s=200), rates, other)


CROSSING = month(per_minute=5, number=500)


def test_both_formats_are_written_and_svg_is_the_same_every_time(tmp_path: Path):
    """No date, no random ids."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed here (extra `plot`)")
    for name in ("a.svg", "b.svg", "a.PNG"):
        write_plot(CROSSING, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


def test_both_routes_the_platform_and_every_crossing_are_drawn():
    """Each crossing is a point on both lines; the legend has the figures."""
    figures = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed here (extra `plot`)")
    axes = figures.Figure().add_subplot()
    draw(axes, CROSSING)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [label.partition(":")[0] for label in labels] == [
        "SIP trunk",
        "WebSocket stream",
        "Elsewhere$",
        "break-even of SIP trunk and Elsewhere$",
        "break-even of WebSocket stream and Elsewhere$",
        "your traffic",
    ]
    points = [line.get_xydata()[0] for line in axes.get_lines() if line.get_marker() == "o"]
    by_name = {column.name: column for column in CROSSING.columns}
    for minutes, amount in points:
        assert by_name["Elsewhere$"].at(minutes) == pytest.approx(amount)
        assert 0 < minutes < axes.get_xlim()[1]
        assert 0 < amount < axes.get_ylim()[1]
    assert len(points) == 2


@pytest.mark.parametrize(
    "cost", [month(), month(calls=0), month(per_minute=90), reckon(Numbers(), Traffic(calls=0), Rates(number=0))]
)
def test_months_without_a_crossing_are_drawn_too(cost, tmp_path: Path):
    """Also one in which nothing costs anything."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed here (extra `plot`)")
    write_plot(cost, tmp_path / "cost.svg")
    assert (tmp_path / "cost.svg").stat().st_size > 1000


def test_the_volume_reaches_past_today_and_past_near_crossings():
    """One that is far off would squeeze everything else."""
    (first, *_) = CROSSING.break_evens
    assert last_minute(month()) == pytest.approx(1.6 * 4500)
    assert last_minute(month(calls=0)) == 1000
    assert last_minute(month(calls=300, per_minute=5, number=500)) > 1.25 * (first.minutes or 0)
    assert last_minute(month(calls=3, per_minute=5, number=500)) == pytest.approx(1.6 * 10)


def test_another_format_is_refused(tmp_path: Path):
    """By its suffix, before anything is drawn."""
    with pytest.raises(UserError, match=r"written as \.svg or \.png"):
        write_plot(month(), tmp_path / "cost.pdf")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    """In the system's words."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed here (extra `plot`)")
    with pytest.raises(UserError, match="No such file or directory"):
        write_plot(month(), tmp_path / "none" / "cost.png")


def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """One line to copy."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PlotUnavailableError) as refused:
        write_plot(month(), tmp_path / "cost.svg")
    assert INSTALL in str(refused.value)
    assert not (tmp_path / "cost.svg").exists()


def test_nothing_of_it_is_imported_before_it_is_needed():
    """`--help` answers at once."""
    heavy = "import sys, provision.cost.plot; print({'matplotlib', 'rich', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
