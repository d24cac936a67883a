"""Tidy rows: one distance, of one draw, in one space of one network."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial

import numpy as np

from fringe.evaluation.sampling_error import (
    NO_ERROR,
    FrechetError,
    MeasuredImages,
    frechet_error,
)
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


def score_draws(
    draws: np.ndarray,
    candidates: Features,
    real: Gaussian,
    n_real: int,
    real_features: FeatureFile | None = None,
    *,
    with_error: bool = True,
) -> list[Row]:
    """Return the FID of every draw, and the standard error of the first.

    The errors of the other draws differ from that of the first by their own noise only.

    Parameters
    ----------
    draws : int array (repeats, n)
        Rows of the candidates, as :func:`fringe.evaluation.load_draws` returns them, or
        :func:`fringe.evaluation.join_extension` where there are images beyond the candidates.
    candidates : FeatureFile or JoinedFeatures
        Of the network in whose features FID is measured.
    real : Gaussian
        Of ``n_real`` real images in the same features.
    real_features : FeatureFile, optional
        Whose first ``n_real`` rows these images are. Without it, the error is that of the generated
        images only.
    with_error : bool
        Whether the error is measured, which takes as long as several draws.
    """
    reference = MeasuredImages(real, real_features, stop=n_real)
    root = covariance_root(real)
    rows = []
    for repeat, indices in enumerate(progress(draws, "FID", total=len(draws), unit="draws")):
        counts = np.bincount(indices, minlength=len(candidates))
        generated = gaussian_of(candidates, counts=counts)
        value = frechet_distance(real, generated, root=root)
        error = NO_ERROR
        if repeat == 0 and with_error:
            error = frechet_error(reference, MeasuredImages(generated, candidates, counts=counts))
        rows.append(_frechet_row("fid", repeat, value, error, n_real, len(indices)))
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

    A set that is taken whole is the same in every repeat. The first repeat has a standard error.
    The pair with the most generated images (of those, with the most real ones) also gives
    ``fid_infinity``: FID extrapolated by ``method`` to infinitely many generated images, from as
    many as ``n_generated`` says, against the same real ones. See
    :func:`fringe.metrics.extrapolate_frechet`.
    """
    files = {"real": real, "generated": generated}

    def sample(side: str, n: int, repeat: int) -> np.ndarray:
        """Return sorted indices (n,): which images are drawn."""
        stream = random_stream(seed, "size", side, n, repeat)
        return np.sort(stream.choice(len(files[side]), n, replace=False))

    # Room for both sides of one pair: the side that is taken whole stays over all repeats.
    @lru_cache(maxsize=2)
    def images(side: str, n: int, repeat: int | None) -> MeasuredImages:
        if repeat is None:
            return MeasuredImages(gaussian_of(files[side]), files[side])
        counts = np.bincount(sample(side, n, repeat), minlength=len(files[side]))
        return MeasuredImages(gaussian_of(files[side], counts=counts), files[side], counts=counts)

    def measured(side: str, n: int, repeat: int) -> MeasuredImages:
        return images(side, n, None if n == len(files[side]) else repeat)

    rows = []
    errors = {}
    for n_real, n_generated in sizes:
        for repeat in progress(range(repeats), f"{n_real}+{n_generated}", total=repeats):
            one = measured("real", n_real, repeat)
            other = measured("generated", n_generated, repeat)
            value = frechet_distance(one.gaussian, other.gaussian)
            error = NO_ERROR
            if repeat == 0:
                error = errors[n_real, n_generated] = frechet_error(one, other)
            rows.append(_frechet_row("fid", repeat, value, error, n_real, n_generated))
    if not sizes:
        return rows
    n_real, n_generated = max(sizes, key=lambda pair: (pair[1], pair[0]))
    for repeat in progress(range(repeats), f"{n_real}+infinity", total=repeats):
        indices = sample("generated", n_generated, repeat)
        found = extrapolate_frechet(
            measured("real", n_real, repeat).gaussian,
            n_generated,
            partial(_gaussian_of_drawn, generated, indices),
            method=method,
            seed=int(random_stream(seed, "fid infinity", repeat).integers(2**31)),
        )
        # What one image adds is the same at each size of the balanced method, so that its line
        # has the error of the plain distance. The line of the other method has more.
        known = repeat == 0 and method == "balanced"
        error = errors[n_real, n_generated] if known else NO_ERROR
        row = _frechet_row("fid_infinity", repeat, found.value, error, n_real, n_generated)
        rows.append(row)
    return rows


def _gaussian_of_drawn(file: FeatureFile, drawn: np.ndarray, chosen: np.ndarray) -> Gaussian:
    """Return the Gaussian of the images drawn[chosen], none twice."""
    return gaussian_of(file, counts=np.bincount(drawn[chosen], minlength=len(file)))


def score_snapshots(
    snapshots: Mapping[str, tuple[Gaussian, int]],
    real: Gaussian,
    n_real: int,
    *,
    features: Mapping[str, FeatureFile] | None = None,
    real_features: FeatureFile | None = None,
    space: str = "features",
) -> Iterator[Row]:
    """Yield the FID of each snapshot's Gaussian, by the snapshot's name (Figure 9).

    Parameters
    ----------
    snapshots : mapping of str to (Gaussian, int)
        Of so many images each.
    real : Gaussian
        Of ``n_real`` real images in the same space.
    features : mapping of str to FeatureFile, optional
        Whose first rows the images of a snapshot are. Without it, its FID has no standard error.
    real_features : FeatureFile, optional
        As in `score_draws`.
    space : {"features", "logits"}
        Where the Gaussians are.
    """
    root = covariance_root(real)
    reference = MeasuredImages(real, real_features, space, stop=n_real)
    for name, (generated, n) in snapshots.items():
        value = frechet_distance(real, generated, root=root)
        images = MeasuredImages(generated, (features or {}).get(name), space, stop=n)
        error = frechet_error(reference, images)
        yield {"snapshot": name, **_frechet_row("fid", 0, value, error, n_real, n)}


def _frechet_row(
    metric: str, repeat: int, value: float, error: FrechetError, n_real: int, n_generated: int
) -> Row:
    """Return the row of a Fréchet distance, which has a standard error."""
    return {
        **_row(metric, repeat, value, n_real, n_generated),
        "standard_error": error.total,
        "real_error": error.real,
    }


def _row(metric: str, repeat: int, value: float, n_real: int, n_generated: int) -> Row:
    return {
        "metric": metric,
        "repeat": repeat,
        "value": value,
        "n_real": n_real,
        "n_generated": n_generated,
    }
