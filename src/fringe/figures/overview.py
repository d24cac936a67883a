"""Figure 1: images, their pre-logits, logits and class probabilities, and the distances."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from fringe.errors import FringeError
from fringe.figures.diagram import (
    Box,
    Step,
    draw_across,
    draw_down,
    draw_fan,
    draw_gaussians,
    draw_picture,
    draw_steps,
    format_distance,
    name_sides,
)
from fringe.figures.heat import as_pixels, distance_name, percent
from fringe.figures.mosaic import check_images
from fringe.figures.page import GAP, MARGIN, Page, fitted, line, short_name, text_width
from fringe.figures.style import Style, read_style, styled
from fringe.scores.numbers import error_note
from fringe.scores.overview import Overview, Space
from fringe.scores.titles import title_of

__all__ = ["feature_overview"]

_TINY = 0.62  # of the font size: names and shares of classes
_TOP = 3
_TONES = matplotlib.colormaps["magma"]


def feature_overview(
    real: ArrayLike,
    generated: ArrayLike,
    found: Overview,
    *,
    title: str,
    network: str = "",
    classifier: str = "",
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 1: a classifier's results for images, and the distances between the two sets.

    Parameters
    ----------
    real, generated : (k, H, W, 3) uint8
        The first images of either set. Vectors and probabilities are of the first image only.
    found : `fringe.scores.overview.Overview`
        The classifier's results.
    title, network : str
        Display name of the dataset; name of the network of FID, Inception by default.
    classifier : str
        Name of the network of logits and classes, if it is another network.

    Raises
    ------
    FringeError
        If an array does not contain uint8 RGB images, or the number of class names is wrong.
    """
    sides = check_images(real, "real images"), check_images(generated, "generated images")
    look = read_style(style)
    name, seen_by = distance_name(network), title_of({}, network or "inception")
    spaces = [found.spaces["features"], found.spaces["logits"]]
    widths = [space.vectors.shape[1] for space in spaces]
    if len(found.class_names) != widths[1]:
        raise FringeError(
            f"overview: {widths[1]} logits and {len(found.class_names)} class names; give a name "
            "for each logit"
        )
    steps = [
        Step("Images", f"through {seen_by}"),
        Step("Pre-logits", f"{widths[0]:,} features"),
        Step(
            "Logits",
            f"{widths[1]:,}, by {title_of({}, classifier) if classifier else 'the last layer'}",
        ),
        Step("Probabilities", "of classes, by softmax"),
    ]
    between = [
        Step(f"FID = {format_distance(spaces[0].distance)}", _measured(spaces[0], "of Gaussians")),
        Step(f"{format_distance(spaces[1].distance)}", _measured(spaces[1], "in logits")),
        Step("Top-1 classes", "shares of the images"),
    ]
    note = (
        "Top: the first real image; bottom: the first generated image; each with two more images "
        "behind. A small square is one number of that image, from dark (small) to light (large). "
        f"{name} is the Fréchet distance between both sets in pre-logits. Logits or classes can be "
        "matched instead. Ellipses: two standard deviations of either set, along the two "
        "directions in which real images vary most. Dots: single images. Distances are measured "
        "once, with the first images of each set and in all dimensions."
    )
    if classifier:
        note += f" Logits and classes of the same images are from {title_of({}, classifier)}."
    if any(not math.isnan(space.standard_error) for space in spaces):
        note += f" {error_note(space.real_error for space in spaces)}"
    with styled(look):
        page = Page(look, f"{title}: from images to {name}", note, simulated=simulated)
        left = MARGIN + page.label_width()
        pitch = (look.width - MARGIN - left) / len(steps)
        wide = 0.76 * pitch
        edge = [left + (k + 0.5) * pitch - wide / 2 for k in range(len(steps))]
        shape = sides[0].shape[1:3]
        apart = 1.9 * page.em

        top = draw_steps(page, steps, left, pitch, 0.0) + GAP
        lanes = [[Box(x, top, wide, wide) for x in edge]]
        below = lanes[0][0].bottom + apart
        middle = [Box(x, below, wide, wide) for x in edge]
        lower = draw_steps(page, between, left + pitch, pitch, middle[0].bottom)
        lanes.append([Box(x, lower + apart, wide, wide) for x in edge])

        for side, lane in enumerate(lanes):
            draw_fan(page, list(sides[side][:3]), lane[0].fit(shape))
            for space, box in zip(spaces, lane[1:3], strict=True):
                draw_picture(page, _tile(space, side), box)
            _probabilities(page, lane[3], spaces[1].vectors[side], found.class_names, side)
            for first, second in itertools.pairwise(lane):
                draw_across(page, first, second)
            label = ("real", "generated")[side]
            where = MARGIN + page.em / 2, lane[0].middle[1]
            page.text(label, *where, rotation=90, va="center", color=look.colors[side])
        colors = look.colors[:2]
        for space, box in zip(spaces, middle[1:3], strict=True):
            draw_gaussians(page, box, space.means, space.covariances, colors, space.points)
            name_sides(page, box, colors)
        _frequencies(page, middle[3], found)
        counts = f"{found.counts[0]:,} real and {found.counts[1]:,} generated images"
        points = 0.72 * look.font_size
        page.over("Both sets", *middle[0].middle, weight="bold")
        page.text(fitted(counts, wide, points, 5), *middle[0].middle, size=0.72, color="#444444")
        for column in (1, 2, 3):
            draw_down(page, lanes[0][column], middle[column])
            words = lower - 1.5 * GAP
            end = Box(edge[column], middle[column].top, wide, words - middle[column].top)
            draw_down(page, lanes[1][column], end)
        return page.finish(lanes[1][0].bottom + 0.6 * page.em)


def _measured(space: Space, where: str) -> str:
    """Return the text below a distance: its standard error and its name."""
    name = f"Fréchet distance {where}"
    if math.isnan(space.standard_error):
        return name
    return f"SE {format_distance(space.standard_error)}; {name}"


def _tile(space: Space, side: int) -> NDArray[np.uint8]:
    """Return the vector of an image as a square of small coloured squares.

    Squares without a number are white. Both images have the same colours; their range ends at the
    0.5 % and the 99.5 % quantile.
    """
    low, high = np.quantile(space.vectors, [0.005, 0.995])
    vector = (space.vectors[side] - low) / ((high - low) or 1)
    columns = int(np.ceil(np.sqrt(len(vector))))
    rows = -(-len(vector) // columns)
    colors = np.ones((rows * columns, 3))
    colors[: len(vector)] = _TONES(np.clip(vector, 0, 1))[:, :3]
    return as_pixels(255 * colors.reshape(rows, columns, 3))


def _probabilities(
    page: Page, box: Box, logits: NDArray[Any], names: Sequence[str], side: int
) -> None:
    """Draw the most probable classes of an image, each with a bar."""
    powers = np.exp(logits.astype(np.float64) - logits.max())
    shares = powers / powers.sum()
    top = np.argsort(-shares, kind="stable")[:_TOP]
    colors = page.look.colors[side]
    _classes(page, box, [names[k] for k in top], [[shares[k]] for k in top], [colors])


def _frequencies(page: Page, box: Box, found: Overview) -> None:
    """Draw the shares of the most frequent Top-1 classes in real and in generated images."""
    top = np.argsort(-found.shares.sum(0), kind="stable")[:4]
    names = [found.class_names[k] for k in top]
    _classes(page, box, names, [list(found.shares[:, k]) for k in top], page.look.colors[:2])


def _classes(
    page: Page,
    box: Box,
    names: Sequence[str],
    shares: Sequence[Sequence[float]],
    colors: Sequence[str],
) -> None:
    """Draw classes below each other with their bars; the longest bar is as wide as the box.

    If the box has no room for all classes, only the first classes are drawn.
    """
    points, thick = _TINY * page.look.font_size, _thick(page)
    number = GAP + max(text_width(percent(max(each)), points) for each in shares)
    longest = max(max(each) for each in shares) or 1.0
    each_high = line(page.look, _TINY) + (len(colors) + 0.6) * thick
    count = max(1, min(len(names), int(box.height / each_high)))
    top = box.middle[1] - each_high * count / 2
    for name, values in zip(names[:count], shares[:count], strict=True):
        bar = top + line(page.look, _TINY)
        page.over(fitted(short_name(name), box.width, points), box.left, bar, size=_TINY, ha="left")
        for place, (value, color) in enumerate(zip(values, colors, strict=True)):
            y = bar + place * thick
            width = (box.width - number) * value / longest
            page.axes.add_patch(
                Rectangle((box.left, y), width, 0.9 * thick, color=color, linewidth=0)
            )
            how = {"ha": "right", "va": "center_baseline"}
            page.text(percent(value), box.right, y + thick / 2, size=_TINY, **how)
        top += each_high


def _thick(page: Page) -> float:
    """Return the height of a class's bar, in inches."""
    return 0.66 * page.em
