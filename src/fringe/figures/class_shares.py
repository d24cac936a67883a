"""The figure of the classes with the largest parts in a difference, with images of each class."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from fringe.errors import FringeError
from fringe.figures.heat import distance_name, heat_note, overlay, percent
from fringe.figures.page import GAP, MARGIN, Cells, Page, fitted, line, short_name, text_width
from fringe.figures.style import Style, read_style, styled
from fringe.scores.comparison import ClassShare, Estimate
from fringe.scores.numbers import format_value

__all__ = ["ShownImages", "compared_classes"]

_TILES = 4  # pictures of a generator in a row: four images, or two images with their maps
_REAL = "#8c8c8c"
_THICK = 0.62  # height of a bar, in font sizes
_SMALL = 0.8


class ShownImages(NamedTuple):
    """Images of a generator by their number, and their maps.

    Attributes
    ----------
    name : str
        The name of the generator.
    images : mapping of int to array (H, W, 3), uint8
    maps : mapping of int to array (h, w), or None
        Sensitivity maps of the same images; None if the network has no maps.
    """

    name: str
    images: Mapping[int, NDArray[np.uint8]]
    maps: Mapping[int, NDArray[np.float64]] | None


def compared_classes(
    classes: Sequence[ClassShare],
    baseline: ShownImages,
    model: ShownImages,
    *,
    title: str,
    network: str = "",
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return the figure of the classes with parts in a difference: one row for each class.

    A row has the name of the class, its part of the difference, its share in both generators' and
    in real images, and images of both generators with their maps.

    Parameters
    ----------
    classes : sequence of ClassShare
        The classes from top to bottom.
    baseline, model : ShownImages
        All images that ``classes`` name and for which there is room (see `shown_images`).
    title : str
        Title of the comparison.
    network : str
        Name of the network of the compared distance; FID's network by default.
    simulated : bool
        Whether a simulated generator made images.

    Raises
    ------
    FringeError
        If there is no image at all, or images of several sizes.
    """
    shapes = {image.shape for side in (baseline, model) for image in side.images.values()}
    if len(shapes) != 1:
        raise FringeError(
            f"compared classes: images of {len(shapes)} shapes; give images of one size, at least "
            "one"
        )
    (shape,) = shapes
    look = read_style(style)
    name = distance_name(network)
    with styled(look):
        heading = f"{title}: classes with the largest parts of the difference"
        page = Page(look, heading, _note(baseline, model, name), simulated=simulated)
        room = 0.27 * look.width
        groups = _groups(look, room, shape)
        top = _head(page, baseline, model, groups, room)
        largest = max([1e-12, *(max(_shares(one)) for one in classes)])
        for one in classes:
            height = max(_text_height(page, one), groups[0].height)
            _describe(page, one, top + (height - _text_height(page, one)) / 2, room, largest)
            drawn = (baseline, one.baseline_images), (model, one.model_images)
            for cells, (side, numbers) in zip(groups, drawn, strict=True):
                _draw_images(page, side, numbers, cells, top + height / 2)
            top += height + 0.6 * page.em
        return page.finish(page.scale(top + 0.2 * page.em) if baseline.maps is not None else top)


def shown_images(numbers: Sequence[int], maps: bool) -> list[int]:
    """Return the numbers of the images of a class for which a row has room."""
    return list(numbers[: _TILES // 2 if maps else _TILES])


def _note(baseline: ShownImages, model: ShownImages, name: str) -> str:
    maps = ""
    if baseline.maps is not None:
        maps = f" Next to each image: its sensitivity map for {name}. {heat_note(name)}"
    return (
        f"First line: the class. Second line: its part of the {name} of {model.name} minus the "
        f"{name} of {baseline.name}, with a standard error. Above 0, the class makes {model.name} "
        "worse. Bars: the share of images of the class. Images: the images of the class that add "
        f"most to {name}.{maps}"
    )


def _groups(look: Style, room: float, shape: tuple[int, ...]) -> tuple[Cells, Cells]:
    """Return the columns of both generators; left of them are ``room`` inches for text."""
    between = 0.9 * look.font_size / 72
    left = MARGIN + room + between
    width = (look.width - MARGIN - left - between) / 2
    pitch = (width + GAP) / _TILES
    tile = min(pitch - GAP, 1.5 * (pitch - GAP) * shape[1] / shape[0])
    first = Cells(left, pitch, tile, tile * shape[0] / shape[1])
    return first, first._replace(left=left + width + between)


def _head(
    page: Page,
    baseline: ShownImages,
    model: ShownImages,
    groups: tuple[Cells, Cells],
    room: float,
) -> float:
    """Write the heads of columns and the legend of bars; return the lower edge."""
    look = page.look
    points = _SMALL * look.font_size
    legend = _colors(look, baseline.name, model.name)
    each = line(look, _SMALL)
    top = 0.1 * page.em
    for place, (name, color) in enumerate(legend):
        middle = top + (place + 0.5) * each
        page.axes.add_patch(
            Rectangle((MARGIN, middle - 0.25 * page.em), 0.5 * page.em, 0.5 * page.em, color=color)
        )
        shown = fitted(name, room - page.em, points)
        page.text(shown, MARGIN + 0.8 * page.em, middle, size=_SMALL, ha="left", va="center")
    bottom = top + len(legend) * each
    for cells, side in zip(groups, (baseline, model), strict=True):
        middle = cells.left + (_TILES * cells.pitch - GAP) / 2
        width = _TILES * cells.pitch
        page.over(fitted(side.name, width, points), middle, bottom, size=_SMALL)
    return bottom + 0.4 * page.em


def _colors(look: Style, baseline: str, model: str) -> list[tuple[str, str]]:
    return [(baseline, look.colors[0]), (model, look.colors[1]), ("real images", _REAL)]


def _shares(one: ClassShare) -> list[float]:
    """Return the shares of a class in images, in the order of the bars."""
    found = [one.baseline_share, one.model_share]
    return found if one.real_share is None else [*found, one.real_share]


def _text_height(page: Page, one: ClassShare) -> float:
    lines = line(page.look, 0.9) + line(page.look, _SMALL)
    return lines + 0.15 * page.em + len(_shares(one)) * (_THICK + 0.1) * page.em


def _describe(page: Page, one: ClassShare, top: float, room: float, largest: float) -> None:
    """Write name and part of a class and draw its bars, starting at ``top``."""
    look = page.look
    name = fitted(short_name(one.name), room, 0.9 * look.font_size)
    page.text(name, MARGIN, top, size=0.9, ha="left")
    top += line(look, 0.9)
    page.text(_part(one.contribution), MARGIN, top, size=_SMALL, ha="left", color="#444444")
    top += line(look, _SMALL) + 0.15 * page.em
    points = 0.7 * look.font_size
    number = GAP + max(text_width(percent(share), points) for share in _shares(one))
    colors = [color for _, color in _colors(look, "", "")]
    for share, color in zip(_shares(one), colors, strict=False):
        length = max(0.01, (room - number) * share / largest)
        page.axes.add_patch(
            Rectangle((MARGIN, top), length, _THICK * page.em, color=color, linewidth=0)
        )
        middle = top + _THICK * page.em / 2
        page.text(percent(share), MARGIN + length + GAP, middle, size=0.7, ha="left", va="center")
        top += (_THICK + 0.1) * page.em


def _part(found: Estimate) -> str:
    """Return a part of the difference with its sign and its standard error."""
    error = float("nan") if found.error is None else found.error
    sign = "+" if found.value > 0 else ""
    return f"{sign}{format_value(found.value, error)}"


def _draw_images(
    page: Page, side: ShownImages, numbers: Sequence[int], cells: Cells, middle: float
) -> None:
    """Draw the images of a generator with their maps, centred at the height ``middle``."""
    shown = shown_images(numbers, side.maps is not None)
    if not shown:
        points = 0.7 * page.look.font_size
        text = fitted("no image of this class", _TILES * cells.pitch, points, 2)
        x = cells.left + (_TILES * cells.pitch - GAP) / 2
        page.text(text, x, middle, size=0.7, va="center", color="#777777")
        return
    pictures: list[NDArray[np.uint8]] = []
    for number in shown:
        pictures.append(side.images[number])
        if side.maps is not None:
            pictures += list(overlay(side.images[number][None], side.maps[number][None]))
    page.row(pictures, cells, middle - cells.height / 2)
