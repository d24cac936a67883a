"""The contributions of single classes to a difference of two distances, to first order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fringe.comparison.classes import Classes
from fringe.comparison.composition import Side
from fringe.comparison.estimates import estimate
from fringe.metrics import Gaussian, influences, parts_by_class
from fringe.metrics.arrays import Array, Floats
from fringe.scores.comparison import ClassShare

__all__ = ["class_shares"]

SHOWN = 10  # classes
IMAGES = 4  # of each class and model


def class_shares(
    of_real: Gaussian,
    real_classes: Classes | None,
    baseline: Side,
    model: Side,
    gaussians: tuple[Gaussian, Gaussian],
    names: Sequence[str] | None,
) -> list[ClassShare]:
    """Return the classes that contribute most to the difference of two models' distances.

    The difference is the distance of the model B minus the distance of the baseline A. The share
    of class c is h_B E_B(psi | c) - h_A E_A(psi | c), where psi is the mean of the influences on
    both distances [1]_, with the trapezoidal rule. The sum over all classes is the difference up
    to third order.

    Parameters
    ----------
    of_real : Gaussian
    real_classes : int array (n_real,), or None
        None if classes are labels and the real images do not have labels.
    baseline, model : Side
    gaussians : (Gaussian, Gaussian)
        The Gaussians of the baseline and of the model.
    names : sequence of str, optional
        Names of the classes. Without names, the numbers of the classes are shown.

    Returns
    -------
    list of ClassShare
        At most 10 classes, the largest contribution first.

    References
    ----------
    .. [1] S. Firpo, N. Fortin and T. Lemieux, "Unconditional Quantile Regressions", 2009.
    """
    a, b = baseline, model
    of_a, of_b = gaussians
    psi_a = (a.measured.generated + _seen_by(b, of_b, of_real, a.features)) / 2
    psi_b = (b.measured.generated + _seen_by(a, of_a, of_real, b.features)) / 2
    size = 1 + int(max(a.classes.max(), b.classes.max()))
    if real_classes is not None:
        size = max(size, 1 + int(real_classes.max()))
    shares = parts_by_class(psi_b, b.classes, size) - parts_by_class(psi_a, a.classes, size)
    variances = _variances(b.classes, psi_b, size) + _variances(a.classes, psi_a, size)
    largest = np.argsort(-np.abs(shares), kind="stable")[:SHOWN]
    return [
        ClassShare(
            number=int(c),
            name=names[c] if names is not None and c < len(names) else f"class {c}",
            model_share=float((b.classes == c).mean()),
            baseline_share=float((a.classes == c).mean()),
            real_share=None if real_classes is None else float((real_classes == c).mean()),
            contribution=estimate(float(shares[c]), [(float(variances[c]), math.inf)]),
            model_images=_most(b.classes, psi_b, int(c)),
            baseline_images=_most(a.classes, psi_a, int(c)),
        )
        for c in largest
        if shares[c] != 0
    ]


def _seen_by(side: Side, own: Gaussian, of_real: Gaussian, features: Array) -> Floats:
    return influences(features, own, of_real, side.measured.to_real)


def _variances(classes: Classes, psi: Floats, size: int) -> Floats:
    """Return for each class the variance of the mean of psi times the indicator of the class."""
    means, squares = (parts_by_class(each, classes, size) for each in (psi, psi**2))
    return np.asarray((squares - means**2) / (len(psi) - 1))


def _most(classes: Classes, psi: Floats, number: int) -> list[int]:
    """Return the images of a class that contribute most to the distance."""
    inside = np.flatnonzero(classes == number)
    return [int(image) for image in inside[np.argsort(-psi[inside], kind="stable")][:IMAGES]]
