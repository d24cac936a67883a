"""Feature extraction from a ZIP of PNGs, compared with torch-fidelity's loader on the same PNGs.

    python benchmarks/image_loading.py [--images 1000] [--resolution 256] [--compression 6]

Both run the same network on the same images in batches of the same size: `extract_shard` from a
ZIP, writing an HDF5 file with checksums, and torch-fidelity's ``get_featuresdict_from_dataset``
from a folder, with the number of loader processes that it chooses itself, which keeps the features
in memory. The networks are ``free`` and EfficientNet-Lite0. ``free`` returns a few pixels of each
image, so its speed is the speed of loading. They take turns in one process, on the same threads.
The best turn of each counts, because a shared machine can only make a turn slower. Exits with 1 if
extraction has less than 1.3 times torch-fidelity's images per second with the free network, or if
features differ. Extraction saves time in decoding (libpng instead of Pillow's own decoder, without
blocking other threads), in starting processes and in passing images between them. With a real
network on a CPU the ratio is close to 1, because the network takes most of the time.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch_fidelity
from PIL import Image
from torch_fidelity.datasets import ImagesPathDataset
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.utils import get_featuresdict_from_dataset

from fringe.features import extract_shard, open_features
from fringe.networks import load_network
from fringe.networks.base import Activations, FeatureNetwork
from fringe.sources import open_source, source_from_spec

GOAL = 1.3


def free_network() -> FeatureNetwork:
    """Return a network that takes almost no time: its features are eight pixels of each image."""

    def forward(images: torch.Tensor) -> Activations:
        return Activations(images[:, 0, 0, :8].float())

    return FeatureNetwork("free", 8, None, "", torch.device("cpu"), forward)


class Extractor(FeatureExtractorBase):
    """The network with the interface of torch-fidelity."""

    def __init__(self, network: FeatureNetwork) -> None:
        super().__init__("ours", ["features"])
        self.network = network

    @staticmethod
    def get_provided_features_list() -> tuple[str]:
        return ("features",)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.network(images).features,)


def write_images(folder: Path, count: int, resolution: int, compression: int = 6) -> list[Path]:
    """Write PNGs of photographs to a folder, and a ZIP of the same files next to it."""
    spec = {"kind": "photos", "count": count, "resolution": resolution, "seed": 0}
    source = source_from_spec(spec)
    files = []
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for index in range(count):
            path = folder / f"{index:08d}.png"
            image = Image.fromarray(source.read([index])[0])
            image.save(path, compress_level=compression)
            archive.write(path, path.name)
            files.append(path)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--compression", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--networks", nargs="+", default=["free", "efficientnet-lite0"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    count, size = options.images, options.batch_size
    print(
        f"{count} PNGs of {options.resolution} px, compression {options.compression}, batches of "
        f"{size}, {options.threads} threads of {os.cpu_count()} cores ({platform.machine()}), "
        f"{options.workers} worker processes of ours; torch {torch.__version__}, "
        f"torch-fidelity {torch_fidelity.__version__}, Python "
        f"{platform.python_version()}"
    )
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_images(folder, count, options.resolution, options.compression)
        for which in options.networks:
            network = free_network() if which == "free" else load_network(which)
            ratio, same = compare(network, folder, files, options)
            good = good and same and (which != "free" or ratio >= GOAL)
    return 0 if good else 1


def compare(
    network: FeatureNetwork, folder: Path, files: list[Path], options: argparse.Namespace
) -> tuple[float, bool]:
    """Print images per second of both; return their ratio and whether the features agree."""
    count, size = len(files), options.batch_size
    ours = theirs = float("inf")
    for _ in range(options.turns):
        start = time.perf_counter()
        reference = get_featuresdict_from_dataset(
            ImagesPathDataset(files), Extractor(network), size, False, False, False
        )["features"]
        theirs = min(theirs, time.perf_counter() - start)

        start = time.perf_counter()
        source = open_source(folder / "images.zip")
        path = folder / "features.h5"
        extract_shard(source, network, 0, count, path, batch_size=size, workers=options.workers)
        ours = min(ours, time.perf_counter() - start)
    # torch-fidelity does not fill up the last batch, which changes the last bits of a convolution.
    same = np.allclose(open_features(path).read(), reference.numpy(), rtol=1e-5, atol=1e-5)
    print(f"{network.name}: best of {options.turns} turns")
    print(f"  torch-fidelity {count / theirs:8.1f} images/s")
    print(f"  fringe         {count / ours:8.1f} images/s")
    print(f"  ratio          {theirs / ours:8.2f}  (features {'agree' if same else 'DIFFER'})")
    return theirs / ours, same


if __name__ == "__main__":
    sys.exit(main())
