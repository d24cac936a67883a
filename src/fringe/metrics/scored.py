"""The type of a score and its standard error."""

from typing import NamedTuple

__all__ = ["Scored"]


class Scored(NamedTuple):
    """A score and its standard error.

    Attributes
    ----------
    value : float
    error : float or None
        One standard error. It covers only the random choice of images, not another training of a
        generator. None if no theory gives an error, or if there are too few images.

    Examples
    --------
    >>> Scored(3.5, None).value
    3.5
    """

    value: float
    error: float | None
