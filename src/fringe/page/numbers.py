"""Numbers with what readers see when they point at them: interval, counts, seed, the paper's value.

The rule of a number next to the paper's. Where protocols differ, the two are *incomparable*. Else
they *agree* if they differ by at most `ERRORS` combined standard errors, and *deviate* otherwise.
The combined standard error is that of the difference of two independent measurements with as many
images, which is √2 times ours: the paper prints no standard error. The spread of draws that it
prints in some places is only a part of one. Where no error of ours is known, nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from fringe.page.content import Number, Tone
from fringe.scores.cells import Cell
from fringe.scores.comparison import Estimate
from fringe.scores.numbers import format_percent, format_value
from fringe.scores.paper import PaperValue

__all__ = [
    "ERRORS",
    "INTERVAL",
    "Beside",
    "beside_paper",
    "cell_number",
    "estimate_number",
    "paper_text",
    "plain_number",
]

ERRORS = 2.0
"""A number agrees with the paper's if they differ by at most this many combined standard errors."""

INTERVAL = 1.96
"""Half the width of a 95 % interval, in standard errors of a normal distribution."""


class Beside(NamedTuple):
    """How a number stands to the paper's, in words, and the tone of that."""

    text: str
    tone: Tone


def cell_number(
    cell: Cell,
    *,
    seed: str,
    scale: int = 1,
    paper: PaperValue | None = None,
    no_error: str = "",
) -> Number:
    """Return the number of a cell of scores, with its standard error.

    Parameters
    ----------
    cell : Cell
        Mean over draws, in plain units.
    seed : str
        That of the draws, or several with commas.
    scale : int
        The text shows the number times this.
    paper : PaperValue, optional
        What the paper prints for the same number.
    no_error : str
        Why there is no standard error, as a sentence, where there is none and the reason is known.
    """
    beside = None if paper is None else beside_paper(cell, paper, scale)
    about = [
        *_error_lines(cell, scale, no_error),
        _draws(cell, scale),
        f"{cell.n_real:,} real and {cell.n_generated:,} generated images.",
        f"Seed {seed}.",
    ]
    if paper is not None and beside is not None:
        about.append(f"The paper prints {paper_text(paper, scale)}: {beside.text}.")
    text = format_value(cell.mean * scale, cell.standard_error * scale)
    return Number(text, cell.mean, tuple(about), "" if beside is None else beside.tone)


def estimate_number(
    found: Estimate, counts: str, seed: int, *, scale: int = 1, covers: str = ""
) -> Number:
    """Return the number of a comparison, with its standard error.

    Parameters
    ----------
    found : Estimate
    counts : str
        The images behind it, as a sentence.
    seed : int
    scale : int
        The text shows the number times this.
    covers : str
        What the interval covers, as a sentence.
    """
    error = math.nan if found.error is None else found.error
    about = []
    if found.low is not None and found.high is not None:
        low, high = (format_value(one * scale) for one in (found.low, found.high))
        about += [f"95 % interval: {low} to {high}.", covers]
    if found.error is None:
        about.append(f"No standard error: {found.note.rstrip('.') or 'none is known'}.")
    about += [counts, f"Seed {seed}."]
    text = format_value(found.value * scale, error * scale)
    return Number(text, found.value, tuple(line for line in about if line))


def plain_number(value: float, error: float, about: Sequence[str]) -> Number:
    """Return a number with a standard error that has its interval among what is said of it."""
    lines = [_interval(value, error)] if not math.isnan(error) else []
    return Number(format_value(value, error), value, (*lines, *about))


def beside_paper(cell: Cell, paper: PaperValue, scale: int = 1) -> Beside:
    """Return how a number stands to the paper's, by the rule of this module.

    >>> from fringe.scores.cells import Cell
    >>> from fringe.scores.paper import PaperValue
    >>> ours = Cell(5.35, 0.03, 5, 50_000, 50_000, standard_error=0.04)
    >>> beside_paper(ours, PaperValue(5.30, 0.04, 50_000, 50_000, ()))
    Beside(text='+0.9%, within 2 combined standard errors (0.11)', tone='agrees')
    """
    if not paper.agrees:
        return Beside(f"not comparable, as ours has {'; '.join(paper.differs)}", "incomparable")
    difference = cell.mean - paper.value
    percent = format_percent(difference / paper.value)
    if math.isnan(cell.standard_error):
        return Beside(f"{percent}; no standard error of ours is known", "")
    margin = ERRORS * math.sqrt(2) * cell.standard_error
    agrees = abs(difference) <= margin
    told = f"{percent}, {'within' if agrees else 'more than'} {ERRORS:g} combined standard errors"
    return Beside(f"{told} ({format_value(margin * scale)})", "agrees" if agrees else "deviates")


def paper_text(paper: PaperValue, scale: int = 1) -> str:
    """Return a number of the paper with as many decimals as it prints."""
    return format_value(paper.value * scale, paper.std * scale, 2)


def _interval(value: float, error: float, scale: int = 1) -> str:
    low, high = (format_value((value + sign * INTERVAL * error) * scale) for sign in (-1.0, 1.0))
    return f"95 % interval: {low} to {high} (± {INTERVAL:g} standard errors)."


def _error_lines(cell: Cell, scale: int, no_error: str) -> list[str]:
    """Return interval and what it covers, or why there is none."""
    error = cell.standard_error
    if math.isnan(error):
        return [no_error or "No standard error: none is in the scores of this run."]
    images = "the real and the generated images"
    if math.isnan(cell.real_error):
        images = "the generated images only: only statistics of the real images are known"
    return [
        _interval(cell.mean, error, scale),
        f"Standard error of one evaluation: {format_value(error * scale)}. It covers the luck of "
        f"{images}.",
    ]


def _draws(cell: Cell, scale: int) -> str:
    if cell.repeats == 1:
        return "One draw."
    spread = format_value(cell.std * scale)
    return f"Mean of {cell.repeats} draws, whose standard deviation is {spread}."
