"""Rows as a file gives them."""

import numpy as np


class Sliced:
    """Rows of a file: contiguous slices, and nothing else."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> np.ndarray:
        assert isinstance(rows, slice)
        return self.values[rows]
