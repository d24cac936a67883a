"""The numbers in the paper's exhibits, compared with ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from fringe.page.content import Compared, Deviation
from fringe.page.numbers import cell_number, compare_with_paper, paper_text
from fringe.scores.cells import Cell, cell_of, datasets_of, score_cell
from fringe.scores.differences import Protocols
from fringe.scores.numbers import format_percent, size_label
from fringe.scores.paper import PaperValue, paper_value
from fringe.scores.titles import Titles, title_of

__all__ = [
    "Published",
    "compared",
    "protocol_deviations",
    "published_networks",
    "published_pair",
    "published_sizes",
]


class Published(NamedTuple):
    """A number of the paper, and ours.

    Attributes
    ----------
    of : str
        The title of the data set.
    label : str
        The name of the number, such as "FID (CLIP), PL".
    cell : Cell
        Our number.
    paper : PaperValue
    scale : int
        Both numbers are shown times this factor.
    """

    of: str
    label: str
    cell: Cell
    paper: PaperValue
    scale: int = 1


def compared(found: Iterable[Published], seed: str) -> list[Compared]:
    """Return our numbers and the paper's, with the deviation or why they are not comparable."""
    shown = []
    for one in found:
        comparison = compare_with_paper(one.cell, one.paper, one.scale)
        text = comparison.text
        if comparison.tone == "incomparable":
            # The percentage is also shown, but it does not say whether our number is right.
            change = format_percent(one.cell.mean / one.paper.value - 1)
            text = f"{change}; {text}"
        shown.append(
            Compared(
                label=f"{one.of}: {one.label}",
                ours=cell_number(one.cell, seed=seed, scale=one.scale, paper=one.paper),
                paper=paper_text(one.paper, one.scale),
                deviation=text,
                tone=comparison.tone,
            )
        )
    return shown


def protocol_deviations(found: Mapping[str, Sequence[Published]]) -> list[Deviation]:
    """Return how the measurement of each data set's numbers differs from the paper's.

    Parameters
    ----------
    found : mapping
        The numbers of each exhibit, such as "Table 1".
    """
    exhibits: dict[tuple[str, str], list[str]] = {}
    for name, numbers in found.items():
        for one in numbers:
            for text in one.paper.differs:
                exhibits.setdefault((one.of, text), []).append(name)
    return [
        Deviation(
            topic=f"{title}: {text}",
            exhibits=", ".join(dict.fromkeys(names)),
            paper="Its numbers were measured differently.",
            code="See the paper.",
            ours=f"{text[:1].upper()}{text[1:]}.",
            why="The configuration of this run says so. These numbers are not comparable.",
        )
        for (title, text), names in exhibits.items()
    ]


def published_sizes(
    scores: pd.DataFrame,
    *,
    network: str,
    titles: Titles,
    all_real: Mapping[str, int],
    protocols: Protocols,
) -> list[Published]:
    """Return the paper's FIDs of several numbers of images (its Figure 8a), and ours."""
    found = []
    mine = scores[(scores["network"] == network) & (scores["metric"] == "fid")]
    for dataset in datasets_of(mine):
        rows = mine[mine["dataset"] == dataset]
        for _, part in rows.groupby(["n_generated", "n_real"]):
            cell = cell_of(part.drop_duplicates(["repeat", "value"]))
            value = paper_value(
                None,
                protocols,
                cell,
                dataset=dataset,
                network=network,
                scheme="random",
                exhibits=("figure8a",),
                same_counts=True,
            )
            if value is not None:
                label = size_label(cell.n_real, cell.n_generated, all_real.get(dataset))
                found.append(Published(title_of(titles, dataset), f"FID, {label}", cell, value))
    return found


def published_networks(
    scores: pd.DataFrame,
    networks: Mapping[str, Sequence[str]],
    *,
    titles: Titles,
    protocols: Protocols,
) -> list[Published]:
    """Return the paper's FIDs in several networks (its Figure 8b), and ours."""
    found = []
    for dataset, names in networks.items():
        for network in names:
            cell = score_cell(scores, dataset=dataset, scheme="random", network=network)
            value = paper_value(
                None,
                protocols,
                cell,
                dataset=dataset,
                network=network,
                scheme="random",
                exhibits=("figure8b",),
            )
            if value is not None:
                label = f"FID ({title_of(titles, network)})"
                found.append(Published(title_of(titles, dataset), label, cell, value))
    return found


def published_pair(
    scores: pd.DataFrame,
    generators: Mapping[str, str],
    *,
    network: str,
    control: str,
    recall: str,
    titles: Titles,
    protocols: Protocols,
) -> list[Published]:
    """Return the paper's numbers of two generators (its Figures 7 and 19), and ours.

    Parameters
    ----------
    generators : mapping
        Data sets by the titles of their generators.
    network, control, recall : str
        The networks of FID, of the control, and of precision and recall.
    """
    measures = (
        (f"FID ({title_of(titles, network)})", network, "fid"),
        (f"FID ({title_of(titles, control)})", control, "fid"),
        ("Recall", recall, "recall"),
    )
    found = []
    for name, dataset in generators.items():
        for label, measured_in, metric in measures:
            cell = score_cell(
                scores, dataset=dataset, scheme="random", network=measured_in, metric=metric
            )
            value = paper_value(
                None,
                protocols,
                cell,
                dataset=dataset,
                network=measured_in,
                scheme="random",
                metric=metric,
                exhibits=("figure19",),
            )
            if value is not None:
                found.append(Published(name, label, cell, value))
    return found
