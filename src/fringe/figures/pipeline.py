"""Figure 2: from one image to FID and back to its sensitivity map, with the numbers of a run."""

import itertools
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from fringe.errors import FringeError
from fringe.figures.diagram import (
    Box,
    Step,
    draw_across,
    draw_bars,
    draw_down,
    draw_fan,
    draw_gaussians,
    draw_picture,
    draw_steps,
    format_distance,
    name_sides,
)
from fringe.figures.heat import COLORS, as_pixels, check_maps, distance_name, overlay, percent
from fringe.figures.mosaic import check_images
from fringe.figures.page import GAP, MARGIN, Page
from fringe.figures.style import Style, read_style, styled
from fringe.scores.titles import title_of
from fringe.sensitivity.closeup import Closeup
from fringe.sensitivity.maps import normalized

__all__ = ["sensitivity_pipeline"]

_BARS = 24  # features with a bar
_FAN = 4  # drawn maps of the network, one over the other
_GREYS = matplotlib.colormaps["gray"]


def sensitivity_pipeline(
    image: ArrayLike,
    sensitivity: ArrayLike,
    closeup: Closeup,
    *,
    title: str,
    network: str = "",
    simulated: bool = False,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 2: an image's features join the statistics, and FID's gradient comes back.

    Parameters
    ----------
    image : (H, W, 3) uint8
    sensitivity : (h, w)
        The map of the image.
    closeup : `fringe.sensitivity.Closeup`
        All steps between the image and its map.
    title, network : str
        Display name of the dataset; the network of the map, FID's network by default.

    Raises
    ------
    FringeError
        If an array has another type or shape, or map and closeup differ in size.
    """
    picture = check_images(np.asarray(image)[None], "sensitivity pipeline")
    heat = check_maps(np.asarray(sensitivity)[None], 1, "sensitivity pipeline")
    if heat.shape[1:] != closeup.channel_maps.shape[1:]:
        raise FringeError(
            f"sensitivity pipeline: the map has shape {heat.shape[1:]}, but the network's maps "
            f"have shape {closeup.channel_maps.shape[1:]}; give the maps of one image"
        )
    weights = closeup.weights
    chosen = np.argsort(-weights, kind="stable")[:_BARS]
    means = closeup.alpha is None  # features are the means of the maps
    largest = chosen if means else np.argsort(-np.abs(closeup.gradient), kind="stable")[:_BARS]
    made = "Mean of each map" if means else "Computed from the maps"
    look = read_style(style)
    name, seen_by = distance_name(network), title_of({}, network or "inception")
    (h, w), dim, n = heat.shape[1:], len(weights), closeup.n
    forward = [
        Step("Image", f"1 of {n:,} generated images"),
        Step("Last maps A", f"{dim:,} of {w} x {h}, by {seen_by}"),
        Step("Features f", f"{made}: {_range(closeup.features[largest])}"),
        Step(f"FID = {format_distance(closeup.fid)}", f"f joins the other {n - 1:,} images"),
    ]
    backward = [
        Step("Sensitivity", "Upsampled (Lanczos), over the image"),
        Step("Sum of α·A", f"Over all {dim:,} maps"),
        Step("Weights α", f"Mean |∂FID/∂A|²: {_range(weights[chosen])}"),
        Step("Gradient", f"∂FID/∂f: {_range(closeup.gradient[largest])}"),
    ]
    share = percent(float(weights[chosen].sum() / (weights.sum() or 1)))
    bars = f"the {len(chosen)} features with the largest weights ({share} of the sum of weights)"
    if not means:
        bars = (
            f"the {len(largest)} features with the largest gradient, and the {len(chosen)} largest "
            f"weights ({share} of their sum)"
        )
    note = (
        f"Forward: mean and covariance of generated images, including this image, and {name}. "
        f"Backward: the gradient of {name}, which weights the maps (Equation 2). Bars: {bars}. "
        f"Black lines: means over all generated images. Maps A: the {_FAN} maps with the largest "
        "weights. Ellipses: two standard deviations of real and of generated images, "
        "along the two directions in which real images vary most. Dot: the image. No class label "
        f"is used, and negative values are kept. {name} is one measurement of exactly these "
        "images, so there is no error bar."
    )
    with styled(look):
        page = Page(look, f"{title}: how {name} looks at an image", note, simulated=simulated)
        left = MARGIN + page.label_width()
        pitch = (look.width - MARGIN - left) / len(forward)
        wide = 0.74 * pitch
        shape = picture.shape[1:3]
        # The limits leave enough room for panels.
        high = min(max(wide * shape[0] / shape[1], 0.8 * wide), 1.3 * wide)
        spots = [left + (k + 0.5) * pitch - wide / 2 for k in range(len(forward))]

        top = draw_steps(page, forward, left, pitch, 0.0) + GAP
        ahead = [Box(spot, top, wide, high) for spot in spots]
        below = ahead[0].bottom + 2.4 * page.em
        back = [Box(spot, below, wide, high) for spot in spots]

        draw_picture(page, picture[0], ahead[0].fit(shape))
        grey = _GREYS(normalized(closeup.channel_maps[:_FAN]))[..., :3]
        draw_fan(page, [as_pixels(255 * each) for each in grey], ahead[1].fit(shape))
        marks = closeup.generated_mean[largest]
        draw_bars(page, ahead[2], closeup.features[largest], look.colors[1], marks=marks)
        _statistics(page, closeup, ahead[3])
        draw_bars(
            page,
            back[3],
            closeup.gradient[largest],
            look.colors[5 % len(look.colors)],
            negative=look.colors[0],
        )
        draw_bars(page, back[2], weights[chosen], look.colors[2])
        draw_picture(
            page, as_pixels(255 * COLORS(normalized(heat)[0])[..., :3]), back[1].fit(shape)
        )
        draw_picture(page, overlay(picture, heat)[0], back[0].fit(shape))

        for first, second in itertools.pairwise(ahead):
            draw_across(page, first, second)
        for first, second in itertools.pairwise(back):
            draw_across(page, second, first)
        for column in (0, 1, 3):
            draw_down(page, ahead[column], back[column])
        for label, row in (("forward", ahead[0]), ("backward", back[0])):
            page.text(label, MARGIN + page.em / 2, row.middle[1], rotation=90, va="center")
        bottom = draw_steps(page, backward, left, pitch, back[0].bottom + GAP)
        return page.finish(page.scale(bottom + 0.6 * page.em))


def _statistics(page: Page, closeup: Closeup, box: Box) -> None:
    """Draw real and generated images as Gaussians, and the image as a dot."""
    colors = page.look.colors[:2]
    means = np.stack([closeup.real_mean, closeup.generated_mean]) @ closeup.axes.T
    plane = draw_gaussians(page, box, means, closeup.spreads, colors)
    x, y = plane.place(closeup.axes @ closeup.features)
    x = float(np.clip(x, box.left + 0.03, box.right - 0.03))
    y = float(np.clip(y, box.top + 0.03, box.bottom - 0.03))
    page.axes.plot(x, y, "o", color="black", markersize=0.45 * page.look.font_size, zorder=4)
    name_sides(page, box, colors)


def _range(values: NDArray[np.float64]) -> str:
    """Return the range of some numbers: "0.12 to 2.1"."""
    return f"{values.min():.2g} to {values.max():.2g}".replace("-", "−")
