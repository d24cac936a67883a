"""Figures 5 and 17: generated images with the smallest and the largest weights."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fringe.figures.mosaic import check_images, draw_mosaic
from fringe.figures.style import Style, add_heading, add_note, new_figure, read_style, styled

__all__ = ["weight_grids"]


def weight_grids(
    lowest: ArrayLike,
    highest: ArrayLike,
    *,
    title: str,
    rows: int = 3,
    columns: int = 6,
    fraction: float = 0.1,
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 5 (3 x 6 images a side) or, with more rows and columns, Figure 17.

    Parameters
    ----------
    lowest, highest : (n, H, W, 3) uint8
        Images drawn at random among those with the smallest and the largest weights; a grid
        with fewer images than places has fewer rows.
    title : str
        Display name of the dataset.
    fraction : float
        The share of candidates each side was drawn from (0.1 in the paper).

    Raises
    ------
    FringeError
        If an array holds no uint8 RGB images.
    """
    sides = (check_images(lowest, "lowest weights"), check_images(highest, "highest weights"))
    rows = min(rows, -(-max(map(len, sides)) // columns))
    look = read_style(style)
    _, height, width, _ = sides[0].shape
    share = f"{100 * fraction:g}%"
    # Large grids stand one over the other, so that their images can still be judged.
    stacked = columns > max(8, rows)
    with styled(look):
        across = look.width if stacked else look.width / 2
        tall = across * rows * height / (columns * width) + 0.025 * look.font_size
        figure = new_figure(look, (2 * tall if stacked else tall) + 0.07 * look.font_size)
        panels = figure.subplots(2, 1) if stacked else figure.subplots(1, 2)
        for axes, images, name in zip(panels, sides, ("(a) Smallest", "(b) Largest"), strict=True):
            draw_mosaic(axes, images, rows, columns, f"{name} {share} of weights")
        add_heading(figure, f"{title}: generated images of low and of high weight", look)
        add_note(
            figure,
            "Uncurated, drawn at random within each side. The weights minimize FID in pre-logits.",
            look,
            simulated=simulated,
        )
    return figure
