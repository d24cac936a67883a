"""Figure S3: how optimized weights are distributed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fringe.errors import FringeError
from fringe.figures.style import (
    Style,
    add_body,
    add_heading,
    add_note,
    new_figure,
    read_style,
    styled,
)

__all__ = ["weight_histogram"]


def weight_histogram(
    weights: ArrayLike,
    *,
    title: str,
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure S3 of one data set: a histogram of its weights.

    Parameters
    ----------
    weights : (n,)
        Weights that are not negative. Their scale does not matter: their mean is shown as 1.
    title : str
        Title of the data set.
    simulated : bool
        Whether the generator is simulated, which the note says.
    style : Style or mapping, optional
        The look of the figure.

    Raises
    ------
    FringeError
        If there are no weights, or a weight is negative.
    """
    given = np.asarray(weights, np.float64)
    if not given.size or given.min() < 0 or not given.sum():
        raise FringeError("weight histogram: give weights that are not negative, and not all 0")
    look = read_style(style)
    with styled(look):
        figure = new_figure(look, 3)
        axes = add_body(figure).add_subplot()
        axes.hist(given / given.mean(), bins=40, color=look.colors[1])
        axes.set_yscale("log")
        axes.set_xlabel("weight of an image (mean 1)")
        axes.set_ylabel("images")
        add_heading(figure, f"{title}: weights that make FID lowest", look)
        add_note(figure, f"{(given == 0).mean():.0%} are 0.", look, simulated=simulated)
    return figure
