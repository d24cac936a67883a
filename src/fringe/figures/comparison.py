"""Figures 7 and 19: two generators side by side, with FID and the distance in a control."""

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fringe.errors import FringeError
from fringe.figures.mosaic import check_images, draw_mosaic
from fringe.figures.paper_values import GREY, differences
from fringe.figures.style import Style, add_heading, add_note, new_figure, read_style, styled
from fringe.scores.cells import Cell, cells_note, score_cell
from fringe.scores.differences import Protocols
from fringe.scores.paper import PaperValue, paper_value
from fringe.scores.rows import check_scores
from fringe.scores.titles import Titles, describe_weight_files, is_simulated, title_of

__all__ = ["generator_comparison"]

SHARES = "Precision", "Recall"
_NEAR_0 = 0.01


def generator_comparison(
    grids: Mapping[str, ArrayLike],
    scores: pd.DataFrame,
    *,
    title: str,
    generators: Mapping[str, str],
    titles: Titles,
    network: str,
    control: str,
    recall_network: str,
    rows: int = 4,
    columns: int = 4,
    paper: pd.DataFrame | None = None,
    protocols: Protocols | None = None,
    choices: str = "",
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 7 or, with more rows and columns, Figure 19: two generators of one data set.

    FID, the Fréchet distance in the control network, precision and recall are above each grid. The
    note says which generator each network prefers, and by how much.

    Parameters
    ----------
    grids : mapping of dataset to (n, H, W, 3) uint8
        Images drawn at random. A grid with fewer images than places has fewer rows.
    scores : DataFrame
        Tidy rows. Rows of scheme random are shown: metric fid of ``network`` and ``control``,
        metrics precision and recall of ``recall_network``.
    title : str
        Display name of the data set that both generators model.
    generators : mapping of str to str
        Display name of each of two generators, and its dataset in ``grids`` and ``scores``. Both
        datasets have the same real images.
    rows, columns : int
        Size of each grid.
    paper : DataFrame, optional
        The paper's numbers. If protocols agree, they are in brackets. Otherwise they are grey and
        below a grid, and the note says what differs. By default the numbers of the package; an
        empty frame for none.
    protocols : mapping of dataset to Protocol, optional
        The protocol of the scores.
    choices : str
        Text of the note on what the paper leaves open.

    Raises
    ------
    FringeError
        If there are not two generators, a score or grid is missing, an array does not contain uint8
        RGB images, or the two were measured with different numbers of images.
    """
    check_scores(scores)
    if len(generators) != 2:
        raise FringeError(f"comparison: got {len(generators)} generators; name two")
    missing = [dataset for dataset in generators.values() if dataset not in grids]
    if missing:
        raise FringeError(f"comparison: no images of {', '.join(missing)}; give a grid for each")
    images = [check_images(grids[dataset], name) for name, dataset in generators.items()]
    measures = {
        "FID": (network, "fid"),
        f"FID ({title_of(titles, control)})": (control, "fid"),
        "Precision": (recall_network, "precision"),
        "Recall": (recall_network, "recall"),
    }
    cells = {label: _cells(scores, generators, *measure) for label, measure in measures.items()}
    rows = min(rows, -(-max(map(len, images)) // columns))
    look = read_style(style)
    letters = math.floor(0.47 * look.width * 72 / (0.54 * look.font_size))
    tall = max(
        look.width / 2 * rows * height / (columns * width)
        for _, height, width, _ in (array.shape for array in images)
    )
    published = set()
    heads, feet = [], []
    not_comparable: dict[str, list[PaperValue | None]] = {}
    for side, (name, dataset) in enumerate(generators.items()):
        lines = [f"({'ab'[side]}) {name}"]
        not_comparable[name] = []
        grey = []
        for label, (measured_in, metric) in measures.items():
            cell = cells[label][side]
            line = f"{label} {_printed(cell)}"
            theirs = paper_value(
                paper,
                protocols,
                cell,
                dataset=dataset,
                network=measured_in,
                scheme="random",
                metric=metric,
                exhibits=("figure19",),
            )
            if theirs is not None and theirs.agrees:
                published.add(metric)
                line += f" [{theirs.value:.2f}]"
            elif theirs is not None:
                not_comparable[name].append(theirs)
                grey.append(f"{label} {theirs.value:.2f}")
            lines.append(line)
        heads.append("\n".join(textwrap.fill(line, letters) for line in lines))
        foot = f"Kynkäänniemi et al.: {', '.join(grey)}" if grey else ""
        feet.append(textwrap.fill(foot, letters))
    with styled(look):
        figure = new_figure(look, tall)
        panels = zip(figure.subplots(1, 2), images, heads, feet, strict=True)
        for axes, array, head, foot in panels:
            draw_mosaic(axes, array, rows, columns, head)
            if foot:
                where: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "top"}
                axes.text(0.5, -0.02, foot, color=GREY, fontstyle="italic", **where)
            axes.set_anchor("N")  # leave spare room below, and keep the room of the title
        add_heading(figure, f"{title}: two generators compared by FID and by a control", look)
        note = f"{_verdict(cells, title_of(titles, network))} Uncurated images. "
        measured = title_of(titles, recall_network)
        note += f"{_counts(cells)} "
        if errors := cells_note(_without_spread(cell) for pair in cells.values() for cell in pair):
            note += f"{errors} "
        note += f"Precision and recall are measured in {measured}."
        if all(cell.mean < _NEAR_0 for label in SHARES for cell in cells[label]):
            note += (
                " Both are near 0 for both generators: almost none of these images is as near to a "
                "real image as other real images are. So they do not distinguish the generators."
            )
        if whose := describe_weight_files(titles, [network, recall_network]):
            note += f" {whose}"
        if published:
            note += " In brackets: Kynkäänniemi et al. (2023), for their own generators"
            if "recall" in published:
                note += "; they do not say in which features they measured recall"
            note += "."
        if differing := differences(not_comparable):
            note += (
                " Grey: Kynkäänniemi et al. (2023), measured differently and so not comparable. "
                f"Ours: {differing}."
            )
        note += f" {choices}" if choices else ""
        simulated = any(is_simulated(titles, dataset) for dataset in generators.values())
        add_note(figure, note, look, simulated=simulated)
        text = (
            1.4 * _lines(figure.get_suptitle())
            + max(map(_lines, heads))
            + (max(map(_lines, feet)) + 0.5 if any(feet) else 0)
            + 0.85 * _lines(figure.get_supxlabel())
        )
        figure.set_figheight(tall + (1.2 * text + 1.5) * look.font_size / 72)
    return figure


def _spread(cell: Cell) -> float:
    """Return the spread over draws; NaN if all draws have the same images."""
    return cell.std if cell.std > 1e-9 * abs(cell.mean) else math.nan


def _without_spread(cell: Cell) -> Cell:
    """Return a cell; if all its draws have the same images, as the cell of one draw."""
    return cell._replace(repeats=1, std=math.nan) if math.isnan(_spread(cell)) else cell


def _printed(cell: Cell) -> str:
    return _without_spread(cell).printed()


def _lines(text: str) -> int:
    return text.count("\n") + 1


def _cells(
    scores: pd.DataFrame, generators: Mapping[str, str], network: str, metric: str
) -> tuple[Cell, Cell]:
    """Return the scores of both generators, from equal numbers of images."""
    one, other = (
        score_cell(scores, dataset=dataset, scheme="random", network=network, metric=metric)
        for dataset in generators.values()
    )
    if (one.n_real, one.n_generated) != (other.n_real, other.n_generated):
        raise FringeError(
            f"comparison: {metric} of {' and '.join(generators.values())} in {network} was "
            f"measured with {one.n_real} + {one.n_generated} and {other.n_real} + "
            f"{other.n_generated} (real + generated) images; measure both with the same numbers"
        )
    return one, other


def _verdict(cells: Mapping[str, tuple[Cell, Cell]], network: str) -> str:
    """Return the sentence on which generator FID and the control prefer, and by how much."""
    (_, main), (control, other) = list(cells.items())[:2]
    return f"FID ({network}) {_preferred(*main)}; {control} {_preferred(*other)}."


def _preferred(one: Cell, other: Cell) -> str:
    # The spread of a single repeat is NaN; it counts as 0.
    spread = math.hypot(*(0 if math.isnan(cell.std) else cell.std for cell in (one, other)))
    difference = other.mean - one.mean
    if abs(difference) <= 2 * spread:
        return "is the same for both within twice the spread of draws"
    better, worse, letter = (
        (one.mean, other.mean, "a") if difference > 0 else (other.mean, one.mean, "b")
    )
    return f"is {1 - better / worse:.1%} lower for ({letter})"


def _counts(cells: Mapping[str, tuple[Cell, Cell]]) -> str:
    """Return the numbers of images and draws, with the measures to which they apply."""
    measures: dict[str, list[str]] = {}
    for label, (cell, _) in cells.items():
        images = f"{cell.n_real:,} real + {cell.n_generated:,} generated images"
        draws = f"{cell.repeats} random draws" if cell.repeats > 1 else "one random draw"
        measures.setdefault(f"{images}, {draws}", []).append(label)
    text = "; ".join(f"{', '.join(labels)}: {counts}" for counts, labels in measures.items())
    spread = any(not math.isnan(_spread(cell)) for pair in cells.values() for cell in pair)
    return f"{text}.{' Mean ± standard deviation over draws.' if spread else ''}"
