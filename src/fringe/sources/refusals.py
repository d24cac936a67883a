"""Errors for several refused images, so that one check of a data set names all of them."""

from collections.abc import Sequence

from fringe.errors import FringeError

__all__ = ["MOST", "several"]

MOST = 100  # faults after which checking stops: probably all images have the fault
NAMED = 30  # names in a message
FEW = 3  # names in a message about at least MOST faults


def several(faults: Sequence[tuple[str, FringeError]]) -> FringeError:
    """Return the error of the first fault, with the names of the other refused images.

    Parameters
    ----------
    faults : sequence of (str, FringeError)
        Name and error of each refused file or image; at least one.

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
