"""Several images that are refused at once, so that one look at a data set names them all."""

from collections.abc import Sequence

from fringe.errors import FringeError

__all__ = ["MOST", "several"]

MOST = 100  # faults after which nothing more is looked at: most likely all images have it
NAMED = 30  # names in a message
FEW = 3  # names where there are that many faults


def several(faults: Sequence[tuple[str, FringeError]]) -> FringeError:
    """Return the error of the first of some faults, with the names of the others.

    Parameters
    ----------
    faults : sequence of (str, FringeError)
        The name of each file or image that is refused, and why; at least one.

    Examples
    --------
    >>> print(several([("a.jpg", FringeError("a.jpg: is empty")), ("b.jpg", FringeError("..."))]))
    a.jpg: is empty; 1 more is refused: b.jpg
    """
    (_, first), *others = faults
    if not others:
        return first
    least = "at least " if len(faults) >= MOST else ""
    are = "is" if len(others) == 1 else "are"
    names = [name for name, _ in others[: FEW if least else NAMED]]
    names += ["..."] * (len(others) > len(names))
    return FringeError(f"{first}; {least}{len(others):,} more {are} refused: {', '.join(names)}")
