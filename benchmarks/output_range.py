"""How often a few images show the values of black and white in a generator's output.

Sets of ``SAMPLES`` images are scaled to several ranges, and ``fringe.generators.output`` decides:
photographs that are unchanged, dark, bright, low in contrast, with overshoot and noise; strokes on
a dark and on a bright ground; random tanh layers with a bias. The output is the share of refused
sets. In [-1, 1] each refusal is wrong. In other ranges each set that is not refused is a miss.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from fringe.generators.output import SAMPLES, range_fault
from fringe.sources import PhotoSource

SIZE = 64
Images = np.ndarray
MEAN, DEVIATION = (
    np.array(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
)


def photographs(rng: np.random.Generator) -> Images:
    """Return photographs (N, 3, H, W) from 0 (black) to 1 (white)."""
    source = PhotoSource(SAMPLES, SIZE, int(rng.integers(1 << 30)))
    return source.read(range(SAMPLES)).transpose(0, 3, 1, 2) / 255


def dark(rng: np.random.Generator) -> Images:
    return photographs(rng) ** rng.uniform(2, 5)


def bright(rng: np.random.Generator) -> Images:
    return photographs(rng) ** (1 / rng.uniform(2, 5))


def flat(rng: np.random.Generator) -> Images:
    contrast = rng.uniform(0.3, 1)
    return photographs(rng) * contrast + rng.uniform(0, 1 - contrast)


def overshooting(rng: np.random.Generator) -> Images:
    images = (photographs(rng) - 0.5) * rng.uniform(1, 1.15) + 0.5
    return images + rng.normal(0, 0.02, images.shape)


def strokes(rng: np.random.Generator) -> Images:
    """Return thin bright lines on black."""
    images = np.zeros((SAMPLES, 1, SIZE, SIZE))
    for image in images[:, 0]:
        for _ in range(rng.integers(1, 6)):
            start, step = rng.uniform(0, SIZE, 2), rng.normal(0, 1, 2)
            for row, column in start + np.outer(np.linspace(0, SIZE / 3, 80), step):
                if 0 <= row < SIZE and 0 <= column < SIZE:
                    image[int(row), int(column)] = 1
    return images


def ink(rng: np.random.Generator) -> Images:
    return 1 - strokes(rng)


def biased_tanh(rng: np.random.Generator) -> Images:
    """Return the output of a random layer and a tanh, with a bias for each channel."""
    z = rng.standard_normal((SAMPLES, 16))
    weight = rng.standard_normal((16, 3, SIZE, SIZE)) / 4 * rng.uniform(0.2, 2)
    images = np.einsum("nz,zchw->nchw", z, weight) + rng.uniform(-1, 1, (3, 1, 1))
    return (np.tanh(images) + 1) / 2


KINDS: tuple[Callable[[np.random.Generator], Images], ...] = (
    photographs,
    dark,
    bright,
    flat,
    overshooting,
    strokes,
    ink,
    biased_tanh,
)
RANGES: dict[str, tuple[Callable[[Images], Images], tuple[float, float] | None]] = {
    "-1..1": (lambda x: 2 * x - 1, None),
    "-1..1, stated": (lambda x: 2 * x - 1, (-1, 1)),
    "0..1": (lambda x: x, None),
    "0..255": (lambda x: 255 * x, None),
    "-128..127": (lambda x: 255 * x - 128, None),
    "mean, deviation": (lambda x: (x - MEAN) / DEVIATION, None),
    "-1..1, stated 0..1": (lambda x: (2 * x - 1) * 2 - 1, (0, 1)),
    "0..255, stated 0..1": (lambda x: (255 * x) * 2 - 1, (0, 1)),
    "0..1, stated 0..255": (lambda x: x / 255 * 2 - 1, (0, 255)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument(
        "--sets", type=int, default=200, help="number of sets of each kind (default: 200)"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"share of {options.sets} sets refused")
    print(f"{'':20}" + "".join(f"{kind.__name__:>14}" for kind in KINDS))
    made = {}
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng([options.seed, number])
        made[kind] = [kind(rng) for _ in range(options.sets)]
    for name, (convert, stated) in RANGES.items():
        shares = []
        for kind in KINDS:
            faults = [range_fault(convert(images), stated) for images in made[kind]]
            shares.append(np.mean([fault is not None for fault in faults]))
        print(f"{name:20}" + "".join(f"{share:>14.1%}" for share in shares))


if __name__ == "__main__":
    main()
