"""From tidy rows to what a reader sees: headers, cells, notes; without any markup."""

import math
from dataclasses import dataclass

import pandas as pd

from fringe.tables.titles import DAGGER, SIMULATED, metric_title, scheme_mark

__all__ = ["Header", "Layout", "Line", "format_percent", "format_value", "lay_out"]

_CAPTIONS = {
    1: (
        "Results of Top-1 histogram matching. Distance to the real images of generated images "
        "drawn at random (FID) and drawn so that their Top-1 class histogram is that of the real "
        "images (superscript Top-1)."
    ),
    2: (
        "Results of matching all fringe features. Distance to the real images of generated images "
        "drawn at random (FID) and drawn with weights optimized in the classifier's pre-logits "
        "(superscript PL) or logits (superscript L)."
    ),
    3: (
        "Kernel distances fall with FID. Distance to the real images of generated images drawn at "
        "random and drawn with weights that were optimized for FID in the classifier's pre-logits "
        "(superscript PL)."
    ),
}


@dataclass(frozen=True)
class Header:
    """A column's head: ``base`` with the network as subscript, the scheme as superscript."""

    base: str
    below: str = ""
    above: str = ""
    after: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the table; ``kind`` is "ours", "paper" or "deviation"."""

    label: str
    cells: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Layout:
    """A table ready for any markup; all text is plain Unicode."""

    number: int
    caption: str
    headers: tuple[Header, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def format_value(value: float, std: float = math.nan, decimals: int | None = None) -> str:
    """Return "5.30" or, with a spread, "5.30 ± 0.04": two decimals, more for values under 0.1."""
    size = abs(value)
    if decimals is None and 0 < size < 1e-5:
        return f"{value:.1e}" + ("" if math.isnan(std) else f" ± {std:.1e}")
    # Two decimals as the paper; below 0.1 they would hold fewer than two digits.
    if decimals is None:
        decimals = 2 if size >= 0.095 or size == 0 else 1 - math.floor(math.log10(size))
        # A spread that is not zero must not be printed as zero, if two more digits can help it.
        while decimals < 6 and std > 0 and round(std, decimals) == 0:
            decimals += 1
    text = f"{value:.{decimals}f}".replace("-", "−")
    return text if math.isnan(std) else f"{text} ± {std:.{decimals}f}"


def format_percent(change: float) -> str:
    """Return a relative change as the paper prints it: "−11.3%", "+0.4%"."""
    text = f"{100 * change:+.1f}%"
    return "0.0%" if text in ("+0.0%", "-0.0%") else text.replace("-", "−")


def lay_out(table: pd.DataFrame) -> Layout:
    """Return the printed form of a table made by `table1`, `table2` or `table3`."""
    number = int(table["table"].iloc[0])
    keys = list(dict.fromkeys(zip(table["metric"], table["network"], table["scheme"], strict=True)))
    headers = []
    for metric, network, scheme in keys:
        row = _row(table, metric, network, scheme)
        headers.append(
            Header(
                metric_title(metric),
                "" if row["main"] else str(row["network_title"]),
                scheme_mark(scheme),
                " ×10³" if row["scale"] == 1000 else "",
            )
        )
    lines: list[Line] = []
    for dataset in dict.fromkeys(table["dataset"]):
        part = table[table["dataset"] == dataset]
        rows = [_row(part, *key) for key in keys]
        title = str(rows[0]["title"]) + (f" {DAGGER}" if rows[0]["simulated"] else "")
        lines.append(Line(title, tuple(_cell(r, "mean", "std", "change") for r in rows), "ours"))
        if any(not math.isnan(r["paper"]) for r in rows):
            cells = tuple(_cell(r, "paper", "paper_std", "paper_change") for r in rows)
            lines.append(Line("paper", cells, "paper"))
            deviations = tuple(
                "" if math.isnan(r["deviation"]) else format_percent(r["deviation"]) for r in rows
            )
            lines.append(Line("deviation", deviations, "deviation"))
    caption = f"{_CAPTIONS[number]} {_spread(table)}"
    return Layout(number, caption, tuple(headers), tuple(lines), tuple(_notes(table)))


def _row(table: pd.DataFrame, metric: str, network: str, scheme: str) -> pd.Series:
    mask = (table["metric"] == metric) & (table["network"] == network) & (table["scheme"] == scheme)
    return table[mask].iloc[0]


def _cell(row: pd.Series, value: str, std: str, change: str) -> str:
    if math.isnan(row[value]):
        return ""
    decimals = 2 if value == "paper" else None  # the paper prints no more
    text = format_value(row[value] * row["scale"], row[std] * row["scale"], decimals)
    return text if math.isnan(row[change]) else f"{text} ({format_percent(row[change])})"


def _spread(table: pd.DataFrame) -> str:
    low, high = int(table["repeats"].min()), int(table["repeats"].max())
    many = f"{low}" if low == high else f"{low} to {high}"
    if high == 1:
        return "One evaluation each; in parentheses the change from the images drawn at random."
    return (
        f"Mean ± standard deviation of {many} evaluations; in parentheses the change from the "
        "images drawn at random."
    )


def _notes(table: pd.DataFrame) -> list[str]:
    main = table[table["main"]]["network_title"].iloc[0]
    notes = [f"Without a subscript, features are those of {main}."]
    if not table["main"].all():
        notes[0] += (
            " A subscript names a control network; values of different networks do not compare."
        )
    sizes = []
    for _, part in table.groupby("dataset", sort=False):
        least, most = int(part["n_generated"].min()), int(part["n_generated"].max())
        count = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        sizes.append(f"{part['title'].iloc[0]} {int(part['n_real'].max()):,} + {count}")
    notes.append(f"Images (real + generated): {'; '.join(sizes)}.")
    matched = table[table["scheme"] == "matched"].drop_duplicates("dataset")
    for _, row in matched.iterrows():
        asked = int(table[table["dataset"] == row["dataset"]]["n_generated"].max())
        if row["n_generated"] < asked:
            few = row["n_generated"] < 0.75 * asked
            effect = "much: its change is not that of matching" if few else "a little"
            notes.append(
                f"{row['title']}: the candidates could fill {int(row['n_generated']):,} of "
                f"{asked:,} places of the Top-1 histogram; fewer images alone raise FID {effect}."
            )
    if table["paper"].notna().any():
        notes.append(
            "paper: the value printed by Kynkäänniemi et al. (2023) for its StyleGAN2, with 50,000 "
            "generated images; deviation: ours relative to it."
        )
    if table["simulated"].any():
        notes.append(f"{DAGGER} {SIMULATED}: real images distorted on purpose, no trained model.")
    return notes
