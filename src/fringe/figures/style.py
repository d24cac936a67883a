"""The style of all figures, and a writer that gives equal bytes for equal input."""

import math
import os
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import matplotlib
from matplotlib.figure import Figure, SubFigure

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.scores.titles import SIMULATED

__all__ = [
    "MARKERS",
    "PALETTES",
    "Style",
    "add_body",
    "add_heading",
    "add_note",
    "legend_label",
    "new_figure",
    "read_style",
    "save",
    "styled",
]

# Colours of both palettes are distinguishable with every common colour vision deficiency. The first
# two are the main pair.
PALETTES: dict[str, tuple[str, ...]] = {
    "okabe-ito": ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"),
    "tol-bright": ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB"),
}
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

_LIMITS = {"dpi": (50, 600), "font_size": (5, 20), "width": (3, 20)}


_styles: "WeakKeyDictionary[Figure, Style]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Style:
    """The style of figures: dots per inch of the PNG, font size in points, width in inches."""

    dpi: int = 160
    font_size: float = 9.0
    palette: str = "okabe-ito"
    width: float = 7.0

    @property
    def colors(self) -> tuple[str, ...]:
        """The palette's colours, as hexadecimal RGB."""
        return PALETTES[self.palette]


def read_style(style: Mapping[str, Any] | Style | None) -> Style:
    """Return the style of a configuration; missing keys have their defaults.

    Raises
    ------
    FringeError
        If a key is unknown or a value is not allowed.
    """
    if isinstance(style, Style):
        return style
    given = dict(style or {})
    known = tuple(Style.__dataclass_fields__)
    unknown = [key for key in given if key not in known]
    if unknown:
        raise FringeError(
            f"style: unknown key {', '.join(map(repr, unknown))}; the keys are {', '.join(known)}"
        )
    if given.get("palette", "okabe-ito") not in PALETTES:
        raise FringeError(
            f"style: palette {given['palette']!r} is unknown; choose {' or '.join(PALETTES)}"
        )
    for key, (low, high) in _LIMITS.items():
        value = given.get(key, low)
        whole = int if key == "dpi" else (int, float)
        if isinstance(value, bool) or not isinstance(value, whole) or not low <= value <= high:
            kind = "a whole number" if key == "dpi" else "a number"
            raise FringeError(f"style: {key} is {value!r}; give {kind} from {low} to {high}")
    return Style(**given)


@contextmanager
def styled(style: Style) -> Iterator[None]:
    """Apply the style within the block; the user's own matplotlib settings have no effect."""
    size = style.font_size
    settings: dict[Any, Any] = {
        "font.family": ["DejaVu Sans"],
        "font.size": size,
        "text.parse_math": False,  # dollar signs in names are not mathematics
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": 0.9 * size,
        "ytick.labelsize": 0.9 * size,
        "legend.fontsize": 0.9 * size,
        "figure.titlesize": 1.15 * size,
        "figure.titleweight": "bold",
        "figure.dpi": style.dpi,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.5,
        "lines.markersize": 4.5,
        "legend.frameon": False,
        "pdf.fonttype": 42,  # TrueType, embedded
        "pdf.compression": 6,
        "svg.hashsalt": "fringe",
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def new_figure(style: Style, height: float) -> Figure:
    """Return an empty figure of the style's width and ``height`` in inches; use it in `styled`."""
    figure = Figure(figsize=(style.width, height), dpi=style.dpi, layout="constrained")
    _styles[figure] = style
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.05)  # type: ignore[union-attr, call-arg]
    return figure


def legend_label(text: str) -> str:
    """Return a text for a legend; without this, matplotlib omits texts with a leading "_"."""
    return f" {text}" if text.startswith("_") else text


def add_body(figure: Figure) -> SubFigure:
    """Return the area between heading and note; a legend outside its axes stays in this area."""
    return figure.add_subfigure(figure.add_gridspec(1, 1)[0])


def add_heading(figure: Figure, title: str, style: Style) -> None:
    """Put a title above the figure, broken into lines if it is too wide."""
    figure.suptitle(_wrapped(title, style, 1.4 * style.font_size))


def add_note(figure: Figure, note: str, style: Style, *, simulated: bool = False) -> None:
    """Put a note below the figure; with ``simulated`` it ends with a simulated generator."""
    note = " ".join(note.split())
    if simulated:
        note = f"{note} Generated images: {SIMULATED}.".strip()
    if note:
        size = 0.85 * style.font_size
        figure.supxlabel(
            _wrapped(note, style, size),
            x=0.02,
            ha="left",
            fontsize=size,
            fontweight="normal",
            color="#444444",
        )


def _wrapped(text: str, style: Style, points: float) -> str:
    """Break a text into lines that fit the width; a letter's width is about 0.54 of its size."""
    letters = max(20, math.floor(0.94 * style.width * 72 / (0.54 * points)))
    return "\n".join(textwrap.wrap(text, letters))


def save(
    figure: Figure,
    png: str | os.PathLike[str] | None = None,
    pdf: str | os.PathLike[str] | None = None,
    style: Mapping[str, Any] | Style | None = None,
) -> None:
    """Write the figure as PNG and PDF; equal input gives equal bytes at any time.

    The figure is drawn in the style with which it was made, unless another style is given.

    Raises
    ------
    FringeError
        If a file cannot be written.
    """
    look = _styles.get(figure, Style()) if style is None else read_style(style)
    with styled(look):
        if png is not None:
            with atomic_path(png) as partial:
                figure.savefig(partial, format="png", dpi=look.dpi, metadata={"Software": None})
        if pdf is not None:
            # Without date and producer, which would differ between equal figures.
            blank = {"CreationDate": None, "Creator": None, "Producer": None}
            with atomic_path(pdf) as partial:
                figure.savefig(partial, format="pdf", dpi=look.dpi, metadata=blank)
