"""Latent vectors as a function of a seed and an index."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from fringe.errors import FringeError

__all__ = ["Latents"]

# Number of rows that are drawn at a time; a block of rows of 512 numbers takes 4 MiB.
BLOCK = 1024


class Latents:
    """Rows of ``RandomState(seed).randn(N, z_dim)`` in any order.

    All rows come from one stream, as in the released code of [1]_. So row i does not depend on N or
    on how the rows are distributed over jobs. The state of the random generator is kept at the
    start of every block of 1,024 rows that was drawn (2.5 kB for each block). So a row of such a
    block is reached again at the cost of drawing one block. Threads may share the object.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.
    z_dim : int
        Length of a row, at least 1.

    Raises
    ------
    FringeError
        If ``seed`` or ``z_dim`` is out of range.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> from fringe.generators import Latents
    >>> latents = Latents(seed=0, z_dim=3)
    >>> latents.rows([0, 1]).round(3)
    array([[ 1.764,  0.4  ,  0.979],
           [ 2.241,  1.868, -0.977]])
    >>> latents.rows([1]).round(3)
    array([[ 2.241,  1.868, -0.977]])
    """

    def __init__(self, seed: int, z_dim: int) -> None:
        if not 0 <= seed < 2**32:
            raise FringeError(f"latent seed {seed} is out of range; choose one from 0 to 2**32 - 1")
        if z_dim < 1:
            raise FringeError(f"latents of length {z_dim} do not exist; z_dim is at least 1")
        self.seed = seed
        self.z_dim = z_dim
        self._stream = np.random.RandomState(seed)
        # States of the stream at the start of blocks 0, 1, ...: its words, its position, and the
        # second value of a pair of normals that is left over after a block of odd size.
        self._starts: list[Any] = [self._stream.get_state()]
        self._block = np.empty((0, z_dim))
        self._number = -1
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the lock, which belongs to one process."""
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle with a new lock."""
        self.__dict__.update(state, _lock=threading.Lock())

    def rows(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the latents of ``indices`` in their order.

        Parameters
        ----------
        indices : sequence of n int
            Numbers of rows, from 0 upwards, in any order.

        Returns
        -------
        ndarray
            float64 (n, z_dim).

        Raises
        ------
        FringeError
            If an index is negative.
        """
        wanted = np.asarray(indices, dtype=np.int64).reshape(-1)
        if len(wanted) and wanted.min() < 0:
            raise FringeError(f"latent {wanted.min()} does not exist; indices start at 0")
        rows = np.empty((len(wanted), self.z_dim))
        numbers = wanted // BLOCK
        for number in np.unique(numbers):
            here = np.flatnonzero(numbers == number)
            with self._lock:
                block = self._drawn(int(number))
            rows[here] = block[wanted[here] % BLOCK]
        return rows

    def _drawn(self, number: int) -> np.ndarray:
        """Return block ``number``, after drawing the earlier blocks that were never drawn."""
        if number == self._number:
            return self._block
        for passed in range(min(number, len(self._starts) - 1), number + 1):
            self._stream.set_state(self._starts[passed])
            block = self._stream.randn(BLOCK, self.z_dim)
            if passed + 1 == len(self._starts):
                self._starts.append(self._stream.get_state())
        self._number, self._block = number, block
        return block
