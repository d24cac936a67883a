"""Random streams depend only on a seed and on labels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from fringe.seeds import random_stream


def test_every_label_changes_the_stream() -> None:
    arguments = [(0,), (1,), (0, "a"), (0, "a", 0), (0, "a", 1), (0, "b", 0), (0, "a0"), (0, 0)]
    first = [tuple(random_stream(*one).integers(2**60, size=2)) for one in arguments]
    assert len(set(first)) == len(arguments)


def test_a_stream_is_the_same_in_another_process() -> None:
    """Python's hash() of a string differs between processes."""
    code = "from fringe.seeds import random_stream; print(random_stream(7, 'draw', 3).random())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert float(printed) == random_stream(7, "draw", 3).random()


def test_streams_are_independent() -> None:
    columns = np.array([random_stream(0, "draw", k).standard_normal(2000) for k in range(20)])
    correlations = np.corrcoef(columns)[np.triu_indices(20, 1)]
    # 190 correlations with a standard deviation of 1/sqrt(2000). The largest is about 3 of these.
    assert np.abs(correlations).max() < 4.5 / np.sqrt(2000)
