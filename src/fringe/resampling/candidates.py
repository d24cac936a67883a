"""Rows of candidates in float64 blocks, kept on a device or read again in every pass."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from fringe.devices.choice import open_device
from fringe.metrics.arrays import as_numpy, is_tensor, require_finite

__all__ = ["Rows"]

BLOCK = 8192  # rows per block; the last bits of results depend on this number
SHARE = 0.6  # share of a GPU's free memory that candidates may use if no limit is given
ON_CPU = 2**31  # bytes that candidates may use on the CPU if no limit is given


class Rows:
    """The rows of a matrix, relative to an origin and in a unit, as float64 blocks on a device.

    If ``memory_limit`` bytes are enough, the candidates are kept as float64. If they are enough
    only for the candidates in their own type, the candidates are kept in that type. Otherwise every
    pass reads the candidates again. The values are the same in all three cases.

    Parameters
    ----------
    matrix : array (N, D), or an object with such a shape and a dtype whose slices are arrays
    device : str or torch.device
    memory_limit : int, optional
        Bytes on the device. Default: 60 % of a GPU's free memory, or 2 GiB on the CPU. An array
        that is already in CPU memory does not count.

    Raises
    ------
    FringeError
        If the device does not exist.
    """

    def __init__(
        self, matrix: Any, device: str | torch.device = "cpu", memory_limit: int | None = None
    ) -> None:
        self.device = open_device(device)
        self.matrix = as_numpy(matrix) if is_tensor(matrix) else matrix
        if memory_limit is None:
            memory_limit = ON_CPU
            if self.device.type == "cuda":
                memory_limit = int(SHARE * torch.cuda.mem_get_info(self.device)[0])
        numbers = self.matrix.shape[0] * self.matrix.shape[1]
        self._prepared: list[torch.Tensor] | None = None
        self._prepare = numbers * 8 <= memory_limit
        self._own: list[torch.Tensor] | None = None
        if not self._prepare and numbers * self.matrix.dtype.itemsize <= memory_limit:
            self._own = [self._read(at) for at in self._blocks()]
        self.origin = torch.zeros(self.dim, dtype=torch.float64, device=self.device)
        self._unit = 1.0

    def __len__(self) -> int:
        """Return the number of rows N."""
        return int(self.matrix.shape[0])

    @property
    def dim(self) -> int:
        """Number of dimensions D."""
        return int(self.matrix.shape[1])

    def moments(self) -> tuple[torch.Tensor, float]:
        """Return the mean row and the trace of the covariance of the unchanged rows.

        The trace is a difference of squares. For rows far from zero, only its magnitude is right.

        Raises
        ------
        FringeError
            If a row holds NaN or infinity.
        """
        total = torch.zeros(self.dim, dtype=torch.float64, device=self.device)
        squares = 0.0
        for at in self._blocks():
            block = self._read(at)
            if not bool(torch.isfinite(block).all()):
                require_finite(block.cpu().numpy(), "candidates", at.start)
            rows = block.to(torch.float64)
            total += rows.sum(dim=0)
            squares += float(rows.square().sum())
        mean = total / len(self)
        return mean, max(squares / len(self) - float(mean @ mean), 0.0)

    def place(self, origin: torch.Tensor, unit: float) -> None:
        """Set the ``origin`` (D,) and the ``unit`` of the rows that iteration yields."""
        self.origin, self._unit = origin, unit
        self._prepared = None
        if self._prepare:
            self._prepared = [self._convert(self._read(at)) for at in self._blocks()]

    def __iter__(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """Yield the slice and the rows (b, D) of each block. Do not change the rows."""
        for index, at in enumerate(self._blocks()):
            if self._prepared is not None:
                yield at, self._prepared[index]
            else:
                block = self._read(at) if self._own is None else self._own[index]
                yield at, self._convert(block)

    def _blocks(self) -> Iterator[slice]:
        for first in range(0, len(self), BLOCK):
            yield slice(first, min(first + BLOCK, len(self)))

    def _read(self, at: slice) -> torch.Tensor:
        rows = np.asarray(self.matrix[at])
        # PyTorch accepts no other byte order, no float of more than 8 bytes and no read-only array.
        dtype = np.float64 if rows.dtype.itemsize > 8 else rows.dtype.newbyteorder("=")
        return torch.from_numpy(np.require(rows, dtype, ["C", "W"])).to(self.device)

    def _convert(self, block: torch.Tensor) -> torch.Tensor:
        rows = block.to(torch.float64, copy=True)
        rows -= self.origin
        rows /= self._unit
        return rows
