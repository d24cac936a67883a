"""The content of a page without HTML: plain values for the templates.

All texts are plain text. The templates escape them, so a title may contain any characters.
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
"""The comparison of a number with the paper's: none, within the error, outside the error, or
measured differently."""


@dataclass(frozen=True)
class Number:
    """A number as readers see it, and its details, which readers see when they point at it.

    Attributes
    ----------
    text : str
        The number as printed, such as "40.70 ± 1.05".
    value : float or None
        The number in full precision and unscaled (KID too); None if there is no number.
    about : sequence of str
        The details, one line each: interval, counts, seed and the paper's value, or why one of
        these is unknown.
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
    """A link to a file of the run. ``href`` is relative to the folder of the page."""

    href: str
    text: str


@dataclass(frozen=True)
class Picture:
    """A picture that is embedded in the page.

    Attributes
    ----------
    data : bytes
        The bytes of a file of the type ``mime``, such as "image/webp".
    width, height : int
        Size in pixels.
    alt : str
        The alternative text: a description of the picture.
    caption : str
        The caption; readers understand it without the paper.
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
        At most one picture: the same images drawn in three ways, or images of A and B.
    doubts : sequence of str
        Reasons for caution.
    details : sequence of str
        More sentences.
    tables : sequence of Table
        More tables.
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
        The Vega-Lite specification without ``data`` and without colours (``config``); the page adds
        both. The data are called "table": the rows of ``csv``.
    csv : str
        The data, with a header line.
    csv_name : str
        The name of the file when it is saved.
    figure : Picture or None
        The same plot for print.
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
    """A number of an exhibit and the paper's number.

    ``deviation`` says how far they differ, or why they are not comparable; "" if the paper has no
    number.
    """

    label: str
    ours: Number
    paper: str
    deviation: str
    tone: Tone


@dataclass(frozen=True)
class ExhibitEntry:
    """A table or figure of the paper with this run's results.

    Attributes
    ----------
    name : str
        The name, such as "Table 1" or "Figure 4a".
    of : str
        The title of its data set or comparison; "" if it shows several.
    numbers : sequence of Compared
        The paper's numbers and ours, if the paper prints numbers.
    differs : sequence of str
        Topics of the `Deviation` objects that concern the exhibit.
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
    """A difference between the run and the paper in protocol or counts."""

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
