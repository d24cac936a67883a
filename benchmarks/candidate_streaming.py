"""Time and memory of weight optimization as the number of candidates grows, read from HDF5.

    python benchmarks/candidate_streaming.py [--dim 2048] [--counts 31250 62500 125000 250000]
        [--evaluations 3] [--memory-limit 0] [--device cpu] [--folder DIR]

Each count runs in a separate process, so that each has its own peak. The output is the seconds of
an evaluation and the peak memory (minus that of a process that has only imported the library), and
both per candidate relative to the first count: 1.00 is linear. With ``--memory-limit 0`` (bytes)
every pass reads the candidates from the file.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from fringe.metrics import Gaussian


def write_features(path: Path, count: int, dim: int) -> None:
    """Write heavy-tailed features that are not negative, block by block."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        features = file.create_dataset("features", (count, dim), "f4", chunks=(256, dim))
        for first in range(0, count, 8192):
            rows = rng.standard_normal((min(8192, count - first), dim), dtype=np.float32)
            features[first : first + len(rows)] = np.exp(0.5 * rows + 0.02 * (first % 3))


def measure(path: str, evaluations: int, memory_limit: int, device: str) -> None:
    from fringe.resampling import optimize_weights
    from fringe.resampling.objective import Objective  # noqa: F401 - before the measurement

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with h5py.File(path) as file:
        features = file["features"]
        real = Gaussian.from_features(
            np.exp(
                0.5
                * np.random.default_rng(1).standard_normal(
                    (2 * features.shape[1], features.shape[1]), dtype=np.float32
                )
            )
        )
        weights = optimize_weights(
            real,
            features,
            max_evaluations=evaluations,
            tolerance=0,
            memory_limit=memory_limit,
            device=device,
        )
    each = (weights.path[-1, -1] - weights.path[0, -1]) / (len(weights.path) - 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(each, weights.path[0, -1], peak / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--counts", type=int, nargs="+", default=[31250, 62500, 125000, 250000])
    parser.add_argument("--evaluations", type=int, default=3)
    parser.add_argument("--memory-limit", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--folder", default=None)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    settings = options.evaluations, options.memory_limit, options.device
    if options.measure:
        measure(options.measure, *settings)
        return
    first: tuple[float, float] | None = None
    for count in options.counts:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            path = Path(folder) / "features.h5"
            write_features(path, count, options.dim)
            command = [sys.executable, __file__, "--measure", str(path)]
            for name in ("evaluations", "memory_limit", "device"):
                command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
            found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, start, peak = map(float, found.split())
        first = first or (seconds / count, peak / count)
        print(
            f"{count} candidates of {options.dim}: {seconds:.2f} s an evaluation "
            f"({seconds / count / first[0]:.2f} per candidate), {start:.1f} s before the second, "
            f"peak memory {peak:.0f} MiB ({peak / count / first[1]:.2f} per candidate)",
            flush=True,
        )


if __name__ == "__main__":
    main()
