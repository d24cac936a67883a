"""Figures 3, 11 and S2: sensitivity maps of single images, for FID or for several networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from fringe.errors import FringeError
from fringe.figures.heat import (
    as_pixels,
    check_maps,
    check_mean_image,
    check_predictions,
    classifier_title,
    distance_name,
    heat_note,
    mean_overlay,
    overlay,
    percent,
)
from fringe.figures.mosaic import check_images
from fringe.figures.page import (
    GAP,
    Cells,
    Page,
    blocks_of,
    columns_for,
    fitted,
    line,
    short_name,
    text_width,
)
from fringe.figures.style import Style, read_style, styled
from fringe.scores.titles import Titles, title_of

__all__ = ["network_maps", "sensitivity_examples", "sensitivity_grid"]

_SMALL = 0.75  # of the font size: names of classes


def sensitivity_examples(
    images: ArrayLike,
    maps: ArrayLike,
    predictions: Sequence[Sequence[tuple[str, float]]] | None = None,
    *,
    title: str,
    network: str = "",
    classifier: str = "",
    columns: int = 8,
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 3: images, their sensitivity maps, and their most probable classes.

    Parameters
    ----------
    images : (n, H, W, 3) uint8
    maps : (n, h, w)
        Sensitivity maps, of any size and unit.
    predictions : sequence of n sequences of (class name, probability), optional
        The most probable classes of each image, in order; three in the paper. The first synonym of
        a name ("bow tie, bow-tie, bowtie") is shown.
    title : str
        Display name of the dataset.
    network : str
        Name of the network of the maps; FID's network by default.
    classifier : str
        Name of the network of the classes, if it is another network.
    columns : int
        Largest number of images side by side; fewer if names would not fit. The other images follow
        below.

    Raises
    ------
    FringeError
        If an array has another type or shape, or there is not one map and one list for each image.
    """
    pictures = check_images(images, "sensitivity examples")
    heat = overlay(pictures, maps)
    found = (
        None
        if predictions is None
        else check_predictions(predictions, len(pictures), "sensitivity examples")
    )
    if columns < 1:
        raise FringeError(f"sensitivity examples: {columns} columns; give at least one")
    look = read_style(style)
    blocks = blocks_of(len(pictures), columns_for(look, columns))
    name = distance_name(network)
    note = heat_note(name)
    if found is not None:
        seen_by = classifier_title(network, classifier)
        note += (
            f" Bars: the Top-{len(found[0])} ImageNet classes of the image by {seen_by}, with "
            "their probabilities. The maps do not depend on the classes."
        )
    with styled(look):
        heading = f"{title}: what {name} looks at in an image"
        page = Page(look, heading, note, simulated=simulated)
        cells = page.cells(len(blocks[0]), pictures.shape[1:], page.label_width())
        top = 0.0
        for block in blocks:
            top = page.row([pictures[place] for place in block], cells, top, "image") + GAP
            top = page.row([heat[place] for place in block], cells, top, "sensitivity")
            if found is not None:
                top = _draw_bars(page, [found[place] for place in block], cells, top + GAP)
            top += page.em
        return page.finish(page.scale(top))


def sensitivity_grid(
    images: ArrayLike,
    maps: ArrayLike,
    labels: Sequence[str] | None = None,
    *,
    title: str,
    network: str = "",
    classifier: str = "",
    seeds: Sequence[int] | None = None,
    rows: int = 5,
    columns: int = 8,
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 11: images with their maps drawn over them, and their Top-1 classes.

    Parameters
    ----------
    images : (n, H, W, 3) uint8
    maps : (n, h, w)
        Sensitivity maps, of any size and unit.
    labels : sequence of n class names, optional
        Written in the top left corner; the first synonym of a name is shown.
    title, network, classifier : str
        As for `sensitivity_examples`.
    seeds : sequence of int, optional
        Successive seeds; the generator made one image with each. The note names them.
    rows, columns : int
        Size of the grid. With fewer images than places the grid has fewer rows; images without a
        place are left out.

    Raises
    ------
    FringeError
        If an array has another type or shape, or there is not one map and one label for each image.
    """
    pictures = check_images(images, "sensitivity grid")
    if rows < 1 or columns < 1:
        raise FringeError(
            f"sensitivity grid: {rows} rows and {columns} columns; give at least one each"
        )
    if labels is not None and len(labels) != len(pictures):
        raise FringeError(
            f"sensitivity grid: {len(labels)} labels for {len(pictures)} images; give one label "
            "for each image"
        )
    heat = check_maps(maps, len(pictures), "sensitivity grid")
    count = min(len(pictures), rows * columns)
    mixed = overlay(pictures[:count], heat[:count])
    look = read_style(style)
    name = distance_name(network)
    note = heat_note(name)
    if labels is not None:
        seen_by = classifier_title(network, classifier)
        note += f" In the corner: the image's Top-1 ImageNet class by {seen_by}."
    if seeds:
        note += f" Each image is the first image of a seed; seeds are {seeds[0]} to {seeds[-1]}."
    with styled(look):
        heading = f"{title}: what {name} looks at in an image"
        page = Page(look, heading, note, simulated=simulated)
        cells = page.cells(min(columns, count), pictures.shape[1:])
        top = 0.0
        for first in range(0, count, columns):
            block = range(first, min(first + columns, count))
            for column, place in enumerate(block if labels is not None else ()):
                _write_on(page, labels[place], cells, column, top)  # type: ignore[index]
            top = page.row([mixed[place] for place in block], cells, top) + GAP
        return page.finish(page.scale(top + 0.6 * page.em))


def network_maps(
    images: ArrayLike,
    maps: Mapping[str, ArrayLike],
    *,
    title: str,
    titles: Titles | None = None,
    mean_image: ArrayLike | None = None,
    mean_maps: Mapping[str, ArrayLike] | None = None,
    columns: int = 10,
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure S2: sensitivity maps of the same images for several networks.

    Parameters
    ----------
    images : (k, H, W, 3) uint8
    maps : mapping of network name to (k, h, w)
        Sensitivity maps of the same images, a row for each network, in this order; h and w may
        differ between networks.
    title : str
        Display name of the dataset.
    titles : mapping, optional
        Display names that replace the networks' usual names.
    mean_image : (H, W, 3), optional
        Mean of the images of ``mean_maps``, from 0 to 255; it is drawn under the mean maps.
    mean_maps : mapping of network name to (h, w), optional
        Mean of the maps of many images, for every network, for a last column.
    columns : int
        Largest number of pictures side by side, including the means. The others follow below.

    Raises
    ------
    FringeError
        If an array has another type or shape, there is no network, or a mean is missing.
    """
    pictures = check_images(images, "network maps")
    if not maps:
        raise FringeError("network maps: no network; give the maps of at least one")
    if columns < 1:
        raise FringeError(f"network maps: {columns} columns; give at least one")
    first = list(pictures)
    rows = {}
    for name, heat in maps.items():
        checked = check_maps(heat, len(pictures), f"network maps: {name}")
        rows[name] = list(overlay(pictures, checked))
    if mean_maps is not None:
        absent = [name for name in maps if name not in mean_maps]
        if absent:
            raise FringeError(
                f"network maps: no mean map of {', '.join(absent)}; give one for every network"
            )
        mean = None if mean_image is None else check_mean_image(mean_image, "network maps")
        if mean is not None and mean.shape != pictures.shape[1:]:
            raise FringeError(
                f"network maps: images of shape {pictures.shape[1:]}, but a mean image of shape "
                f"{mean.shape}; give both in one size"
            )
        if mean is not None:
            first.append(as_pixels(mean))
        for name, row in rows.items():
            row.append(mean_overlay(mean_maps[name], mean, pictures.shape[1:3], name))
    elif mean_image is not None:
        raise FringeError("network maps: a mean image without mean_maps; give both, or neither")
    look = read_style(style)
    blocks = blocks_of(len(pictures) + (mean_maps is not None), columns)
    note = (
        "Each row: maps for the Fréchet distance between real and generated images in the features "
        f"of one network. {heat_note('this distance')}"
    )
    signed = [title_of(titles or {}, name) for name in maps if np.min(maps[name]) < 0]
    if signed:
        note += (
            f" Maps of {' and '.join(signed)} also have negative values, which are as important as "
            "positive values. In these maps violet is the most negative value, and the least "
            "important parts are between violet and yellow."
        )
    if mean_maps is not None:
        under = "" if mean_image is None else ", over the mean image"
        note += f" Last column: the mean of the maps of many images{under}."
    with styled(look):
        heading = f"{title}: what the Fréchet distance of each network looks at"
        page = Page(look, heading, note, simulated=simulated)
        points = 0.8 * look.font_size
        names = {name: title_of(titles or {}, name) for name in maps}
        words = [word for name in (*names.values(), "image") for word in name.split()]
        room = min(1.05 * max(text_width(word, points) for word in words), 0.17 * look.width)
        labels = {name: fitted(shown, room, points, 3) for name, shown in names.items()}
        # Rows for many networks are low, so that all of them can be seen at once.
        widest = min(0.28, max(0.1, 1.3 / (1 + len(maps))))
        shape = pictures.shape[1:]
        cells = page.cells(len(blocks[0]), shape, room + 0.4 * page.em, widest=widest)
        top = 0.0
        for block in blocks:
            if mean_maps is not None and block[-1] == len(pictures):
                # Above the first picture of the column: the mean image, otherwise the first map.
                top += 0 if mean_image is None else line(look)
                below = top + (cells.height if mean_image is None else 0)
                page.over("mean", cells.middle(len(block) - 1), below)
            for label, row in (("image", first), *((labels[name], rows[name]) for name in rows)):
                drawn = [row[place] for place in block if place < len(row)]
                top = page.row(drawn, cells, top, label, upright=False) + GAP
            top += 0.8 * page.em
        return page.finish(page.scale(top))


def _draw_bars(
    page: Page, predictions: Sequence[Sequence[tuple[str, float]]], cells: Cells, top: float
) -> float:
    """Draw the classes of each column, each with its name above its bar; return the lower edge.

    Bars of one rank are at one height, below the longest of their names.
    """
    look = page.look
    width = cells.pitch - GAP
    points = _SMALL * look.font_size
    number = GAP + max(text_width(percent(p), points) for one in predictions for _, p in one)
    thick = 0.5 * page.em
    for rank in range(len(predictions[0])):
        names = [
            fitted(short_name(classes[rank][0]), width - GAP, points, 3) for classes in predictions
        ]
        bar = top + line(look, _SMALL) * max(name.count("\n") + 1 for name in names)
        for column, (name, classes) in enumerate(zip(names, predictions, strict=True)):
            left = cells.middle(column) - width / 2
            share = classes[rank][1]
            page.over(name, left, bar, size=_SMALL, ha="left")
            for length, color in ((1.0, "#e4e4e4"), (share, look.colors[0])):
                size = (length * (width - number), thick)
                page.axes.add_patch(Rectangle((left, bar), *size, color=color, linewidth=0))
            how = {"ha": "right", "va": "center_baseline"}
            page.text(percent(share), left + width, bar + thick / 2, size=_SMALL, **how)
        top = bar + thick + 0.35 * page.em
    return top - 0.35 * page.em


def _write_on(page: Page, label: str, cells: Cells, column: int, top: float) -> None:
    """Write a class into the top left corner of a picture, on a dark background."""
    pad = 0.2 * _SMALL * page.em
    room = cells.width - 2 * pad - GAP
    page.text(
        fitted(short_name(label), room, _SMALL * page.look.font_size, 2),
        cells.middle(column) - cells.width / 2 + pad,
        top + pad,
        size=_SMALL,
        ha="left",
        color="white",
        linespacing=1.0,
        bbox={"facecolor": "black", "alpha": 0.6, "linewidth": 0, "boxstyle": "square,pad=0.2"},
    )
