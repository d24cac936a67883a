"""Parts of diagrams: steps, arrows, bars and Gaussians, with positions in inches on a page."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.patches import Ellipse, FancyArrowPatch, Rectangle
from numpy.typing import NDArray

from fringe.figures.page import GAP, Page, fitted, line, text_width

__all__ = [
    "Box",
    "Plane",
    "Step",
    "draw_across",
    "draw_bars",
    "draw_down",
    "draw_fan",
    "draw_frame",
    "draw_gaussians",
    "draw_picture",
    "draw_steps",
    "format_distance",
    "name_sides",
]

GREY = "#777777"
_SMALL = 0.72  # size of the text of a step, in font sizes
_APART = 0.09  # distance between pictures of a fan, in sizes of the box
_AROUND = 2.6  # standard deviations that a panel of Gaussians shows on each side

Floats = NDArray[np.float64]


class Box(NamedTuple):
    """A rectangle on a page, in inches from its top left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    @property
    def middle(self) -> tuple[float, float]:
        """The centre."""
        return self.left + self.width / 2, self.top + self.height / 2

    def fit(self, shape: tuple[int, ...]) -> "Box":
        """Return the largest box with the shape of a picture (h, w) in the middle of this box."""
        height = min(self.height, self.width * shape[0] / shape[1])
        width = height * shape[1] / shape[0]
        x, y = self.middle
        return Box(x - width / 2, y - height / 2, width, height)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge: the argument ``extent`` of matplotlib's images."""
        return self.left, self.right, self.bottom, self.top


class Step(NamedTuple):
    """The text of a column of a diagram: a head, and a few words below it."""

    head: str
    text: str


def draw_steps(page: Page, steps: Sequence[Step], left: float, pitch: float, top: float) -> float:
    """Write the steps centred in their columns, below ``top``; return the lower edge."""
    room, points = pitch - 3 * GAP, page.look.font_size
    words = "\n".join(step.head for step in steps).split()
    # Bold letters are about 1/8 wider.
    size = min(0.8, 0.96 * room / 1.15 / max(text_width(word, points) for word in words))
    heads = [fitted(step.head, room / 1.15, size * points, 3) for step in steps]
    texts = [fitted(step.text, room, _SMALL * points, 8) for step in steps]
    middle = top + line(page.look) * max(head.count("\n") + 1 for head in heads)
    for column, (head, text) in enumerate(zip(heads, texts, strict=True)):
        x = left + (column + 0.5) * pitch
        page.over(head, x, middle, size=size, weight="bold")
        page.text(text, x, middle + GAP / 2, size=_SMALL, color="#444444")
    lines = max(text.count("\n") + 1 for text in texts)
    return middle + GAP / 2 + lines * line(page.look, _SMALL)


def draw_across(page: Page, first: Box, second: Box) -> None:
    """Draw an arrow from a box to the box at its left or right."""
    y = first.middle[1]
    if first.left < second.left:
        _arrow(page, (first.right + 1.5 * GAP, y), (second.left - 1.5 * GAP, y))
    else:
        _arrow(page, (first.left - 1.5 * GAP, y), (second.right + 1.5 * GAP, y))


def draw_down(page: Page, first: Box, second: Box) -> None:
    """Draw an arrow from a box to the box below or above it."""
    x = first.middle[0]
    if first.top < second.top:
        _arrow(page, (x, first.bottom + 1.5 * GAP), (x, second.top - 1.5 * GAP))
    else:
        _arrow(page, (x, first.top - 1.5 * GAP), (x, second.bottom + 1.5 * GAP))


def _arrow(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    head = 0.75 * page.look.font_size
    how: dict[str, Any] = {"mutation_scale": head, "color": GREY, "linewidth": 1.1, "zorder": 3}
    page.axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", shrinkA=0, shrinkB=0, **how))


def draw_picture(page: Page, picture: NDArray[Any], box: Box, **how: Any) -> None:
    """Draw a picture (h, w, 3); each of its pixels is a block."""
    page.axes.imshow(picture, extent=box.extent, aspect="auto", interpolation="nearest", **how)


def draw_fan(page: Page, pictures: Sequence[NDArray[Any]], box: Box) -> None:
    """Draw overlapping pictures (h, w, 3) in a box, the first in front."""
    share = 1 - _APART * (len(pictures) - 1)
    for place, picture in reversed(list(enumerate(pictures))):
        one = Box(
            box.left + _APART * box.width * place,
            box.top + _APART * box.height * (len(pictures) - 1 - place),
            share * box.width,
            share * box.height,
        )
        order = 1 - 0.1 * place
        draw_picture(page, picture, one, zorder=order)
        draw_frame(page, one, edgecolor="white", linewidth=1.0, zorder=order + 0.05)


def draw_frame(page: Page, box: Box, **how: Any) -> None:
    """Draw the outline of a box."""
    settings: dict[str, Any] = {"facecolor": "none", "edgecolor": "#bbbbbb", "linewidth": 0.7} | how
    page.axes.add_patch(Rectangle((box.left, box.top), box.width, box.height, **settings))


def draw_bars(
    page: Page,
    box: Box,
    values: Floats,
    color: str,
    *,
    negative: str | None = None,
    marks: Floats | None = None,
) -> None:
    """Draw a bar for each of ``values`` (k,); the range of all values fills the box.

    The line of 0 is placed accordingly. Bars below it have the colour ``negative``. ``marks`` (k,)
    are short lines across the bars, in the same unit.
    """
    every = np.concatenate([values, [0.0], [] if marks is None else marks])
    low, high = float(every.min()), float(every.max())
    unit = box.height / ((high - low) or 1.0)
    zero = box.top + high * unit
    pitch = box.width / len(values)
    for place, value in enumerate(values):
        left = box.left + (place + 0.1) * pitch
        page.axes.add_patch(
            Rectangle(
                (left, zero - max(value, 0) * unit),
                0.8 * pitch,
                abs(value) * unit,
                linewidth=0,
                color=color if value >= 0 else negative or color,
            )
        )
        if marks is not None:
            y = zero - marks[place] * unit
            page.axes.plot([left, left + 0.8 * pitch], [y, y], color="black", linewidth=0.9)
    page.axes.plot([box.left, box.right], [zero, zero], color=GREY, linewidth=0.7)


def draw_gaussians(
    page: Page,
    box: Box,
    means: Floats,
    covariances: Floats,
    colors: Sequence[str],
    points: Sequence[Floats] = (),
) -> "Plane":
    """Draw Gaussians of two dimensions as ellipses of two standard deviations, and their points.

    Parameters
    ----------
    means, covariances : (g, 2), (g, 2, 2)
        The first axis is horizontal, the second axis points upwards.
    colors : sequence of g colours
    points : sequence of (k, 2), optional
        Points of each Gaussian; points outside the box are left out.

    Returns
    -------
    Plane
        The map from points of the plane to positions on the page.
    """
    draw_frame(page, box, facecolor="#fafafa")
    reach = _AROUND * np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    low, high = (means - reach).min(0), (means + reach).max(0)
    sides = np.array([box.width, box.height])
    unit = float((sides / np.where(high > low, high - low, 1)).min())
    plane = Plane(box, (low + high) / 2, unit)
    for rows, color in zip(points, colors, strict=False):
        places = np.array([plane.place(row) for row in rows])
        inside = np.all(np.abs(places - box.middle) < sides / 2 - 0.02, axis=1)
        size = 0.09 * page.look.font_size
        page.axes.plot(*places[inside].T, ".", color=color, markersize=2 * size, alpha=0.5, mew=0)
    for mean, covariance, color in zip(means, covariances, colors, strict=True):
        variances, directions = np.linalg.eigh(covariance)
        wide, high_ = 4 * np.sqrt(np.maximum(variances[::-1], 0)) * unit
        x, y = directions[:, 1]
        page.axes.add_patch(
            Ellipse(
                plane.place(mean),
                wide,
                high_,
                angle=-float(np.degrees(np.arctan2(y, x))),
                facecolor="none",
                edgecolor=color,
                linewidth=1.3,
            )
        )
        page.axes.plot(*plane.place(mean), "+", color=color, markersize=0.5 * page.look.font_size)
    return plane


def name_sides(page: Page, box: Box, colors: Sequence[str]) -> None:
    """Write the meaning of a panel's two colours into its upper and its lower corner."""
    page.text("real", box.left + GAP, box.top + GAP / 2, size=0.65, color=colors[0], ha="left")
    where = box.right - GAP, box.bottom - GAP / 2
    page.text("generated", *where, size=0.65, color=colors[1], ha="right", va="bottom")


def format_distance(value: float) -> str:
    """Return a distance with at least three digits: "5.31", "109.3", "0.0123"."""
    if 1 <= value < 100:
        return f"{value:.2f}"
    return f"{value:.1f}" if value >= 100 else f"{value:.3g}"


class Plane(NamedTuple):
    """The position of a two-dimensional plane in a box: its ``centre``, and inches per unit."""

    box: Box
    centre: Floats
    unit: float

    def place(self, point: Floats) -> tuple[float, float]:
        """Return the position of a point of the plane on the page."""
        across, up = (np.asarray(point) - self.centre) * self.unit
        x, y = self.box.middle
        return x + float(across), y - float(up)
