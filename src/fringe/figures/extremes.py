"""Figures 5 and 17: generated images with the smallest and the largest weights."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fringe.figures.mosaic import check_images, draw_mosaic
from fringe.figures.style import Style, add_heading, add_note, new_figure, read_style, styled

__all__ = ["Extremes", "weight_grids"]


class Extremes(NamedTuple):
    """Images (n, H, W, 3) uint8 of low and of high weight, drawn at random within each side.

    ``zeros`` is the share of candidates with weight 0. If it is at least the share from which each
    side is drawn, all images of the low side have weight 0. They are then drawn from the candidates
    with the largest reduced cost.
    """

    lowest: ArrayLike
    highest: ArrayLike
    zeros: float = 0.0


def weight_grids(
    extremes: Extremes,
    released: Extremes | None = None,
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
    extremes, released : Extremes
        Images by our weights and, optionally, by the weights of the released algorithm. A grid with
        fewer images than places has fewer rows.
    title : str
        Display name of the dataset.
    fraction : float
        The share of candidates from which each side was drawn (0.1 in the paper).

    Raises
    ------
    FringeError
        If an array does not contain uint8 RGB images.
    """
    shown = [("", extremes)] if released is None else [("ours", extremes), ("released", released)]
    panels = []
    for name, each in shown:
        suffix = f", {name}" if name else ""
        low, high = _heads(each.zeros, fraction)
        panels += [
            (check_images(each.lowest, f"lowest weights{suffix}"), f"{low}{suffix}"),
            (check_images(each.highest, f"highest weights{suffix}"), f"{high}{suffix}"),
        ]
    rows = min(rows, -(-max(len(images) for images, _ in panels) // columns))
    look = read_style(style)
    _, height, width, _ = panels[0][0].shape
    # Large grids are placed below each other, so that their images are large enough.
    across = 1 if columns > max(8, rows) else 2
    down = len(panels) // across
    with styled(look):
        tall = look.width / across * rows * height / (columns * width) + 0.025 * look.font_size
        figure = new_figure(look, down * tall + 0.09 * look.font_size)
        axes = figure.subplots(down, across, squeeze=False).flat
        for letter, place, (images, head) in zip("abcd", axes, panels, strict=False):
            draw_mosaic(place, images, rows, columns, f"({letter}) {head}")
        add_heading(figure, f"{title}: generated images of low and of high weight", look)
        add_note(figure, _note(extremes, released, fraction), look, simulated=simulated)
    return figure


def _heads(zeros: float, fraction: float) -> tuple[str, str]:
    """Return the titles of the low and the high side."""
    low = f"Smallest {100 * fraction:g}% of weights"
    if zeros >= fraction:
        low = f"Weight 0 ({_percent(zeros)} of candidates)"
    elif zeros > 0:
        low += f" ({_percent(zeros)} are 0)"
    return low, f"Largest {100 * fraction:g}% of weights"


def _note(ours: Extremes, released: Extremes | None, fraction: float) -> str:
    """Return the note on the choice of the images."""
    said = "Uncurated, drawn at random within each side. The weights minimize FID in pre-logits."
    if ours.zeros >= fraction:
        said += (
            f" {_percent(ours.zeros)} of the candidates have weight 0. (a) is drawn from the "
            f"{100 * fraction:g}% of all candidates with the largest reduced cost: a weight on "
            "these candidates would raise FID most."
        )
    if released is not None:
        said += " (c) and (d): weights of the released algorithm, stopped as configured; none is 0."
        if released.zeros > 0:
            said = said.removesuffix("; none is 0.") + "."
    return said


def _percent(share: float) -> str:
    """Return a share in percent: "62%", or "0.03%" if it is small."""
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.2g}%"
