"""Numbers with their details: interval, counts, seed, and the paper's value.

A number is compared with the paper's by the following rule. If protocols differ, the two numbers
are *incomparable*. Otherwise they *agree* if they differ by at most `ERRORS` combined standard
errors, and *deviate* if they differ by more. The combined standard error is the standard error of
the difference of two independent measurements with the same number of images: √2 times ours. This
is an assumption, because the paper prints no standard error; the spread of draws that it prints in
some places is only a part of the error. If our standard error is unknown, there is no comparison.
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
    "PaperComparison",
    "cell_number",
    "compare_with_paper",
    "estimate_number",
    "paper_text",
    "plain_number",
]

ERRORS = 2.0
"""A number agrees with the paper's if they differ by at most this many combined standard errors."""

INTERVAL = 1.96
"""Half the width of a 95 % interval, in standard errors of a normal distribution."""


class PaperComparison(NamedTuple):
    """The comparison of a number with the paper's in words, and its tone."""

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
        Mean over draws, unscaled.
    seed : str
        The seed of the draws, or several seeds separated by commas.
    scale : int
        The text shows the number times this factor.
    paper : PaperValue, optional
        The paper's value of the same number.
    no_error : str
        A sentence that says why there is no standard error, if the reason is known.
    """
    comparison = None if paper is None else compare_with_paper(cell, paper, scale)
    about = [
        *_error_lines(cell, scale, no_error),
        _draws(cell, scale),
        f"{cell.n_real:,} real and {cell.n_generated:,} generated images.",
        f"Seed {seed}.",
    ]
    if paper is not None and comparison is not None:
        about.append(f"The paper's value is {paper_text(paper, scale)}: {comparison.text}.")
    text = format_value(cell.mean * scale, cell.standard_error * scale)
    return Number(text, cell.mean, tuple(about), "" if comparison is None else comparison.tone)


def estimate_number(
    found: Estimate, counts: str, seed: int, *, scale: int = 1, covers: str = ""
) -> Number:
    """Return the number of a comparison, with its standard error.

    Parameters
    ----------
    found : Estimate
    counts : str
        A sentence with the numbers of images.
    seed : int
    scale : int
        The text shows the number times this factor.
    covers : str
        A sentence that says what the interval covers.
    """
    error = math.nan if found.error is None else found.error
    about = []
    if found.low is not None and found.high is not None:
        low, high = (format_value(one * scale) for one in (found.low, found.high))
        about += [f"95 % interval: {low} to {high}.", covers]
    if found.error is None:
        about.append(f"No standard error: {found.note.rstrip('.') or 'it is unknown'}.")
    about += [counts, f"Seed {seed}."]
    text = format_value(found.value * scale, error * scale)
    return Number(text, found.value, tuple(line for line in about if line))


def plain_number(value: float, error: float, about: Sequence[str]) -> Number:
    """Return a number with a standard error; its interval is the first line of its details."""
    lines = [_interval(value, error)] if not math.isnan(error) else []
    return Number(format_value(value, error), value, (*lines, *about))


def compare_with_paper(cell: Cell, paper: PaperValue, scale: int = 1) -> PaperComparison:
    """Compare a number with the paper's by the rule of this module.

    >>> from fringe.scores.cells import Cell
    >>> from fringe.scores.paper import PaperValue
    >>> ours = Cell(5.35, 0.03, 5, 50_000, 50_000, standard_error=0.04)
    >>> compare_with_paper(ours, PaperValue(5.30, 0.04, 50_000, 50_000, ()))
    PaperComparison(text='+0.9%, within 2 combined standard errors (0.11)', tone='agrees')
    """
    if not paper.agrees:
        return PaperComparison(
            f"not comparable, because ours has {'; '.join(paper.differs)}", "incomparable"
        )
    difference = cell.mean - paper.value
    percent = format_percent(difference / paper.value)
    if math.isnan(cell.standard_error):
        return PaperComparison(f"{percent}; our standard error is unknown", "")
    margin = ERRORS * math.sqrt(2) * cell.standard_error
    agrees = abs(difference) <= margin
    text = f"{percent}, {'within' if agrees else 'more than'} {ERRORS:g} combined standard errors"
    return PaperComparison(
        f"{text} ({format_value(margin * scale)})", "agrees" if agrees else "deviates"
    )


def paper_text(paper: PaperValue, scale: int = 1) -> str:
    """Return a number of the paper with the paper's number of decimals."""
    return format_value(paper.value * scale, paper.std * scale, 2)


def _interval(value: float, error: float, scale: int = 1) -> str:
    low, high = (format_value((value + sign * INTERVAL * error) * scale) for sign in (-1.0, 1.0))
    return f"95 % interval: {low} to {high} (± {INTERVAL:g} standard errors)."


def _error_lines(cell: Cell, scale: int, no_error: str) -> list[str]:
    """Return sentences on the interval and the standard error, or on why there is none."""
    error = cell.standard_error
    if math.isnan(error):
        return [no_error or "No standard error: the scores of this run have none."]
    images = "the real and the generated images"
    if math.isnan(cell.real_error):
        images = "the generated images only, because only statistics of the real images are known"
    return [
        _interval(cell.mean, error, scale),
        f"Standard error of one evaluation: {format_value(error * scale)}. It covers the random "
        f"choice of {images}.",
    ]


def _draws(cell: Cell, scale: int) -> str:
    if cell.repeats == 1:
        return "One draw."
    spread = format_value(cell.std * scale)
    return f"Mean of {cell.repeats} draws (standard deviation: {spread})."
