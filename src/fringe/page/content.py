"""What a page says and shows, before any HTML: plain values that the template writes.

All texts are plain text. The template escapes them, so a title may hold any characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fringe.scores.explorer import Explorer

__all__ = [
    "Answer",
    "Compared",
    "Content",
    "Curve",
    "Deviation",
    "ExhibitEntry",
    "ExplorerView",
    "Link",
    "Number",
    "Picture",
    "Row",
    "Table",
    "Tone",
]

Tone = Literal["", "agrees", "deviates", "incomparable"]
"""How a number stands to the paper's: no number there, within its error, outside, or measured in
another way."""


@dataclass(frozen=True)
class Number:
    """A number as readers see it, and what they see when they point at it.

    Attributes
    ----------
    text : str
        Such as "40.70 ± 1.05".
    value : float or None
        In full precision and plain units (KID unscaled); None where there is none.
    about : sequence of str
        Interval, counts, seed, the paper's value, or why one of these is not known: a line each.
    """

    text: str
    value: float | None = None
    about: Sequence[str] = ()
    tone: Tone = ""


@dataclass(frozen=True)
class Row:
    """A row of a table; ``label`` is its head."""

    label: str
    cells: Sequence[Number | str]
    kind: Literal["", "note"] = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption. ``head`` has one entry more than the cells of a row."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Row]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Link:
    """A file of the run. ``href`` starts from the folder of the page."""

    href: str
    text: str


@dataclass(frozen=True)
class Picture:
    """A picture that the page holds itself.

    Attributes
    ----------
    data : bytes
        Of a file of the type ``mime``, such as "image/webp".
    width, height : int
        In pixels.
    alt : str
        What is seen, for those who do not see it.
    caption : str
        Is understood without the paper.
    """

    data: bytes
    mime: str
    width: int
    height: int
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer for one data set or one comparison.

    Attributes
    ----------
    key : str
        Anchor in the page: words of lower-case letters and digits, joined by "-".
    title, question : str
    word : str
        The answer in a word or a number: "null space", "real", "36 %".
    sentence : str
        The answer in one sentence, with its error.
    table : Table
        The small table of the first screen.
    pictures : sequence of Picture
        What shows the answer: the same images drawn three ways, or A next to B. One or none.
    doubts : sequence of str
        What to doubt.
    details : sequence of str
        Further sentences.
    tables : sequence of Table
        Further tables.
    links : sequence of Link
    """

    key: str
    title: str
    kind: Literal["dataset", "comparison"]
    question: str
    word: str
    sentence: str
    table: Table
    pictures: Sequence[Picture] = ()
    doubts: Sequence[str] = ()
    details: Sequence[str] = ()
    tables: Sequence[Table] = ()
    links: Sequence[Link] = ()


@dataclass(frozen=True)
class ExplorerView:
    """The images of one data set or comparison; ``answer`` is the key of its `Answer`."""

    key: str
    title: str
    answer: str
    explorer: Explorer


@dataclass(frozen=True)
class Curve:
    """An interactive plot.

    Attributes
    ----------
    spec : mapping
        Of Vega-Lite, without ``data`` and without colours of the page (``config``), which the page
        adds. The data are called "table": the rows of ``csv``.
    csv : str
        The data, with a head.
    csv_name : str
        What the file is called when it is saved.
    figure : Picture or None
        The same for print.
    """

    key: str
    title: str
    caption: str
    spec: Mapping[str, Any]
    csv: str
    csv_name: str
    figure: Picture | None = None
    links: Sequence[Link] = ()


@dataclass(frozen=True)
class Compared:
    """A number of an exhibit next to the paper's.

    ``deviation`` says how far both differ, or why they do not compare; "" where the paper has no
    number.
    """

    label: str
    ours: Number
    paper: str
    deviation: str
    tone: Tone


@dataclass(frozen=True)
class ExhibitEntry:
    """A table or figure of the paper as this run has it.

    Attributes
    ----------
    name : str
        "Table 1", "Figure 4a".
    of : str
        The title of its data set or comparison; "" if it shows several.
    numbers : sequence of Compared
        Where the paper prints numbers, ours next to them.
    differs : sequence of str
        Topics of `Deviation` that concern it.
    """

    key: str
    name: str
    of: str
    caption: str
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    numbers: Sequence[Compared] = ()
    differs: Sequence[str] = ()
    links: Sequence[Link] = ()


@dataclass(frozen=True)
class Deviation:
    """Where the run differs from the paper in protocol or count."""

    topic: str
    exhibits: str
    paper: str
    code: str
    ours: str
    why: str


@dataclass(frozen=True)
class Content:
    """Everything in the page of a run."""

    run: str
    answers: Sequence[Answer]
    explorers: Sequence[ExplorerView] = ()
    curves: Sequence[Curve] = ()
    exhibits: Sequence[ExhibitEntry] = ()
    deviations: Sequence[Deviation] = ()
    left_out: Sequence[str] = ()
    links: Sequence[Link] = ()
    version: str = ""
    protocols: Sequence[Table] = ()
