"""The paper's values in figures: hollow diamonds, grey if they are not comparable with ours."""

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes

from fringe.figures.style import Style
from fringe.scores.paper import PaperValue

__all__ = ["GREY", "differences", "draw_paper_value", "paper_note"]

GREY = "#767676"
"""The colour of values that are not comparable: the lightest grey with enough contrast for text."""


def draw_paper_value(
    axes: Axes, x: float, y: float, value: PaperValue, look: Style, **how: Any
) -> None:
    """Draw a value of the paper at (x, y); ``how`` goes to matplotlib."""
    color = look.colors[5] if value.agrees else GREY
    axes.plot(x, y, marker="D", mfc="none", mec=color, ms=8, ls="", **how)


def paper_note(values: Mapping[str, Iterable[PaperValue | None]]) -> str:
    """Return the note on diamonds, from values by a data set's title; "" if none was drawn."""
    every = [value for part in values.values() for value in part if value is not None]
    sentences = []
    if any(value.agrees for value in every):
        sentences.append("Hollow diamonds: Kynkäänniemi et al. (2023).")
    if text := differences(values):
        sentences.append(
            "Grey diamonds: Kynkäänniemi et al. (2023), measured differently and so not "
            f"comparable. Ours: {text}."
        )
    return " ".join(sentences)


def differences(values: Mapping[str, Iterable[PaperValue | None]]) -> str:
    """Return how our measurements differ from the paper's; by title if there are several."""
    found = {
        title: dict.fromkeys(text for value in part if value for text in value.differs)
        for title, part in values.items()
    }
    texts = {title: "; ".join(differs) for title, differs in found.items() if differs}
    if len(set(texts.values())) == 1 and len(texts) == len(values):
        return next(iter(texts.values()))
    return ". ".join(f"{title}: {text}" for title, text in texts.items())
