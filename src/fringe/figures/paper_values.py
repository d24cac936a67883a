"""The paper's values in figures: hollow diamonds, grey where they do not compare with ours."""

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes

from fringe.figures.style import Style
from fringe.scores.paper import PaperValue

__all__ = ["GREY", "draw_paper_value", "paper_note", "unlike"]

GREY = "#767676"
"""What does not compare; as dark as a light background allows text to be light."""


def draw_paper_value(
    axes: Axes, x: float, y: float, value: PaperValue, look: Style, **how: Any
) -> None:
    """Draw a value of the paper at (x, y); ``how`` goes to matplotlib."""
    color = look.colors[5] if value.agrees else GREY
    axes.plot(x, y, marker="D", mfc="none", mec=color, ms=8, ls="", **how)


def paper_note(values: Mapping[str, Iterable[PaperValue | None]]) -> str:
    """Return what is to be said of diamonds, by data set's title; "" where none was drawn."""
    every = [value for part in values.values() for value in part if value is not None]
    told = []
    if any(value.agrees for value in every):
        told.append("Hollow diamonds: Kynkäänniemi et al. (2023).")
    if text := unlike(values):
        told.append(
            "Grey diamonds: Kynkäänniemi et al. (2023), measured otherwise, so that they do not "
            f"compare. Ours: {text}."
        )
    return " ".join(told)


def unlike(values: Mapping[str, Iterable[PaperValue | None]]) -> str:
    """Return what ours differ in from the paper's, by data set's title where there are several."""
    found = {
        title: dict.fromkeys(text for value in part if value for text in value.differs)
        for title, part in values.items()
    }
    texts = {title: "; ".join(differs) for title, differs in found.items() if differs}
    if len(set(texts.values())) == 1 and len(texts) == len(values):
        return next(iter(texts.values()))
    return ". ".join(f"{title}: {text}" for title, text in texts.items())
