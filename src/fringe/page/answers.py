"""The answer for a data set: how much of FID is null space, the small table, and doubts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from fringe.page.anchors import anchor
from fringe.page.content import Answer, Link, Number, Picture, Row, Table
from fringe.page.numbers import ERRORS, cell_number, plain_number
from fringe.report.null_spaces import null_space_rows
from fringe.report.verdicts import Change, Verdict
from fringe.scores.cells import Cell, cells_note, change_error, score_cell, sweep_size
from fringe.scores.comparison import Witness
from fringe.scores.differences import Protocols
from fringe.scores.numbers import format_value
from fringe.scores.paper import PaperValue, paper_value
from fringe.scores.titles import Titles, title_of

__all__ = ["Measured", "dataset_answer", "scheme_label", "scores_exist"]

_AMPLE = 10  # candidates per feature; with fewer, weights can also fit random variation

_SPREAD_ONLY = "No standard error: for Top-N weights only the spread of draws is measured."


@dataclass(frozen=True, eq=False)
class Measured:
    """The measurements that the answers of all data sets are based on.

    Attributes
    ----------
    scores : DataFrame
        Tidy rows of Fréchet distances of all data sets.
    network : str
        The network of FID.
    controls : sequence of str
    titles : mapping
    protocols : mapping
        The protocol of the scores, for each data set of which the paper has numbers.
    floors : DataFrame, optional
        Tidy rows of floors, and of distances in units of the floor (metric "fdr").
    dims, candidates : mapping
        The number of features of each network, and the number of generated images of each data set
        for which weights were optimized.
    """

    scores: pd.DataFrame
    network: str
    controls: Sequence[str]
    titles: Titles
    protocols: Protocols = field(default_factory=dict)
    floors: pd.DataFrame | None = None
    dims: Mapping[str, int] = field(default_factory=dict)
    candidates: Mapping[str, int] = field(default_factory=dict)


class _Short(NamedTuple):
    """The answer in a word, and in a sentence."""

    word: str
    sentence: str


def dataset_answer(
    found: Verdict,
    measured: Measured,
    *,
    witness: Witness | None = None,
    pictures: Sequence[Picture] = (),
    links: Sequence[Link] = (),
) -> Answer:
    """Return the answer for one data set.

    Parameters
    ----------
    found : Verdict
        The verdict on the data set.
    measured : Measured
    witness : Witness, optional
        The power of the verdict's judge, measured by a comparison with the same real images.
    pictures : sequence of Picture
        The same images drawn in three ways.
    links : sequence of Link
    """
    short = _short(found)
    doubts = [*found.doubts, *_doubts(found, measured, witness)]
    elsewhere = {*found.doubts, *found.published}
    others = [text for text in found.sentences if text not in elsewhere]
    if not math.isnan(_error(found.fid)):
        others.insert(
            0,
            "± in the answer is one standard error. It covers the random choice of all images, and "
            "assumes that distances are independent, so it is probably too large. In the "
            "sentences below, ± is the standard deviation of draws, which is only a part of the "
            "standard error.",
        )
    judge = _judge(found)
    if judge is not None and witness is not None and witness.has_power:
        others.append(f"The judge ({judge.title}) {witness.sees}.")
    question = "How much of this FID can be removed without a change to any image"
    return Answer(
        key=anchor("dataset", found.dataset),
        title=found.title,
        kind="dataset",
        question=f"{question}{f', and does the control ({judge.title}) agree' if judge else ''}?",
        word=short.word,
        sentence=short.sentence,
        table=_table(found, measured),
        pictures=tuple(pictures),
        doubts=tuple(doubts),
        details=tuple(others),
        tables=tuple(_null_spaces(found)),
        links=tuple(links),
    )


def _null_spaces(found: Verdict) -> list[Table]:
    """Return a list with the table of null spaces; an empty list if none was requested."""
    if not found.null_spaces:
        return []
    head, *rows = null_space_rows(found.null_spaces, found.counted_by)
    cells = [cell for one in found.null_spaces for cell in (one.random, one.optimized)]
    return [
        Table(
            caption=(
                "The null space of each network: how far its distance falls when only the "
                "frequency of the same images changes."
            ),
            head=tuple(head),
            rows=tuple(Row(row[0], tuple(row[1:])) for row in rows),
            notes=tuple(
                filter(
                    None,
                    (
                        "Mean ± standard deviation of draws. In parentheses: the change relative "
                        "to the same number of images drawn at random.",
                        cells_note(cells),
                    ),
                )
            ),
        )
    ]


def scheme_label(scheme: str) -> str:
    """Return the label of a sampling scheme in tables and plots.

    >>> scheme_label("top20")
    'Top-20 classes matched'
    """
    labels = {
        "random": "drawn at random",
        "random-filled": "same number at random",
        "matched": "Top-1 classes matched",
        "prelogits-released": "weights of the released steps",
        "prelogits": "optimized weights",
        "logits": "weights optimized in logits",
    }
    if size := sweep_size(scheme):
        kind = "Top" if size[0] == "top" else "Middle"
        return f"{kind}-{size[1]} classes matched"
    return labels[scheme]


def scores_exist(
    scores: pd.DataFrame, *, dataset: str, scheme: str, network: str, metric: str = "fid"
) -> bool:
    """Return whether the scores have a row of a combination."""
    return bool(
        (
            (scores["dataset"] == dataset)
            & (scores["scheme"] == scheme)
            & (scores["network"] == network)
            & (scores["metric"] == metric)
        ).any()
    )


def _judge(found: Verdict) -> Change | None:
    return next((one for one in found.controls if one.network == found.judge), None)


def _short(found: Verdict) -> _Short:
    fid = found.fid
    judge = _judge(found)
    drawn = "when the same images are drawn with optimized weights"
    if judge is None:
        return _Short(
            "no judge",
            f"{_moves(fid)} {drawn}, but no control can judge whether that is an improvement, "
            "because each was trained on ImageNet's labels.",
        )
    if math.isnan(found.share):
        if fid.change >= 0 or fid.within_noise:
            return _Short(
                "nothing removed",
                f"The optimized weights remove nothing: {_moves(fid)} {drawn}"
                f"{', which is within its noise' if fid.within_noise else ''}.",
            )
        return _Short(
            "real",
            f"No null space is visible: {_moves(fid)} {drawn}, and the distance in the control "
            f"({judge.title}) falls at least as much, by {_size(judge)}.",
        )
    percent = f"{100 * found.share:.0f}"
    share_error = math.hypot(_error(fid), _error(judge))
    error = "" if math.isnan(share_error) else f" ± {100 * share_error:.0f}"
    text = (
        f"At least {percent}{error}% of this FID is perceptual null space: {_moves(fid)} {drawn}, "
    )
    if judge.within_noise:
        text += f"and the distance in the control ({judge.title}) changes only within its noise"
    elif judge.change >= 0:
        text += f"while the distance in the control ({judge.title}) rises by {_size(judge)}"
    else:
        text += f"but the distance in the control ({judge.title}) falls by only {_size(judge)}"
    if not error:
        text += ". Standard errors are unknown"
    return _Short(f"at least {percent}% null space", f"{text}.")


def _moves(change: Change) -> str:
    return f"FID {'falls' if change.change < 0 else 'rises'} by {_size(change)}"


def _size(change: Change) -> str:
    """Return the size of a distance's change, with its standard error: "62.4 ± 1.1%"."""
    error = _error(change)
    spread = "" if math.isnan(error) else f" ± {100 * error:.1f}"
    return f"{100 * abs(change.change):.1f}{spread}%"


def _error(change: Change) -> float:
    """Return the standard error of a relative change; NaN if unknown."""
    return change_error(change.resampled, change.random)


def _doubts(found: Verdict, measured: Measured, witness: Witness | None) -> list[str]:
    """Return doubts that the verdict does not name: the judge's power, too few candidates."""
    said = []
    judge = _judge(found)
    if judge is not None:
        if witness is None or witness.has_power is None:
            said.append(
                f"It was not measured with these real images whether the judge ({judge.title}) "
                "responds to an improvement that people see. A comparison of generators measures "
                "this."
            )
        elif not witness.has_power:
            said.append(
                f"The judge ({judge.title}) has no power here, so a small change in it says "
                f"little: it {witness.sees}."
            )
        moved_by = abs(judge.resampled.mean - judge.random.mean)
        margin = ERRORS * math.hypot(judge.random.standard_error, judge.resampled.standard_error)
        if moved_by <= margin:
            said.append(
                f"The distance in the judge ({judge.title}) changes by {format_value(moved_by)}, "
                f"which is within {ERRORS:g} combined standard errors ({format_value(margin)}). "
                "The random choice of images could explain the whole change."
            )
    candidates, dim = measured.candidates.get(found.dataset), measured.dims.get(measured.network)
    if candidates is not None and dim is not None and candidates < _AMPLE * dim:
        said.append(
            f"Weights were optimized for {candidates:,} candidates in {dim:,} features. With so "
            "few candidates, weights also fit the random variation of these images, so FID falls "
            "further than with more candidates."
        )
    return said


def _schemes(found: Verdict, scores: pd.DataFrame, network: str) -> list[str]:
    """Return the schemes of the table: of a sweep, only the largest N."""
    there = [str(name) for name in dict.fromkeys(scores["scheme"])]
    sizes = [size[1] for name in there if (size := sweep_size(name)) and size[0] == "top"]
    wanted = ["random", "random-filled", "matched"]
    wanted += [f"top{max(sizes)}"] if sizes and max(sizes) > 1 else []
    wanted += ["prelogits-released", "prelogits"]
    return [
        scheme
        for scheme in wanted
        if scores_exist(scores, dataset=found.dataset, scheme=scheme, network=network)
    ]


def _table(found: Verdict, measured: Measured) -> Table:
    scores = measured.scores[measured.scores["dataset"] == found.dataset]
    networks = [measured.network, *measured.controls]
    units = [one for one in networks if _has_floor(found.dataset, one, measured.floors)]
    schemes = _schemes(found, scores, measured.network)
    cells = {
        (scheme, network): score_cell(scores, dataset=found.dataset, scheme=scheme, network=network)
        for scheme in schemes
        for network in networks
        if scores_exist(scores, dataset=found.dataset, scheme=scheme, network=network)
    }
    filled, random = cells.get(("random-filled", measured.network)), cells["random", networks[0]]
    if filled is not None and filled.n_generated >= random.n_generated:
        schemes.remove("random-filled")
    seed = ", ".join(map(str, sorted(set(scores["seed"]))))
    rows = []
    for scheme in schemes:
        values: list[Number | str] = [
            _number(found.dataset, scheme, network, cells, measured, seed) for network in networks
        ]
        values += [_ratio(found.dataset, scheme, network, measured.floors) for network in units]
        count = cells[scheme, measured.network].n_generated
        label = f"{count:,} at random" if scheme == "random-filled" else scheme_label(scheme)
        rows.append(Row(label, tuple(values), "note" if scheme == "random-filled" else ""))
    names = {one: f" ({title_of(measured.titles, one)})" for one in measured.controls}
    head = ["", *(f"FID{names.get(network, '')}" for network in networks)]
    head += [f"FDr{names.get(network, '')}" for network in units]
    return Table(
        caption=(
            f"{found.title}: distances to the real images. All rows use the same generated images; "
            "only how often each image is drawn differs."
        ),
        head=tuple(head),
        rows=tuple(rows),
        notes=tuple(_notes(found, measured, cells, bool(units))),
    )


def _number(
    dataset: str,
    scheme: str,
    network: str,
    cells: Mapping[tuple[str, str], Cell],
    measured: Measured,
    seed: str,
) -> Number | str:
    cell = cells.get((scheme, network))
    if cell is None:
        return Number("not measured", None, ("This scheme was not scored in this network.",))
    return cell_number(
        cell,
        seed=seed,
        paper=_published(dataset, scheme, network, cells, measured),
        no_error=_SPREAD_ONLY if sweep_size(scheme) else "",
    )


def _published(
    dataset: str,
    scheme: str,
    network: str,
    cells: Mapping[tuple[str, str], Cell],
    measured: Measured,
) -> PaperValue | None:
    """Return the paper's value; its values for weights belong to the released steps."""
    if scheme == "prelogits" and ("prelogits-released", network) in cells:
        return None
    return paper_value(
        None,
        measured.protocols,
        cells[scheme, network],
        dataset=dataset,
        network=network,
        scheme=scheme,
    )


def _has_floor(dataset: str, network: str, floors: pd.DataFrame | None) -> bool:
    return floors is not None and bool(
        (
            (floors["dataset"] == dataset)
            & (floors["network"] == network)
            & (floors["metric"] == "fdr")
        ).any()
    )


def _ratio(dataset: str, scheme: str, network: str, floors: pd.DataFrame | None) -> Number | str:
    """Return the distance in units of the floor."""
    if floors is None:
        return ""
    rows = floors[(floors["dataset"] == dataset) & (floors["network"] == network)]
    mine = rows[(rows["scheme"] == scheme) & (rows["metric"] == "fdr")]
    if mine.empty:
        return Number("not measured", None, ("FDr was not measured for this scheme.",))
    row = mine.iloc[0]
    about = [
        "The standard error covers the random choice of the generated images and of the floor's "
        "images.",
        f"One draw: {int(row['n_generated']):,} images against {int(row['n_real']):,} real "
        "images, which are one half of the real images.",
    ]
    floor = rows[rows["metric"] == "fid"]
    if len(floor):
        value = format_value(float(floor["value"].iloc[0]), float(floor["standard_error"].iloc[0]))
        about.append(f"The floor, the distance of the other half of the real images, is {value}.")
    about.append(f"Seed {int(row['seed'])}.")
    return plain_number(float(row["value"]), float(row["standard_error"]), about)


def _notes(
    found: Verdict, measured: Measured, cells: Mapping[tuple[str, str], Cell], floors: bool
) -> list[str]:
    main = title_of(measured.titles, measured.network)
    notes = [
        "±: one standard error. FID is a Fréchet distance. Without a name in parentheses, features "
        f"are from {main}."
    ]
    notes += found.published
    if floors:
        notes.append(
            "FDr: the distance divided by the distance between two halves of the real images."
        )
    if any(_published(found.dataset, *key, cells, measured) for key in cells):
        notes.append(
            f"A number agrees with the paper's value within {ERRORS:g} combined standard errors, "
            "or deviates from it. If protocols differ, the two values are not comparable."
        )
    return notes
