"""Sensitivity maps in closed form, compared with autograd through FID's eigenvalues as released.

    python benchmarks/sensitivity.py [--dim 2048] [--images 1000] [--released-images 3]
        [--behind 10000] [--n 50000]
    python benchmarks/sensitivity.py --extraction [--set 1000] [--network efficientnet-lite0]

The time is measured after the forward pass, which both share: from the last maps (D x 8 x 8,
float32) of an image to its sensitivity map. The released code processes one image at a time: it
pools the maps, adds the features to mean and covariance of the others, and differentiates FID
through the eigenvalues of the unsymmetric product of both covariances. It is timed over a few
images, after one untimed image. Fringe uses the same Gaussians and batches of 100 images. The
one-time cost of `optimal_transport` is printed separately.

Maps are simulated: heavy-tailed, not negative, with classes, like maps before a pooling layer. The
Gaussians are those of ``--behind`` images each. ``--n``, the number of images of the FID, is only
used in the formulas. Exits with 1 if Fringe is not 5,000 times faster without the one-time cost, or
if a gradient differs by more than 1e-6 of its length.

``--extraction`` compares the time for maps of a whole set of photographs, including the
decomposition of the Gaussians, with plain feature extraction of the set. The best turn of each
counts. Exits with 1 if maps take more than 1.3 times as long.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from weight_optimization import pooled

from fringe.evaluation import gaussian_of
from fringe.features import extract_shard, open_features
from fringe.metrics import Gaussian
from fringe.networks import load_network
from fringe.sensitivity import (
    approximation_bound,
    fid_gradient,
    measure_sensitivity,
    optimal_transport,
    sensitivity_maps,
    write_sensitivity,
)
from fringe.sources import PhotoSource

PLACES = 8  # in each direction
BATCH = 100
RATIO, DIFFERENCE = 5000, 1e-6
SET_RATIO = 1.3


class Found(NamedTuple):
    """Gradients (B, D) and sensitivity maps (B, h, w) of images, and their seconds."""

    gradients: np.ndarray
    maps: np.ndarray
    seconds: float


def made_maps(features: np.ndarray, seed: int) -> np.ndarray:
    """Return maps (B, D, 8, 8), float32, not negative, whose means are about ``features``."""
    rng = np.random.default_rng(seed)
    shares = rng.standard_exponential((len(features), 1, PLACES, PLACES), np.float32)
    own = rng.standard_exponential((*features.shape, PLACES, PLACES), np.float32)
    return features[..., None, None] * (shares + own) / 2


def released(maps: np.ndarray, real: Gaussian, others: Gaussian, n: int) -> Found:
    """Return the results of the released code for ``maps``, with the seconds of one image."""
    m, R, mu, S = map(
        torch.from_numpy, (real.mean, real.covariance, others.mean, others.covariance)
    )
    gradients, found, seconds = [], [], []
    for own in maps:
        start = time.perf_counter()
        A = torch.from_numpy(own).double().requires_grad_()
        f = A.mean((1, 2))
        mean = (n - 1) / n * mu + f / n
        covariance = (n - 2) / (n - 1) * S + torch.outer(f - mu, f - mu) / n
        roots = torch.linalg.eigvals(R @ covariance).sqrt().real.sum()
        fid = (m - mean) @ (m - mean) + R.trace() + covariance.trace() - 2 * roots
        (slopes,) = torch.autograd.grad(fid, A)
        alpha = (slopes**2).mean((1, 2))
        found.append(torch.einsum("k,kij->ij", alpha, A.detach()).numpy())
        seconds.append(time.perf_counter() - start)
        gradients.append(slopes.sum((1, 2)).numpy())
    timed = seconds[1:] or seconds
    return Found(np.array(gradients), np.array(found), sum(timed) / len(timed))


def against_released(options: argparse.Namespace) -> int:
    dim, n = options.dim, options.n
    real, others = (
        Gaussian.from_features(pooled(options.behind, dim, seed, "cpu", tilt))
        for seed, tilt in ((1, 0.0), (2, 0.5))
    )
    features = pooled(options.images, dim, 3, "cpu", tilt=0.5)

    start = time.perf_counter()
    transport = optimal_transport(real, others)
    once = time.perf_counter() - start

    parts, seconds_of = [], {"gradient": 0.0, "maps": 0.0}
    for first in range(0, len(features), BATCH):
        maps = made_maps(features[first : first + BATCH], first)
        pooled_maps = maps.mean((2, 3), dtype=np.float64)  # in a run, the network's own weights
        start = time.perf_counter()
        gradient = fid_gradient(pooled_maps, real, others, n, transport=transport)
        middle = time.perf_counter()
        found = sensitivity_maps(torch.from_numpy(maps), torch.from_numpy(gradient)).numpy()
        seconds_of["gradient"] += middle - start
        seconds_of["maps"] += time.perf_counter() - middle
        parts.append((pooled_maps, gradient, found))
    rows, gradients, maps_found = (np.concatenate(part) for part in zip(*parts, strict=True))
    ours = Found(gradients, maps_found, sum(seconds_of.values()) / len(features))

    count = min(options.released_images + 1, BATCH, len(features))
    theirs = released(made_maps(features[:BATCH], 0)[:count], real, others, n)
    plain = fid_gradient(rows, real, others, n, exact=False, transport=transport)
    bound = approximation_bound(rows, real, others, n, transport)

    ratio = theirs.seconds / ours.seconds
    difference = _relative(theirs.gradients, ours.gradients[:count]).max()
    of_maps = _relative(theirs.maps.reshape(count, -1), ours.maps[:count].reshape(count, -1)).max()
    wrong = np.linalg.norm(plain - ours.gradients, axis=1)
    loose = bound / wrong
    relative = wrong / np.linalg.norm(ours.gradients, axis=1)
    print(
        f"D = {dim}, Gaussians of {options.behind:,} images, n = {n:,}, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    print(f"released way   {theirs.seconds:12.3f} s an image ({max(count - 1, 1)} timed)")
    each = ", ".join(f"{k} {1e3 * v / len(features):.3f} ms" for k, v in seconds_of.items())
    print(f"fringe         {ours.seconds:12.6f} s an image ({len(features):,} timed; {each})")
    print(f"  once         {once:12.3f} s for all images of two Gaussians")
    print(f"ratio          {ratio:12,.0f}")
    for many in (len(features), n):
        print(
            f"  with the one-time cost, {many:,} images: "
            f"{many * theirs.seconds / (once + many * ours.seconds):,.0f}"
        )
    print(f"largest relative difference of a gradient {difference:.1e}, of a map {of_maps:.1e}")
    print(
        f"exact=False: a gradient errs by {np.median(relative):.1e} (median) to "
        f"{relative.max():.1e}, where D / n is {dim / n:.1e}; the bound is {loose.min():.2f} to "
        f"{loose.max():.2f} times the error, {np.median(loose):.2f} in the median"
    )
    return 0 if ratio >= RATIO and difference < DIFFERENCE and (bound >= wrong).all() else 1


def _relative(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)


def against_extraction(options: argparse.Namespace) -> int:
    """Time maps of a set of images against their features, and print the ratio."""
    torch.set_num_threads(1)  # like jobs of the workflow
    network = load_network(options.network)
    count = options.set
    source = PhotoSource(count, 128, 1)
    source.read(range(1))
    seconds: dict[str, list[float]] = {"features": [], "maps": []}
    with TemporaryDirectory() as folder:
        path = Path(folder, "features.h5")
        for _ in range(options.repeats):
            start = time.perf_counter()
            extract_shard(source, network, 0, count, path, batch_size=50)
            seconds["features"].append(time.perf_counter() - start)
            generated = gaussian_of(open_features(path))
            # Not the Gaussian of the images themselves, because FID must not be 0.
            real = Gaussian(1.1 * generated.mean, 1.2 * generated.covariance)
            start = time.perf_counter()
            found = measure_sensitivity(
                source, network, 0, count, real, generated, count, batch_size=50
            )
            write_sensitivity(Path(folder, "maps.h5"), found)
            seconds["maps"].append(time.perf_counter() - start)
    least = {name: min(values) for name, values in seconds.items()}
    ratio = least["maps"] / least["features"]
    print(
        f"{count:,} photographs of 128 pixels, {network.name}, 1 thread, best of {options.repeats}"
    )
    print(f"features  {least['features']:9.2f} s  ({count / least['features']:.1f} images/s)")
    print(f"maps      {least['maps']:9.2f} s  ({count / least['maps']:.1f} images/s)")
    print(f"ratio     {ratio:9.3f}")
    return 0 if ratio <= SET_RATIO else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--released-images", type=int, default=3)
    parser.add_argument("--behind", type=int, default=10_000)
    parser.add_argument("--n", type=int, default=50_000)
    parser.add_argument("--extraction", action="store_true")
    parser.add_argument("--set", type=int, default=1000)
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    return against_extraction(options) if options.extraction else against_released(options)


if __name__ == "__main__":
    sys.exit(main())
