"""Time `fringe compare` from the command to the verdict.

    python benchmarks/comparison_speed.py overhead [--count 10000]
    python benchmarks/comparison_speed.py fidelity [--count 1200]

`overhead` is what a comparison takes beyond the networks' own passes: features of real images and
of two models in three networks (D = 2048, 768 and 512) are made, with spectra that decay and
classes, and given as files of another tool. The seconds of each job are printed. Exits with 1 if
the whole takes 60 s or more.

`fidelity` compares real photographs and imitations of 128 px, PNG files in folders, in Inception,
with Fringe once (A and B) and with torch-fidelity's command line twice (A, then B), FID and KID in
both. Both read the same file of random weights of Inception's layout, since published weights
cannot be had everywhere; the time does not depend on the values. Then Fringe compares a third
model, too, in the same run. Exits with 1 if Fringe is not 3 times as fast as torch-fidelity, or
both do not find the same FID.

Both want two free cores; the load at the start is printed.
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

# The command as it is typed; only, the configuration that it writes names a file of weights that
# nobody published.
FRINGE = """
import json, sys
from fringe.cli import compare, main
weights, settings = json.loads(sys.argv.pop(1)), compare._settings
compare._settings = lambda options: settings(options) | weights
sys.exit(main())
"""


class Times(NamedTuple):
    """Seconds of a command, and core-seconds of it and all processes that it has started."""

    wall: float
    cores: float

    def __str__(self) -> str:
        """Both, in words."""
        return f"{self.wall:.1f} s ({self.cores:.0f} core-seconds)"


def call(command: list[str], folder: Path) -> tuple[Times, str]:
    """Return how long a command takes in a folder, and what it prints."""
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
    """Return how long `fringe compare` takes."""
    command = [sys.executable, "-c", FRINGE, json.dumps(weights or {}), "compare", *arguments]
    return call([*command, "--cores", str(CORES), "--name", RUN], folder)[0]


def result(folder: Path) -> dict:
    """Return what the comparison found."""
    path = folder / "results" / RUN / "comparisons/models/verdict.json"
    return dict(json.loads(path.read_text()))


def print_jobs(folder: Path) -> None:
    """Print the seconds of the work of each job that has taken one or more."""
    logs = folder / "results" / RUN / "logs"
    for path in sorted(logs.rglob("*.log")):
        told = re.search(r"done in (\S+) s", path.read_text())
        if told and float(told[1]) >= 1:
            print(f"    {float(told[1]):6.1f} s  {path.relative_to(logs)}")


def made_features(seed: int, count: int, fault: float, histogram: Floats) -> dict[str, np.ndarray]:
    """Return features (count, D) in each network, not negative, and labels.

    The variance in the k-th direction falls as k^-1.2, as of pooled features.
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
    """Time a comparison of given features; return whether it takes as little as it has to."""
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
    """Write random weights of Inception as torch-fidelity publishes them; return their digest."""
    stream = torch.Generator().manual_seed(0)

    def random(key: str, like: torch.Tensor) -> torch.Tensor:
        uniform = torch.empty(like.shape).uniform_(-1, 1, generator=stream)
        if key.endswith("running_var") or (like.ndim == 1 and key.endswith("weight")):
            return 1 + uniform / 2
        # The size of activations stays that of a layer's input.
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
    """Time Fringe next to torch-fidelity; return whether Fringe is fast enough, and agrees."""
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
