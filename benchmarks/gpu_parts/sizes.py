"""Sizes of the measurements: full on a GPU, small on a CPU, tiny in tests."""

from typing import NamedTuple

__all__ = ["SIZES", "Sizes"]


class Sizes(NamedTuple):
    """Numbers of images have the same meaning in all forms."""

    turns: int  # the best of these turns counts
    # StyleGAN2
    resolution: int
    channel_base: int
    batch: int
    compiled: bool
    rendered: int  # images, of another generator
    rendered_pixels: int
    rendered_channels: int
    # Extraction
    network: str
    images: int
    pixels: int
    batch_size: int
    # Kernel distances
    kid_images: int
    kid_exact: int
    subsets: int
    subset_size: int
    # Both kernels and solver
    dim: int
    # Solver
    real: int
    candidates: int
    evaluations: int
    # Rates of the host
    host_images: int
    distorted: tuple[int, ...]  # pixels a side


SIZES = {
    "full": Sizes(
        turns=4,
        resolution=256,
        channel_base=16384,
        batch=64,
        compiled=True,
        rendered=1000,
        rendered_pixels=256,
        rendered_channels=16384,
        network="inception",
        images=4000,
        pixels=256,
        batch_size=50,
        kid_images=50_000,
        kid_exact=20_000,
        subsets=100,
        subset_size=1000,
        dim=2048,
        real=50_000,
        candidates=250_000,
        evaluations=12,
        host_images=500,
        distorted=(128, 256, 1024),
    ),
    "small": Sizes(
        turns=2,
        resolution=32,
        channel_base=4096,
        batch=4,
        compiled=True,
        rendered=4,
        rendered_pixels=256,
        rendered_channels=16384,
        network="efficientnet-lite0",
        images=96,
        pixels=128,
        batch_size=32,
        kid_images=2000,
        kid_exact=2000,
        subsets=10,
        subset_size=1000,
        dim=256,
        real=2000,
        candidates=5000,
        evaluations=6,
        host_images=50,
        distorted=(128, 256),
    ),
    "tiny": Sizes(
        turns=1,
        resolution=16,
        channel_base=256,
        batch=2,
        compiled=False,
        rendered=2,
        rendered_pixels=16,
        rendered_channels=256,
        network="untrained",
        images=12,
        pixels=32,
        batch_size=8,
        kid_images=60,
        kid_exact=60,
        subsets=2,
        subset_size=30,
        dim=16,
        real=100,
        candidates=200,
        evaluations=4,
        host_images=4,
        distorted=(32,),
    ),
}
