"""Give `fringe compare` photographs with a planted difference; print each verdict next to it.

    python benchmarks/planted_truth.py [--count 1000]

The images are crops of the demo's photographs at 64 px, in a folder for each photograph, which is
their class. There are twice as many real images, so each half of them, which is used for the floor,
has the number of images of a model. The baseline shows some photographs more often than others, and
its images are blurred and noisy. Each other model differs from the baseline as its name says:

* ``histogram``: shows all photographs equally often, like the real images.
* ``quality``: its images are less blurred and noisy.
* ``both``: both differences.
* ``neither``: another seed.
* ``resampled``: the baseline's generator, with four times as many images. Certified weights make
  its distance as small as possible, and images are drawn by these weights.

One call compares all models in EfficientNet-Lite0, with the untrained network as the control. Exits
with 1 if a verdict differs from the planted one. No time is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter

from fringe.metrics import Gaussian
from fringe.networks import FeatureNetwork, load_network
from fringe.resampling import optimize_weights
from fringe.sources.photos import PHOTOGRAPHS, cut, draw_crop

NETWORK, CONTROL = "efficientnet-lite0", "untrained"
SIZE = 64
EVEN = (1 / len(PHOTOGRAPHS),) * len(PHOTOGRAPHS)
SKEWED = (0.26, 0.20, 0.15, 0.12, 0.09, 0.07, 0.05, 0.04, 0.02)
POOR, BETTER = 1.6, 0.6  # standard deviation of the blur, pixels
NOISE = 4.0  # gray levels for a blur of one pixel
TRUTH = {
    "histogram": "class histogram",
    "quality": "real",
    "both": "real",
    "neither": "too close to call",
    "resampled": "null space",
}


class Images(NamedTuple):
    """Pixels uint8 (n, H, W, 3), and the photograph of each."""

    pixels: npt.NDArray[np.uint8]
    subjects: Sequence[str]


def photographs(seed: int, count: int, frequencies: tuple[float, ...], flaw: float) -> Images:
    """Return crops of the photographs, blurred and noisy."""
    rng = np.random.default_rng(seed)
    pixels = np.empty((count, SIZE, SIZE, 3), np.uint8)
    subjects = []
    for place in range(count):
        crop = draw_crop(rng, frequencies)
        image = Image.fromarray(np.ascontiguousarray(cut(crop, SIZE)))
        blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(flaw)), np.float64)
        noisy = blurred + NOISE * flaw * rng.standard_normal(blurred.shape)
        pixels[place] = np.clip(np.rint(noisy), 0, 255)
        subjects.append(crop.subject)
    return Images(pixels, subjects)


def features(network: FeatureNetwork, images: Images) -> npt.NDArray[np.float64]:
    """Return the features (n, D) of images."""
    batches = np.array_split(images.pixels.transpose(0, 3, 1, 2), -(-len(images.pixels) // 50))
    found = [network(torch.from_numpy(batch.copy())).features for batch in batches]
    return torch.cat(found).double().numpy()


def resampled(real: Images, candidates: Images, count: int) -> Images:
    """Return candidates drawn with the weights that minimize their distance."""
    network = load_network(NETWORK)
    of_real = Gaussian.from_features(features(network, real))
    found = optimize_weights(of_real, features(network, candidates), max_evaluations=100)
    share = 1 / float(found.probabilities @ found.probabilities) / len(candidates.pixels)
    print(f"certified weights: effective sample size {share:.1%}, objective", end=" ")
    print(f"{found.objective:.2f}, lower bound {found.lower_bound:.2f}", flush=True)
    rng = np.random.default_rng(8)
    drawn = rng.choice(len(candidates.pixels), count, p=found.probabilities)
    return Images(candidates.pixels[drawn], [candidates.subjects[k] for k in drawn])


def write(folder: Path, images: Images) -> None:
    """Write images as PNG files, in a folder for each photograph."""
    for subject in PHOTOGRAPHS:
        (folder / subject).mkdir(parents=True)
    for place, (pixels, subject) in enumerate(zip(images.pixels, images.subjects, strict=True)):
        Image.fromarray(pixels).save(folder / subject / f"{place:05d}.png")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    count = parser.parse_args().count
    real = photographs(1, 2 * count, EVEN, 0.0)
    candidates = photographs(7, 4 * count, SKEWED, POOR)
    models = {
        "baseline": photographs(2, count, SKEWED, POOR),
        "histogram": photographs(3, count, EVEN, POOR),
        "quality": photographs(4, count, SKEWED, BETTER),
        "both": photographs(5, count, EVEN, BETTER),
        "neither": photographs(6, count, SKEWED, POOR),
        "resampled": resampled(real, candidates, count),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for model, images in {"real": real, **models}.items():
            write(folder / model, images)
        command = [sys.executable, "-m", "fringe", "compare", "real", *models, "--labels", "--json"]
        command += ["--network", NETWORK, "--controls", CONTROL]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    right = True
    for verdict in json.loads(done.stdout)["verdicts"]:
        wanted = TRUTH[verdict["model"]]
        right &= verdict["word"] == wanted
        print(f"{verdict['model']}: {verdict['word']}, planted: {wanted}")
        print(f"  {verdict['sentence']}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
