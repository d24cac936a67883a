"""The protocol of a number: all facts that decide whether two numbers are comparable.

`fringe.plan.protocols.protocol` collects the protocol of a run. `fringe.scores.differences`
contains the paper's protocols and compares protocols.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["PAPER_DATASETS", "PUBLISHED", "Optimizer", "Protocol", "describe_label", "plain_name"]

PAPER_DATASETS = (
    "ffhq",
    "ffhqfastgan",
    "lsuncat",
    "lsuncar",
    "lsunplaces",
    "afhqv2dog",
)
"""The data sets of the paper, by `plain_name`."""

PUBLISHED = "published"
"""The value in `Protocol.weights` of a network with its published weight file."""


def plain_name(dataset: object) -> str:
    """Return a data set's name in lower case, only letters and digits: "lsun-cat" -> "lsuncat"."""
    return "".join(letter for letter in str(dataset).lower() if letter.isalnum())


def describe_label(label: int | str) -> str:
    """Describe the classes of the images of a conditional generator."""
    rules = {
        "balanced": "each equally often, not as often as in the real images",
        "uniform": "drawn uniformly, not as often as in the real images",
        "dataset": "drawn as often as in the labels of the real images",
    }
    return rules[label] if isinstance(label, str) else f"all {label}"


@dataclass(frozen=True)
class Optimizer:
    """How sampling weights were optimized.

    Attributes
    ----------
    algorithm : str
        "released": the steps of the released code. "optimal": our algorithm, which stops at a
        proven gap.
    steps : int, optional
        Number of steps of the released algorithm.
    learning_rate : float, optional
        Step size of the released algorithm.
    """

    algorithm: str
    steps: int | None = None
    learning_rate: float | None = None


@dataclass(frozen=True)
class Protocol:
    """The protocol of the numbers of one data set, except the numbers of images.

    The numbers of images vary within a data set, so they are stored with each number. None means
    not specified.

    Attributes
    ----------
    real : str
        Kind of the source of real images ("files", "photos", ...).
    real_total : int
        Number of images in the source.
    resolution : (int, int)
        Height and width of all images in pixels.
    fitting : str
        How the run crops and resizes the real images; "" if the run does not change them.
    statistics : mapping of network to int
        Number of real images of published statistics that replace measured statistics.
    generator : str
        Name of the checkpoint without its suffix; for another kind of source, the kind.
    truncation, noise, seed, label : optional
        Settings of the generator; None for a source that is not a generator.
    candidates : int
        Number of generated images that get sampling weights.
    network : str
        FID's network, in which images are resampled.
    weights : mapping of network to str
        `PUBLISHED`, or an identifier of a weight file that was not published for the network.
    precision : str
        Precision of the arithmetic in networks.
    sampling : str
        How images are drawn with optimized sampling weights.
    optimizers : mapping of scheme to Optimizer
    kid_subsets, kid_subset_size : int
    recall_k : int
    classifier : str
        The network that predicts classes, if it is not ``network``.
    """

    real: str | None = None
    real_total: int | None = None
    resolution: tuple[int, int] | None = None
    fitting: str | None = None
    statistics: Mapping[str, int] = field(default_factory=dict)
    generator: str | None = None
    truncation: float | None = None
    noise: str | None = None
    seed: int | None = None
    label: int | str | None = None
    candidates: int | None = None
    network: str | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    precision: str | None = None
    sampling: str | None = None
    optimizers: Mapping[str, Optimizer] = field(default_factory=dict)
    kid_subsets: int | None = None
    kid_subset_size: int | None = None
    recall_k: int | None = None
    classifier: str | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the protocol as dicts, lists, texts and numbers, for the params of a job."""
        plain = asdict(self)
        plain["resolution"] = None if self.resolution is None else list(self.resolution)
        if self.classifier is None:  # as in params of earlier versions
            del plain["classifier"]
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Protocol":
        """Return the protocol from the result of `to_plain`."""
        size = plain["resolution"]
        return cls(
            **{
                **plain,
                "resolution": None if size is None else (size[0], size[1]),
                "optimizers": {
                    scheme: Optimizer(**about) for scheme, about in plain["optimizers"].items()
                },
            }
        )
