"""The metrics that `evaluation/metrics` and ``fringe score`` can name, and what each of them needs.

`fringe.evaluation.asked_metrics` measures them. docs/metrics.md defines them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ASKED",
    "DISTANCES",
    "AskedMetric",
    "Need",
    "fewest_images",
    "measured_in",
    "networks_of_their_own",
]

Need = Literal["logits", "held-out images"]


@dataclass(frozen=True)
class AskedMetric:
    """A metric that a configuration can ask for by its name.

    Parameters
    ----------
    title : str
        What readers see.
    better : {"lower", "higher", "neither"}
        Which values are those of better images, if the metric can say so.
    needs : Need, optional
        What the metric needs besides the features of real and generated images.
    network : str, optional
        The one network in which it is measured. None: every network of the run that gives what it
        needs.
    scale : int
        The factor that tables print it with.
    """

    title: str
    better: Literal["lower", "higher", "neither"]
    needs: Need | None = None
    network: str | None = None
    scale: int = 1


ASKED: dict[str, AskedMetric] = {
    "fid": AskedMetric("FID", "lower"),
    "sfid": AskedMetric("sFID", "lower", network="inception-spatial"),
    "kid": AskedMetric("KID", "lower", scale=1000),
    "cmmd": AskedMetric("CMMD", "lower"),
    "mind": AskedMetric("MIND", "lower"),
    "inception_score": AskedMetric("Inception Score", "higher", needs="logits"),
    "precision": AskedMetric("precision", "higher"),
    "recall": AskedMetric("recall", "higher"),
    "density": AskedMetric("density", "higher"),
    "coverage": AskedMetric("coverage", "higher"),
    "vendi": AskedMetric("Vendi score", "higher"),
    "authenticity": AskedMetric("AuthPct", "higher"),
    "memorization": AskedMetric("C_T", "neither", needs="held-out images"),
    "new_modes": AskedMetric("share of new modes", "neither"),
    "lost_modes": AskedMetric("share of lost modes", "lower"),
}
"""By their names in configurations and rows, in the order of tables."""

DISTANCES = ("fid", "sfid")
"""Fréchet distances: they are measured by the rule of all Fréchet distances of draws."""

BALL_NEIGHBOUR = 5
"""The nearest neighbour that `fringe.metrics.density_coverages` takes unless it is told another."""

SPLITS = 10
"""The splits of `fringe.metrics.inception_score` unless it is told another number."""


def measured_in(metric: str, network: str, n_classes: int | None) -> bool:
    """Return whether a metric is measured in a network that has ``n_classes`` logits, or none.

    >>> measured_in("inception_score", "clip", None)
    False
    >>> measured_in("density", "clip", None)
    True
    """
    about = ASKED[metric]
    if about.network is not None or network in networks_of_their_own():
        return about.network == network
    return about.needs != "logits" or n_classes is not None


def fewest_images(metric: str, k: int) -> tuple[int, int]:
    """Return how many real and how many generated images a metric needs at least.

    Parameters
    ----------
    metric : str
    k : int
        Nearest neighbour of precision and recall, from `evaluation/precision_recall/k`.

    Examples
    --------
    >>> fewest_images("recall", 3), fewest_images("density", 3), fewest_images("inception_score", 3)
    ((4, 4), (6, 6), (2, 10))
    """
    if metric in ("precision", "recall"):
        return k + 1, k + 1
    if metric in ("density", "coverage"):
        return BALL_NEIGHBOUR + 1, BALL_NEIGHBOUR + 1
    return (2, SPLITS) if metric == "inception_score" else (2, 2)


def networks_of_their_own(metrics: Iterable[str] = ASKED) -> list[str]:
    """Return the networks that only some of ``metrics`` take, and no other metric."""
    own = (ASKED[metric].network for metric in metrics)
    return list(dict.fromkeys(network for network in own if network is not None))
