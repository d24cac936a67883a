"""The one list of tables and figures: which a run makes, and what each of them shows."""

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
    "tell",
]
Kind = Literal["Table", "Figure", "Region share"]

COMPARED = ("7", "19")  # of each comparison
RESAMPLED = ("1", "4a", "5", "16", "17")  # of each data set that is resampled
EXPLAINED = ("2", "3", "4b", "11", "12", "13", "15")  # of each that is asked what FID looks at
NOISY = ("10a", "10b")

GRID_SCHEMES = ("random", "matched", "prelogits")
"""The schemes whose images Figure 16 shows next to each other."""

PAPER_ORDER = (
    *("figure1", "figure2", "figure3", "figure4a", "figure4b", "table1", "table2", "figure5"),
    *("figure6", "figure7", "figure8a", "figure8b", "figure9", "figure10a", "figure10b"),
    *("figure11", "figure12", "figure13", "figure14", "figure15", "figure16", "figure17"),
    *("table3", "figure18", "figure19"),
)
"""The tables and figures of the paper, as its text comes to them; 13 to 15 by their numbers."""

_MAPS = "no data set has maps of what FID looks at (`sensitivity/datasets`)"
_NEEDS = {
    **dict.fromkeys(RESAMPLED, "no data set is resampled (`resample`)"),
    **dict.fromkeys((*EXPLAINED, "14"), _MAPS),
    **dict.fromkeys(NOISY, f"{_MAPS}, or no scale of noise is given (`sensitivity/noise/scales`)"),
    **dict.fromkeys(("6", "18"), "no Top-N or Middle-N scheme is asked for (`schemes`)"),
    "8a": "no data set has `sizes`",
    "8b": "no data set names another training of FID's network (`alternatives`)",
    "9": "no data set has `snapshots`",
    **dict.fromkeys(COMPARED, "no comparison of two generators with images is asked for"),
}
"""Why a run has no figure of a number, if files are not the reason."""

SUFFIXES = {"Table": ("csv", "md", "tex", "html"), "Figure": ("png", "pdf")}


@dataclass(frozen=True)
class Table:
    """What a table shows.

    Parameters
    ----------
    schemes : tuple of str
        The schemes that it compares with random images, if the run has them.
    controls : bool
        Whether it shows distances in the control networks too.
    metrics : tuple of str
        The metrics that it prints (`fringe.scores.titles.METRICS`). Its CSV also has the others
        that are in the same files.
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
"""The tables by their numbers."""

ASKED_TABLE = "S2"
"""The number of the table of `evaluation/metrics`, which the paper does not have."""


def score_files(number: str) -> list[str]:
    """Return the files of scores, besides those of networks, of the metrics that a table prints."""
    files = (METRICS[without_factor(metric)].file for metric in TABLES[number].metrics)
    return list(dict.fromkeys(file for file in files if file is not None))


def table_schemes(config: Config, number: str) -> list[str]:
    """Return the schemes of a table that a run has, "random" first."""
    there = choices.schemes(config)
    return ["random", *(scheme for scheme in TABLES[number].schemes if scheme in there)]


@dataclass(frozen=True)
class Exhibit:
    """A table or figure.

    Parameters
    ----------
    kind : str
        "Table" or "Figure"; "Region share" is a sentence of the verdict.
    number : str
        Such as "4a".
    of : str
        The data set or comparison that it is about; "" if it shows several.
    title : str
        Of that data set or comparison.
    shows : tuple of str
        The titles of what it shows side by side: data sets, or snapshots.
    """

    kind: Kind
    number: str
    of: str = ""
    title: str = ""
    shows: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name of its files, without their suffix."""
        return self.name + (f"-{self.of}" if self.of else "")

    @property
    def name(self) -> str:
        """Its name in lists, such as "figure4a"."""
        return f"{self.kind.lower()}{self.number}"

    @property
    def places(self) -> list[str]:
        """The places of its files in the run; none for a sentence."""
        place = layout.table if self.kind == "Table" else layout.figure
        return [place(self.stem, suffix) for suffix in SUFFIXES.get(self.kind, ())]


@dataclass(frozen=True)
class Loss:
    """What a reduced run lacks of an exhibit: ``parts`` of what it shows, or () for all of it."""

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
    """Return the table of the metrics that are asked for."""
    return Exhibit("Table", ASKED_TABLE, shows=tuple(_titles(config.datasets).values()))


def targets(config: Config, kind: Kind) -> list[str]:
    """Return the places of the files of all tables, or of all figures, of a run."""
    return [place for one in exhibits(config) if one.kind == kind for place in one.places]


def names(config: Config) -> list[str]:
    """Return the names of a run's tables and figures, such as "table1" and "figure10a", sorted."""
    return sorted({one.name for one in exhibits(config) if one.places})


def in_paper_order(found: Iterable[Exhibit]) -> list[Exhibit]:
    """Return the tables and figures in the order of the paper, those that it lacks last."""
    places = {name: place for place, name in enumerate(PAPER_ORDER)}
    shown = [one for one in found if one.places]
    return sorted(shown, key=lambda one: (places.get(one.name, len(places)), one.name))


def in_page(config: Config) -> list[Exhibit]:
    """Return the tables and figures that the page of a run shows, in the order of the paper.

    A page without exhibits shows the metrics that are asked for all the same.
    """
    if config.page.exhibits:
        return in_paper_order(exhibits(config))
    return [asked_table(config)] if config.evaluation.metrics else []


def lacking(config: Config) -> list[str]:
    """Return what of the paper a run does not have, and why, in a line each.

    Figure 14 is Figure 13 of another data set, so it counts as there if that is.
    """
    if not config.page.exhibits:
        return []
    there = set(names(config))
    if "figure13" in there:
        there.add("figure14")
    found = []
    for name in PAPER_ORDER:
        if name not in there:
            kind, number = ("Table", name[5:]) if name.startswith("table") else ("Figure", name[6:])
            why = _NEEDS[number] if kind == "Figure" else _NEEDS["1"]
            found.append(f"{kind} {number}: {why}.")
    return found


def linked_pages(config: Config) -> dict[str, str]:
    """Return the pages that the first page of a run links, with what they hold, by name."""
    pages = {}
    if any(one.resample for one in config.datasets.values()):
        pages["verdict"] = "Verdict: the answers in sentences"
    if config.page.exhibits:
        pages["deviations"] = "Deviations from the paper, in full"
    pages["left_out"] = "What is left out"
    if choices.checked_datasets(config):
        pages["self_check"] = "Self-check: the first numbers of the released code, and ours"
    return pages


def later_pages(config: Config) -> dict[str, str]:
    """Return the places that the first page links although they are written after it, with texts.

    They are written at the end of a whole run, which shows exhibits.
    """
    if not config.page.exhibits:
        return {}
    return {
        "report.html": "How all of it was made: jobs, parameters and software",
        layout.page("cost", "html"): "What it took, and what was planned",
    }


def datasets_with(config: Config, key: Literal["alternatives", "sizes", "snapshots"]) -> list[str]:
    """Return the resampled data sets whose configuration has something at ``key``."""
    return [name for name, one in config.datasets.items() if one.resample and getattr(one, key)]


def swept(config: Config, number: str) -> list[str]:
    """Return the data sets of Figure 6, the first, or of Figure 18, all."""
    resampled = [name for name, one in config.datasets.items() if one.resample]
    return resampled if number == "18" else resampled[:1]


def _of(
    kind: Kind, numbers: Iterable[str], names: Iterable[str], titles: Mapping[str, str]
) -> list[Exhibit]:
    """Return an exhibit of each number for each data set or comparison."""
    found = list(names)
    return [Exhibit(kind, number, name, titles[name]) for number in numbers for name in found]


def _titles(datasets: Mapping[str, Dataset]) -> dict[str, str]:
    """Return the title of each data set, with its name where two are called the same."""
    often = Counter(dataset.title for dataset in datasets.values())
    return {
        name: dataset.title + (f" ({name})" if often[dataset.title] > 1 else "")
        for name, dataset in datasets.items()
    }


def lost(whole: Sequence[Exhibit], reduced: Sequence[Exhibit]) -> list[Loss]:
    """Return what of the ``whole`` exhibits the ``reduced`` ones lack."""
    left = {exhibit.stem: exhibit.shows for exhibit in reduced}
    found = []
    for exhibit in whole:
        parts = tuple(part for part in exhibit.shows if part not in left.get(exhibit.stem, ()))
        if exhibit.stem not in left:
            found.append(Loss(exhibit))
        elif parts:
            found.append(Loss(exhibit, parts))
    return found


def tell(losses: Iterable[Loss]) -> str:
    """Return losses as text: ``LSUN Cat in Tables 1 and 2; Figures 4a and 5 of LSUN Cat``."""
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
    """Return ``Tables 1 and 2, Figure 9``."""
    numbers: dict[str, list[str]] = {}
    for exhibit in found:
        numbers.setdefault(exhibit.kind, []).append(exhibit.number)
    texts = []
    for kind, listed in numbers.items():
        if kind == "Region share":
            texts.append("the verdict's share of the region")
            continue
        unique = sorted(set(listed), key=_place)
        head = ", ".join(unique[:-1])
        plural = f"{kind}s {head} and {unique[-1]}" if head else f"{kind} {unique[-1]}"
        texts.append(plural)
    return ", ".join(texts)


def _place(number: str) -> tuple[bool, int, str]:
    """Return the place of a number such as 4a among others; S1 and S2 come last."""
    digits = "".join(filter(str.isdigit, number))
    return number.startswith("S"), int(digits or 0), number
