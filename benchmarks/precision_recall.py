"""Features and k for which precision and recall are informative on the demo's photographs.

    python benchmarks/precision_recall.py [--photographs 2000] [--images 300] [--seed 1]

Only real images are used; docs/demo.md has the rule. The output for each network and k: precision
and recall of one half of the photographs against the other half, and precision of distorted
photographs against the photographs that are not distorted.
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from fringe.metrics import precision_recall
from fringe.networks import FeatureNetwork, load_network
from fringe.seeds import random_stream
from fringe.sources import ImageSource, PhotoSource
from fringe.sources.distorted import VARIANTS, DistortedSource
from fringe.sources.distortions import DISTORTIONS

NETWORKS = "efficientnet-lite0", "scattering-aligned", "untrained"
KS = 3, 5, 10
DOSES = "small", "visible"
BATCH = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=2000)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = PhotoSource(options.photographs, 64, options.seed, "aligned")
    order = random_stream(options.seed, "precision", "images").permutation(options.photographs)
    chosen, others = np.sort(order[: options.images]), np.sort(order[options.images :])
    distorted = DistortedSource(source, chosen, options.seed)
    print("| network | k | half: precision | recall |", end="")
    print("".join(f" {kind} {dose} |" for kind in DISTORTIONS for dose in DOSES))
    print("|---|" + "---:|" * (3 + len(DISTORTIONS) * len(DOSES)))
    for name in NETWORKS:
        network = load_network(name)
        real = features(network, source, range(len(source)))
        after = features(network, distorted, range(len(distorted)))
        half = order[: len(order) // 2], order[len(order) // 2 :]
        for k in KS:
            found = precision_recall(real[half[0]], real[half[1]], k)
            cells = [f"{found.precision:.2f}", f"{found.recall:.2f}"]
            for kind in DISTORTIONS:
                for dose in DOSES:
                    rows = after[VARIANTS.index((kind, dose)) :: len(VARIANTS)]
                    cells.append(f"{precision_recall(real[others], rows, k).precision:.2f}")
            print(f"| {name} | {k} | {' | '.join(cells)} |", flush=True)


def features(network: FeatureNetwork, source: ImageSource, indices: Sequence[int]) -> np.ndarray:
    """Return the features of images of a source, (n, D)."""
    with torch.inference_mode():
        return np.concatenate(
            [network(images).features.numpy() for images in read(source, indices)]
        )


def read(source: ImageSource, indices: Sequence[int]) -> Iterator[torch.Tensor]:
    """Yield images of a source as uint8 (n, 3, H, W)."""
    for first in range(0, len(indices), BATCH):
        images = source.read(indices[first : first + BATCH])
        yield torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


if __name__ == "__main__":
    main()
