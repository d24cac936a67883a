"""List of the tables and figures of a run, and the content of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fringe.config import choices
from fringe.config.datasets import Dataset
from fringe.config.model import Config
from fringe.plan import layout
from fringe.scores.titles import METRICS, without_factor

__all__ = [
    "ASKED_TABLE",
    "GRID_SCHEMES",
    "PAPER_ORDER",
    "TABLES",
    "Exhibit",
    "Loss",
    "Table",
    "asked_table",
    "datasets_with",
    "describe_losses",
    "exhibits",
    "in_page",
    "in_paper_order",
    "lacking",
    "later_pages",
    "linked_pages",
    "lost",
    "names",
    "score_files",
    "swept",
    "table_schemes",
    "targets",
]
Kind = Literal["Table", "Figure", "Region share"]

COMPARED = ("7", "19")  # for each comparison
RESAMPLED = ("1", "4a", "5", "16", "17")  # for each resampled data set
EXPLAINED = ("2", "3", "4b", "11", "12", "13", "15")  # for each data set with sensitivity maps
NOISY = ("10a", "10b")

GRID_SCHEMES = ("random", "matched", "prelogits")
"""The schemes whose images are next to each other in Figure 16."""

PAPER_ORDER = (
    *("figure1", "figure2", "figure3", "figure4a", "figure4b", "table1", "table2", "figure5"),
    *("figure6", "figure7", "figure8a", "figure8b", "figure9", "figure10a", "figure10b"),
    *("figure11", "figure12", "figure13", "figure14", "figure15", "figure16", "figure17"),
    *("table3", "figure18", "figure19"),
)
"""The tables and figures of the paper in the order of its text; 13 to 15 by their numbers."""

_MAPS = "no data set has sensitivity maps (`sensitivity/datasets`)"
_NEEDS = {
    **dict.fromkeys(RESAMPLED, "no data set is resampled (`resample`)"),
    **dict.fromkeys((*EXPLAINED, "14"), _MAPS),
    **dict.fromkeys(NOISY, f"{_MAPS}, or no scale of noise is given (`sensitivity/noise/scales`)"),
    **dict.fromkeys(("6", "18"), "no Top-N or Middle-N scheme is configured (`schemes`)"),
    "8a": "no data set has `sizes`",
    "8b": "no data set names another training of FID's network (`alternatives`)",
    "9": "no data set has `snapshots`",
    **dict.fromkeys(COMPARED, "no comparison of two generators with images is configured"),
}
"""Reasons why a run lacks the figure with a number, other than missing files."""

SUFFIXES = {"Table": ("csv", "md", "tex", "html"), "Figure": ("png", "pdf")}


@dataclass(frozen=True)
class Table:
    """Content of a table.

    Parameters
    ----------
    schemes : tuple of str
        The schemes that the table compares with random images, if the run has them.
    controls : bool
        Whether the table also has distances in the control networks.
    metrics : tuple of str
        The metrics in the table (`fringe.scores.titles.METRICS`). The CSV file also has the other
        metrics of the same score files.
    """

    schemes: tuple[str, ...]
    controls: bool = False
    metrics: tuple[str, ...] = ("fid",)


TABLES = {
    "1": Table(("matched", "random-filled"), controls=True),
    "2": Table(("prelogits-released", "prelogits", "logits"), controls=True),
    "3": Table(
        ("prelogits-released", "prelogits"),
        metrics=(
            "fid",
            "kid",
            "rbf_kid@1",
        ),
    ),
}
"""The tables by number."""

ASKED_TABLE = "S2"
"""The number of the table of `evaluation/metrics`. The paper has no such table."""


def score_files(number: str) -> list[str]:
    """Return the kinds of score files that a table reads in addition to the files of networks."""
    files = (METRICS[without_factor(metric)].file for metric in TABLES[number].metrics)
    return list(dict.fromkeys(file for file in files if file is not None))


def table_schemes(config: Config, number: str) -> list[str]:
    """Return the schemes of a table that a run has, "random" first."""
    available = choices.schemes(config)
    return ["random", *(scheme for scheme in TABLES[number].schemes if scheme in available)]


@dataclass(frozen=True)
class Exhibit:
    """A table or figure.

    Parameters
    ----------
    kind : str
        "Table" or "Figure"; "Region share" is a sentence of the verdict.
    number : str
        The number, such as "4a".
    of : str
        The data set or comparison of the exhibit; "" if the exhibit shows several.
    title : str
        The title of that data set or comparison.
    shows : tuple of str
        The titles of the data sets or snapshots that the exhibit shows side by side.
    """

    kind: Kind
    number: str
    of: str = ""
    title: str = ""
    shows: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name of the exhibit's files, without suffix."""
        return self.name + (f"-{self.of}" if self.of else "")

    @property
    def name(self) -> str:
        """The exhibit's name in lists, such as "figure4a"."""
        return f"{self.kind.lower()}{self.number}"

    @property
    def places(self) -> list[str]:
        """The places of the exhibit's files in the run; none for a sentence."""
        place = layout.table if self.kind == "Table" else layout.figure
        return [place(self.stem, suffix) for suffix in SUFFIXES.get(self.kind, ())]


@dataclass(frozen=True)
class Loss:
    """Missing ``parts`` of an exhibit in a reduced run; () if the whole exhibit is missing."""

    exhibit: Exhibit
    parts: tuple[str, ...] = ()


def exhibits(config: Config) -> list[Exhibit]:
    """Return the tables and figures of a completed config, in the order of the paper's text."""
    resampled = {name: one for name, one in config.datasets.items() if one.resample}
    titles = _titles(resampled)

    def several(kind: Kind, number: str, names: Iterable[str]) -> list[Exhibit]:
        shows = tuple(titles[name] for name in names)
        return [Exhibit(kind, number, shows=shows)] if shows else []

    has_sweep = bool(choices.sweep_schemes(config))
    explained = choices.explained_datasets(config)
    noisy = NOISY if config.sensitivity.noise.scales else ()
    networks = ("S2",) if len(choices.explaining_networks(config)) > 1 else ()
    snapshots = tuple(
        f"{titles[name]}, {one}"
        for name in datasets_with(config, "snapshots")
        for one in resampled[name].snapshots
    )
    return [
        *(one for number in TABLES for one in several("Table", number, resampled)),
        *_of("Figure", RESAMPLED, resampled, titles),
        *several("Figure", "6", swept(config, "6") if has_sweep else []),
        *several("Figure", "8a", datasets_with(config, "sizes")),
        *several("Figure", "8b", datasets_with(config, "alternatives")),
        *([Exhibit("Figure", "9", shows=snapshots)] if snapshots else []),
        *several("Figure", "18", swept(config, "18") if has_sweep else []),
        *_of("Figure", (*EXPLAINED, *noisy, *networks), explained, titles),
        *several("Region share", "", [one for one in explained if resampled[one].region]),
        *_of(
            "Figure",
            COMPARED,
            choices.illustrated_comparisons(config),
            {name: one.title for name, one in config.comparisons.items()},
        ),
        *([asked_table(config)] if config.evaluation.metrics else []),
        *_of("Figure", ("S1",), choices.convergence_datasets(config), titles),
    ]


def asked_table(config: Config) -> Exhibit:
    """Return the table of the requested metrics."""
    return Exhibit("Table", ASKED_TABLE, shows=tuple(_titles(config.datasets).values()))


def targets(config: Config, kind: Kind) -> list[str]:
    """Return the places of the files of all tables, or of all figures, of a run."""
    return [place for one in exhibits(config) if one.kind == kind for place in one.places]


def names(config: Config) -> list[str]:
    """Return the names of a run's tables and figures, such as "table1" and "figure10a", sorted."""
    return sorted({one.name for one in exhibits(config) if one.places})


def in_paper_order(found: Iterable[Exhibit]) -> list[Exhibit]:
    """Return the tables and figures in the order of the paper, those not in the paper last."""
    places = {name: place for place, name in enumerate(PAPER_ORDER)}
    shown = [one for one in found if one.places]
    return sorted(shown, key=lambda one: (places.get(one.name, len(places)), one.name))


def in_page(config: Config) -> list[Exhibit]:
    """Return the tables and figures on the page of a run, in the order of the paper.

    A page without exhibits still shows the requested metrics.
    """
    if config.page.exhibits:
        return in_paper_order(exhibits(config))
    return [asked_table(config)] if config.evaluation.metrics else []


def lacking(config: Config) -> list[str]:
    """Return a line for each table and figure of the paper that a run lacks, with the reason.

    Figure 14 is Figure 13 for another data set, so a run with Figure 13 does not lack Figure 14.
    """
    if not config.page.exhibits:
        return []
    available = set(names(config))
    if "figure13" in available:
        available.add("figure14")
    found = []
    for name in PAPER_ORDER:
        if name not in available:
            kind, number = ("Table", name[5:]) if name.startswith("table") else ("Figure", name[6:])
            why = _NEEDS[number] if kind == "Figure" else _NEEDS["1"]
            found.append(f"{kind} {number}: {why}.")
    return found


def linked_pages(config: Config) -> dict[str, str]:
    """Return the titles of the pages that the main page of a run links, by name."""
    pages = {}
    if any(one.resample for one in config.datasets.values()):
        pages["verdict"] = "Verdict: the results in sentences"
    if config.page.exhibits:
        pages["deviations"] = "All deviations from the paper"
    pages["left_out"] = "Results that are left out"
    if choices.checked_datasets(config):
        pages["self_check"] = "Self-check: first numbers of the released code and of this run"
    return pages


def later_pages(config: Config) -> dict[str, str]:
    """Return the places of pages that are written after the main page, with the texts of links.

    These pages are written at the end of a run with exhibits.
    """
    if not config.page.exhibits:
        return {}
    return {
        "report.html": "How the results were made: jobs, parameters and software",
        layout.page("cost", "html"): "Actual cost, and the estimate",
    }


def datasets_with(config: Config, key: Literal["alternatives", "sizes", "snapshots"]) -> list[str]:
    """Return the resampled data sets whose configuration has values at ``key``."""
    return [name for name, one in config.datasets.items() if one.resample and getattr(one, key)]


def swept(config: Config, number: str) -> list[str]:
    """Return the data sets of Figure 6 (only the first) or of Figure 18 (all)."""
    resampled = [name for name, one in config.datasets.items() if one.resample]
    return resampled if number == "18" else resampled[:1]


def _of(
    kind: Kind, numbers: Iterable[str], names: Iterable[str], titles: Mapping[str, str]
) -> list[Exhibit]:
    """Return the exhibits with all ``numbers`` for each data set or comparison."""
    found = list(names)
    return [Exhibit(kind, number, name, titles[name]) for number in numbers for name in found]


def _titles(datasets: Mapping[str, Dataset]) -> dict[str, str]:
    """Return the title of each data set, with its name if several have the same title."""
    often = Counter(dataset.title for dataset in datasets.values())
    return {
        name: dataset.title + (f" ({name})" if often[dataset.title] > 1 else "")
        for name, dataset in datasets.items()
    }


def lost(whole: Sequence[Exhibit], reduced: Sequence[Exhibit]) -> list[Loss]:
    """Return the exhibits, and parts of exhibits, of ``whole`` that are missing in ``reduced``."""
    left = {exhibit.stem: exhibit.shows for exhibit in reduced}
    found = []
    for exhibit in whole:
        parts = tuple(part for part in exhibit.shows if part not in left.get(exhibit.stem, ()))
        if exhibit.stem not in left:
            found.append(Loss(exhibit))
        elif parts:
            found.append(Loss(exhibit, parts))
    return found


def describe_losses(losses: Iterable[Loss]) -> str:
    """Return losses as text, such as ``Cats in Tables 1 and 2; Figures 4a and 5 of Cats``."""
    parts: dict[str, list[Exhibit]] = {}
    wholes: dict[str, list[Exhibit]] = {}
    for loss in losses:
        for part in loss.parts:
            parts.setdefault(part, []).append(loss.exhibit)
        if not loss.parts:
            wholes.setdefault(loss.exhibit.title, []).append(loss.exhibit)
    texts = [f"{part} in {_numbered(found)}" for part, found in parts.items()]
    for title, found in wholes.items():
        texts.append(f"{_numbered(found)} of {title}" if title else _numbered(found))
    return "; ".join(texts)


def _numbered(found: Sequence[Exhibit]) -> str:
    """Return the names of exhibits as text, such as ``Tables 1 and 2, Figure 9``."""
    numbers: dict[str, list[str]] = {}
    for exhibit in found:
        numbers.setdefault(exhibit.kind, []).append(exhibit.number)
    texts = []
    for kind, listed in numbers.items():
        if kind == "Region share":
            texts.append("the share of the region in the verdict")
            continue
        unique = sorted(set(listed), key=_place)
        head = ", ".join(unique[:-1])
        plural = f"{kind}s {head} and {unique[-1]}" if head else f"{kind} {unique[-1]}"
        texts.append(plural)
    return ", ".join(texts)


def _place(number: str) -> tuple[bool, int, str]:
    """Return a sort key of a number such as 4a. S1 and S2 come last."""
    digits = "".join(filter(str.isdigit, number))
    return number.startswith("S"), int(digits or 0), number
