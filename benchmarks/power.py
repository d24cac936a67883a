"""The response of networks to photographs that are distorted on purpose.

    python benchmarks/power.py [--networks untrained efficientnet-lite0] [--photographs 2400]
                               [--images 1000] [--resolution 128] [--device cpu]

The output for each network: how far each dose of each distortion changes the distance, in units of
the distance between two halves of the photographs; the statement of a comparison about this
network; and seconds of processor time.
"""

import argparse
import tempfile
import time
from pathlib import Path

import pandas as pd

from fringe.comparison import Power, measure_power, power_of
from fringe.features import extract_shard, open_features
from fringe.networks import load_network
from fringe.sources import PhotoSource


def measured(name: str, source: PhotoSource, images: int, device: str) -> Power:
    """Return the response of a network to distorted images of a source, in units of the floor."""
    network = load_network(name, device=device)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "features.h5")
        extract_shard(source, network, 0, len(source), path, batch_size=50)
        rows = measure_power(source, network, open_features(path), n=images, seed=1, batch_size=50)
    return power_of(pd.DataFrame(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["untrained", "efficientnet-lite0"])
    parser.add_argument("--photographs", type=int, default=2400)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    source = PhotoSource(options.photographs, options.resolution, 1)
    for name in options.networks:
        start = time.process_time()
        power = measured(name, source, options.images, options.device)
        took = time.process_time() - start
        print(f"\n{name}, {power.n} of {len(source)} photographs, {took:.0f} s")
        print(f"{power.sees}: {'power' if power.has_power else 'no power'}")
        for kind in dict.fromkeys(dose.distortion for dose in power.doses):
            ratios = [dose.ratio for dose in power.doses if dose.distortion == kind]
            print(f"  {kind:6}", *(f"{ratio:8.3g}" for ratio in ratios))


if __name__ == "__main__":
    main()
