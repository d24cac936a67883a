"""Tidy rows of scores: each row has one distance, of one draw, in one space of one network."""

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
    """Return the FID of every draw, with the standard error of the first draw.

    The errors of the other draws differ from the first error only by noise.

    Parameters
    ----------
    draws : int array (repeats, n)
        Rows of the candidates, from :func:`fringe.evaluation.load_draws`. If there are images
        beyond the candidates, from :func:`fringe.evaluation.join_extension`.
    candidates : FeatureFile or JoinedFeatures
        Features in the network in which FID is measured.
    real : Gaussian
        Statistics of ``n_real`` real images in the same features.
    n_real : int
    real_features : FeatureFile, optional
        Its first ``n_real`` rows are the features of the real images. Without it, the error covers
        only the generated images.
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

    The distances are KID by the released definition (mean over random subsets), with ``exact`` also
    KID over all pairs, and RBF-KID for each of ``gamma_factors`` times 1/D. RBF-KID uses the same
    subsets as KID, because Appendix D of the paper states the gammas but not the subsets.
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

    See :mod:`fringe.metrics.manifolds`. Use this for draws without replacement. A candidate that is
    drawn several times counts several times in precision. Its copies are each other's nearest
    neighbours, so their balls shrink (to radius 0 with k + 1 copies), and recall falls.
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
    """Return FID at several pairs of counts (Figure 8a), each from new draws of both sets.

    A set of which all images are used is the same in every repeat. The first repeat has a standard
    error. The pair with the most generated images (and, among such pairs, the most real images)
    also gives ``fid_infinity``: FID extrapolated by ``method`` from ``n_generated`` to infinitely
    many generated images, with the same real images. See
    :func:`fringe.metrics.extrapolate_frechet`.
    """
    files = {"real": real, "generated": generated}

    def sample(side: str, n: int, repeat: int) -> np.ndarray:
        """Return the sorted indices (n,) of the images that are drawn."""
        stream = random_stream(seed, "size", side, n, repeat)
        return np.sort(stream.choice(len(files[side]), n, replace=False))

    # The cache holds both sides of one pair: a side that is used whole stays for all repeats.
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
        # The contribution of an image is the same at each size of the balanced method, so its line
        # has the error of the plain distance. The line of the other method has a larger error.
        known = repeat == 0 and method == "balanced"
        error = errors[n_real, n_generated] if known else NO_ERROR
        row = _frechet_row("fid_infinity", repeat, found.value, error, n_real, n_generated)
        rows.append(row)
    return rows


def _gaussian_of_drawn(file: FeatureFile, drawn: np.ndarray, chosen: np.ndarray) -> Gaussian:
    """Return the Gaussian of the images drawn[chosen], which are distinct."""
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
    """Yield the FID of each snapshot's Gaussian, with the snapshot's name (Figure 9).

    Parameters
    ----------
    snapshots : mapping of str to (Gaussian, int)
        The Gaussian and the number of images of each snapshot.
    real : Gaussian
        Statistics of ``n_real`` real images in the same space.
    n_real : int
    features : mapping of str to FeatureFile, optional
        Files whose first rows are the images of each snapshot. A snapshot without a file has no
        standard error.
    real_features : FeatureFile, optional
        See `score_draws`.
    space : {"features", "logits"}
        The space of the Gaussians.
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
    """Return the row of a Fréchet distance with its standard error."""
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
