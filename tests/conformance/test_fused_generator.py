"""A compiled StyleGAN2 compared with the usual one on the CPU."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.generators.checkpoints import write_fastgan_pickle, write_stylegan2_pickle

from fringe.errors import FringeError
from fringe.generators import Latents, load_generator


@pytest.mark.skipif(
    shutil.which("c++") is None and shutil.which("g++") is None,
    reason="no C++ compiler, which PyTorch's compiler needs for a CPU",
)
@pytest.mark.parametrize(("precision", "share"), [("float32", 3e-4), ("float16", 5e-3)])
def test_a_compiled_generator_makes_the_same_images(
    tmp_path: Path, precision: str, share: float
) -> None:
    """At most a ``share`` of the values from 0 to 255 differ, by at most 1."""
    path = tmp_path / "g.pkl"
    write_stylegan2_pickle(path, resolution=32, num_fp16_res=2, conv_clamp=256, channel_base=1024)
    usual, fused = (load_generator(path, precision=precision, fused=one) for one in (False, True))
    latents = Latents(0, 16).rows(range(8))
    expected, found = usual(latents, truncation=0.8), fused(latents, truncation=0.8)
    assert np.std(expected) > 10
    apart = np.abs(expected.astype(int) - found)
    assert apart.max() <= 1
    assert (apart > 0).mean() < share


def test_other_generators_are_not_compiled(tmp_path: Path) -> None:
    write_fastgan_pickle(tmp_path / "fastgan.pkl")
    with pytest.raises(FringeError, match="compiles only StyleGAN2, and this is fastgan"):
        load_generator(tmp_path / "fastgan.pkl", fused=True)
