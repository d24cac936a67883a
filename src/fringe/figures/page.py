"""A page of pictures and short texts between a heading and a note, with positions in inches.

Rows of pictures with names above or below them need space that depends on both. Here matplotlib's
layout engine leaves gaps and overlaps, so this module computes the positions.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from fringe.figures.heat import COLORS
from fringe.figures.style import Style, add_body, add_heading, add_note, new_figure

__all__ = [
    "GAP",
    "Cells",
    "Page",
    "blocks_of",
    "columns_for",
    "fitted",
    "line",
    "short_name",
    "text_width",
]

MARGIN = 0.08  # inches at the left and the right edge of a page
GAP = 0.04  # inches between pictures
LETTERS = 6.6  # the smallest width of a column with names, in font sizes
_ELLIPSIS = "…"


class Cells(NamedTuple):
    """Columns of equal width, and the size of the picture in each, in inches."""

    left: float
    pitch: float
    width: float
    height: float

    def middle(self, column: int) -> float:
        """Return the middle of a column, in inches from the left edge of the page."""
        return self.left + column * self.pitch + (self.pitch - GAP) / 2


class Page:
    """A canvas in inches from its top left corner; `finish` sets its height.

    Parameters
    ----------
    look : Style
        Construct the page and call its methods within ``styled(look)``.
    heading, note : str
        Texts above and below the canvas.
    simulated : bool
        Whether the note names a simulated generator.
    """

    def __init__(self, look: Style, heading: str, note: str, *, simulated: bool) -> None:
        self.look = look
        self.figure = new_figure(look, look.font_size)  # high enough for any heading and note
        add_heading(self.figure, heading, look)
        add_note(self.figure, note, look, simulated=simulated)
        body = add_body(self.figure)
        self.axes = body.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.figure.draw_without_rendering()
        # Inches for heading and note; they do not depend on the height of the figure.
        self._around = self.figure.get_figheight() - body.bbox.height / self.figure.dpi
        self.axes.set(xlim=(0, look.width), ylim=(1, 0), autoscale_on=False)

    @property
    def em(self) -> float:
        """The font size in inches."""
        return self.look.font_size / 72

    def label_width(self) -> float:
        """Return the width in inches of a column of vertical labels with one line each."""
        return line(self.look) + 0.2 * self.em

    def cells(
        self, columns: int, shape: tuple[int, ...], labels: float = 0.0, *, widest: float = 0.28
    ) -> Cells:
        """Return ``columns`` columns for pictures of ``shape`` (H, W, ...) in the page's width.

        ``labels`` inches stay free at the left. No column is wider than ``widest`` of the page, and
        no picture is higher than 0.4 of the page's width. Both sides share the remaining width.
        """
        room = self.look.width - 2 * MARGIN - labels
        pitch = min((room + GAP) / columns, widest * self.look.width)
        width = min(pitch - GAP, 0.4 * self.look.width * shape[1] / shape[0])
        pitch = min(pitch, max(width + GAP, LETTERS * self.em))  # names also need room
        left = MARGIN + labels + (room - columns * pitch + GAP) / 2
        return Cells(left, pitch, width, width * shape[0] / shape[1])

    def row(
        self,
        images: Sequence[NDArray[Any]],
        cells: Cells,
        top: float,
        label: str = "",
        *,
        upright: bool = True,
    ) -> float:
        """Draw images (H, W, 3) side by side below ``top``; return the row's lower edge.

        A ``label`` is at the left of the images. The row is high enough for it.
        """
        lines = label.split("\n")
        long = max(text_width(part, 0.8 * self.look.font_size) for part in lines) + GAP
        height = max(cells.height, long if upright else len(lines) * line(self.look))
        middle = top + height / 2
        for column, image in enumerate(images):
            left = cells.middle(column) - cells.width / 2
            low, high = middle + cells.height / 2, middle - cells.height / 2
            self.axes.imshow(image, extent=(left, left + cells.width, low, high), aspect="equal")
        if label:
            x = cells.left - GAP - 0.1 * self.em
            how: dict[str, Any] = {"rotation": 90, "ma": "center"} if upright else {}
            self.text(label, x, middle, ha="right", va="center", **how)
        return top + height

    def text(self, text: str, x: float, y: float, *, size: float = 0.8, **how: Any) -> None:
        """Write ``text`` below (x, y) and centred, with ``size`` times the font size."""
        settings: dict[str, Any] = {"ha": "center", "va": "top", "linespacing": 1.15} | how
        self.axes.text(x, y, text, fontsize=size * self.look.font_size, **settings)

    def over(self, text: str, x: float, y: float, *, size: float = 0.8, **how: Any) -> None:
        """Write ``text`` so that its last line ends at ``y``; baselines of a row are equal."""
        self.text(text, x, y - 0.27 * size * self.em, size=size, va="baseline", **how)

    def scale(self, top: float) -> float:
        """Draw the scale of the maps' colours below ``top``; return its lower edge."""
        width, height = 0.2 * self.look.width, 0.7 * self.em
        left = (self.look.width - width) / 2
        self.axes.imshow(
            COLORS(range(COLORS.N))[None, :, :3],
            extent=(left, left + width, top + height, top),
            aspect="auto",
            interpolation="bilinear",
        )
        self.axes.set_aspect("equal")
        middle, apart = top + height / 2, 0.5 * self.em
        ends = ["least important", "most important"]
        if any(text_width(end, 0.8 * self.look.font_size) > left - apart - GAP for end in ends):
            ends = ["least", "most"]
        self.text(ends[0], left - apart, middle, ha="right", va="center_baseline")
        self.text(ends[1], left + width + apart, middle, ha="left", va="center_baseline")
        return top + height + 0.2 * self.em

    def finish(self, height: float) -> Figure:
        """Set the ``height`` of the canvas in inches, and return the figure."""
        self.axes.set_ylim(height, 0)
        self.figure.set_figheight(height + self._around)
        return self.figure


def columns_for(look: Style, most: int) -> int:
    """Return how many columns with names fit on a page, at most ``most``."""
    return max(1, min(most, int((look.width - 2 * MARGIN) / (LETTERS * look.font_size / 72))))


def blocks_of(count: int, columns: int) -> list[range]:
    """Divide the places 0 .. count - 1 into as few balanced blocks of ``columns`` as possible."""
    blocks = -(-count // columns)
    each = -(-count // blocks)
    return [range(first, min(first + each, count)) for first in range(0, count, each)]


def line(look: Style, size: float = 0.8) -> float:
    """Return the height in inches of a line of text with ``size`` times the font size."""
    return 1.2 * size * look.font_size / 72


def short_name(name: str) -> str:
    """Return the first of a class's synonyms, with spaces for underscores."""
    return name.split(",")[0].replace("_", " ").strip() or name.strip()


def fitted(text: str, inches: float, points: float, lines: int = 1) -> str:
    """Return ``text`` in at most ``lines`` lines that fit ``inches``; a longer text is shortened.

    Lines break at spaces. A word that is too long for a line breaks after hyphens, or anywhere.
    """
    rows = [""]
    for word in text.split():
        for number, part in enumerate(_parts(word, inches, points)):
            longer = f"{rows[-1]} {part}" if number == 0 else rows[-1] + part
            if _fits(longer.strip(), inches, points):
                rows[-1] = longer.strip()
            else:
                rows.append(part)
    if not rows[0]:
        del rows[0]
    if len(rows) > lines:
        last = rows[lines - 1]
        while last and not _fits(last + _ELLIPSIS, inches, points):
            last = last[:-1].rstrip()
        rows = [*rows[: lines - 1], last + _ELLIPSIS]
    return "\n".join(rows)


def _parts(word: str, inches: float, points: float) -> list[str]:
    """Return a word as one part if it fits a line; otherwise, the parts it may be broken into."""
    if _fits(word, inches, points):
        return [word]
    parts = []
    for part in re.findall("[^-]*-+|[^-]+", word):
        parts += [part] if _fits(part, inches, points) else list(part)
    return parts


def _fits(text: str, inches: float, points: float) -> bool:
    # Letters on a screen are hinted, so they are a little wider than measured.
    return text_width(text, points) <= 0.96 * inches


@lru_cache(maxsize=4096)
def text_width(text: str, points: float) -> float:
    """Return the width of a line of text, in inches."""
    font = FontProperties(family="DejaVu Sans", size=points)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72
