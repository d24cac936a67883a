"""Tidy rows: one distance, of one draw, in one space of one network."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial

import numpy as np

from fringe.evaluation.statistics import gaussian_of
from fringe.features import FeatureFile, Features
from fringe.metrics import (
    Gaussian,
    Kernel,
    covariance_root,
    extrapolate_frechet,
    frechet_distance,
    kernel_distances,
    kernel_distances_of_draws,
    precision_recalls,
)
from fringe.metrics.extrapolation import Method
from fringe.metrics.manifolds import DType
from fringe.progress import progress
from fringe.scores.rows import Row
from fringe.seeds import random_stream

__all__ = [
    "score_draws",
    "score_kernels",
    "score_precision_recall",
    "score_sizes",
    "score_snapshots",
]


def score_draws(draws: np.ndarray, candidates: Features, real: Gaussian, n_real: int) -> list[Row]:
    """Return the FID of every draw.

    Parameters
    ----------
    draws : int array (repeats, n)
        Rows of the candidates, as :func:`fringe.evaluation.load_draws` returns them, or
        :func:`fringe.evaluation.join_extension` where there are images beyond the candidates.
    candidates : FeatureFile or JoinedFeatures
        Of the network in whose features FID is measured.
    real : Gaussian
        Of ``n_real`` real images in the same features.
    """
    root = covariance_root(real)
    rows = []
    for repeat, indices in enumerate(progress(draws, "FID", total=len(draws), unit="draws")):
        counts = np.bincount(indices, minlength=len(candidates))
        generated = gaussian_of(candidates, counts=counts)
        value = frechet_distance(real, generated, root=root)
        rows.append(_row("fid", repeat, value, n_real, len(indices)))
    return rows


def score_kernels(
    draws: np.ndarray,
    candidates: Features,
    real: np.ndarray,
    *,
    seed: int,
    subsets: int,
    subset_size: int,
    exact: bool,
    gamma_factors: Sequence[float],
) -> list[Row]:
    """Return the kernel distances of every draw from the real features (n_real, D).

    KID by the released definition (mean over random subsets) and, where ``exact``, over all
    pairs; RBF-KID for each of ``gamma_factors`` times 1/D, by the same subsets as KID
    (Appendix D of the paper names the gammas and leaves the subsets open).
    """
    kernels = {
        f"rbf_kid@{factor:g}": Kernel("rbf", factor / real.shape[1]) for factor in gamma_factors
    }
    kernels = {"kid": Kernel(), **kernels}
    all_pairs = _all_pairs(draws, candidates, real) if exact else []
    rows = []
    for repeat, indices in enumerate(progress(draws, "KID", total=len(draws), unit="draws")):
        generated = candidates.read("features", indices)
        stream = int(random_stream(seed, "kid", repeat).integers(2**31))
        values = dict(
            zip(
                kernels,
                kernel_distances(
                    real,
                    generated,
                    list(kernels.values()),
                    subsets=subsets,
                    subset_size=subset_size,
                    seed=stream,
                ),
                strict=True,
            )
        )
        if exact:
            values["kid_exact"] = all_pairs[repeat]
        rows += [
            _row(metric, repeat, value, len(real), len(indices)) for metric, value in values.items()
        ]
    return rows


def _all_pairs(draws: np.ndarray, candidates: Features, real: np.ndarray) -> list[float]:
    """Return the exact KID of every draw."""
    distinct, places = np.unique(draws, return_inverse=True)
    counts = np.stack(
        [np.bincount(row, minlength=len(distinct)) for row in places.reshape(draws.shape)], axis=1
    )
    rows = candidates.read("features", distinct)
    return [float(v) for v in kernel_distances_of_draws(real, rows, [Kernel()], counts)[:, 0]]


def score_precision_recall(
    draws: np.ndarray,
    candidates: FeatureFile,
    real: np.ndarray,
    k: int = 3,
    *,
    dtype: DType = "float32",
) -> list[Row]:
    """Return improved precision and recall of every draw against real features (n_real, D).

    See :func:`fringe.metrics.manifolds`. Meant for draws without replacement. A candidate
    that a draw repeats counts each time in precision, and its copies are each other's nearest
    neighbours: their balls shrink, to nothing from k + 1 copies on, and recall falls with them.
    """
    rows = []
    sets = (candidates.read("features", indices) for indices in draws)
    measured = precision_recalls(real, sets, k, dtype=dtype)
    measured = progress(measured, "precision and recall", total=len(draws), unit="draws")
    for repeat, (indices, found) in enumerate(zip(draws, measured, strict=True)):
        rows += [
            _row(metric, repeat, value, len(real), len(indices))
            for metric, value in found._asdict().items()
        ]
    return rows


def score_sizes(
    real: FeatureFile,
    generated: FeatureFile,
    sizes: Sequence[tuple[int, int]],
    repeats: int,
    seed: int,
    *,
    method: Method = "balanced",
) -> list[Row]:
    """Return FID at several pairs of counts (Figure 8a), each from fresh draws of both sets.

    A set that is taken whole is the same in every repeat. The pair with the most generated images
    (of those, with the most real ones) also gives ``fid_infinity``: FID extrapolated by ``method``
    to infinitely many generated images, from as many as ``n_generated`` says, against the same
    real ones. See :func:`fringe.metrics.extrapolate_frechet`.
    """
    files = {"real": real, "generated": generated}

    def sample(side: str, n: int, repeat: int) -> np.ndarray:
        """Return sorted indices (n,): which images are drawn."""
        stream = random_stream(seed, "size", side, n, repeat)
        return np.sort(stream.choice(len(files[side]), n, replace=False))

    # Room for both sides of one pair: the side that is taken whole stays over all repeats.
    @lru_cache(maxsize=2)
    def gaussian(side: str, n: int, repeat: int | None) -> Gaussian:
        if repeat is None:
            return gaussian_of(files[side])
        return _gaussian_of_drawn(files[side], sample(side, n, repeat), np.arange(n))

    def measured(side: str, n: int, repeat: int) -> Gaussian:
        return gaussian(side, n, None if n == len(files[side]) else repeat)

    rows = []
    for n_real, n_generated in sizes:
        for repeat in progress(range(repeats), f"{n_real}+{n_generated}", total=repeats):
            one, other = (
                measured("real", n_real, repeat),
                measured("generated", n_generated, repeat),
            )
            rows.append(_row("fid", repeat, frechet_distance(one, other), n_real, n_generated))
    if not sizes:
        return rows
    n_real, n_generated = max(sizes, key=lambda pair: (pair[1], pair[0]))
    for repeat in progress(range(repeats), f"{n_real}+infinity", total=repeats):
        indices = sample("generated", n_generated, repeat)
        found = extrapolate_frechet(
            measured("real", n_real, repeat),
            n_generated,
            partial(_gaussian_of_drawn, generated, indices),
            method=method,
            seed=int(random_stream(seed, "fid infinity", repeat).integers(2**31)),
        )
        rows.append(_row("fid_infinity", repeat, found.value, n_real, n_generated))
    return rows


def _gaussian_of_drawn(file: FeatureFile, drawn: np.ndarray, chosen: np.ndarray) -> Gaussian:
    """Return the Gaussian of the images drawn[chosen], none twice."""
    return gaussian_of(file, counts=np.bincount(drawn[chosen], minlength=len(file)))


def score_snapshots(
    snapshots: Mapping[str, tuple[Gaussian, int]], real: Gaussian, n_real: int
) -> Iterator[Row]:
    """Yield the FID of each snapshot's Gaussian, by the snapshot's name (Figure 9)."""
    root = covariance_root(real)
    for name, (generated, n) in snapshots.items():
        value = frechet_distance(real, generated, root=root)
        yield {"snapshot": name, **_row("fid", 0, value, n_real, n)}


def _row(metric: str, repeat: int, value: float, n_real: int, n_generated: int) -> Row:
    return {
        "metric": metric,
        "repeat": repeat,
        "value": value,
        "n_real": n_real,
        "n_generated": n_generated,
    }
