"""Figure 16: grids of images drawn with three schemes."""

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fringe.errors import FringeError
from fringe.figures.mosaic import check_images, draw_mosaic
from fringe.figures.style import Style, add_heading, add_note, new_figure, read_style, styled
from fringe.scores.cells import Cell, cells_note

__all__ = ["SCHEME_TITLES", "scheme_grids"]

SCHEME_TITLES = {
    "random": "Drawn at random",
    "matched": "Top-1 classes matched",
    "prelogits": "All fringe features matched",
}


_CERTIFIED = (
    "(c): weights of our certified optimizer. The released algorithm stops before the optimum, so "
    "its weights would have a higher FID."
)


def scheme_grids(
    grids: Mapping[str, ArrayLike],
    *,
    title: str,
    rows: int = 8,
    columns: int = 5,
    fids: Mapping[str, Cell] | None = None,
    certified: bool = False,
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 16: images of one generator under three sampling schemes.

    Parameters
    ----------
    grids : mapping of "random", "matched", "prelogits" to (n, H, W, 3) uint8
        Images chosen at random from one draw; a grid with too few images has fewer rows.
    title : str
        Display name of the dataset.
    fids : mapping, optional
        FID by scheme. Its mean and standard error are printed above the scheme's grid.
    certified : bool
        Whether the weights are from our optimizer; the note says so.

    Raises
    ------
    FringeError
        If a scheme is missing, or an array does not contain uint8 RGB images.
    """
    missing = [scheme for scheme in SCHEME_TITLES if scheme not in grids]
    if missing:
        raise FringeError(
            f"scheme grids: images of scheme {', '.join(missing)} are missing; "
            f"give images of {', '.join(SCHEME_TITLES)}"
        )
    images = {scheme: check_images(grids[scheme], scheme) for scheme in SCHEME_TITLES}
    rows = min(rows, -(-max(map(len, images.values())) // columns))
    look = read_style(style)
    _, height, width, _ = images["random"].shape
    with styled(look):
        tall = look.width / 3 * rows * height / (columns * width)
        figure = new_figure(look, tall + 0.135 * look.font_size)
        panels = figure.subplots(1, 3)
        for letter, axes, (scheme, name) in zip("abc", panels, SCHEME_TITLES.items(), strict=True):
            head = f"({letter}) {name}"
            if fids is not None and scheme in fids:
                fid = fids[scheme]._replace(std=math.nan)
                head += f"\nFID {fid.printed()}"
            draw_mosaic(axes, images[scheme], rows, columns, head)
        add_heading(figure, f"{title}: generated images under three sampling schemes", look)
        said = [
            "Uncurated, chosen at random from one draw of each scheme.",
            cells_note(cell._replace(repeats=1) for cell in (fids or {}).values()),
            _CERTIFIED if certified else "",
        ]
        add_note(
            figure,
            " ".join(filter(None, said)),
            look,
            simulated=simulated,
        )
    return figure
