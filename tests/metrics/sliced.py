"""A stand-in for a matrix in a file."""

import numpy as np


class Sliced:
    """Rows that can only be read in contiguous slices, as from a file."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> np.ndarray:
        assert isinstance(rows, slice)
        return self.values[rows]
