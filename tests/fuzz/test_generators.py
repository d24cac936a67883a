"""Randomly damaged files of generators (fixed seed) are read or refused."""

from pathlib import Path

import numpy as np
import pytest
from tests.generators.checkpoints import write_stylegan2_pickle

from fringe.errors import FringeError
from fringe.generators import convert, load_generator


@pytest.mark.parametrize("suffix", ["pkl", "safetensors"])
def test_damaged_files_are_read_or_refused(tmp_path: Path, suffix: str) -> None:
    write_stylegan2_pickle(tmp_path / "g.pkl", resolution=8, channel_max=2, z_dim=2, w_dim=2)
    convert(tmp_path / "g.pkl", tmp_path / "g.safetensors")
    data = (tmp_path / f"g.{suffix}").read_bytes()
    draw = np.random.default_rng(0)
    refused = []
    for _ in range(200):
        damaged = bytearray(data)
        damaged[draw.integers(min(len(data), 6000))] = draw.integers(256)
        (tmp_path / "damaged").write_bytes(damaged[: draw.choice([len(data), len(data) // 2])])
        try:
            load_generator(tmp_path / "damaged")
        except FringeError as error:
            refused.append(str(error))
    assert 100 < len(refused) < 200
    assert all(str(tmp_path / "damaged") in message for message in refused)
