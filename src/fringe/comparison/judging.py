"""A comparison with verdicts, from the distances in all networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from fringe.comparison.estimates import estimate
from fringe.comparison.sentences import audit_sentence, limits_of, sentence
from fringe.comparison.verdict import Judge, rule
from fringe.scores.comparison import (
    ClassShare,
    Comparison,
    Composition,
    Estimate,
    HistogramShare,
    NetworkDistances,
    Price,
    Verdict,
    Witness,
)

__all__ = ["judge"]


def judge(
    name: str,
    networks: Sequence[NetworkDistances],
    witnesses: Sequence[Witness],
    *,
    compositions: Sequence[Composition] = (),
    histogram_shares: Sequence[HistogramShare] = (),
    class_shares: Mapping[str, Sequence[ClassShare]] | None = None,
    prices: Sequence[Price] = (),
    notes: Sequence[str] = (),
    seed: int = 0,
) -> Comparison:
    """Return the comparison of these numbers, with a verdict on each model.

    Parameters
    ----------
    name : str
        Name of the comparison.
    networks : sequence of NetworkDistances
        The distances in FID's network, then in each control.
    witnesses : sequence of Witness
        One for each control.
    compositions, histogram_shares, class_shares, prices
        Measurements in FID's network of each model against the baseline, if they are known.
    notes : sequence of str
        Further facts that a reader must know.
    seed : int
        The seed that the numbers were measured with.

    Examples
    --------
    >>> import numpy as np
    >>> from fringe.comparison import measure_distances, witness
    >>> rng = np.random.default_rng(0)
    >>> real = rng.normal(size=(500, 8))
    >>> models = {"A": [rng.normal(0.5, size=(500, 8))], "B": [rng.normal(0.1, size=(500, 8))]}
    >>> networks = [
    ...     measure_distances(name, name, real, models).distances for name in ("inception", "clip")
    ... ]
    >>> found = judge("example", networks, [witness("clip", "inception")])
    >>> found.verdict.word
    'real'
    >>> found.ranking
    ['B', 'A']
    """
    main = networks[0]
    baseline, *others = main.models
    ranking = sorted(main.models, key=lambda model: main.models[model].distance.value)
    tied = [(near, far) for near, far in pairwise(ranking) if main.is_tied(near, far)]
    parts = {found.model: found for found in compositions}
    priced = {found.model: found for found in prices}
    shares = {found.model: found for found in histogram_shares}
    verdicts = [
        _verdict(main, networks, witnesses, model, parts.get(model), priced.get(model))
        for model in others
    ]
    if not others:
        word, said = audit_sentence(baseline, main, shares.get(baseline))
        limits = limits_of(main, shares.get(baseline), witnesses, [baseline])
        verdicts = [Verdict(model=baseline, baseline="", word=word, sentence=said, limits=limits)]
    return Comparison(
        name=name,
        network=main.network,
        models=list(main.models),
        networks=list(networks),
        witnesses=list(witnesses),
        compositions=list(compositions),
        histogram_shares=list(histogram_shares),
        class_shares={model: list(found) for model, found in (class_shares or {}).items()},
        prices=list(prices),
        floor_ratios={model: _mean_ratio(networks, model) for model in main.models},
        ranking=ranking,
        tied=tied,
        verdicts=verdicts,
        notes=list(notes),
        seed=seed,
    )


def _mean_ratio(networks: Sequence[NetworkDistances], model: str) -> Estimate:
    """Return the mean of a model's ratios to the floors, with the largest possible error."""
    ratios = [found.models[model].floor_ratio for found in networks]
    value = math.fsum(one.value for one in ratios) / len(ratios)
    errors = [one.error for one in ratios if one.error is not None]
    if len(errors) < len(ratios):
        return Estimate(value=value, error=None, low=None, high=None, note="a floor is 0")
    return estimate(value, [((math.fsum(errors) / len(errors)) ** 2, math.inf)])


def _verdict(
    main: NetworkDistances,
    networks: Sequence[NetworkDistances],
    witnesses: Sequence[Witness],
    model: str,
    composition: Composition | None,
    price: Price | None,
) -> Verdict:
    baseline = next(iter(main.models))
    difference = main.difference(model, baseline)
    judges = _judges(networks[1:], witnesses, model, baseline)
    ruling = rule(difference, composition, judges)
    return Verdict(
        model=model,
        baseline=baseline,
        word=ruling.word,
        sentence=sentence(ruling, main, difference, composition, judges, price),
        limits=limits_of(main, composition, witnesses, [baseline, model]),
    )


def _judges(
    controls: Sequence[NetworkDistances],
    witnesses: Sequence[Witness],
    model: str,
    baseline: str,
) -> list[Judge]:
    may = {one.network: one for one in witnesses if one.judges}
    return [
        # A control with unmeasured power judges; a limit of the verdict says that.
        Judge(
            found.title,
            found.difference(model, baseline),
            may[found.network].has_power is not False,
        )
        for found in controls
        if found.network in may
    ]
