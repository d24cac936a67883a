"""The verdict: sentences on the scores, with their uncertainty and their limits."""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fringe.errors import FringeError
from fringe.files.regular import read_text
from fringe.networks.training import NOT_STATED, Training, training
from fringe.report.convergence import null_space_sentences
from fringe.report.null_spaces import (
    NullSpace,
    class_sentence,
    null_space_of,
    null_space_sentence,
)
from fringe.report.published import published_sentences
from fringe.report.sensitivity import sensitivity_sentences
from fringe.scores.adherence import Following, Judged, protocol_notes
from fringe.scores.cells import (
    Cell,
    cells_note,
    change_spread,
    datasets_of,
    relative_change,
    score_cell,
)
from fringe.scores.differences import Protocols
from fringe.scores.null_space import null_space_clause, released_remarks
from fringe.scores.numbers import format_percent
from fringe.scores.paper import paper_value
from fringe.scores.rows import check_scores
from fringe.scores.titles import SIMULATED, Titles, is_simulated, title_of
from fringe.texts import unmarked

__all__ = ["Change", "Verdict", "moved", "summary", "verdict"]

_AMPLE = 10  # images per feature; with fewer, bias is a visible part of FID


@dataclass(frozen=True)
class Change:
    """Change of FID in one network from random to resampled images.

    ``change`` is relative (-0.664: FID fell by 66.4 %). ``std`` is its standard deviation for one
    evaluation, propagated from the spread over repeats (NaN with a single repeat).
    ``within_noise`` says whether the change is at most two standard deviations; None if unknown.
    """

    network: str
    title: str
    random: Cell
    resampled: Cell
    change: float
    std: float
    within_noise: bool | None


@dataclass(frozen=True)
class Verdict:
    """The answer for one dataset.

    ``share`` is a lower estimate of the part of FID that lies in its perceptual null space (0.5 is
    half of FID; NaN if unknown), and ``share_std`` is its standard deviation. ``judge`` is the
    control on which the share is based, or None if no control can judge. ``flags`` name reasons
    for caution: "no-judge", "training-not-stated" (of the judge), "control-within-noise",
    "fid-within-noise", "single-repeat", "singular", "few-images", "unequal-counts",
    "damaged-images" or "simulated". ``sentences`` are the whole verdict. ``doubts`` are the
    sentences that name reasons for caution, ``published`` the sentences that compare our distances
    with published distances. ``null_spaces`` are the null spaces of FID's network and of controls,
    if they were requested. ``counted_by`` is the title of the network that counts classes.
    """

    dataset: str
    title: str
    fid: Change
    controls: tuple[Change, ...]
    judge: str | None
    share: float
    share_std: float
    flags: tuple[str, ...]
    sentences: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    null_spaces: tuple[NullSpace, ...] = ()
    counted_by: str = ""


def verdict(
    scores: pd.DataFrame,
    main: str,
    controls: Sequence[str],
    titles: Titles,
    *,
    dims: Mapping[str, int] | None = None,
    trained_on: Mapping[str, str | None] | None = None,
    convergence: pd.DataFrame | None = None,
    region_noise: pd.DataFrame | None = None,
    region_shares: pd.DataFrame | None = None,
    released: Mapping[str, Any] | None = None,
    protocols: Protocols | None = None,
    following: Following | None = None,
    damage: Mapping[str, Sequence[str]] | None = None,
    chosen: Mapping[str, str] | None = None,
    classifier: str = "",
    published: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    null_spaces: Mapping[str, str] | None = None,
) -> list[Verdict]:
    """Return, for each dataset, how far FID falls when unchanged images are resampled.

    All images are of the same generator; only the frequency with which each is drawn changes. If
    FID falls and a control does not, that part of FID lies in its perceptual null space (Section 3
    of the paper): share = fall of FID - fall of the control, both relative. The judge is the
    control that falls most, among the controls that were not trained on ImageNet's labels. The
    share is a lower estimate for two reasons: the judge's whole fall counts as true improvement,
    and resampling finds only the part that weights can remove. If every control was trained on
    ImageNet's labels, there is no share.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows with the schemes random and prelogits, metric fid.
    dims : mapping, optional
        Number of features D by network. If there are too few images for D, a flag says so.
    trained_on : mapping, optional
        The training of each control, one of `fringe.networks.training.TRAININGS`. None, or no
        entry, means not stated.
    convergence : DataFrame, optional
        Rows of the released weight optimization and of ours, with columns ``CONVERGENCE_COLUMNS``.
        For the datasets in it, the verdict says how much of FID weights can remove, and how much
        the released steps remove.
    region_noise, region_shares : DataFrame, optional
        The test of FID's sensitivity maps with noise, and the maps' share in a region; both are
        arguments of `sensitivity_sentences`.
    released : mapping, optional
        Settings of the weights of the scheme prelogits-released (`released_remarks`). The scores
        then contain that scheme, and it is compared with the optimal weights and with the paper.
    protocols : mapping of dataset to Protocol, optional
        The protocol of the scores. They are compared with the paper only if the protocols agree.
    following : Following, optional
        The protocol that the run names. A sentence says which numbers follow it.
    damage : mapping of dataset to sentences, optional
        Sentences on damaged images (`fringe.features.warned_sources`).
    chosen : mapping of dataset to str, optional
        A sentence on which images represent the dataset (`fringe.plan.protocols.chosen_images`).
    classifier : str
        The network that counts classes, if it is not ``main``. The scores then contain the schemes
        matched and random-filled, and the verdict says how much of FID that class histogram is.
    published : mapping of dataset to mapping, optional
        Published distances of the generated images, by network (`published_sentences`).
    null_spaces : mapping of network to scheme, optional
        Controls whose own null space is reported, and the schemes of the weights that were
        optimized in their features. The scores contain these schemes, matched and random-filled.

    Raises
    ------
    FringeError
        If a score is missing, or an entry of ``trained_on`` is unknown.
    """
    check_scores(scores)
    trainings = {name: training((trained_on or {}).get(name)) for name in controls}
    return [
        _verdict(
            scores,
            dataset,
            main,
            trainings,
            titles,
            dims or {},
            convergence,
            region_noise,
            region_shares,
            released,
            protocols,
            following,
            (damage or {}).get(dataset, ()),
            (chosen or {}).get(dataset, ""),
            classifier,
            (published or {}).get(dataset, {}),
            null_spaces or {},
        )
        for dataset in datasets_of(scores)
    ]


def _change(
    scores: pd.DataFrame, dataset: str, network: str, titles: Titles
) -> tuple[Change, Cell, Cell]:
    after = score_cell(scores, dataset=dataset, scheme="prelogits", network=network)
    before = score_cell(scores, dataset=dataset, scheme="random", network=network, like=after)
    change = relative_change(after.mean, before.mean)
    if math.isnan(change):
        raise FringeError(
            f"verdict: dataset {dataset!r}, network {network!r}: the FID of images drawn at random "
            f"is {before.mean}, so there is no relative change to report"
        )
    std = change_spread(after, before)
    return (
        Change(
            network=network,
            title=title_of(titles, network),
            random=before,
            resampled=after,
            change=change,
            std=std,
            within_noise=None if math.isnan(std) else abs(change) <= 2 * std,
        ),
        before,
        after,
    )


def _verdict(
    scores: pd.DataFrame,
    dataset: str,
    main: str,
    trainings: Mapping[str, Training],
    titles: Titles,
    dims: Mapping[str, int],
    convergence: pd.DataFrame | None,
    region_noise: pd.DataFrame | None,
    region_shares: pd.DataFrame | None,
    released: Mapping[str, Any] | None,
    protocols: Protocols | None,
    following: Following | None,
    damage: Sequence[str],
    chosen: str,
    classifier: str,
    stated: Mapping[str, Mapping[str, Any]],
    null_spaces: Mapping[str, str],
) -> Verdict:
    title = title_of(titles, dataset)
    fid, before, after = _change(scores, dataset, main, titles)
    changes = tuple(_change(scores, dataset, name, titles)[0] for name in trainings)
    simulated = is_simulated(titles, dataset)
    flags: list[str] = []
    said = [
        f"{title}: drawn at random, the generated images have an FID of "
        f"{fid.random.printed()} ({fid.title}); the same images, drawn with weights optimized in "
        f"pre-logits, have an FID of {fid.resampled.printed()} ({moved(fid)})."
    ]
    if note := cells_note((before, after)):
        said.append(note)
    if classifier:
        said.append(class_sentence(scores, dataset, main, classifier, titles))
    comparisons = published_sentences(
        stated, [(one.network, one.title, one.random) for one in (fid, *changes)]
    )
    said += comparisons
    doubts: list[str] = []
    if fid.within_noise:
        flags.append("fid-within-noise")
        doubts.append("This change of FID is within its sampling noise.")
        said.append(doubts[-1])
    for control in changes:
        text = f"In the control network ({control.title}), {moved(control)}"
        if control.within_noise:
            flags.append("control-within-noise")
            text += ". This change is within its sampling noise: it cannot be distinguished from 0"
        if not trainings[control.network].judges:
            text += (
                f". {control.title} was {trainings[control.network].phrase}. It may share FID's "
                "perceptual null space, so it is not used as the judge"
            )
        said.append(f"{text}.")
        if control.within_noise or not trainings[control.network].judges:
            doubts.append(said[-1])
    judge = min(
        (change for change in changes if trainings[change.network].judges),
        key=lambda change: change.change,
        default=None,
    )
    share, share_std = _share(fid, judge)
    if judge is None:
        flags.append("no-judge")
        said.append(
            "No control can judge, because each was trained on ImageNet's labels. So no share of "
            "this FID is given. Add a control that was not trained on them, for example clip or "
            "untrained."
        )
        doubts.append(said[-1])
    elif math.isnan(share):
        said.append(
            f"FID did not fall more than the control that is the judge ({judge.title}), so these "
            "scores show no perceptual null space."
        )
    else:
        spread = "" if math.isnan(share_std) else f" ± {100 * share_std:.0f}"
        said.append(
            f"No image was changed. If the control's whole fall ({judge.title}) is counted as true "
            f"improvement, at least about {100 * share:.0f}{spread}% of this FID lies in its "
            "perceptual null space. This assumes that the control responds to every improvement "
            "that people see."
        )
        said.append(_training_of_judge(judge, trainings[judge.network], flags))
        if "training-not-stated" in flags:
            doubts.append(said[-1])
    counting = title_of(titles, classifier or main)
    schemes = {main: "prelogits", **null_spaces} if null_spaces else {}
    spaces = [null_space_of(scores, dataset, *pair, titles) for pair in schemes.items()]
    said += [null_space_sentence(one, counting, dims.get(one.network)) for one in spaces[1:]]
    said += null_space_sentences(convergence, dataset)
    said += _published(scores, dataset, main, before, after, released, protocols)
    if released and (convergence is None or dataset not in set(convergence["dataset"])):
        said += released_remarks(released, titles, [dataset])
    said += sensitivity_sentences(region_noise, region_shares, dataset, main)
    cautions = _cautions(flags, fid, before, after, main, dims)
    if damage:
        flags.append("damaged-images")
        cautions += damage
    said += cautions
    doubts += cautions
    if chosen:
        said.append(chosen)
    said += _protocol_sentences(following, dataset, title, (fid, *changes))
    if simulated:
        flags.append("simulated")
        said.append(
            f"The images come from a {SIMULATED}. The numbers say nothing about any trained model."
        )
        doubts.append(said[-1])
    return Verdict(
        dataset=dataset,
        title=title,
        fid=fid,
        controls=changes,
        judge=None if judge is None else judge.network,
        share=share,
        share_std=share_std,
        flags=tuple(dict.fromkeys(flags)),
        sentences=tuple(said),
        doubts=tuple(doubts),
        published=comparisons,
        null_spaces=tuple(spaces),
        counted_by=counting,
    )


def _protocol_sentences(
    following: Following | None, dataset: str, title: str, changes: Sequence[Change]
) -> list[str]:
    """Return sentences on which numbers of randomly drawn images follow the run's protocol."""
    if following is None:
        return []
    score = {"dataset": dataset, "scheme": "random", "metric": "fid"}
    return protocol_notes(
        Judged(
            title,
            f"FID ({one.title})",
            following.judge(one.random, network=one.network, **score).text,
        )
        for one in changes
    )


def _published(
    scores: pd.DataFrame,
    dataset: str,
    main: str,
    random: Cell,
    ours: Cell,
    released: Mapping[str, Any] | None,
    protocols: Protocols | None,
) -> list[str]:
    """Return a sentence that compares the fall of FID with the released algorithm and the paper."""
    theirs = None
    compared = {"random": random, "prelogits": ours}
    if released:
        theirs = score_cell(scores, dataset=dataset, scheme="prelogits-released", network=main)
        compared = {"random": random, "prelogits-released": theirs}
    values = [
        paper_value(None, protocols, cell, dataset=dataset, network=main, scheme=scheme)
        for scheme, cell in compared.items()
    ]
    printed, differs = math.nan, ""
    if (before := values[0]) and (after := values[1]):
        printed = relative_change(after.value, before.value)
        differs = "; ".join(dict.fromkeys((*before.differs, *after.differs)))
    clause = null_space_clause(random, ours, theirs, printed, differs)
    return [f"By the FID of drawn images, {clause}."] if clause else []


def _share(fid: Change, judge: Change | None) -> tuple[float, float]:
    """Return the share of FID in its null space, and its standard deviation; NaN if unknown."""
    if judge is None:
        return math.nan, math.nan
    # A control that rose counts as unchanged.
    share = -fid.change - max(0.0, -judge.change)
    if fid.change >= 0 or fid.within_noise or share <= 0:
        return math.nan, math.nan
    return share, math.hypot(fid.std, judge.std)


def _training_of_judge(judge: Change, training: Training, flags: list[str]) -> str:
    """Return the sentence on the judge's training, and add its flag."""
    if training is not NOT_STATED:
        return f"The judge, {judge.title}, was {training.phrase}."
    flags.append("training-not-stated")
    return (
        f"The training of the judge, {judge.title}, is not stated (`trained_on` in its `info`). If "
        "it was trained on ImageNet's labels, it should not be the judge, and the share is too low."
    )


def _cautions(
    flags: list[str], fid: Change, before: Cell, after: Cell, main: str, dims: Mapping[str, int]
) -> list[str]:
    """Return sentences on counts and repeats, and add their flags."""
    said = []
    if math.isnan(fid.std):
        flags.append("single-repeat")
        said.append("Each FID was evaluated once, so the uncertainty of changes is unknown.")
    if before.n_generated != after.n_generated:
        flags.append("unequal-counts")
        said.append(
            f"The two FIDs were computed from {before.n_generated:,} and {after.n_generated:,} "
            "generated images. FID falls as the count rises."
        )
    dim = dims.get(main)
    least = min(before.n_real, before.n_generated, after.n_generated)
    if dim is not None and least <= dim:
        flags.append("singular")
        said.append(
            f"There are only {least:,} images for {dim:,} features. So the covariances are "
            "singular, FID is biased upward, and weights can fit the random variation of these "
            "images. Take the share as an illustration only."
        )
    elif dim is not None and least < _AMPLE * dim:
        flags.append("few-images")
        said.append(
            f"With {least:,} images for {dim:,} features, part of FID and part of its fall are "
            "bias of the finite sample."
        )
    return said


def moved(change: Change) -> str:
    """Return the relative change of FID, with the spread of draws: "FID fell by 62.4 ± 0.4%"."""
    verb = "fell" if change.change < 0 else "rose"
    spread = "" if math.isnan(change.std) else f" ± {100 * change.std:.1f}"
    percent = format_percent(change.change).lstrip("−+")
    return f"FID {verb} by {percent.rstrip('%')}{spread}%"


def summary(tables: Sequence[str | os.PathLike[str]], *, rows: int = 6) -> str:
    """Return the first rows of tables, read from Markdown files and aligned for a terminal.

    Raises
    ------
    FringeError
        If a file is missing or contains no Markdown table.
    """
    return "\n\n".join(_head(Path(path), rows) for path in tables) + "\n"


def _head(path: Path, rows: int) -> str:
    if not path.is_file():
        raise FringeError(f"{path}: missing; run the workflow again to make it")
    lines = read_text(path).splitlines()
    table = [_cells(line) for line in lines if line.startswith("|")]
    if len(table) < 3:
        raise FringeError(f"{path}: contains no Markdown table; delete it and run again")
    del table[1]  # the rule between head and body
    hidden = max(0, len(table) - 1 - rows)
    table = table[: rows + 1]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    text = [
        _plain(next((line for line in lines if line.startswith("**Table")), path.stem)).split(". ")
    ]
    out = [". ".join(text[0][:2]).rstrip(".")]
    for cells in table:
        first, *others = cells
        aligned = [f"{c:>{w}}" for c, w in zip(others, widths[1:], strict=True)]
        out.append("  ".join([f"{first:<{widths[0]}}", *aligned]).rstrip())
    out.insert(2, "-" * max(map(len, out[1:])))
    if hidden:
        out.append(f"({hidden} more rows in {path})")
    out += [_plain(line) for line in lines if SIMULATED in line]
    return "\n".join(out)


def _cells(line: str) -> list[str]:
    return [_plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def _plain(text: str) -> str:
    """Undo the Markdown of the tables: FID<sub>CLIP</sub><sup>PL</sup> -> FID_CLIP^PL."""
    text = text.replace("<sub>", "_").replace("<sup>", "^")
    text = re.sub(r"</su[bp]>", "", text)
    text = re.sub(r"(?<!\\)\*+", "", text)
    return unmarked(text).strip()
