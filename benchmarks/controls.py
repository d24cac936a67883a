"""Candidates for a control that sees visible flaws of the demo's photographs but not classes.

    python benchmarks/controls.py [--framing aligned] [--resolution 64] [--seeds 1 2 3]
                                  [--photographs 2400] [--images 300] [--classified 800]
                                  [--processes 2]

    python benchmarks/controls.py --write src/fringe/networks/scattering-aligned.npy

Only real images are used, and no generator or resampled image. The output for each candidate, in
units of the distance between two halves of the photographs: how far the visible dose of each
distortion moves the distance (as in power.py), how far the photographs move if their classes are
reweighted, and with how many seeds of the photographs the candidate has power. Numbers are means
over seeds, with the standard deviation between seeds.

Classes are reweighted as strongly as by a simulated generator of severity 0.8: by exp(-0.4 r), with
r from 0 to 1 in a random order with a seed, and with the mean over four orders. "Top-1" are the
classes of EfficientNet-Lite0 for the first photographs (``--classified``). "subjects" are the nine
photographs.

Candidates are the networks `untrained` and `scattering`, and scattering of brightness at 64 and 128
pixels, whitened with other crops of the same photographs. "aligned" and "free" state the kind of
these crops, and the number is the number of components. With ``--write``, the matrix of
`scattering-aligned` is made.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from scattering import floor_of, ratios, summaries, whitening
from torch.nn import functional

from fringe.metrics import Gaussian, frechet_distance
from fringe.networks import load_network
from fringe.networks.scattering import BRIGHTNESS
from fringe.seeds import random_stream
from fringe.sources import ImageSource, PhotoSource
from fringe.sources.distorted import VARIANTS, DistortedSource
from fringe.sources.distortions import DISTORTIONS, DOSES

Array = np.ndarray
Scaling = Callable[[Array], Array]

MATRIX = files("fringe.networks").joinpath("scattering.npy")
CLASSIFIER = "efficientnet-lite0"
OWN = "128 pixels, mean logs"  # the parts of the network `scattering`
SIZES = 64, 128
JUDGED = [some for some in VARIANTS if some[1] != DOSES[0]]  # the small doses do not count
BATCH = 4  # small enough for coefficients to stay in the cache of a core
COMPONENTS = 8, 16, 32, 64
FITTED = 1500, 9  # count and seed of the crops for whitening
STRENGTH = 0.4  # of the simulated generator's classes at severity 0.8
ORDERS = 4


def features(source: ImageSource, indices: Sequence[int]) -> dict[str, Array]:
    """Return all features of images of a source by name, float64 (n, D)."""
    untrained = load_network("untrained")
    weights = torch.tensor(BRIGHTNESS).view(3, 1, 1) / 255
    found: dict[str, list[Array]] = {}
    for images in read(source, indices):
        found.setdefault("untrained", []).append(untrained(images).features.numpy())
        for size in SIZES:
            shape = size, size
            shown = functional.interpolate(images.float(), shape, mode="bilinear", antialias=True)
            for name, some in summaries((shown * weights).sum(1)[:, None]).items():
                found.setdefault(f"{size} pixels, {name}", []).append(some)
    return {name: np.concatenate(some).astype(float) for name, some in found.items()}


def top1(source: ImageSource, indices: Sequence[int]) -> Array:
    """Return the most probable class of each image."""
    network = load_network(CLASSIFIER)
    return np.concatenate(
        [network(some).logits.argmax(1).numpy() for some in read(source, indices)]
    )


def read(source: ImageSource, indices: Sequence[int]) -> Iterator[torch.Tensor]:
    """Yield images of a source as uint8 (n, 3, H, W)."""
    for first in range(0, len(indices), BATCH):
        images = source.read(indices[first : first + BATCH])
        yield torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def reweighted(real: Array, classes: Array, floor: float) -> float:
    """Return how far photographs move if their classes are reweighted, in floors."""
    number = np.unique(classes, return_inverse=True)[1]
    count = int(number.max()) + 1
    found = []
    for seed in range(ORDERS):
        ranks = random_stream(seed, "controls", "ranks").permutation(count) / (count - 1)
        weights = np.exp(-STRENGTH * ranks)[number]
        weights /= weights.sum()
        moved = Gaussian.from_features(real, weights, ddof=float(weights @ weights))
        found.append(frechet_distance(Gaussian.from_features(real), moved))
    return float(np.mean(found)) / floor


def candidates(name: str, fitted: dict[str, dict[str, Array]]) -> Iterator[tuple[str, Scaling]]:
    """Yield the candidates that are made from one kind of features, with their names."""
    if name == "untrained":
        yield name, lambda x: x
        return
    matrices = {
        f"{name}, {framing} {number}": whitening(crops[name], number)
        for framing, crops in fitted.items()
        for number in COMPONENTS
    }
    if name == OWN:
        matrices["scattering"] = np.load(BytesIO(MATRIX.read_bytes())).astype(float)
    for title, matrix in matrices.items():
        yield title, lambda x, matrix=matrix: x @ matrix[:-1] + matrix[-1]


def chosen_images(seed: int, options: argparse.Namespace) -> Array:
    """Return the indices of the photographs that are distorted."""
    order = random_stream(seed, "power", "images").permutation(options.photographs)
    return np.sort(order[: options.images])


def collected(seed: int, options: argparse.Namespace) -> dict[str, Array]:
    """Return classes and features of the photographs of a seed, and of distorted photographs."""
    torch.set_num_threads(1)
    source = PhotoSource(options.photographs, options.resolution, seed, options.framing)
    distorted = DistortedSource(source, chosen_images(seed, options), seed)
    judged = [i for i in range(len(distorted)) if VARIANTS[i % len(VARIANTS)] in JUDGED]
    found = {"subjects": np.array([source.subject(i) for i in range(len(source))])}
    with torch.inference_mode():
        found["classes"] = top1(source, range(options.classified))
        for prefix, some, indices in (
            ("", source, range(len(source))),
            ("distorted ", distorted, judged),
        ):
            found |= {prefix + name: values for name, values in features(some, indices).items()}
    return found


def measured(
    seed: int, options: argparse.Namespace, fitted: dict[str, dict[str, Array]]
) -> dict[str, Array]:
    """Return the numbers of each candidate with one seed of photographs.

    They are the floor, the judged doses of all distortions, and both reweightings.
    """
    data = collected(seed, options)
    return numbers(data, chosen_images(seed, options), fitted)


def numbers(
    data: dict[str, Array], chosen: Array, fitted: dict[str, dict[str, Array]]
) -> dict[str, Array]:
    """Return the same as `measured`, for given data."""
    found = {}
    for name in [name for name in data if f"distorted {name}" in data]:
        for title, scale in candidates(name, fitted):
            own = scale(data[name])
            floor = floor_of(own)
            seen = scale(data[f"distorted {name}"]).reshape(len(chosen), len(JUDGED), -1)
            doses = ratios(own[chosen], seen, floor)
            moves = [
                reweighted(own[: len(data[kind])], data[kind], floor)
                for kind in ("classes", "subjects")
            ]
            found[title] = np.array([floor, *doses.ravel(), *moves])
    return found


def fitted_features(options: argparse.Namespace, framing: str) -> dict[str, Array]:
    """Return features of the crops for whitening."""
    torch.set_num_threads(1)
    count, seed = FITTED
    with torch.inference_mode():
        return features(PhotoSource(count, options.resolution, seed, framing), range(count))


def row(title: str, found: Array) -> str:
    """Return one line of the table; ``found`` is (seeds, numbers of `measured`)."""
    floor, top, subjects = found[:, 0], found[:, -2], found[:, -1]
    doses = found[:, 1:-2].reshape(len(found), len(DISTORTIONS), len(DOSES) - 1)
    power = (doses >= 1).all((1, 2)).sum()
    cells = [spread(doses[:, kind, 0]) for kind in range(len(DISTORTIONS))]
    moves = [spread(some) for some in (top, subjects)]
    return " | ".join([title, f"{floor.mean():.3g}", *cells, *moves, f"{power} of {len(found)}"])


def spread(values: Array) -> str:
    """Return a mean and its standard deviation between seeds."""
    deviation = f" ± {values.std(ddof=1):.2g}" if len(values) > 1 else ""
    return f"{values.mean():.3g}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--framing", default="aligned")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--photographs", type=int, default=2400)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--classified", type=int, default=800)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    if options.write:
        found = fitted_features(options, "aligned")[f"{max(SIZES)} pixels, means"]
        np.save(options.write, whitening(found, max(COMPONENTS)).astype(np.float32))
        return
    with ProcessPoolExecutor(options.processes) as pool:
        framings = "aligned", "free"
        crops = pool.map(partial(fitted_features, options), framings)
        fitted = dict(zip(framings, crops, strict=True))
        found = list(pool.map(partial(measured, options=options, fitted=fitted), options.seeds))
    print("candidate | floor | blur | noise | JPEG | warp | Top-1 | subjects | power")
    for title in found[0]:
        print(row(title, np.array([one[title] for one in found])))


if __name__ == "__main__":
    main()
