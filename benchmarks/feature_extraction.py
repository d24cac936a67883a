"""Feature extraction against the bare network on preloaded tensors.

    python benchmarks/feature_extraction.py [--network efficientnet-lite0] [--images 256]

Extraction reads PNG files from a ZIP of photographs (or the photographs themselves, ``--source
photos``), decodes, runs the network and writes an HDF5 file with checksums. The bare network gets
the same batches from memory and discards its output. Both take turns in one process, on the same
threads. The best turn of each counts, because a shared machine can only make a turn slower. Exits
with 1 if extraction has less than 0.85 of the bare network's images per second. A network as small
as ``untrained`` is faster than any decoder. In this case the ratio shows how fast images are read,
not the overhead of extraction.
"""

import argparse
import io
import os
import platform
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fringe.features import extract_shard, open_features
from fringe.networks import load_network
from fringe.sources import open_source, source_from_spec


def write_zip(images: np.ndarray, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for index, image in enumerate(images):
            png = io.BytesIO()
            Image.fromarray(image).save(png, "png")
            archive.writestr(f"{index:08d}.png", png.getvalue())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--source", choices=["zip", "photos"], default="zip")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    count, size = options.images, options.batch_size
    torch.set_num_threads(options.threads)
    network = load_network(options.network, device=options.device)
    spec = {"kind": "photos", "count": count, "resolution": options.resolution, "seed": 0}
    source = source_from_spec(spec)
    images = source.read(range(count))
    # The bare network fills up the last batch, like `extract_shard`.
    tensor = torch.from_numpy(np.concatenate([images, images[: -count % size]]))
    batches = torch.split(tensor.permute(0, 3, 1, 2), size)

    best = {"bare": float("inf"), "extraction": float("inf")}
    with tempfile.TemporaryDirectory() as folder:
        if options.source == "zip":
            write_zip(images, Path(folder) / "images.zip")
            source = open_source(Path(folder) / "images.zip")
        path = Path(folder) / "features.h5"
        network(batches[0])
        for _ in range(options.turns):
            start = time.perf_counter()
            bare = [network(batch).features.cpu() for batch in batches]
            best["bare"] = min(best["bare"], time.perf_counter() - start)

            start = time.perf_counter()
            extract_shard(source, network, 0, count, path, batch_size=size, workers=options.workers)
            best["extraction"] = min(best["extraction"], time.perf_counter() - start)
        same = np.array_equal(open_features(path).read(), torch.cat(bare)[:count].numpy())

    ratio = best["bare"] / best["extraction"]
    print(
        f"{options.network} on {options.device}, {options.threads} threads of {os.cpu_count()} "
        f"cores ({platform.machine()}); torch {torch.__version__}, Python "
        f"{platform.python_version()}"
    )
    print(
        f"{count} images of {options.resolution} px from {options.source}, batches of {size}, "
        f"{options.workers} workers, best of {options.turns} turns"
    )
    print(f"bare network   {count / best['bare']:8.1f} images/s")
    print(f"extraction     {count / best['extraction']:8.1f} images/s")
    print(f"ratio          {ratio:8.3f}  (features {'are' if same else 'ARE NOT'} the same bits)")
    return 0 if ratio >= 0.85 and same else 1


if __name__ == "__main__":
    sys.exit(main())
