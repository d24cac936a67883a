"""Comparison of models from arrays of features, in a notebook or a training loop.

No run and no Snakemake are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fringe.comparison.classes import Classes, as_classes
from fringe.comparison.distances import measure_distances
from fringe.comparison.judging import judge
from fringe.comparison.main_network import ModelImages, measure_main_network
from fringe.comparison.price import ControlFeatures, with_reactions
from fringe.comparison.witnesses import witness
from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_matrix, as_numpy, require_finite
from fringe.networks import is_timm, network_classes, network_names, stated_title
from fringe.scores.comparison import Comparison, Witness

__all__ = ["FEWEST_IMAGES", "compare_features"]

FEWEST_IMAGES = 4  # two images in each half, so that each half has a covariance

Features = Mapping[str, Any]
"""The features (n, D) of one set of images in several networks, by network."""


def compare_features(
    real: Features,
    models: Mapping[str, Features | Sequence[Features]],
    *,
    network: str | None = None,
    held_out: Features | None = None,
    classes: Mapping[str, Any] | None = None,
    real_classes: Any = None,
    class_names: Sequence[str] | None = None,
    given: bool = True,
    classifier: str | None = None,
    witnesses: Sequence[Witness] | None = None,
    trained_with: Sequence[str] = (),
    prices: bool = True,
    name: str = "comparison",
    seed: int = 0,
) -> Comparison:
    """Compare models by their features: is one model better, or does it only match the classes?

    The distance of each model from the real images is measured in FID's network and in the control
    networks. If classes are given, the difference is divided into a part of the class histogram
    and a part within classes [1]_. The verdict is based on the intervals of these numbers. KID is
    compared with the relative MMD test [2]_.

    Parameters
    ----------
    real : dict of array (n_real, D)
        Features of the real images by network, such as ``{"inception": F, "clip": G}``. NumPy
        arrays or PyTorch tensors; the numbers of dimensions D may differ between networks.
    models : dict
        The features of each model by network, by the name of the model. The first model is the
        baseline. A single model is audited. A list of such dictionaries contains several trainings
        of one model. All models and trainings have the same number of images.
    network : str, optional
        FID's network; the first network of ``real`` by default. The other networks are controls.
    held_out : dict of array, optional
        Features of other real images, for the floor. By default, the floor is the distance between
        two halves of the real images.
    classes : dict of int array (n,), optional
        The class of each image, by model; a list of arrays for several trainings.
    real_classes : int array (n_real,), optional
        The class of each real image.
    class_names : sequence of str, optional
        Names of the classes. If ``given`` is false, the default is the names of ``classifier``.
    given : bool
        True if the classes are labels, False if they are Top-1 classes of ``classifier``.
    classifier : str, optional
        The network that predicted the Top-1 classes; ``network`` by default.
    witnesses : sequence of Witness, optional
        Which controls may judge. By default, a control may judge if it was not trained on labels
        or with the generator. The power of these controls is then not measured, because power is
        measured with images.
    trained_with : sequence of str
        Networks that a model was trained with. These networks and networks of the same family do
        not judge.
    prices : bool
        Whether the price of a gain is measured. With many images, this takes most of the time.
    name : str
        Name of the comparison.
    seed : int
        Seed of the bootstrap and of the divisions into halves.

    Returns
    -------
    Comparison
        Has ``.verdict``, ``.table()`` (a pandas DataFrame), and an HTML view for notebooks.

    Raises
    ------
    FringeError
        If the features of a network are missing, if numbers of images or dimensions do not match,
        if a feature is NaN or infinite, if two models have the same features, or if there are too
        few images.


    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real = {"inception": rng.normal(size=(500, 8)), "clip": rng.normal(size=(500, 6))}
    >>> far = {network: features + 0.5 for network, features in real.items()}
    >>> near = {network: features + 0.1 for network, features in real.items()}
    >>> compare_features(real, {"A": far, "B": near}, prices=False).verdict.word
    'real'

    References
    ----------
    .. [1] J. DiNardo, N. Fortin and T. Lemieux, "Labor Market Institutions and the Distribution of
       Wages, 1973-1992: A Semiparametric Approach", Econometrica 64, 1996.
    .. [2] W. Bounliphone et al., arXiv:1511.04581, 2016.
    """
    _require_networks(real, "real")
    main = network or next(iter(real), "")
    networks = [main, *(each for each in real if each != main)]
    sides = {model: _trainings(model, found) for model, found in models.items()}
    arrays = _checked(real, sides, held_out, networks)
    of_models = _classes(classes, arrays, main)
    of_real = None
    if real_classes is not None:
        of_real = as_classes(real_classes, len(as_numpy(real[main])), "real_classes")
    _refuse_same(real, arrays, main)

    def of(network: str) -> tuple[Array, Array | None]:
        held = None if held_out is None else as_matrix(held_out[network], f"held-out {network}")
        return as_matrix(real[network], f"real {network}"), held

    reals, held = of(main)
    measured = measure_main_network(
        main,
        stated_title(main),
        reals,
        {
            model: ModelImages([each[main] for each in trainings], of_models.get(model))
            for model, trainings in arrays.items()
        },
        real_classes=of_real,
        held_out=held,
        given=given,
        class_names=class_names or (None if given else _names(classifier or main)),
        classified_by="" if given or classifier in (None, main) else stated_title(str(classifier)),
        prices=prices,
        seed=seed,
    )
    controls = []
    for each in networks[1:]:
        reals, held = of(each)
        controls.append(
            measure_distances(
                each,
                stated_title(each),
                reals,
                {model: [one[each] for one in found] for model, found in arrays.items()},
                held,
                real_classes=of_real,
                classes={model: found[0] for model, found in of_models.items()},
                seed=seed,
            )
        )
    result = measured.result
    baseline = next(iter(arrays.values()))[0]
    may = witnesses
    if may is None:
        may = [witness(each, main, trained_with) for each in networks[1:]]
    return judge(
        name,
        [result.distances, *(one.distances for one in controls)],
        may,
        compositions=result.compositions,
        histogram_shares=result.histogram_shares,
        class_shares=result.class_shares,
        prices=with_reactions(
            result.prices,
            measured.weights,
            (
                ControlFeatures(one.distances, one.of_real, baseline[one.distances.network])
                for one in controls
            ),
        ),
        seed=seed,
    )


def _trainings(model: str, found: Any) -> list[Features]:
    trainings = list(found) if isinstance(found, list | tuple) else [found]
    for each in trainings:
        _require_networks(each, model)
    return trainings


def _require_networks(found: Any, what: str) -> None:
    """Raise an error if the features are not a mapping by network."""
    if not isinstance(found, Mapping):
        raise FringeError(
            f"{what}: got {type(found).__name__}; give the features by network, such as "
            '{"inception": F}'
        )


def _checked(
    real: Features,
    sides: Mapping[str, Sequence[Features]],
    held_out: Features | None,
    networks: Sequence[str],
) -> dict[str, list[dict[str, Array]]]:
    """Return each model's features by training and network; raise an error if they do not fit."""
    if not real:
        raise FringeError('real: no features; give features by network, such as {"inception": F}')
    if not sides:
        raise FringeError("models: none given; give one to audit, or two or more to compare")
    _check_real(real, networks, "real")
    if held_out is not None:
        _check_real(held_out, networks, "held_out")
        for each in networks:
            held = as_matrix(held_out[each], f"held_out {each}")
            _check_dims(held, as_matrix(real[each], f"real {each}"), "held_out", each)
    arrays: dict[str, list[dict[str, Array]]] = {}
    numbers = {}
    for model, trainings in sides.items():
        for k, found in enumerate(trainings):
            what = model if len(trainings) == 1 else f"{model}, training {k + 1}"
            _check_networks(found, networks, what)
            own = {each: as_matrix(found[each], f"{what}, {each}") for each in networks}
            for each, features in own.items():
                _check_dims(features, as_matrix(real[each], f"real {each}"), what, each)
                require_finite(features, f"{what}, {each}")
                _check_count(features, f"{what}, {each}")
            numbers[what] = {each: len(features) for each, features in own.items()}
            arrays.setdefault(model, []).append(own)
    several = {count for by_network in numbers.values() for count in by_network.values()}
    if len(several) > 1:
        listed = ", ".join(f"{what} {found}" for what, found in numbers.items())
        raise FringeError(
            f"models: their numbers of images differ ({listed}), and a distance depends on the "
            f"number of images; give the first {min(several)} of each"
        )
    return arrays


def _check_real(found: Features, networks: Sequence[str], what: str) -> None:
    """Raise an error if a network is missing, a feature is not finite, or images are too few."""
    _check_networks(found, networks, what)
    for each in networks:
        features = as_matrix(found[each], f"{what} {each}")
        require_finite(features, f"{what} {each}")
        _check_count(features, f"{what} {each}")


def _check_count(features: Array, what: str) -> None:
    if len(features) < FEWEST_IMAGES:
        raise FringeError(
            f"{what}: {len(features)} images; each set needs at least {FEWEST_IMAGES}, because "
            "halves of each set are compared; give more images"
        )


def _check_networks(found: Features, networks: Sequence[str], what: str) -> None:
    missing = [network for network in networks if network not in found]
    if missing:
        raise FringeError(
            f"{what}: has no features of {', '.join(missing)} (found {', '.join(found) or 'none'});"
            " extract these features, or omit the network for all models and real images"
        )


def _check_dims(features: Array, real: Array, what: str, network: str) -> None:
    if features.shape[1] != real.shape[1]:
        raise FringeError(
            f"{what}, {network}: {features.shape[1]} dimensions, but the real features have "
            f"{real.shape[1]}; use features of the same network and the same layer"
        )


def _refuse_same(
    real: Features, arrays: Mapping[str, Sequence[Mapping[str, Array]]], network: str
) -> None:
    seen = [("the real images", as_matrix(real[network], f"real {network}"))]
    for model, trainings in arrays.items():
        for own in trainings:
            for other, features in seen:
                if np.array_equal(features, own[network]):
                    raise FringeError(
                        f"{other} and {model} have the same features, so they are the same images; "
                        "give different images"
                    )
            seen.append((model, own[network]))


def _classes(
    classes: Mapping[str, Any] | None,
    arrays: Mapping[str, Sequence[Mapping[str, Array]]],
    network: str,
) -> dict[str, list[Classes]]:
    """Return the classes of each model's trainings; {} if ``classes`` is None."""
    if classes is None:
        return {}
    missing = [model for model in arrays if model not in classes]
    if missing:
        raise FringeError(
            f"classes: none of {', '.join(missing)}; give the classes of all models, or of no model"
        )
    found = {}
    for model, trainings in arrays.items():
        several = isinstance(classes[model], list) and len(trainings) > 1
        own = classes[model] if several else [classes[model]]
        if len(own) != len(trainings):
            raise FringeError(
                f"classes: {model} has {len(trainings)} trainings and {len(own)} arrays of "
                "classes; give one array for each training"
            )
        found[model] = [
            as_classes(each, len(training[network]), f"classes of {model}")
            for each, training in zip(own, trainings, strict=True)
        ]
    return found


def _names(network: str) -> Sequence[str] | None:
    if network not in network_names() and not is_timm(network):
        return None
    try:
        return network_classes(network)
    except FringeError:
        return None  # timm, or this model of timm, is not installed: only features are given
