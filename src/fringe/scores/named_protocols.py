"""Protocols that published numbers follow, by name: what each fixes, and where that is stated.

``named_protocols.yaml`` holds them. ``docs/protocols.md`` is made from it (``fringe docs``).
`fringe.scores.adherence` tells which protocol a number follows, and what in it deviates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

__all__ = [
    "PROTOCOL_NAMES",
    "Defined",
    "NamedProtocol",
    "ProtocolName",
    "named_protocol",
]

ProtocolName = Literal["edm2", "adm", "clean-fid", "torch-fidelity", "dgm-eval", "paper"]

PROTOCOL_NAMES: tuple[str, ...] = (
    *("edm2", "adm", "clean-fid", "torch-fidelity"),
    *("dgm-eval", "paper"),
)
"""The names of all protocols, in the order of documents."""


@dataclass(frozen=True)
class Defined:
    """A number that a protocol defines. What is None or "" its source does not fix.

    Attributes
    ----------
    metrics : tuple of str
        Which are measured like this.
    source : str
        Where the facts are stated.
    network : str, optional
        In which they are measured; None: in any.
    real, generated : int or "all", optional
        How many images.
    most : bool
        Whether these are upper bounds: where there are fewer images, all of them are taken.
    kid_subsets, kid_subset_size : int, optional
    k : int, optional
        The nearest neighbour that gives an image its radius.
    draws : "least", optional
        Of several values the least is reported.
    otherwise : str
        What Fringe always does otherwise.
    resize, weights, statistics : str
        In words.
    """

    metrics: tuple[str, ...]
    source: str
    network: str | None = None
    real: int | Literal["all"] | None = None
    generated: int | Literal["all"] | None = None
    most: bool = False
    kid_subsets: int | None = None
    kid_subset_size: int | None = None
    k: int | None = None
    draws: Literal["least"] | None = None
    otherwise: str = ""
    resize: str = ""
    weights: str = ""
    statistics: str = ""


@dataclass(frozen=True)
class NamedProtocol:
    """A protocol.

    Attributes
    ----------
    name, title, source, about : str
        ``source`` is the repository or paper, and its version.
    defaults : mapping
        Keys of the configuration that a run takes where it does not state them.
    numbers : tuple of Defined
    labels : str, optional
        How the classes of a conditional generator are drawn.
    """

    name: str
    title: str
    source: str
    about: str
    defaults: Mapping[str, Any]
    numbers: tuple[Defined, ...]
    labels: str | None = None

    def networks_of(self, metric: str) -> list[str]:
        """Return the networks in which the protocol defines a metric."""
        found = [one.network for one in self.numbers if metric in one.metrics and one.network]
        return list(dict.fromkeys(found))

    def defines(self, metric: str, network: str) -> Defined | None:
        """Return what the protocol says of a metric in a network; None if nothing."""
        for one in self.numbers:
            if metric in one.metrics and one.network in (network, None):
                return one
        return None


@cache
def _listed() -> dict[str, NamedProtocol]:
    text = files("fringe.scores").joinpath("named_protocols.yaml").read_text(encoding="utf-8")
    found = {}
    for name, about in yaml.safe_load(text).items():
        numbers = tuple(
            Defined(**{**one, "metrics": tuple(one["metrics"])}) for one in about.pop("numbers")
        )
        found[name] = NamedProtocol(name=name, numbers=numbers, **about)
    return found


def named_protocol(name: str) -> NamedProtocol:
    """Return a protocol by its name, one of `PROTOCOL_NAMES`.

    Raises
    ------
    KeyError
        If there is none of that name.

    Examples
    --------
    >>> named_protocol("adm").networks_of("sfid")
    ['inception-spatial']
    """
    return _listed()[name]
