"""Scores compared with their peers on the same features: processor time, memory and values.

    OMP_NUM_THREADS=1 python benchmarks/scores.py [--images 50000] [--dense 10000] [--dim 2048]
                                                  [--rounds 2] [--all] [--only SCORE ...]

Each call runs in a separate process, a fork that already has the features. Its memory is its peak
minus the memory at its start. Times are processor time, the smallest of the rounds, in turn. Peers
that store matrices of all pairs get ``--dense`` images of each set, and Fringe gets the same. With
``--all``, Fringe also processes all images, for which no peer has enough memory.

The peers are torch-fidelity's code for the Inception Score and vendi-score's code for the Vendi
score. The other peers are reimplemented here like their published code, in float32: `prdc` and
dgm-eval with matrices of all distances, CMMD with matrices of all kernel values, MIND with all
projections. The peer of KEN is the dense eigenproblem in float64. KEN with random Fourier features
is lower, most of all for sets with the same distribution, as here. Density and coverage of Fringe
have errors, whose groups take 0.8 of the time of all pairs. The peers have no errors. Exits with 1
if a value differs by more than its tolerance.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CLASSES = 1008
EMBEDDING = 768  # dimensions of CLIP ViT-L/14
KEN_IMAGES = 1000  # images of each set: the time of the dense eigenproblem grows with their cube


class Sets(NamedTuple):
    real: np.ndarray
    generated: np.ndarray


def features(count: int, dim: int) -> Sets:
    """Return features like a pooling layer's: not negative, correlated, in float32."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((64, dim), dtype=np.float32) / 8

    def draw(scale: float, shift: float) -> np.ndarray:
        hidden = np.float32(scale) * rng.standard_normal((count, 64), dtype=np.float32)
        return np.maximum(hidden @ mixing + np.float32(shift), 0)

    return Sets(draw(1, 0.1), draw(1.02, 0.12))


def squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    products = x @ y.T
    products *= -2
    products += np.square(x).sum(axis=1)[:, None]
    products += np.square(y).sum(axis=1)
    return np.maximum(products, 0, out=products)


def their_inception_score(logits: np.ndarray) -> list[float]:
    import torch
    from torch_fidelity.metric_isc import isc_features_to_metric

    return [isc_features_to_metric(torch.from_numpy(logits))["inception_score_mean"]]


def our_inception_score(logits: np.ndarray) -> list[float]:
    from fringe.metrics import inception_score

    return [inception_score(logits).value]


def their_density(sets: Sets) -> list[float]:
    own = squares(sets.real, sets.real)
    radii = np.partition(own, 5, axis=1)[:, 5]
    del own
    between = squares(sets.real, sets.generated)
    inside = between < radii[:, None]
    return [inside.sum(axis=0).mean() / 5, (between.min(axis=1) < radii).mean()]


def our_density(sets: Sets) -> list[float]:
    from fringe.metrics import density_coverage

    found = density_coverage(*sets)
    return [found.density.value, found.coverage.value]


def their_cmmd(sets: Sets) -> list[float]:
    import torch

    x, y = (torch.from_numpy(v / np.linalg.norm(v, axis=1, keepdims=True)) for v in sets)

    def mean(a: Any, b: Any) -> Any:
        distances = -2 * a @ b.T + (a**2).sum(1)[:, None] + (b**2).sum(1)
        return torch.exp(-distances / 200).mean()

    return [float(1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y)))]


def our_cmmd(sets: Sets) -> list[float]:
    from fringe.metrics import cmmd

    return [cmmd(*sets).value]


def their_mind(sets: Sets) -> list[float]:
    import torch

    x, y = (torch.from_numpy(v) for v in sets)
    rng = torch.Generator().manual_seed(2020)
    units = torch.randn(1000, x.shape[1], generator=rng)
    units /= units.norm(dim=1, keepdim=True)
    a, b = ((v @ units.T).sort(dim=0).values for v in (x, y))
    return [float(3 * x.shape[1] * ((a - b) ** 2).mean(dim=0).mean())]


def our_mind(sets: Sets) -> list[float]:
    from fringe.metrics import mind

    return [mind(*sets).value]


def their_vendi(sets: Sets) -> list[float]:
    from vendi_score.vendi import score_dual

    return [score_dual(sets.generated.astype(np.float64))]


def our_vendi(sets: Sets) -> list[float]:
    from fringe.metrics import vendi_score

    return [vendi_score(sets.generated).value]


def their_authenticity(sets: Sets) -> list[float]:
    own = squares(sets.real, sets.real)
    np.fill_diagonal(own, np.inf)
    nearest = own.min(axis=0)
    del own
    between = squares(sets.real, sets.generated)
    return [100 * (nearest[between.argmin(axis=0)] < between.min(axis=0)).mean()]


def our_authenticity(sets: Sets) -> list[float]:
    from fringe.metrics import authenticity

    return [authenticity(*sets).value]


def their_ken(sets: Sets) -> list[float]:
    a, b = (v[:KEN_IMAGES].astype(np.float64) for v in sets)
    matrix = np.exp(-squares(np.concatenate([b, a]), np.concatenate([b, a])) / (2 * SIGMA**2))
    matrix /= KEN_IMAGES
    matrix[KEN_IMAGES:] *= -1
    values = np.linalg.eigvals(matrix).real
    values = values[values > 1e-12]
    return [float((values * np.log(values.sum() / values)).sum())]


def our_ken(sets: Sets) -> list[float]:
    from fringe.metrics import spectral_difference

    return [spectral_difference(*(v[:KEN_IMAGES] for v in sets), sigma=SIGMA).score.value]


def our_ken_of_all(sets: Sets) -> list[float]:
    from fringe.metrics import spectral_difference

    return [spectral_difference(*sets, sigma=SIGMA).score.value]


SIGMA = 39.0  # about the median distance of these features


def run(call: Callable[[Any], list[float]], given: Any, send: Any) -> None:
    """Send seconds, MiB in addition to the start, and values; the imports are not timed."""
    call(_few(given))
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is measured from here
    start = time.process_time()
    values = call(given)
    seconds = time.process_time() - start
    send.send((seconds, (_status("VmHWM") - before) / 1024, [float(v) for v in values]))


def _few(given: Any) -> Any:
    if isinstance(given, Sets):
        return Sets(given.real[:64], given.generated[:64])
    return given[:64]


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1])


def apart(call: Callable[[Any], list[float]], given: Any) -> tuple[float, float, list[float]]:
    """Return the message that `run` sends from a fork."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(call, given, send))
    process.start()
    send.close()
    found = receive.recv()
    process.join()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--dense", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="*", metavar="SCORE")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    sets = features(options.images, options.dim)
    dense = Sets(*(v[: options.dense] for v in sets))
    clip = Sets(*(v[:, :EMBEDDING] for v in dense))
    clip = Sets(*(np.ascontiguousarray(v) for v in clip))
    mixing = np.random.default_rng(1).standard_normal((options.dim, CLASSES), dtype=np.float32)
    logits = sets.generated @ (mixing * np.float32(0.05))
    cases: list[tuple[str, Any, Callable[..., Any], Callable[..., Any] | None, float]] = [
        ("Inception Score", logits, our_inception_score, their_inception_score, 1e-6),
        ("density, coverage", dense, our_density, their_density, 1e-3),
        ("CMMD", clip, our_cmmd, their_cmmd, 0.1),
        ("MIND", sets, our_mind, their_mind, 1e-4),
        ("Vendi score", sets, our_vendi, their_vendi, 1e-9),
        ("AuthPct", dense, our_authenticity, their_authenticity, 1e-2),
        ("KEN", dense, our_ken, their_ken, 0.4),
        ("density, coverage of all", sets, our_density, None, 0),
        ("AuthPct of all", sets, our_authenticity, None, 0),
        ("KEN of all", sets, our_ken_of_all, None, 0),
    ]
    print("| score | images | Fringe | peer | ratio | difference |\n|---|---:|---:|---:|---:|---:|")
    right = True
    for name, given, ours, theirs, tolerance in cases:
        if (options.only and name not in options.only) or not (theirs or options.all):
            continue
        count = KEN_IMAGES if name == "KEN" else len(given[0] if isinstance(given, Sets) else given)
        rounds = [
            (apart(ours, given), apart(theirs, given) if theirs else None)
            for _ in range(options.rounds if theirs else 1)
        ]
        own = min((one for one, _ in rounds), key=lambda found: found[0])
        line = f"| {name} | {count:,} | {own[0]:.2f} s, {own[1]:,.0f} MiB |"
        if theirs:
            peer = min((two for _, two in rounds if two), key=lambda found: found[0])
            off = max(abs(a / b - 1) for a, b in zip(own[2], peer[2], strict=True))
            right &= off <= tolerance
            line += f" {peer[0]:.2f} s, {peer[1]:,.0f} MiB | {peer[0] / own[0]:.2f} | {off:.1e} |"
        else:
            line += " | | |"
        print(line, flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
