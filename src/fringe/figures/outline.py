"""Figure 2: how the map of what FID looks at comes about, on one image."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fringe.figures.heat import COLORS, as_pixels, check_maps, distance_name, overlay
from fringe.figures.mosaic import check_images
from fringe.figures.page import GAP, Page, fitted, line
from fringe.figures.style import Style, read_style, styled
from fringe.sensitivity.maps import normalized, upsampled

__all__ = ["map_outline"]

_SMALL = 0.8  # of the font size: what a step does


def map_outline(
    image: ArrayLike,
    sensitivity: ArrayLike,
    *,
    title: str,
    network: str = "",
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 2: an image, its map as it is, brought to the image's size, and laid over it.

    Parameters
    ----------
    image : (H, W, 3) uint8
    sensitivity : (h, w)
        Its map, at most as large as the image.
    title, network : str
        Display name of the dataset; the network that the map is of, FID's own by default.

    Raises
    ------
    FringeError
        If an array is of another kind.
    """
    pictures = check_images(np.asarray(image)[None], "map outline")
    small = check_maps(np.asarray(sensitivity)[None], 1, "map outline")
    size = pictures.shape[1:3]
    name = distance_name(network)
    h, w = small.shape[1:]
    # Each place of the map as a block of pixels.
    rows, columns = (
        np.arange(long) * short // long for long, short in zip(size, (h, w), strict=True)
    )
    blocks = COLORS(normalized(small)[0][np.ix_(rows, columns)])[..., :3]
    large = COLORS(upsampled(small, (size[0], size[1]))[0])[..., :3]
    steps = {
        "1. Image": f"One of the generated images: {name} is a function of each",
        f"2. Map, {w} x {h}": "Last maps of the network, each weighted by its squared gradient",
        "3. Image's size": "Lanczos filter",
        "4. Laid over": "Yellow matters most",
    }
    shown = [pictures[0], as_pixels(255 * blocks), as_pixels(255 * large)]
    shown.append(overlay(pictures, small)[0])
    look = read_style(style)
    note = (
        f"The gradient is that of {name} with respect to the maps. No class label takes part, and "
        "nothing is cut off at 0: what raises the distance and what lowers it both count."
    )
    with styled(look):
        page = Page(look, f"{title}: how a sensitivity map is made", note, simulated=simulated)
        cells = page.cells(len(shown), pictures.shape[1:])
        top = line(look) + GAP
        for column, head in enumerate(steps):
            page.over(head, cells.middle(column), top, weight="bold")
        bottom = page.row(shown, cells, top) + GAP
        room, points = cells.pitch - 2 * GAP, _SMALL * look.font_size
        texts = [fitted(text, room, points, 4) for text in steps.values()]
        for column, text in enumerate(texts):
            page.text(text, cells.middle(column), bottom, size=_SMALL)
        lines = max(text.count("\n") + 1 for text in texts)
        bottom += lines * line(look, _SMALL) + 0.4 * page.em
        return page.finish(page.scale(bottom))
