"""The printed form of a table without markup: headers, cells and notes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from fringe.scores.cells import relative_change
from fringe.scores.numbers import error_note, format_percent, format_value
from fringe.scores.titles import DAGGER, SIMULATED, metric_title, scheme_mark
from fringe.tables.build import FILLED

__all__ = ["Entry", "Header", "Layout", "Line", "lay_out", "references"]

_CAPTIONS = {
    1: (
        "Results of Top-1 histogram matching. Distance between real and generated images. The "
        "generated images are drawn at random (FID), or so that their Top-1 class histogram "
        "matches that of the real images ({above} Top-1)."
    ),
    2: (
        "Results of matching all fringe features. Distance between real and generated images. The "
        "generated images are drawn at random (FID), or with weights optimized in {features} "
        "({above} PL) or in {logits} ({above} L)."
    ),
    3: (
        "Kernel distances with weights that minimize FID. Distance between real and generated "
        "images. The generated images are drawn at random, or with weights that were optimized for "
        "FID in {features} ({above} PL)."
    ),
}


@dataclass(frozen=True)
class Header:
    """A column's head: ``base`` with the network as subscript, the scheme as superscript."""

    base: str
    below: str = ""
    above: str = ""
    after: str = ""


class Entry(NamedTuple):
    """The text of a cell. A ``mark`` means: not comparable, grey, and a note says why."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the table; ``kind`` is "ours", "error", "filled", "paper" or "deviation"."""

    label: str
    cells: tuple[Entry, ...]
    kind: str


@dataclass(frozen=True)
class Layout:
    """A table before markup; all text is plain Unicode. ``corner`` is the head of the labels."""

    number: int | str
    caption: str
    headers: tuple[Header, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    corner: str = "Dataset"


def references(differs: Sequence[str]) -> dict[str, str]:
    """Return a letter for each different text on a difference from the paper: "a", "b" ..."""
    found = [text for text in dict.fromkeys(differs) if text]
    letters = "abcdefghijklmnopqrstuvwxyz"
    return {text: letters[i % 26] * (1 + i // 26) for i, text in enumerate(found)}


def lay_out(
    table: pd.DataFrame,
    notes: Sequence[str] = (),
    *,
    plain: bool = False,
    classifier: str = "",
) -> Layout:
    """Return the printed form of a result of `table1`, `table2` or `table3`.

    ``notes`` follow the table's own notes. With ``plain`` the heads have no sub- and superscripts:
    networks are in parentheses, schemes after a comma. ``classifier`` is the title of the network
    that counts classes, if it is not FID's network.
    """
    number = int(table["table"].iloc[0])
    printed = table[table["scheme"] != FILLED]
    columns = zip(printed["metric"], printed["network"], printed["scheme"], strict=True)
    keys = list(dict.fromkeys(columns))
    both = "prelogits-released" in set(table["scheme"])
    headers = []
    for metric, network, scheme in keys:
        row = _row(table, metric, network, scheme)
        headers.append(
            Header(
                metric_title(metric),
                "" if row["main"] else str(row["network_title"]),
                "PL, optimal" if both and scheme == "prelogits" else scheme_mark(scheme),
                " ×10³" if row["scale"] == 1000 else "",
            )
        )
    marks = references(list(table["paper_differs"]))
    lines: list[Line] = []
    for dataset in dict.fromkeys(table["dataset"]):
        part = table[table["dataset"] == dataset]
        rows = [_row(part, *key) for key in keys]
        title = str(rows[0]["title"]) + (f" {DAGGER}" if rows[0]["simulated"] else "")
        ours = tuple(Entry(_cell(row, "mean", "std", "change")) for row in rows)
        lines.append(Line(title, ours, "ours"))
        lines += _errors(rows)
        if (part["scheme"] == FILLED).any():
            lines.append(_same_number_at_random(part, keys))
            lines += _errors([_filled(part, *key) for key in keys])
        if any(not math.isnan(r["paper"]) for r in rows):
            theirs = tuple(
                Entry(
                    _cell(row, "paper", "paper_std", "paper_change"),
                    marks.get(row["paper_differs"], ""),
                )
                for row in rows
            )
            lines.append(Line("paper", theirs, "paper"))
        if any(not math.isnan(r["deviation"]) for r in rows):
            deviations = tuple(
                Entry("" if math.isnan(row["deviation"]) else format_percent(row["deviation"]))
                for row in rows
            )
            lines.append(Line("deviation", deviations, "deviation"))
    above = "marked" if plain else "superscript"
    spaces = {"features": "the classifier's pre-logits", "logits": "logits"}
    classes = []
    if classifier:
        main = table[table["main"]]["network_title"].iloc[0]
        spaces = {"features": f"the features of {main}", "logits": f"the logits of {classifier}"}
        classes = [f"Classes and logits are from {classifier}."]
    caption = f"{_CAPTIONS[number].format(above=above, **spaces)} {_spread(table)}"
    all_notes = (*_notes(table, plain), *classes, *_paper_notes(table, marks), *notes)
    return Layout(number, caption, tuple(headers), tuple(lines), all_notes)


def _errors(rows: Sequence[pd.Series | None]) -> list[Line]:
    """Return the line of standard errors of a line's cells; no line if no cell has one."""
    values = [math.nan if row is None else row["standard_error"] * row["scale"] for row in rows]
    if all(map(math.isnan, values)):
        return []
    cells = ("" if math.isnan(value) else format_value(value) for value in values)
    return [Line("standard error", tuple(map(Entry, cells)), "error")]


def _filled(part: pd.DataFrame, metric: str, network: str, scheme: str) -> pd.Series | None:
    """Return the row of random images, of the same number, that belongs under a matched cell."""
    return _row(part, metric, network, FILLED) if scheme == "matched" else None


def _same_number_at_random(part: pd.DataFrame, keys: Sequence[tuple[str, str, str]]) -> Line:
    """Return the line of random images, of the same number, and the change of FID by matching."""
    cells = []
    for metric, network, scheme in keys:
        cell = ""
        if (row := _filled(part, metric, network, scheme)) is not None:
            matched = _row(part, metric, network, scheme)
            change = relative_change(matched["mean"], row["mean"])
            cell = _cell({**row, "change": change}, "mean", "std", "change")
        cells.append(cell)
    count = int(part[part["scheme"] == FILLED]["n_generated"].iloc[0])
    label = f"{count:,} at random (change: matching relative to these)"
    return Line(label, tuple(map(Entry, cells)), "filled")


def _row(table: pd.DataFrame, metric: str, network: str, scheme: str) -> pd.Series:
    mask = (table["metric"] == metric) & (table["network"] == network) & (table["scheme"] == scheme)
    return table[mask].iloc[0]


def _cell(row: Mapping[str, Any] | pd.Series, value: str, std: str, change: str) -> str:
    if math.isnan(row[value]):
        return ""
    decimals = 2 if value == "paper" else None  # the paper prints no more
    text = format_value(row[value] * row["scale"], row[std] * row["scale"], decimals)
    return text if math.isnan(row[change]) else f"{text} ({format_percent(row[change])})"


def _spread(table: pd.DataFrame) -> str:
    low, high = int(table["repeats"].min()), int(table["repeats"].max())
    many = f"{low}" if low == high else f"{low} to {high}"
    if high == 1:
        return "One evaluation each. In parentheses: the change from the images drawn at random."
    return (
        f"Mean ± standard deviation of {many} evaluations. In parentheses: the change from the "
        "images drawn at random."
    )


def _notes(table: pd.DataFrame, plain: bool) -> list[str]:
    main = table[table["main"]]["network_title"].iloc[0]
    without = "a name in parentheses" if plain else "a subscript"
    notes = [f"Without {without}, features are from {main}."]
    if not table["main"].all():
        named = "A name in parentheses is" if plain else "A subscript names"
        notes[0] += f" {named} a control network. Values of different networks are not comparable."
    sizes = []
    for _, part in table.groupby("dataset", sort=False):
        least, most = int(part["n_generated"].min()), int(part["n_generated"].max())
        count = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        sizes.append(f"{part['title'].iloc[0]} {int(part['n_real'].max()):,} + {count}")
    notes.append(f"Images (real + generated): {'; '.join(sizes)}.")
    matched = table[table["scheme"] == "matched"].drop_duplicates("dataset")
    for _, row in matched.iterrows():
        places = int(table[table["dataset"] == row["dataset"]]["n_generated"].max())
        if row["n_generated"] < places:
            filled = int(row["n_generated"])
            note = (
                f"{row['title']}: matching could fill only {filled:,} of {places:,} places of the "
                "Top-1 histogram, and fewer images raise FID"
            )
            if (table[table["dataset"] == row["dataset"]]["scheme"] == FILLED).any():
                note += (
                    f". The effect of matching is the change relative to {filled:,} images drawn "
                    "at random"
                )
            elif filled < 0.75 * places:
                note += " a lot, so the change is not only the effect of matching"
            notes.append(f"{note}.")
    known = table[table["standard_error"].notna()]
    if len(known):
        repeated = bool((known["repeats"] > 1).any())
        label = "standard error: that"
        notes.append(error_note(known["real_error"], repeated=repeated, label=label))
    if table["simulated"].any():
        notes.append(f"{DAGGER} {SIMULATED}: real images distorted on purpose, no trained model.")
    return notes


def _paper_notes(table: pd.DataFrame, marks: Mapping[str, str]) -> list[str]:
    """Return notes on the source of the paper's numbers, and on different measurements."""
    printed = table[table["paper"].notna()]
    if printed.empty:
        return []
    counts = (
        f"{part['title'].iloc[0]} {int(part['paper_n_real'].iloc[0]):,} + "
        f"{int(part['paper_n_generated'].iloc[0]):,}"
        for _, part in printed.groupby("dataset", sort=False)
    )
    notes = [
        "paper: the value of Kynkäänniemi et al. (2023) for their StyleGAN2 of the data set"
        f" (real + generated images: {'; '.join(counts)})."
    ]
    if table["deviation"].notna().any():
        notes[0] += " deviation: our value relative to it, if both were measured in the same way."
    if marks:
        notes.append(
            "In brackets, grey: values that the paper measured differently, so they are not "
            "comparable with ours. Ours: "
            + " ".join(f"({mark}) {text}." for text, mark in marks.items())
        )
    return notes
