"""What a network makes of images must be numbers."""

from collections.abc import Callable

import numpy as np

from fringe.errors import FringeError

__all__ = ["require_finite_rows"]


def require_finite_rows(
    values: np.ndarray, what: str, network: str, called: Callable[[int], str]
) -> None:
    """Raise unless all that a network makes of a batch of images is finite.

    Parameters
    ----------
    values : array (N, ...)
        One row for each image.
    what : str
        What the values are, such as "features".
    network : str
        The name of the network.
    called : callable
        From a row to what a message calls its image.

    Raises
    ------
    FringeError
        Naming the first image whose row holds a NaN or infinity.
    """
    if np.isfinite(values).all():
        return
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    raise FringeError(
        f"{called(int(np.argmin(finite)))} gives NaN or infinite {what} in network {network!r}; "
        "look at that image, check the weights, and use no lower precision than float32"
    )
