"""Figures 4b, 12 and 15: means of images and of their maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fringe.errors import FringeError
from fringe.figures.heat import (
    as_pixels,
    check_mean_image,
    classifier_title,
    distance_name,
    heat_note,
    mean_overlay,
)
from fringe.figures.page import (
    GAP,
    Cells,
    Page,
    blocks_of,
    columns_for,
    fitted,
    line,
    short_name,
)
from fringe.figures.style import Style, read_style, styled
from fringe.sensitivity.means import Group

__all__ = ["mean_sensitivity"]

_LABEL = 0.8  # of the font size: names of groups
_EMPTY = 235  # the grey of a place without a picture
_NONE = "no image"  # text in an empty column


def mean_sensitivity(
    groups: Sequence[Group],
    *,
    title: str,
    network: str = "",
    classifier: str = "",
    activation: bool = False,
    columns: int = 8,
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 4b; with more groups Figure 12, with ``activation`` Figure 15.

    Parameters
    ----------
    groups : sequence of `fringe.sensitivity.Group`
        A column for each, the group of all images first; images of one size. The first synonym of
        a class name is shown. The column of a class without images says so.
    title : str
        Display name of the dataset.
    network : str
        Name of the network of the maps; FID's network by default.
    classifier : str
        Name of the network of classes and Grad-CAM, if it is another network.
    activation : bool
        Whether to add a row with the mean of Grad-CAM.
    columns : int
        Largest number of groups side by side; fewer if names would not fit. The other groups follow
        below.

    Raises
    ------
    FringeError
        If there is no group, the first group has no image, an array has another type or shape, or
        a group has no activation although ``activation`` is set.
    """
    if not groups:
        raise FringeError("mean sensitivity: no group; give at least one")
    if columns < 1:
        raise FringeError(f"mean sensitivity: {columns} columns; give at least one")
    for group in groups:
        if group.count < 0 or not groups[0].count:
            raise FringeError(
                f"mean sensitivity: {group.name} is the mean of {group.count} images; give the "
                "means of all images first, and counts of at least 0"
            )
    means = {
        place: check_mean_image(group.image, f"mean sensitivity: {group.name}")
        for place, group in enumerate(groups)
        if group.count
    }
    size = means[0].shape
    for place, mean in means.items():
        if mean.shape != size:
            raise FringeError(
                f"mean sensitivity: {groups[place].name} has a mean image of shape {mean.shape}, "
                f"{groups[0].name} one of shape {size}; give all in one size"
            )
        if activation and groups[place].activation is None:
            raise FringeError(
                f"mean sensitivity: {groups[place].name} has no mean activation; give one for "
                "every group, or leave the row out"
            )
    maps = {"sensitivity": [group.sensitivity for group in groups]}
    if activation:
        maps["Grad-CAM"] = [group.activation for group in groups if group.activation is not None]
    shown = {"mean image": {place: as_pixels(mean) for place, mean in means.items()}}
    examples = {place: groups[place].example for place in means}
    shown["typical image"] = {
        place: one for place, one in examples.items() if one is not None and one.shape == size
    }
    if len(shown["typical image"]) < len(means):  # the file is of an earlier version
        del shown["typical image"]
    for label, heats in maps.items():
        shown[label] = {
            place: mean_overlay(heats[place], mean, size[:2], groups[place].name)
            for place, mean in means.items()
        }
    look = read_style(style)
    blocks = blocks_of(len(groups), columns_for(look, columns))
    distance, network_title = distance_name(network), classifier_title(network, classifier)
    note = f"Sensitivity: the mean of the maps, over the mean image. {heat_note(distance)}"
    if "typical image" in shown:
        note += (
            " Typical image: the image with the map that is most like the others. If images are "
            "not aligned, their mean is grey."
        )
    if len(groups) > 1:
        note = f"Images grouped by their Top-1 ImageNet class by {network_title}. {note}"
    if len(means) < len(groups):
        note += f" Grey: the class is not the Top-1 class of any of the {groups[0].count:,} images."
    if activation:
        note += (
            " Grad-CAM: which parts determine the probability of the Top-1 class; the mean over "
            "the same images."
        )
    with styled(look):
        over = "images of a class" if len(groups) > 1 else "all images"
        heading = f"{title}: where {distance} looks, on average over {over}"
        page = Page(look, heading, note, simulated=simulated)
        cells = page.cells(len(blocks[0]), size, page.label_width())
        empty = np.full(size, _EMPTY, np.uint8)
        top = 0.0
        for block in blocks:
            top = _heads(page, [groups[place] for place in block], cells, top)
            absent = [k for k, place in enumerate(block) if place not in means]
            for label, row in shown.items():
                bottom = page.row([row.get(place, empty) for place in block], cells, top, label)
                for column in absent:
                    middle = (top + bottom) / 2
                    page.text(_NONE, cells.middle(column), middle, size=0.7, va="center")
                top = bottom + GAP
            top += 0.8 * page.em
        return page.finish(page.scale(top))


def _heads(page: Page, groups: Sequence[Group], cells: Cells, top: float) -> float:
    """Write name and count above each column; return the position of their lower edge."""
    look = page.look
    names = [
        fitted(short_name(group.name), cells.pitch - 2 * GAP, _LABEL * look.font_size, 3)
        for group in groups
    ]
    bottom = top + line(look) * max(name.count("\n") + 1 for name in names)
    for column, (group, name) in enumerate(zip(groups, names, strict=True)):
        page.over(name, cells.middle(column), bottom)
        count = f"{group.count:,} image{'' if group.count == 1 else 's'}"
        page.text(count, cells.middle(column), bottom, size=0.7, color="#444444")
    return bottom + line(look, 0.7) + GAP
