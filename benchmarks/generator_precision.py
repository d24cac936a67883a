"""The effect of StyleGAN2's float16 blocks on pixels, FID and speed.

    python benchmarks/generator_precision.py [--generator mine.pkl] [--real mine.zip]
        [--network inception] [--images 50000] [--device cuda]

The generator gets the same latents of seed 0 in float32, and in float16 in the blocks that were
trained in float16 (`fp16: true`). The output is: images a second of both, each the best of three
batches taken in turn; how many values of 0 to 255 differ, with the mean and largest difference; FID
of both with the same number of real images, and between the two, which is 0 if nothing changes.
FID of other latents (seed 1) in float32 is printed too, to compare the change with chance.

Without --generator, a StyleGAN2 of the official configuration with random weights makes the images,
and photographs are the real images. This shows the rounding, but not the FID of a trained
generator.
"""

import argparse
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/generators"))

from checkpoints import write_stylegan2_pickle

from fringe.generators import Generator, Latents, load_generator
from fringe.metrics import Gaussian, frechet_distance
from fringe.networks import FeatureNetwork, load_network
from fringe.sources import PhotoSource, open_source

BATCH = 50


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generator", type=Path, help="a network pickle with float16 blocks")
    parser.add_argument("--real", type=Path, help="its real images; photographs by default")
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--weights", type=Path, help="weight file of the network, if it has one")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--resolution", type=int, default=256, help="without --generator")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.generator or Path(folder) / "generator.pkl"
        if not options.generator:
            write_untrained(path, options.resolution)
        half, exact = (
            load_generator(path, options.device, precision=precision)
            for precision in ("float16", "float32")
        )
    network = load_network(options.network, options.weights, options.device)
    size, count = exact.resolution[0], options.images
    name = torch.cuda.get_device_name() if options.device.startswith("cuda") else "CPU"
    print(f"{path.name}, {size} px, {count:,} images, FID in {options.network}, {name}")
    speed(half, exact)

    source = open_source(options.real) if options.real else PhotoSource(count, size, 0)
    bounds = list(pairwise([*range(0, count, BATCH), count]))
    real = Gaussian.from_features(
        np.concatenate(
            [features(network, source.read(range(*b)).transpose(0, 3, 1, 2)) for b in bounds]
        )
    )
    made: dict[str, list[np.ndarray]] = {"float32": [], "float16": [], "float32, other latents": []}
    differing, total, largest = 0, 0, 0
    for first, last in bounds:
        latents, others = (Latents(seed, exact.z_dim).rows(range(first, last)) for seed in (0, 1))
        one, other = exact(latents), half(latents)
        for key, images in zip(made, (one, other, exact(others)), strict=True):
            made[key].append(features(network, images))
        apart = np.abs(one.astype(int) - other)
        differing, total = differing + int((apart > 0).sum()), total + int(apart.sum())
        largest = max(largest, int(apart.max()))
    values = count * exact.channels * size * size
    print(
        f"values of 0 to 255: {differing / values:.2%} differ, by {total / values:.4f} on average "
        f"and {largest} at most"
    )
    gaussians = {key: Gaussian.from_features(np.concatenate(parts)) for key, parts in made.items()}
    base = frechet_distance(real, gaussians["float32"])
    for key, gaussian in gaussians.items():
        fid = frechet_distance(real, gaussian)
        print(f"FID in {key:24}{fid:12.6f}   {fid / base - 1:+.4%}")
    between = frechet_distance(gaussians["float32"], gaussians["float16"])
    print(f"FID between float32 and float16   {between:.6f}")
    return 0


def write_untrained(path: Path, resolution: int) -> None:
    """Write a network pickle of the official configuration, with random weights."""
    write_stylegan2_pickle(
        path,
        resolution=resolution,
        z_dim=512,
        w_dim=512,
        channel_base=16384 if resolution < 512 else 32768,
        channel_max=512,
        mapping_layers=2,
        conv_clamp=256,
        num_fp16_res=4,
    )


def speed(half: Generator, exact: Generator) -> None:
    """Print images a second of both precisions."""
    count = BATCH if half.device.type == "cuda" else 4
    z = torch.from_numpy(Latents(0, exact.z_dim).rows(range(count))).float().to(half.device)
    best = {"float32": float("inf"), "float16": float("inf")}
    for turn in range(4):  # the first batch warms up
        for key, generator in zip(best, (exact, half), strict=True):
            start = time.perf_counter()
            generator.synthesize(z)
            if half.device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                best[key] = min(best[key], time.perf_counter() - start)
    for key, seconds in best.items():
        print(
            f"{key}: {count / seconds:.2f} images/s, {best['float32'] / seconds:.2f} of float32's"
        )


def features(network: FeatureNetwork, images: np.ndarray) -> np.ndarray:
    """Return features of uint8 images (N, C, H, W); a single channel becomes three."""
    rgb = torch.from_numpy(np.ascontiguousarray(images)).expand(-1, 3, -1, -1)
    return network(rgb).features.cpu().numpy()


if __name__ == "__main__":
    sys.exit(main())
