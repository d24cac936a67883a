"""Figure S1: loss against time of the released weight optimization and of ours."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from fringe.figures.style import Style, add_heading, add_note, new_figure, read_style, styled
from fringe.scores.convergence import OURS, REFERENCE, Convergence, compare_convergence, format_loss

__all__ = ["format_duration", "loss_over_time"]

_SEPARATE = 100  # most evaluations for which each is drawn as a point
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_COARSE = (
    *(10.0**power for power in range(-5, 2)),
    *(_MINUTE, 10 * _MINUTE, _HOUR, 10 * _HOUR, 4 * _DAY, 40 * _DAY),
)
_FINE = (
    *(digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5)),
    *(10, 20, 30),
    *(count * unit for unit in (_MINUTE, _HOUR) for count in (1, 2, 5, 10, 20, 30)),
    *(count * _DAY for count in (2, 4, 10, 20, 40)),
)


def format_duration(seconds: float) -> str:
    """Return "0.34 s", "45 s", "12 min", "5.3 h" or "2.1 days"."""
    for unit, name in ((_DAY, "days"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 1.95 * unit:
            return f"{_short(seconds / unit)} {name}"
    return f"{_short(seconds)} s"


def _short(value: float) -> str:
    """Return a positive number with two digits: "0.34", "75", "5,600"."""
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 9.95 else f"{value:.2g}"


def loss_over_time(
    rows: pd.DataFrame,
    *,
    title: str,
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure S1 of one data set: loss, and our proven lower bound, over wall-clock time.

    Parameters
    ----------
    rows : DataFrame
        Rows with columns ``CONVERGENCE_COLUMNS``, of one dataset.
    title : str
        Display name of the dataset.

    Raises
    ------
    FringeError
        If a column or a solver's rows are missing, or an objective is not a finite number.
    """
    dataset = str(rows["dataset"].iloc[0])
    found = compare_convergence(rows, dataset)
    ours, reference = (
        rows[(rows["dataset"] == dataset) & (rows["solver"] == solver)].sort_values("evaluation")
        for solver in (OURS, REFERENCE)
    )
    look = read_style(style)
    with styled(look):
        figure = new_figure(look, 0.5 * look.width + 0.12 * look.font_size)
        axes = figure.add_subplot()
        _draw(axes, ours, reference, found, look)
        axes.set_xlabel("wall-clock time (logarithmic)")
        axes.set_ylabel("loss: FID of all candidates, weighted")
        add_heading(figure, f"{title}: {_headline(found)}", look)
        add_note(figure, _note(ours, reference, found), look, simulated=simulated)
    return figure


def _draw(
    axes: Axes, ours: pd.DataFrame, reference: pd.DataFrame, found: Convergence, look: Style
) -> None:
    """Draw both losses, the bound with the gap above it, and the level that both reached."""
    blue, orange, green = look.colors[:3]
    seconds, released = ours["seconds"].to_numpy(float), reference["seconds"].to_numpy(float)
    losses = reference["objective"].to_numpy(float)
    best = ours["objective"].cummin().to_numpy(float)
    right = _time_axis(axes, min(seconds[0], released[0]), max(seconds[-1], released[-1]))
    bottom = _loss_axis(axes, found)
    bound = np.maximum(ours["lower_bound"].to_numpy(float), bottom)

    axes.fill_between(seconds, bound, best, color=green, alpha=0.15, linewidth=0)
    # The bound stays valid, so its line continues to the end.
    axes.plot(np.append(seconds, right), np.append(bound, bound[-1]), color=green)
    for x, y, color in ((released, losses, orange), (seconds, best, blue)):
        axes.plot(x, y, color=color, marker="o" if len(x) <= _SEPARATE else "", markersize=2.5)
    axes.plot([seconds[-1], right], [best[-1], best[-1]], color=blue, ls=":")

    def label(x: float, y: float, text: str, color: str, place: str, ha: str = "left") -> None:
        axes.annotate(
            text,
            (x, y),
            xytext=(0, 5 if place == "above" else -5),
            textcoords="offset points",
            ha=ha,
            va="bottom" if place == "above" else "top",
            color=color,
            fontsize=0.9 * look.font_size,
        )

    def height(y: float) -> float:
        """Return where a loss is on the axis, from 0 at its lower end to 1."""
        return float((axes.transScale + axes.transLimits).transform((right, y))[1])

    label(seconds[0], best[0], "ours", blue, "above")
    label(released[0], losses[0], "released algorithm", _dark(orange), "above")
    if found.reference < found.reference_start and not math.isnan(found.ours_seconds):
        ends = [found.ours_seconds, found.reference_seconds]
        axes.plot(ends, [found.reference] * 2, color="#333333", ls="--", lw=1, zorder=1.5)
        text = f"{found.reference_step:,} released steps: {format_loss(found.reference)}"
        # Below the end of the level, where our loss is already lower, if there is enough room.
        if height(found.reference) - height(found.ours) > 0.15:
            label(max(ends), found.reference, text, "#333333", "below", "right")
        else:
            label(min(ends), found.reference, f"  {text}", "#333333", "above")
    text = f"ours: {format_loss(found.ours)}; " + (
        f"no weights reach below {format_loss(found.lower_bound, down=True)} (proven)"
        if found.lower_bound > 0
        else "no lower bound above 0 was proven"
    )
    # The text may use the right half: below the bound, or above our losses.
    shown = seconds >= math.sqrt(axes.get_xlim()[0] * right)
    lowest, highest = min(bound[shown], default=bound[-1]), max(best[shown], default=best[-1])
    below = height(lowest) > 0.1
    label(
        right,
        lowest if below else highest,
        text,
        _dark(green),
        "below" if below else "above",
        "right",
    )


def _time_axis(axes: Axes, first: float, last: float) -> float:
    """Set up a logarithmic time axis with round durations; return its end."""
    span = max(math.log(last / first), 1.0)
    left, right = first * math.exp(-0.05 * span), last * math.exp(0.06 * span)
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    coarse, fine = ([t for t in ticks if left <= t <= right] for ticks in (_COARSE, _FINE))
    axes.xaxis.set_major_locator(FixedLocator(coarse if len(coarse) >= 3 else fine))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: _tick(value))
    return right


def _tick(seconds: float) -> str:
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"


def _loss_axis(axes: Axes, found: Convergence) -> float:
    """Set up the axis of the loss, logarithmic if the loss falls far; return its lower end.

    The axis covers the range from our lowest loss to the loss at the start. A released run with
    rising loss may leave this range, and a bound that is still near 0 may be below it.
    """
    top = max(found.start, found.reference_start) or 1.0
    if found.ours > 0.2 * top:
        axes.set_ylim(0, 1.15 * top)
    else:
        lowest = max(found.ours, 1e-3 * top)
        axes.set_yscale("log")
        axes.set_ylim(0.5 * lowest, 1.5 * top)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return axes.get_ylim()[0]


def _dark(color: str) -> str:
    """Return a colour that is dark enough for text on white."""
    channels = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(0.7 * channel):02x}" for channel in channels)


def _headline(found: Convergence) -> str:
    """Return one sentence on the result of the figure."""
    many = f"{found.reference_step:,} released steps"
    if found.reference >= found.reference_start:
        return "released steps do not lower the loss; ours do"
    if math.isnan(found.ours_seconds):
        return f"ours does not reach the loss of {many}"
    took, instead = found.ours_seconds, found.reference_seconds
    times = instead / took
    faster = f" ({_short(times)} times faster)" if times >= 1.1 else ""
    return (
        f"ours reaches the loss of {many} after {format_duration(took)} instead of "
        f"{format_duration(instead)}{faster}"
    )


def _note(ours: pd.DataFrame, reference: pd.DataFrame, found: Convergence) -> str:
    """Return how both algorithms were measured."""
    row = reference.iloc[0]
    where, here = _where(row), _where(ours.iloc[0])
    own = "the same device" if here == where else here
    return (
        f"{found.candidates:,} candidates, matched to the real images in pre-logits. Shaded: the "
        "most that the loss can still fall. Released algorithm: time is the time of one step "
        f"(timed {int(row['timed_steps'])} times on {where}; the fastest counts) times the number "
        f"of steps. Losses are computed by the closed form of the same step{_merged(found)}. Its "
        "loss divides the covariance by the sum of weights minus 1, ours by the sum. Ours: "
        f"measured time on {own}, lowest loss so far."
    )


def _merged(found: Convergence) -> str:
    """Return the accuracy of the losses if steps were merged; otherwise ""."""
    if not found.merge_error:
        return ""
    return f", with many steps merged into one (error of the loss at most {found.merge_error:.1g})"


def _where(row: pd.Series) -> str:
    """Return the device on which a row was measured."""
    if pd.isna(row["device"]):
        return "an unknown device"
    threads = int(row["threads"])
    device = str(row["device"]).replace("cpu", "CPU")
    return f"{device}, {threads} thread{'' if threads == 1 else 's'}"
