"""What a score is: a number, and how far the luck of the images moves it."""

from typing import NamedTuple

__all__ = ["Scored"]


class Scored(NamedTuple):
    """A score and its standard error.

    Attributes
    ----------
    value : float
    error : float or None
        One standard error: the luck of the images only, never another training of a generator.
        None where theory gives none, or the images are too few for it.

    Examples
    --------
    >>> Scored(3.5, None).value
    3.5
    """

    value: float
    error: float | None
