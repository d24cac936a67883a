"""The content of the page of a run, read from the files of the run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

import fringe
from fringe.errors import FringeError
from fringe.page.alts import seen_in_curve, seen_in_pair, seen_in_schemes
from fringe.page.anchors import anchor
from fringe.page.answers import Measured, dataset_answer
from fringe.page.asked_table import ASKED_STEM, shown_asked_table
from fringe.page.compared import comparison_answer
from fringe.page.content import (
    Answer,
    Content,
    Curve,
    Deviation,
    ExplorerView,
    Link,
    Picture,
    Table,
)
from fringe.page.curves import (
    Printed,
    convergence_curve,
    noise_curve,
    sizes_curve,
    snapshots_curve,
    sweep_curve,
)
from fringe.page.embedded import explorer_data
from fringe.page.exhibits import exhibit_entries
from fringe.page.pictures import BUDGET, Encoded, encode_pictures, picture
from fringe.page.printed_tables import published_in_table, read_table, shown_table
from fringe.page.protocols import protocol_tables
from fringe.page.published import (
    Published,
    protocol_deviations,
    published_networks,
    published_pair,
    published_sizes,
)
from fringe.plan import layout
from fringe.report.verdicts import Verdict, verdict
from fringe.scores.adherence import Following, read_following
from fringe.scores.cells import datasets_of
from fringe.scores.compared_protocol import judged_distances
from fringe.scores.comparison import Comparison, Witness, read_comparison
from fringe.scores.differences import Protocols, read_protocols
from fringe.scores.explorer import Explorer
from fringe.scores.region_noise import read_region_noise, read_region_shares
from fringe.scores.rows import read_scores
from fringe.scores.titles import Titles, title_of
from fringe.tables import judged_rows, null_space_remarks, read_asked_table

__all__ = ["Files", "collect"]

Files = Mapping[str, Sequence[str | os.PathLike[str]]]
"""The inputs of the page by name (`fringe.plan.inputs.write_index`)."""

_THREE_WAYS = (
    "The three grids draw from the same images; only how often each image is drawn differs. If FID "
    "measured quality, the right grid would look best."
)
_SIDE_BY_SIDE = {
    "figure7": "Images of the generators side by side, as FID and the control see them.",
    "classes": "Images of the classes in which the models differ most.",
}

_PICTURES_AND_EXPLORERS = 26_500_000
"""Bytes of a page for pictures and explorers. The rest of the limit of 30 MB is for texts, tables,
data of plots, and scripts."""


def collect(
    about: Mapping[str, Any],
    files: Files,
    *,
    damage: Mapping[str, Sequence[str]] | None = None,
    explorers: Mapping[tuple[str, str], Explorer] | None = None,
) -> Content:
    """Return the content of the page of a run.

    Parameters
    ----------
    about : mapping
        The result of `fringe.plan.exhibit_params.write_index`, after `fringe.texts.restored`.
    files : mapping
        The result of `fringe.plan.inputs.write_index`.
    damage : mapping of dataset to sentences, optional
        Sentences on damaged images, as for `fringe.report.verdict`.
    explorers : mapping, optional
        Explorers by ("dataset", name) or ("comparison", name).

    Raises
    ------
    DamagedFileError
        If a file is missing or damaged.
    FringeError
        If pictures do not fit into the page.
    """
    run = _opened(about, files, _picture_budget(explorers or {}))
    answers = [*_dataset_answers(run, damage or {}), *_comparison_answers(run)]
    curves = _curves(run)
    published = _published(run)
    names = {one["stem"]: one["name"] for one in about["exhibits"]}
    entries = exhibit_entries(
        about["exhibits"],
        tables=_shown_tables(run),
        pictures=run.pictures,
        facts=_facts(run, curves),
        published=published,
        seed=run.seed,
    )
    by_exhibit: dict[str, list[Published]] = {}
    for stem, found in published.items():
        if stem not in names:  # the page shows no exhibits
            continue
        by_exhibit.setdefault(names[stem], []).extend(found)
    return Content(
        run=about["run"],
        answers=tuple(answers),
        explorers=tuple(_views(answers, explorers or {})),
        curves=tuple(curves),
        exhibits=tuple(entries),
        protocols=tuple(_protocol_tables(run)),
        deviations=(
            *(Deviation(**one) for one in about["deviations"]),
            *protocol_deviations(by_exhibit),
        ),
        left_out=tuple(about["lacking"]),
        links=tuple(Link(place, text) for place, text in about["links"]),
        version=fringe.__version__,
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """The contents of the files of a run; each file is read once."""

    about: Mapping[str, Any]
    asked: Mapping[str, Any]  # the parameters of the verdict
    protocols: Protocols
    scores: pd.DataFrame | None
    floors: pd.DataFrame | None
    pairs: pd.DataFrame | None
    sizes: pd.DataFrame | None
    snapshots: pd.DataFrame | None
    convergence: pd.DataFrame | None
    noise: pd.DataFrame | None
    region_shares: pd.DataFrame | None
    comparisons: Mapping[str, Comparison]
    tables: Mapping[str, pd.DataFrame]
    asked_table: pd.DataFrame | None
    pictures: Mapping[str, Encoded]

    @property
    def network(self) -> str:
        """The network of FID."""
        return str(self.asked["network"])

    @property
    def classifier(self) -> str:
        """The network that counts classes; "" if it is FID's network."""
        return str(self.asked.get("classifier", ""))

    @property
    def titles(self) -> Titles:
        """Titles of data sets and networks."""
        titles: Titles = self.asked["titles"]
        return titles

    @property
    def following(self) -> Following | None:
        """The protocol that the run names."""
        return read_following(self.about.get("follows"))

    @property
    def seed(self) -> str:
        """The seed of all draws."""
        return str(self.about["seed"])


def _picture_budget(explorers: Mapping[tuple[str, str], Explorer]) -> int:
    """Return the limit in bytes for pictures; base64 needs four letters for three bytes."""
    taken = sum(len(explorer_data(ExplorerView("", "", "", one))) for one in explorers.values())
    return min(BUDGET, (_PICTURES_AND_EXPLORERS - taken) * 3 // 4)


def _opened(about: Mapping[str, Any], files: Files, picture_budget: int) -> _Run:
    names = about["comparisons"]
    exhibits = about["exhibits"]
    printed = {one["stem"]: one["metrics"] for one in exhibits if one["metrics"]}
    drawn = {one["stem"]: one["picture"] for one in exhibits if one["picture"]}
    tables = _placed({stem: layout.table(stem, "csv") for stem in printed}, files, "tables")
    return _Run(
        about=about,
        asked=about["verdict"],
        protocols=read_protocols(about["verdict"]["protocols"]),
        **{
            name: _read(read_scores, files.get(name))
            for name in ("scores", "floors", "pairs", "sizes", "snapshots", "convergence")
        },
        noise=_read(read_region_noise, files.get("region_noise")),
        region_shares=_read(read_region_shares, files.get("region_shares")),
        comparisons={
            name: read_comparison(path)
            for name, path in zip(names, files.get("comparisons", ()), strict=True)
        },
        tables={
            stem: read_table(path, printed[stem])
            for stem, path in tables.items()
            if stem != ASKED_STEM
        },
        asked_table=read_asked_table(tables[ASKED_STEM]) if ASKED_STEM in tables else None,
        pictures=encode_pictures(
            _placed(drawn, files, "pictures"), picture_budget, _times_shown(about)
        ),
    )


def _times_shown(about: Mapping[str, Any]) -> Counter[str]:
    """Return how often the page shows each figure: as an exhibit, with answers and with plots."""
    exhibits = [one["stem"] for one in about["exhibits"] if one["picture"]]
    repeated = [f"figure16-{name}" for name in about["real"]]
    repeated += [_pair_figure(name, exhibits) for name in about["comparisons"]]
    repeated += [_sweep_figure(place) for place in range(len(about["swept"]))]
    repeated += ["figure8a", "figure9"]
    repeated += [one for one in exhibits if one.startswith(("figure10a-", "figureS1-"))]
    return Counter([*exhibits, *(one for one in repeated if one in exhibits)])


def _read(
    read: Callable[[Iterable[str | os.PathLike[str]]], pd.DataFrame],
    files: Sequence[str | os.PathLike[str]] | None,
) -> pd.DataFrame | None:
    return read(files) if files else None


def _placed(
    places: Mapping[str, str], files: Files, name: str
) -> dict[str, str | os.PathLike[str]]:
    """Return the input file of each place in the folder of the run.

    Raises
    ------
    FringeError
        If the inputs ``name`` lack a place.
    """
    paths = files.get(name, ())
    found = {}
    for key, place in places.items():
        mine = [path for path in paths if Path(path).as_posix().endswith(f"/{place}")]
        if not mine:
            raise FringeError(
                f"page: {place} is not among the inputs `{name}`; give the result of "
                "fringe.plan.inputs.write_index"
            )
        found[key] = mine[0]
    return found


# Answers.


def _dataset_answers(run: _Run, damage: Mapping[str, Sequence[str]]) -> list[Answer]:
    if run.scores is None:
        return []
    asked = run.asked
    schemes = ["random", "prelogits", "prelogits-released"]
    null_spaces = asked.get("null_spaces", {})
    if run.classifier or null_spaces:
        schemes += ["matched", "random-filled", *null_spaces.values()]
    used = run.scores["scheme"].isin(schemes)
    verdicts = verdict(
        # The verdict covers only these schemes, and only data sets that have all of them.
        run.scores[used & run.scores["network"].isin([run.network, *asked["controls"]])],
        run.network,
        asked["controls"],
        run.titles,
        dims=asked["dims"],
        trained_on=asked["trained_on"],
        convergence=run.convergence,
        region_noise=run.noise,
        region_shares=run.region_shares,
        released=asked["released"],
        protocols=run.protocols,
        following=run.following,
        damage=damage,
        chosen=asked.get("chosen"),
        classifier=run.classifier,
        published=asked.get("published"),
        null_spaces=null_spaces,
    )
    measured = Measured(
        scores=run.scores,
        network=run.network,
        controls=asked["controls"],
        titles=run.titles,
        protocols=run.protocols,
        floors=run.floors,
        dims=asked["dims"],
        candidates=run.about["candidates"],
    )
    return [
        dataset_answer(
            found,
            measured,
            witness=_witness(run, found),
            pictures=_picture(
                run, f"figure16-{found.dataset}", _seen_schemes(run, found.dataset), _THREE_WAYS
            ),
            links=_links(run, f"figure16-{found.dataset}"),
        )
        for found in verdicts
    ]


def _witness(run: _Run, found: Verdict) -> Witness | None:
    """Return the judge's witness in a comparison with the same real images, if there is one."""
    for name, about in run.about["comparisons"].items():
        if about["real"] == run.about["real"][found.dataset]:
            for witness in run.comparisons[name].witnesses:
                if witness.network == found.judge:
                    return witness
    return None


def _comparison_answers(run: _Run) -> list[Answer]:
    found = []
    for name, comparison in run.comparisons.items():
        stem = _pair_figure(name, run.pictures)
        judged = layout.judged(name, "html")
        found.append(
            comparison_answer(
                name,
                comparison,
                pictures=_picture(
                    run,
                    stem,
                    seen_in_pair(comparison),
                    _SIDE_BY_SIDE.get(stem.partition("-")[0], ""),
                ),
                links=(Link(judged, "The comparison as a separate page"), *_links(run, stem)),
            )
        )
    return found


def _pair_figure(name: str, stems: Container[str]) -> str:
    """Return the stem of the figure with the answer for a comparison; "" if there is none."""
    return next((one for one in (f"figure7-{name}", f"classes-{name}-1") if one in stems), "")


def _picture(run: _Run, stem: str, fact: str = "", caption: str = "") -> tuple[Picture, ...]:
    """Return the picture of a figure with a description; no picture if the run lacks it."""
    if stem not in run.pictures:
        return ()
    (about,) = (one for one in run.about["exhibits"] if one["stem"] == stem)
    seen = " ".join(filter(None, (about["seen"], fact)))
    return (picture(run.pictures[stem], alt=seen, caption=caption),)


def _links(run: _Run, stem: str) -> tuple[Link, ...]:
    return tuple(
        Link(place, f"{one['name']} ({text})")
        for one in run.about["exhibits"]
        if one["stem"] == stem
        for place, text in one["links"]
    )


def _views(
    answers: Sequence[Answer], explorers: Mapping[tuple[str, str], Explorer]
) -> list[ExplorerView]:
    titles = {one.key: one.title for one in answers}
    return [
        ExplorerView(
            key=anchor("images", kind, name),
            title=titles[anchor(kind, name)],
            answer=anchor(kind, name),
            explorer=explorer,
        )
        for (kind, name), explorer in explorers.items()
    ]


# Curves.


def _curves(run: _Run) -> list[Curve]:
    return [
        _described(curve)
        for curve in (*_sweeps(run), *_of_all(run), *_noise(run), *_convergence(run))
    ]


def _described(curve: Curve) -> Curve:
    """Return a plot; the alternative text of its figure contains its numbers."""
    if curve.figure is None:
        return curve
    alt = f"{curve.figure.alt} {seen_in_curve(curve)}"
    return replace(curve, figure=replace(curve.figure, alt=alt))


def _printed(run: _Run, stem: str, *csv: str) -> Printed:
    """Return the figure for print, with links to its files and to scores as CSV files."""
    shown = _picture(run, stem)
    scores = [Link(place, f"CSV ({place})") for place in csv]
    return Printed(shown[0] if shown else None, (*_links(run, stem), *scores))


def _sweeps(run: _Run) -> list[Curve]:
    if run.scores is None:
        return []
    return [
        sweep_curve(
            run.scores,
            dataset,
            network=run.network,
            control=run.about["control"],
            titles=run.titles,
            released=bool(run.asked["released"]),
            printed=_printed(run, _sweep_figure(place)),
        )
        for place, dataset in enumerate(run.about["swept"])
    ]


def _sweep_figure(place: int) -> str:
    """Return the stem of the figure for print of a sweep; only the first sweep has a figure."""
    return "figure6" if place == 0 else "figure18"


def _of_all(run: _Run) -> list[Curve]:
    """Return the plots that show all data sets."""
    found = []
    if run.sizes is not None:
        places = [layout.sizes(name) for name in run.about["all_real"]]
        found.append(
            sizes_curve(
                run.sizes,
                network=run.network,
                titles=run.titles,
                all_real=run.about["all_real"],
                printed=_printed(run, "figure8a", *places),
            )
        )
    if run.snapshots is not None:
        places = [
            layout.snapshots(name, space)
            for name in run.about["snapshots"]
            for space in ("features", "logits")
        ]
        found.append(
            snapshots_curve(
                run.snapshots,
                network=run.network,
                titles=run.titles,
                printed=_printed(run, "figure9", *places),
                classifier=run.classifier,
            )
        )
    return found


def _noise(run: _Run) -> list[Curve]:
    if run.noise is None:
        return []
    return [
        noise_curve(
            run.noise,
            dataset,
            network=run.network,
            titles=run.titles,
            printed=_printed(
                run,
                f"figure10a-{dataset}",
                *(layout.noise(dataset, scale) for scale in (0, *run.asked["scales"])),
            ),
        )
        for dataset in datasets_of(run.noise)
    ]


def _convergence(run: _Run) -> list[Curve]:
    if run.convergence is None:
        return []
    return [
        convergence_curve(
            run.convergence,
            dataset,
            titles=run.titles,
            printed=_printed(run, f"figureS1-{dataset}", layout.convergence(dataset)),
        )
        for dataset in datasets_of(run.convergence)
    ]


# Exhibits.


def _shown_tables(run: _Run) -> dict[str, Table]:
    """Return the page's tables, by stem."""
    shown = {}
    classifier = title_of(run.titles, run.classifier) if run.classifier else ""
    for stem, table in run.tables.items():
        notes = null_space_remarks(table) if stem == "table2" else []
        shown[stem] = shown_table(table, seed=run.seed, notes=notes, classifier=classifier)
    if run.asked_table is not None:
        shown[ASKED_STEM] = shown_asked_table(run.asked_table, seed=run.seed)
    return shown


def _protocol_tables(run: _Run) -> list[Table]:
    """Return the table that compares each number of the page with the run's protocol."""
    following = run.following
    if following is None:
        return []
    tables = [*run.tables.values(), *([] if run.asked_table is None else [run.asked_table])]
    found = [each for table in tables for each in judged_rows(table, following)]
    for comparison in run.comparisons.values():
        found += judged_distances(comparison)
    return protocol_tables(following.protocol, found)


def _published(run: _Run) -> dict[str, list[Published]]:
    """Return the paper's numbers and ours, by the stem of the exhibit."""
    about = run.about
    found = {stem: published_in_table(table) for stem, table in run.tables.items()}
    if run.sizes is not None:
        found["figure8a"] = published_sizes(
            run.sizes,
            network=run.network,
            titles=run.titles,
            all_real=about["all_real"],
            protocols=run.protocols,
        )
    if about["networks"] and run.scores is not None:
        found["figure8b"] = published_networks(
            run.scores, about["networks"], titles=run.titles, protocols=run.protocols
        )
    for name, generators in about["pairs"].items():
        if run.pairs is None:
            continue
        numbers = published_pair(
            run.pairs,
            generators,
            network=run.network,
            control=about["control"],
            recall=about["recall"],
            titles=about["pair_titles"],
            protocols=read_protocols(about["pair_protocols"]),
        )
        found |= {f"figure{number}-{name}": numbers for number in ("7", "19")}
    return found


def _facts(run: _Run, curves: Sequence[Curve]) -> dict[str, str]:
    """Return sentences with the numbers that figures show, by stem."""
    found = {f"figure16-{name}": _seen_schemes(run, name) for name in run.about["real"]}
    for name, comparison in run.comparisons.items():
        fact = seen_in_pair(comparison)
        found |= {f"figure7-{name}": fact, f"figure19-{name}": fact, f"classes-{name}-1": fact}
    seen = {curve.key: seen_in_curve(curve) for curve in curves}
    found |= {"figure8a": seen.get("curve-sizes", ""), "figure9": seen.get("curve-snapshots", "")}
    for name in run.about["real"]:
        found[f"figure10a-{name}"] = seen.get(anchor("curve", "noise", name), "")
        found[f"figureS1-{name}"] = seen.get(anchor("curve", "convergence", name), "")
    swept = [
        (f"{curve.title}. " if len(run.about["swept"]) > 1 else "") + seen[curve.key]
        for curve in curves
        if curve.key.startswith("curve-sweep-")
    ]
    found |= {"figure6": swept[0], "figure18": " ".join(swept)} if swept else {}
    return found


def _seen_schemes(run: _Run, dataset: str) -> str:
    if run.scores is None:
        return ""
    return seen_in_schemes(run.scores, dataset, network=run.network, titles=run.titles)
