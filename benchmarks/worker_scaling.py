"""Speed of feature extraction for a few images on several cores, with the default shard sizes.

    python benchmarks/worker_scaling.py [--images 4000] [--cores 1 2 3] [--turns 1]

Each turn is a separate run in an empty folder: photographs of 128 pixels in EfficientNet-Lite0,
from the command to the linked file of features. The run is bound to one CPU for each core
(taskset). If there are fewer CPUs, its jobs share them. In this case, the seconds between the start
of the first job and the end of the last job are scaled to one CPU for each core with a shard, and
the table says "simulated". The rest of the run (Python, the DAG) is not scaled. Processes share a
memory bus, so simulated seconds are only an estimate.

The output for each number of cores: shards, seconds of the whole run (the best of its turns) and of
its jobs, and the speed of both as shares of linear speed-up: the seconds with the first number of
cores, divided by seconds times cores. Exits with 1 if the share of a whole run is below 0.85, or if
features differ.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fringe.features import open_features

ROOT = Path(__file__).resolve().parents[1]
NETWORK = "efficientnet-lite0"
LEAST = 0.85
CONFIG = """
run: scaling
network: {network}
controls: [untrained]
sources:
  real: {{kind: photos, count: {images}, resolution: 128, seed: 1}}
  none: {{kind: imitation, count: {images}, resolution: 128, seed: 2, severity: 1}}
datasets: {{photos: {{real: real, generated: none}}}}
evaluation: {{n_real: {images}, n_generated: {images}}}
"""


class Turn(NamedTuple):
    """One run: its seconds as if each core were a CPU, and its features."""

    whole: float
    jobs: float
    shards: int
    features: np.ndarray


def turn(images: int, cores: int, cpus: list[int]) -> Turn:
    """Run the workflow for the features of the given number of images."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.yaml")
        config.write_text(CONFIG.format(network=NETWORK, images=images))
        target = f"results/scaling/features/real/{NETWORK}.h5"
        start = time.monotonic()
        made = subprocess.run(
            [
                *("taskset", "--cpu-list", ",".join(map(str, cpus[:cores]))),
                *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
                *("--directory", folder, "--cores", str(cores), "--configfile", config),
                *("--workflow-profile", ROOT / "profiles" / "local", "--", target),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        whole = time.monotonic() - start
        if made.returncode:
            sys.exit(made.stdout)
        records = [json.loads(p.read_text()) for p in Path(folder).glob(".snakemake/metadata/*")]
        extracted = [record for record in records if record["rule"] == "extract_features"]
        starts, ends = ([one[key] for one in extracted] for key in ("starttime", "endtime"))
        features = open_features(Path(folder, target)).read()
    jobs = max(ends) - min(starts)
    # A core without a shard is idle.
    scaled = jobs * min(cores, len(cpus)) / min(cores, max(len(extracted), len(cpus)))
    return Turn(whole - jobs + scaled, scaled, len(extracted), features)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    print("cores | shards | whole run | share of linear | jobs | share of linear", flush=True)
    first, enough = None, True
    for cores in options.cores:
        turns = [turn(options.images, cores, cpus) for _ in range(options.turns)]
        best = min(turns, key=lambda some: some.whole)
        first = first or best
        base = options.cores[0] / cores
        whole, jobs = base * first.whole / best.whole, base * first.jobs / best.jobs
        enough = enough and whole >= LEAST and np.array_equal(first.features, best.features)
        name = f"{cores}, simulated" if cores > len(cpus) else str(cores)
        row = f"{best.shards}", f"{best.whole:.1f} s", f"{whole:.3f}", f"{best.jobs:.1f} s"
        print(" | ".join((name, *row, f"{jobs:.3f}")), flush=True)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
