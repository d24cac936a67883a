"""Display names of data sets, networks, schemes and metrics."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from fringe.errors import FringeError
from fringe.networks import network_titles
from fringe.scores.cells import sweep_size

__all__ = [
    "DAGGER",
    "METRICS",
    "SIMULATED",
    "Metric",
    "Titles",
    "describe_weight_files",
    "gamma_title",
    "is_simulated",
    "metric_scale",
    "metric_title",
    "scheme_mark",
    "title_of",
    "without_factor",
]

# Name -> display name, or name -> {"title": display name, "simulated": bool}.
Titles = Mapping[str, str | Mapping[str, Any]]

DAGGER = "†"
SIMULATED = "simulated generator"


@dataclass(frozen=True)
class Metric:
    """The display of a metric in tables, and the file of its scores.

    Parameters
    ----------
    title : str
        The display name.
    file : str, optional
        The file of its scores, ``scores/<dataset>/<scheme>/<file>.csv``. None for a metric that is
        measured in every network: each network has its own file, named after the network.
    scale : int
        The factor that tables multiply the metric by.
    """

    title: str
    file: str | None
    scale: int = 1


METRICS = {
    "fid": Metric("FID", None),
    "kid": Metric("KID", "kernels", scale=1000),
    "kid_exact": Metric("KID (all pairs)", "kernels", scale=1000),
    "rbf_kid": Metric("RBF-KID", "kernels", scale=1000),
}
"""The metrics of tables by their names in rows. RBF-KID has one name for each factor of its gamma,
such as "rbf_kid@0.125"."""

# The weights of networks whose architecture has several published trainings.
_WEIGHTS = {
    "inception": "TensorFlow's weights of 2015-12-05",
    "inception-clean": "TensorFlow's weights of 2015-12-05",
    "inception-pytorch-fid": "TensorFlow's weights of 2015-12-05",
    "inception-spatial": "TensorFlow's weights of 2015-12-05",
    "inception-torchvision": "torchvision's weights (inception_v3_google)",
    "vgg16": "torchvision's weights (vgg16-397923af)",
    "vgg16-nvidia": "the weights of NVIDIA's vgg16.pt",
}


def title_of(titles: Titles, name: str, *, mark: bool = False) -> str:
    """Return the display name: the given title, the title of the network, or the name itself.

    If ``mark`` is true, the name of a data set with a simulated generator ends with a dagger.
    """
    entry = titles.get(name, network_titles().get(name, name))
    title = entry if isinstance(entry, str) else entry.get("title", name)
    if not isinstance(title, str) or not title.strip():
        raise FringeError(f"titles: {name}: {title!r} is not a display name; give a short text")
    return f"{title} {DAGGER}" if mark and is_simulated(titles, name) else title


def describe_weight_files(titles: Titles, networks: Iterable[str]) -> str:
    """Return a sentence on the weights of networks whose architecture has several trainings.

    "" if ``networks`` has no such network. Networks with a title in ``titles`` are omitted, because
    they may have other weights.
    """
    parts = [
        f"{title_of({}, name)}: {_WEIGHTS[name]}"
        for name in networks
        if name in _WEIGHTS and name not in titles
    ]
    return f"{'; '.join(parts)}." if parts else ""


def is_simulated(titles: Titles, name: str) -> bool:
    """Return whether the generated images of the data set come from a simulated generator."""
    entry = titles.get(name, name)
    return not isinstance(entry, str) and bool(entry.get("simulated", False))


def scheme_mark(scheme: str) -> str:
    """Return the superscript of a scheme, such as "" for random and "Top-1" for matched."""
    known = {"random": "", "matched": "Top-1", "prelogits": "PL", "logits": "L"}
    known |= {"prelogits-released": "PL, released"}
    if scheme in known:
        return known[scheme]
    found = sweep_size(scheme)
    return scheme if found is None else f"soft {found[0].capitalize()}-{found[1]}"


def metric_title(metric: str) -> str:
    """Return the display name of a metric, such as "FID" or "RBF-KID γ=1/8d"."""
    name = without_factor(metric)
    title = METRICS[name].title if name in METRICS else metric
    if name != "rbf_kid" or (gamma := gamma_title(metric)) == "1/d":
        return title
    return f"{title} γ={gamma}"


def without_factor(metric: str) -> str:
    """Return the name of a metric without its factor, as in `METRICS`.

    >>> without_factor("rbf_kid@0.125")
    'rbf_kid'
    """
    return metric.partition("@")[0]


def gamma_title(metric: str) -> str:
    """Return the gamma of a metric in terms of the dimension d: "1/8d" for "rbf_kid@0.125"."""
    try:
        gamma = Fraction(metric.partition("@")[2]).limit_denominator(1024)
    except (ValueError, ZeroDivisionError):
        raise FringeError(
            f"scores: metric {metric!r} does not name a factor; write it as rbf_kid@0.125"
        ) from None
    below = "d" if gamma.denominator == 1 else f"{gamma.denominator}d"
    return f"{gamma.numerator}/{below}"


def metric_scale(metric: str) -> int:
    """Return the factor that tables multiply a metric by; 1 for metrics not in `METRICS`."""
    name = without_factor(metric)
    return METRICS[name].scale if name in METRICS else 1
