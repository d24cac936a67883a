"""Latent vectors as a function of seed and index."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from fringe.errors import FringeError

__all__ = ["Latents"]

# Rows drawn at a time: a block of 512 numbers each takes 4 MiB.
BLOCK = 1024


class Latents:
    """Rows of ``RandomState(seed).randn(N, z_dim)``, any of them, in any order.

    One stream, as the released code of Kynkäänniemi et al. 2023 draws it, so row i is the same
    whatever N is and however the rows are shared out. The generator's state is kept at the start of
    every block that was passed on the way (2.5 kB for 1,024 rows): what was once passed is reached
    again at the cost of one block. Threads may share it.

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
    """

    def __init__(self, seed: int, z_dim: int) -> None:
        if not 0 <= seed < 2**32:
            raise FringeError(f"latent seed {seed} is out of range; choose one from 0 to 2**32 - 1")
        if z_dim < 1:
            raise FringeError(f"latents of length {z_dim} do not exist; z_dim is at least 1")
        self.seed = seed
        self.z_dim = z_dim
        self._stream = np.random.RandomState(seed)
        # What the stream was at the start of blocks 0, 1, ...: its words, position and the second
        # normal of a pair that a block of odd size leaves over.
        self._starts: list[Any] = [self._stream.get_state()]
        self._block = np.empty((0, z_dim))
        self._number = -1
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the lock, which belongs to a process."""
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle with a lock of its own."""
        self.__dict__.update(state, _lock=threading.Lock())

    def rows(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the latents of ``indices``, float64 (n, z_dim), in the order asked for.

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
        """Return block ``number``, drawing those before it that were never passed."""
        if number == self._number:
            return self._block
        for passed in range(min(number, len(self._starts) - 1), number + 1):
            self._stream.set_state(self._starts[passed])
            block = self._stream.randn(BLOCK, self.z_dim)
            if passed + 1 == len(self._starts):
                self._starts.append(self._stream.get_state())
        self._number, self._block = number, block
        return block
