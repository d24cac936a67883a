"""Figures 13 and 14: FID's sensitivity and the classifier's Grad-CAM."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fringe.errors import FringeError
from fringe.figures.heat import (
    check_maps,
    check_predictions,
    classifier_title,
    distance_name,
    heat_note,
    overlay,
    percent,
)
from fringe.figures.mosaic import check_images
from fringe.figures.page import GAP, Page, fitted, line, short_name, text_width
from fringe.figures.style import Style, read_style, styled

__all__ = ["activation_comparison"]

_TOP = 3
_SMALL = 0.75  # of the font size: names of classes


def activation_comparison(
    images: ArrayLike,
    maps: ArrayLike,
    activations: ArrayLike,
    labels: Sequence[Sequence[tuple[str, float]]],
    *,
    title: str,
    network: str = "",
    classifier: str = "",
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 13 or 14: a row for each image, with FID's sensitivity and Grad-CAM.

    Parameters
    ----------
    images : (k, H, W, 3) uint8
    maps : (k, h, w)
        Sensitivity maps, of any size and unit.
    activations : (k, 4, h, w)
        Grad-CAM of each image's Top-1, Top-2 and Top-3 class, and the mean of Grad-CAM over all
        classes, weighted by their probabilities.
    labels : sequence of k sequences of 3 (class name, probability)
        Written above Grad-CAM; the first synonym of a name is shown.
    title, network : str
        Display name of the dataset; the network of all maps, Inception by default.
    classifier : str
        The network of Grad-CAM and classes, if it is another network.

    Raises
    ------
    FringeError
        If an array has another type or shape, or there are not 4 activations and 3 labels for each
        image.
    """
    pictures = check_images(images, "activation comparison")
    count = len(pictures)
    grad_cam = check_maps(activations, count, "activation comparison: Grad-CAM", ndim=4)
    found = check_predictions(labels, count, "activation comparison")
    if grad_cam.shape[1] != _TOP + 1 or len(found[0]) != _TOP:
        raise FringeError(
            f"activation comparison: {grad_cam.shape[1]} Grad-CAM maps and {len(found[0])} classes "
            f"for each image; give maps of the Top-{_TOP} classes, and their mean last"
        )
    shown = [pictures, overlay(pictures, maps)]
    shown += [overlay(pictures, grad_cam[:, place]) for place in range(_TOP + 1)]
    look = read_style(style)
    distance, network_title = distance_name(network), classifier_title(network, classifier)
    note = (
        f"{heat_note(distance)} Grad-CAM: yellow parts contribute most to the probability of a "
        f"class, by {network_title}. The mean is over all classes, weighted by their probabilities."
    )
    heads = ["Image", "Sensitivity", *(f"Grad-CAM\nTop-{k + 1}" for k in range(_TOP))]
    heads.append("Grad-CAM\nmean")
    with styled(look):
        heading = f"{title}: where {distance} looks, and which parts determine the classes"
        page = Page(look, heading, note, simulated=simulated)
        cells = page.cells(len(shown), pictures.shape[1:])
        room = cells.pitch - 2 * GAP
        # Bold letters are about an eighth wider.
        widest = 1.15 * max(text_width(part, look.font_size) for part in "\n".join(heads).split())
        size = min(0.8, room / widest)
        top = 2 * line(look, size)
        for column, head in enumerate(heads):
            page.over(head, cells.middle(column), top, size=size, weight="bold")
        for place, classes in enumerate(found):
            names = [_named(*one, room, _SMALL * look.font_size) for one in classes]
            top += GAP + line(look, _SMALL) * max(name.count("\n") + 1 for name in names)
            for column, name in enumerate(names):
                page.over(name, cells.middle(2 + column), top, size=_SMALL)
            top = page.row([row[place] for row in shown], cells, top + GAP / 2)
        return page.finish(page.scale(top + 0.8 * page.em))


def _named(name: str, probability: float, inches: float, points: float) -> str:
    """Return a class and its probability, in one line if they fit, otherwise in several lines."""
    share = percent(probability)
    whole = f"{short_name(name)} {share}"
    if fitted(whole, inches, points) == whole:
        return whole
    first = fitted(short_name(name), inches, points, 2)
    joined = fitted(whole, inches, points, 2)
    return joined if joined.endswith(share) else f"{first}\n{share}"
