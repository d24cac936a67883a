"""Time `fringe compare` from the command to the verdict.

    python benchmarks/comparison_speed.py overhead [--count 10000]
    python benchmarks/comparison_speed.py fidelity [--count 1200]

`overhead` measures the time of a comparison without the passes of networks. Features of real images
and of two models in three networks (D = 2048, 768 and 512) are simulated, with decaying spectra and
classes, and given as files of another tool. The output is the seconds of each job. Exits with 1 if
the whole takes 60 s or more.

`fidelity` compares real photographs and imitations of 128 px, PNG files in folders, in Inception,
with Fringe once (A and B) and with torch-fidelity's command line twice (A, then B), with FID and
KID in both. Both read the same file of random weights in Inception's layout, because published
weights are not available everywhere. The time does not depend on the values. Fringe then compares a
third model in the same run. Exits with 1 if Fringe is not 3 times as fast as torch-fidelity, or if
the two FIDs differ.

Both parts need two free cores. The load at the start is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from fringe.metrics.arrays import Floats
from fringe.networks.inception import architecture
from fringe.sources import source_from_spec

CORES = 2
OVERHEAD, FASTER = 60.0, 3.0
NETWORKS = {"inception": 2048, "dinov2-b": 768, "clip": 512}
CLASSES = 50
RUN = "timed"

# The usual command, except that the configuration that it writes names an unpublished weight file.
FRINGE = """
import json, sys
from fringe.cli import compare, main
weights, settings = json.loads(sys.argv.pop(1)), compare._settings
compare._settings = lambda options: settings(options) | weights
sys.exit(main())
"""


class Times(NamedTuple):
    """Seconds of a command, and core-seconds of the command and all its child processes."""

    wall: float
    cores: float

    def __str__(self) -> str:
        """Return both as text."""
        return f"{self.wall:.1f} s ({self.cores:.0f} core-seconds)"


def call(command: list[str], folder: Path) -> tuple[Times, str]:
    """Return the times of a command in a folder, and its output."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    root = str(Path(__file__).resolve().parents[1] / "src")
    environment["PYTHONPATH"] = os.pathsep.join([root, environment.get("PYTHONPATH", "")])
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{command}: {done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Times(time.monotonic() - start, cores), done.stdout


def compare(folder: Path, *arguments: str, weights: dict[str, object] | None = None) -> Times:
    """Return the times of `fringe compare`."""
    command = [sys.executable, "-c", FRINGE, json.dumps(weights or {}), "compare", *arguments]
    return call([*command, "--cores", str(CORES), "--name", RUN], folder)[0]


def result(folder: Path) -> dict:
    """Return the result of the comparison."""
    path = folder / "results" / RUN / "comparisons/models/verdict.json"
    return dict(json.loads(path.read_text()))


def print_jobs(folder: Path) -> None:
    """Print the seconds of the work of each job that took at least one second."""
    logs = folder / "results" / RUN / "logs"
    for path in sorted(logs.rglob("*.log")):
        found = re.search(r"done in (\S+) s", path.read_text())
        if found and float(found[1]) >= 1:
            print(f"    {float(found[1]):6.1f} s  {path.relative_to(logs)}")


def made_features(seed: int, count: int, fault: float, histogram: Floats) -> dict[str, np.ndarray]:
    """Return features (count, D) in each network, not negative, and labels.

    The variance in the k-th direction falls as k^-1.2, like that of pooled features.
    """
    rng = np.random.default_rng(seed)
    labels = rng.choice(CLASSES, count, p=histogram)
    found: dict[str, np.ndarray] = {"labels": labels}
    for place, (network, dim) in enumerate(NETWORKS.items()):
        shared = np.random.default_rng([99, place])
        axes = np.linalg.qr(shared.standard_normal((dim, dim)))[0]
        axes *= (1 + np.arange(dim))[:, None] ** -0.6
        centres = 0.3 * shared.standard_normal((CLASSES, dim)) @ axes
        shift = fault * shared.standard_normal(dim) @ axes
        rows = (1 - 0.2 * fault) * rng.standard_normal((count, dim)) @ axes
        rows += centres[labels] + 0.3 * shift
        found[network] = (0.4 * np.exp(0.6 * rows)).astype(np.float32)
    return found


def overhead(count: int) -> bool:
    """Time a comparison of given features; return whether it is below the limit."""
    even = np.full(CLASSES, 1 / CLASSES)
    skewed = np.linspace(3, 1, CLASSES) / np.linspace(3, 1, CLASSES).sum()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, (model, fault, histogram) in enumerate(
            (("real", 0.0, even), ("a", 1.0, skewed), ("b", 0.7, even))
        ):
            np.savez(folder / f"{model}.npz", **made_features(seed, count, fault, histogram))
        controls = list(NETWORKS)[1:]
        times = compare(folder, "real.npz", "a.npz", "b.npz", "--controls", *controls)
        (verdict,) = result(folder)["verdicts"]
        print(f"{count} + {count} + {count} images in {len(NETWORKS)} networks: {times}")
        print(f"  verdict: {verdict['word']}; seconds of jobs:")
        print_jobs(folder)
    return times.wall < OVERHEAD


def write_weights(path: Path) -> str:
    """Write random weights of Inception in torch-fidelity's format; return their digest."""
    stream = torch.Generator().manual_seed(0)

    def random(key: str, like: torch.Tensor) -> torch.Tensor:
        uniform = torch.empty(like.shape).uniform_(-1, 1, generator=stream)
        if key.endswith("running_var") or (like.ndim == 1 and key.endswith("weight")):
            return 1 + uniform / 2
        # This keeps the size of activations through the layers.
        return uniform / 2 if like.ndim < 2 else uniform * (6 / like[0].numel()) ** 0.5

    with torch.device("meta"):
        shapes = architecture().state_dict()
    torch.save({k: random(k, v) for k, v in shapes.items() if not k.endswith("tracked")}, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_images(folder: Path, spec: dict[str, object]) -> None:
    """Write the images of a source as PNG files."""
    source = source_from_spec({"resolution": 128, **spec})
    folder.mkdir()
    for first in range(0, len(source), 100):
        indices = np.arange(first, min(first + 100, len(source)))
        for place, pixels in zip(indices, source.read(indices), strict=True):
            Image.fromarray(pixels).save(folder / f"{place:05d}.png", compress_level=1)


def fidelity(count: int) -> bool:
    """Time Fringe and torch-fidelity; return whether Fringe is fast enough and the values agree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        digest = write_weights(folder / "random.pth")
        write_images(folder / "real", {"kind": "photos", "count": count, "seed": 1})
        for seed, (model, severity) in enumerate((("a", 0.8), ("b", 0.4), ("c", 0.3)), 2):
            spec = {"kind": "imitation", "count": count, "seed": seed, "severity": severity}
            write_images(folder / model, spec)
        weights = {"weights": {"inception": {"path": "random.pth", "sha256": digest}}}
        ours = compare(folder, "real", "a", "b", "--controls", weights=weights)
        found = result(folder)
        print(f"Fringe, A and B: {ours}; verdict: {found['verdicts'][0]['word']}", flush=True)
        print_jobs(folder)
        theirs, agree = Times(0, 0), True
        program = Path(sys.executable).with_name("fidelity")
        for model in "ab":
            command = [
                str(program),
                "--input1",
                model,
                "--input2",
                "real",
                "--fid",
                "--kid",
                "--cpu",
            ]
            command += ["--feature-extractor-weights-path", "random.pth", "--json", "--silent"]
            command += ["--kid-subset-size", str(min(1000, count)), "--cache-root", "cache"]
            times, printed = call(command, folder)
            theirs = Times(theirs.wall + times.wall, theirs.cores + times.cores)
            fid = json.loads(printed)["frechet_inception_distance"]
            own = found["networks"][0]["models"][model]["distance"]
            print(
                f"torch-fidelity, {model.upper()}: {times}; FID {fid:.6f}, Fringe's "
                f"{own['value']:.6f} (SE {own['error']:.2g})",
                flush=True,
            )
            agree &= abs(fid / own["value"] - 1) < 1e-4
        ratio = theirs.wall / ours.wall
        print(
            f"torch-fidelity, both: {theirs}, {ratio:.2f} times as long, "
            f"{theirs.cores / ours.cores:.2f} times the core-seconds",
            flush=True,
        )
        more = compare(folder, "real", "a", "b", "c", "--controls", weights=weights)
        print(f"Fringe, with C as well: {more}, {more.wall / ours.wall:.2f} of the first call")
    return agree and ratio >= FASTER


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="what", required=True)
    for what, count in (("overhead", 10_000), ("fidelity", 1200)):
        commands.add_parser(what).add_argument("--count", type=int, default=count)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {CORES} cores")
    right = {"overhead": overhead, "fidelity": fidelity}[options.what](options.count)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
