"""The metrics that `evaluation/metrics` and ``fringe score`` accept, and their requirements.

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
    """A metric that a configuration can request by name.

    Parameters
    ----------
    title : str
        The display name.
    better : {"lower", "higher", "neither"}
        Whether lower or higher values mean better images; "neither" if the metric does not say.
    needs : Need, optional
        The input that the metric needs in addition to features of real and generated images.
    network : str, optional
        The only network in which the metric is measured. None: every network of the run that
        provides the input.
    scale : int
        The factor that tables multiply the metric by.
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
"""The metrics by their names in configurations and rows, in the order of tables."""

DISTANCES = ("fid", "sfid")
"""Fréchet distances; the rule that measures the Fréchet distances of draws measures them."""

BALL_NEIGHBOUR = 5
"""The default nearest neighbour of `fringe.metrics.density_coverages`."""

SPLITS = 10
"""The default number of splits of `fringe.metrics.inception_score`."""


def measured_in(metric: str, network: str, n_classes: int | None) -> bool:
    """Return whether a metric is measured in a network with ``n_classes`` logits (None: no logits).

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
    """Return the minimum numbers of real and of generated images that a metric needs.

    Parameters
    ----------
    metric : str
    k : int
        The nearest neighbour of precision and recall, from `evaluation/precision_recall/k`.

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
    """Return the networks that only single metrics use (`AskedMetric.network`) and no others."""
    own = (ASKED[metric].network for metric in metrics)
    return list(dict.fromkeys(network for network in own if network is not None))
