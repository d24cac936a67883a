"""Named protocols of published numbers: what each protocol fixes, and the source of each fact.

``named_protocols.yaml`` contains the protocols. ``docs/protocols.md`` is generated from this file
(``fringe docs``). `fringe.scores.adherence` compares numbers with protocols.
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
    """A number that a protocol defines. Its source does not fix attributes that are None or "".

    Attributes
    ----------
    metrics : tuple of str
        The metrics that are measured in this way.
    source : str
        Where the facts are stated.
    network : str, optional
        The network of the metrics; None: any network.
    real, generated : int or "all", optional
        Numbers of images.
    most : bool
        Whether these numbers are upper bounds: if there are fewer images, all are used.
    kid_subsets, kid_subset_size : int, optional
    k : int, optional
        The nearest neighbour that defines the radius of an image.
    draws : "least", optional
        The smallest of several values is reported.
    otherwise : str
        What Fringe always does differently.
    resize, weights, statistics : str
        Descriptions in words.
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
        Default values of configuration keys for a run that names the protocol.
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
        """Return the definition of a metric in a network; None if the protocol has none."""
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
        If no protocol has this name.

    Examples
    --------
    >>> named_protocol("adm").networks_of("sfid")
    ['inception-spatial']
    """
    return _listed()[name]
