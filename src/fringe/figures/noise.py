"""Figure 10: FID with noise in the parts to which FID is most or least sensitive."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from fringe.errors import FringeError
from fringe.figures.heat import check_maps, distance_name, overlay
from fringe.figures.mosaic import check_images
from fringe.figures.page import GAP, Page, blocks_of, fitted, line, text_width
from fringe.figures.style import (
    MARKERS,
    Style,
    add_body,
    add_heading,
    add_note,
    new_figure,
    read_style,
    styled,
)
from fringe.scores.numbers import format_value
from fringe.scores.region_noise import REGION_TITLES
from fringe.scores.rows import check_scores

__all__ = ["NOISE_COLUMNS", "noise_examples", "region_noise"]

NOISE_COLUMNS = ("dataset", "network", "region", "scale", "value", "n_generated")


def region_noise(
    rows: pd.DataFrame,
    *,
    title: str,
    network: str,
    simulated: bool = False,
    choices: str = "",
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 10a: FID against the scale of Gaussian noise in three regions of the images.

    Parameters
    ----------
    rows : DataFrame
        Rows of one dataset with `NOISE_COLUMNS`; rows of ``network`` are shown. ``region`` is one
        of `REGION_TITLES`, ``scale`` the standard deviation of the noise as a share of the full
        grey range, and ``value`` FID. At scale 0 there is no noise, so all regions have the same
        value.
    title : str
        Display name of the dataset.
    network : str
        Name of the network of FID; its sensitivity defines the regions.
    choices : str
        Text of the note on what the paper leaves open.

    Raises
    ------
    FringeError
        If a column, a region or scale 0 is missing, a scale has two values, or the rows are of
        several datasets or numbers of images.
    """
    curves, count = _curves(rows, network)
    look = read_style(style)
    name = distance_name(network)
    letter = 0.9 * look.font_size / 72
    with styled(look):
        figure = new_figure(look, 2.5 + 0.12 * look.font_size)
        body = add_body(figure)
        axes = body.add_subplot()
        for place, (region, curve) in enumerate(curves.items()):
            axes.plot(
                curve.index,
                curve.to_numpy(),
                color=look.colors[place],
                marker=MARKERS[place],
                label=REGION_TITLES[region],
            )
        clean = float(curves["everywhere"].loc[0])
        axes.axhline(clean, color="#666666", linestyle=":", linewidth=1.2, label="no noise")
        label = "noise: standard deviation as a share of the grey range"
        axes.set_xlabel(fitted(label, 0.85 * look.width, look.font_size, 3))
        axes.set_ylabel(name)
        axes.set_xlim(left=0)
        axes.margins(x=0.03)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        body.legend(loc="outside upper center", ncols=4 if look.width > 50 * letter else 2)
        add_heading(
            figure, f"{title}: {name} with noise where it looks, and where it does not look", look
        )
        note = f"{_note(curves, clean, count, name)} {choices}"
        add_note(figure, note, look, simulated=simulated)
    return figure


def noise_examples(
    panels: Mapping[str, ArrayLike],
    scale: float,
    *,
    title: str,
    network: str = "",
    maps: ArrayLike | None = None,
    simulated: bool = False,
    choices: str = "",
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 10b: the same images without noise and with noise in each region.

    Parameters
    ----------
    panels : mapping of "clean" and each of `REGION_TITLES` to (k, H, W, 3) uint8
        A column for each panel and a row for each image; with many images, a row for each panel
        and a column for each image.
    scale : float
        Standard deviation of the noise, as a share of the full grey range.
    title, network : str
        Display name of the dataset; the network whose sensitivity defines the regions.
    maps : (k, h, w), optional
        The sensitivity maps of the clean images, for an additional column.
    choices : str
        Text of the note on what the paper leaves open.

    Raises
    ------
    FringeError
        If a panel is missing, an array has another type or shape, or panels differ in shape.
    """
    wanted = ("clean", *REGION_TITLES)
    absent = [panel for panel in wanted if panel not in panels]
    if absent:
        raise FringeError(
            f"noise examples: images of {', '.join(absent)} are missing; "
            f"give images of {', '.join(wanted)}"
        )
    shown = {panel: check_images(panels[panel], panel) for panel in wanted}
    clean = shown["clean"]
    for panel, images in shown.items():
        if images.shape != clean.shape:
            raise FringeError(
                f"noise examples: {panel} has shape {images.shape}, clean {clean.shape}; "
                "give the same images in each panel"
            )
    if not 0 < scale < np.inf:
        raise FringeError(
            f"noise examples: scale is {scale}; give a positive share of the grey range"
        )
    name = distance_name(network)
    kinds = {"no noise": clean}
    if maps is not None:
        kinds["sensitivity"] = overlay(clean, check_maps(maps, len(clean), "noise examples"))
    kinds |= {
        f"noise {'everywhere' if region == 'everywhere' else f'in the {half}'}": shown[region]
        for region, half in REGION_TITLES.items()
    }
    look = read_style(style)
    note = (
        f"Gaussian noise with a standard deviation of {100 * scale:g}% of the grey range. "
        f"Important half: the half of an image's pixels to which {name} is most sensitive"
    )
    note += "." if maps is None else " (yellow: most; violet: least)."
    note += (
        " The scale in the paper's figure is 0.05, but the paper does not say of which range. "
        f"{scale:g} of the grey range is {2 * scale:g} on [-1, 1], the range of a generator's "
        f"output. {choices}"
    )
    with styled(look):
        heading = f"{title}: noise where {name} looks, and where it does not look"
        page = Page(look, heading, note, simulated=simulated)
        draw = _draw_across if len(clean) <= len(kinds) else _draw_down
        return page.finish(draw(page, kinds))


def _draw_across(page: Page, kinds: Mapping[str, NDArray[np.uint8]]) -> float:
    """Draw a column for each panel and a row for each image; return the lower edge."""
    look = page.look
    shape = next(iter(kinds.values())).shape
    cells = page.cells(len(kinds), shape[1:])
    heads = [fitted(head, cells.pitch - 2 * GAP, 0.8 * look.font_size, 3) for head in kinds]
    top = line(look) * max(head.count("\n") + 1 for head in heads)
    for column, head in enumerate(heads):
        page.over(head, cells.middle(column), top)
    top += GAP
    for place in range(shape[0]):
        top = page.row([images[place] for images in kinds.values()], cells, top) + GAP
    return top


def _draw_down(page: Page, kinds: Mapping[str, NDArray[np.uint8]]) -> float:
    """Draw a row for each panel and a column for each image; return the lower edge."""
    look = page.look
    shape = next(iter(kinds.values())).shape
    points = 0.8 * look.font_size
    room = 1.05 * max(text_width(word, points) for kind in kinds for word in kind.split())
    blocks = blocks_of(shape[0], 8)
    cells = page.cells(len(blocks[0]), shape[1:], room + 0.4 * page.em)
    top = 0.0
    for block in blocks:
        for kind, images in kinds.items():
            row, label = [images[place] for place in block], fitted(kind, room, points, 4)
            top = page.row(row, cells, top, label, upright=False) + GAP
        top += 0.8 * page.em
    return top - 0.8 * page.em


def _curves(rows: pd.DataFrame, network: str) -> tuple[dict[str, pd.Series], int]:
    """Return FID by scale for each region, and the number of generated images."""
    check_scores(rows, NOISE_COLUMNS)
    found = rows[rows["network"] == network]
    if found.empty:
        raise FringeError(
            f"region noise: no row with network {network!r} (found "
            f"{', '.join(sorted(map(str, rows['network'].unique())))})"
        )
    for column in ("dataset", "n_generated"):
        several = [str(value) for value in found[column].unique()]
        if len(several) > 1:
            raise FringeError(
                f"region noise: the rows have several values of {column} ({', '.join(several)}); "
                "give rows of one value"
            )
    unknown = [str(region) for region in found["region"].unique() if region not in REGION_TITLES]
    if unknown:
        raise FringeError(
            f"region noise: region {', '.join(unknown)} is unknown; give {', '.join(REGION_TITLES)}"
        )
    scales = found["scale"].to_numpy(dtype=float)
    if not (np.isfinite(scales) & (scales >= 0)).all():
        raise FringeError(f"region noise: scales from {scales.min()} to {scales.max()}; give >= 0")
    curves = {}
    for region in REGION_TITLES:
        part = found[found["region"] == region]
        if part["scale"].duplicated().any():
            scale = part["scale"][part["scale"].duplicated()].iloc[0]
            raise FringeError(
                f"region noise: region {region!r} has more than one value at scale {scale}; "
                "give one value"
            )
        curve = part.set_index("scale")["value"].astype(float).sort_index()
        if 0 not in curve.index or len(curve) < 2:
            raise FringeError(
                f"region noise: region {region!r} has values at scales "
                f"{', '.join(map(str, curve.index)) or 'none'}; give scale 0 and at least one more"
            )
        curves[region] = curve
    clean = {region: float(curve.loc[0]) for region, curve in curves.items()}
    if max(clean.values()) - min(clean.values()) > 1e-6 * abs(max(clean.values())):
        raise FringeError(
            f"region noise: without noise FID is {clean}, but the images are the same for all "
            "regions; give rows of one run"
        )
    return curves, int(found["n_generated"].iloc[0])


def _note(curves: Mapping[str, pd.Series], clean: float, count: int, name: str) -> str:
    """Return the note on the noise, and on the change of FID at the largest common scale."""
    common = set.intersection(*(set(curve.index) for curve in curves.values()))
    scale = max(common)
    changes = ", ".join(
        f"{_signed(float(curve.loc[scale]) - clean)} ({REGION_TITLES[region]})"
        for region, curve in curves.items()
    )
    change = (
        f" Without noise {name} is {format_value(clean)}; at {scale:g} it changes by {changes}."
        if scale > 0
        else ""
    )
    return (
        f"Gaussian noise was added to {count:,} generated images. Important half: the half of an "
        f"image's pixels to which {name} is most sensitive.{change}"
    )


def _signed(change: float) -> str:
    text = format_value(change)
    return text if text.startswith("−") else f"+{text}"
