"""How the notebooks look: one style, one palette that colour-blind readers can tell apart, axes that carry units."""

from __future__ import annotations

import math

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

INK = "#1f2933"
QUIET = "#8794a1"
BLUE, SKY, GREEN, ORANGE, RED, PURPLE = "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#9f4a8a"
"""After Okabe and Ito, *Color Universal Design* (2008)."""

VERDICTS = {
    "sustained": (GREEN, "o"),
    "overloaded": (RED, "X"),
    "undecided": (ORANGE, "D"),
    "void": (QUIET, "s"),
}
"""Colour and marker of each verdict: told apart without colours too."""
_LEVELS = [(0, QUIET), (50, SKY), (100, BLUE), (120, RED)]


def use_style() -> None:
    """Sets the style of all figures that follow."""
    mpl.rcParams.update(
        {
            "figure.figsize": (9, 4.8),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "figure.titlesize": 13,
            "font.size": 10,
            "text.color": INK,
            # Words of a result are words, whatever signs they hold.
            "text.parse_math": False,
            "axes.labelcolor": INK,
            "axes.edgecolor": QUIET,
            "axes.titlesize": 12,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY]),
            "grid.color": "#e4e8ec",
            "grid.linewidth": 0.8,
            "xtick.color": INK,
            "ytick.color": INK,
            "legend.frameon": False,
            "legend.fontsize": 9,
            "lines.linewidth": 1.8,
        }
    )


def level_colour(load_percent: int) -> str:
    """Colour of a level: grey at rest, blue below the capacity, red above it."""
    return next((colour for percent, colour in _LEVELS if load_percent <= percent), PURPLE)


def figure_text(value: float | None) -> str:
    """A number as people write it: no zeros behind the point, thousands set apart; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.2g}"


def log_time_axis(axes: Axes, label: str = "response time, ms") -> None:
    """A logarithmic second axis of times in milliseconds, with whole numbers at its ticks."""
    axes.set_yscale("log")
    plain_log_axis(axes.yaxis)
    axes.set_ylabel(label)


def room_above(axes: Axes) -> None:
    """Makes a logarithmic second axis a quarter longer, so that a legend stands above the data."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.25)


def percentile_axis(axes: Axes, most: float) -> None:
    """A first axis of ``1 / (1 - q)`` up to ``most``, with percentiles at its ticks."""
    ticks = {1: "0", 2: "50", 4: "75", 10: "90", 20: "95", 100: "99", 1000: "99.9", 10_000: "99.99", 100_000: "99.999"}
    # Over a wide range the first ones would stand in each other's way.
    crowded = {4, 20} if most > 300 else set()
    shown = {inverse: name for inverse, name in ticks.items() if inverse <= most * 1.5 and inverse not in crowded}
    axes.set_xscale("log")
    axes.set_xticks(list(shown), [f"{name} %" for name in shown.values()])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(1, most * 1.3)
    axes.set_xlabel("percentile")


def objective_line(axes: Axes, limit_ms: float | None, name: str = "objective") -> None:
    """A horizontal line at a limit in milliseconds; nothing without one."""
    if limit_ms is None:
        return
    axes.axhline(limit_ms, color=INK, linewidth=1.2, linestyle=(0, (5, 3)), zorder=1)
    axes.annotate(
        f"{name} {figure_text(limit_ms)} ms",
        (0, limit_ms),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=8.5,
    )


def plain_log_axis(axis: Axis) -> None:
    """Numbers instead of powers of ten at the ticks of a logarithmic axis; also between them where it spans little."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: figure_text(value)))
    low, high = axis.get_view_interval()
    if low > 0 and high / low < 30:
        axis.set_minor_formatter(FuncFormatter(lambda value, _: figure_text(value) if f"{value:e}"[0] in "25" else ""))
        axis.set_tick_params(which="minor", labelsize=8)
    else:
        axis.set_minor_formatter(NullFormatter())
