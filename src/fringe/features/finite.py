"""A check that the output of a network is finite."""

from collections.abc import Callable

import numpy as np

from fringe.errors import FringeError

__all__ = ["require_finite_rows"]


def require_finite_rows(
    values: np.ndarray, what: str, network: str, called: Callable[[int], str]
) -> None:
    """Raise FringeError if the output of a network for a batch of images is not finite.

    Parameters
    ----------
    values : array (N, ...)
        One row for each image.
    what : str
        The name of the values, such as "features".
    network : str
        The name of the network.
    called : callable
        Returns the name, for messages, of the image of a row.

    Raises
    ------
    FringeError
        If a row contains NaN or infinity. The message names the first such image.
    """
    if np.isfinite(values).all():
        return
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    raise FringeError(
        f"{called(int(np.argmin(finite)))} gives NaN or infinite {what} in network {network!r}; "
        "look at that image, check the weight file, and use no lower precision than float32"
    )
