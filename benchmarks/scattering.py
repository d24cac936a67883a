"""The response of scattering coefficients to distorted photographs, by their scaling.

    python benchmarks/scattering.py [--photographs 2000] [--images 1000] [--resolution 64]
    python benchmarks/scattering.py write src/fringe/networks/scattering.npy

Without a command, the output for each scaling is: how far each dose of each distortion changes the
distance (as in power.py), and how far the photographs themselves move if they are redrawn with the
class histogram of a simulated generator of severity 0.8, as the mean over four generators. Both are
in units of the distance between two halves of the photographs. "power" means that the visible dose
of every kind changes the distance by at least one unit. Components are whitened with other crops of
the same photographs, like the components of the network.

The command `write` makes the matrix of the network `scattering` from crops of photographs.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch

from fringe.metrics import Gaussian, frechet_distance
from fringe.networks.scattering import FLOOR, SIZE, Filters, coefficients, filters, log_means
from fringe.seeds import random_stream
from fringe.sources import ImageSource, ImitationSource, PhotoSource
from fringe.sources.distorted import VARIANTS, DistortedSource
from fringe.sources.distortions import DISTORTIONS

Array = np.ndarray
Scaling = Callable[[Array], Array]

COMPONENTS = 32  # of the network
CROPS = 2000, 128, 11  # count, side and seed of the photographs from which the matrix is made
BATCH = 8
SPLITS = 4


@cache
def bank(size: int) -> Filters:
    """Return the filters for photographs of a size, which may differ from the network's."""
    return filters(torch.device("cpu"), size)


def batches(source: ImageSource) -> Iterator[torch.Tensor]:
    """Yield all images of a source as uint8 (n, 3, H, W)."""
    for first in range(0, len(source), BATCH):
        images = source.read(range(first, min(first + BATCH, len(source))))
        yield torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def features(source: ImageSource) -> dict[str, Array]:
    """Return means of coefficients, their logarithms, and means of logarithms, by name."""
    found: dict[str, list[Array]] = {}
    for images in batches(source):
        pixels = images.float() / 255
        brightness = (pixels * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1)
        for channels, planes in (("brightness", brightness[:, None]), ("colours", pixels)):
            for name, some in summaries(planes).items():
                found.setdefault(f"{channels}, {name}", []).append(some)
    return {name: np.concatenate(some) for name, some in found.items()}


def summaries(planes: torch.Tensor) -> dict[str, Array]:
    """Return the summaries (n, D) of the coefficients of planes (n, channels, H, W)."""
    local = coefficients(planes.flatten(0, 1), bank(planes.shape[-1])).double()
    means = local.mean((2, 3))
    plain = means[:, :1]  # the plain mean, as in the network
    made = {
        "means": means,
        "log means": torch.cat([plain, (means[:, 1:] + FLOOR).log()], 1),
        "mean logs": torch.cat([plain, (local[:, 1:] + FLOOR).log().mean((2, 3))], 1),
    }
    return {name: some.reshape(len(planes), -1).numpy() for name, some in made.items()}


def whitening(fitted: Array, components: int) -> Array:
    """Return a matrix (D + 1, components), whose last row is added: principal components."""
    mean = fitted.mean(0)
    _, sizes, directions = np.linalg.svd(fitted - mean, full_matrices=False)
    deviations = sizes[:components] / np.sqrt(len(fitted) - 1)
    matrix = directions[:components].T / deviations
    return np.vstack([matrix, -mean @ matrix])


def scalings(fitted: Array, components: Iterable[int]) -> Iterator[tuple[str, Scaling]]:
    """Yield scalings that are fitted to features of photographs, with their names."""
    yield "unscaled", lambda x: x
    deviations = fitted.std(0)
    yield "standardised", lambda x: x / deviations
    for number in components:
        matrix = whitening(fitted, number)
        yield f"{number} components", lambda x, matrix=matrix: x @ matrix[:-1] + matrix[-1]


def floor_of(real: Array) -> float:
    """Return the mean distance between two halves of the photographs."""
    found = []
    for split in range(SPLITS):
        order = random_stream(1, "power", "floor", split).permutation(len(real))
        halves = np.array_split(order, 2)
        found.append(frechet_distance(*(Gaussian.from_features(real[half]) for half in halves)))
    return float(np.mean(found))


def ratios(clean: Array, moved: Array, floor: float) -> Array:
    """Return how far each variant changes the distance; ``moved`` is (n, variants, D)."""
    exchanged = random_stream(1, "power", "luck").random(len(clean)) < 0.5
    original = Gaussian.from_features(clean)
    found = []
    for variant in range(moved.shape[1]):
        one = moved[:, variant]
        swapped = np.where(exchanged[:, None], one, clean), np.where(exchanged[:, None], clean, one)
        luck = frechet_distance(*map(Gaussian.from_features, swapped))
        found.append(frechet_distance(original, Gaussian.from_features(one)) - luck)
    return np.maximum(found, 0).reshape(len(DISTORTIONS), -1) / floor


def reweighted(real: Array, classes: Array, floor: float) -> float:
    """Return how far photographs move if they are redrawn with a simulated generator's classes."""
    found = []
    for seed in range(4):
        wanted = np.array(ImitationSource(1, 64, seed, 0.8).frequencies)
        weights = (wanted / np.bincount(classes))[classes]
        weights /= weights.sum()
        moved = Gaussian.from_features(real, weights, ddof=float(weights @ weights))
        found.append(frechet_distance(Gaussian.from_features(real), moved))
    return float(np.mean(found)) / floor


def measure(options: argparse.Namespace) -> None:
    """Print the table."""
    count, size = options.photographs, options.resolution
    source, others = PhotoSource(count, size, 1), PhotoSource(count, size, 9)
    subjects = [source.subject(i) for i in range(count)]
    classes = np.unique(subjects, return_inverse=True)[1]
    order = random_stream(1, "power", "images").permutation(count)
    chosen = np.sort(order[: options.images])
    real, fitted = features(source), features(others)
    moved = features(DistortedSource(source, chosen, 1))
    print("features, scaling | floor | blur | noise | JPEG | warp | classes | power")
    for name in real:
        for title, scale in scalings(fitted[name], options.components):
            own = scale(real[name])
            floor = floor_of(own)
            seen = scale(moved[name]).reshape(len(chosen), len(VARIANTS), -1)
            doses = ratios(own[chosen], seen, floor)
            cells = [", ".join(f"{ratio:.2g}" for ratio in kind) for kind in doses]
            power = "yes" if (doses[:, 1:] >= 1).all() else "no"
            classes_move = reweighted(own, classes, floor)
            row = f"{name}, {title}", f"{floor:.3g}", *cells, f"{classes_move:.2f}", power
            print(" | ".join(row), flush=True)


def write(path: Path) -> None:
    """Write the matrix of the network."""
    found = np.concatenate(
        [log_means(some, bank(SIZE)).numpy() for some in batches(PhotoSource(*CROPS))]
    )
    np.save(path, whitening(found, COMPONENTS).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=int, default=2000)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--components", type=int, nargs="+", default=[8, 16, 32, 64])
    commands = parser.add_subparsers()
    commands.add_parser("write").add_argument("path", type=Path)
    options = parser.parse_args()
    with torch.inference_mode():
        write(options.path) if "path" in options else measure(options)


if __name__ == "__main__":
    main()
