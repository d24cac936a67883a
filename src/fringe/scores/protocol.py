"""What numbers are measured with: all that decides whether two of them compare.

`fringe.plan.protocols.protocol` collects it for a run, `fringe.scores.differences` holds the
paper's and tells what differs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["PAPER_DATASETS", "PUBLISHED", "Optimizer", "Protocol", "plain_name", "told_label"]

PAPER_DATASETS = (
    "ffhq",
    "ffhqfastgan",
    "lsuncat",
    "lsuncar",
    "lsunplaces",
    "afhqv2dog",
)
"""The data sets of which the paper prints numbers, by `plain_name`."""

PUBLISHED = "published"
"""What `Protocol.weights` holds for a network with a weight file that was published for it."""


def plain_name(dataset: object) -> str:
    """Return a data set's name without what it may be spelt with: "lsun-cat" -> "lsuncat"."""
    return "".join(letter for letter in str(dataset).lower() if letter.isalnum())


def told_label(label: int | str) -> str:
    """Return in words of which classes the images of a conditional generator are."""
    rules = {
        "balanced": "each equally often, not as often as the real images have them",
        "uniform": "drawn uniformly, not as often as the real images have them",
        "dataset": "drawn as often as the labels of the real images have them",
    }
    return rules[label] if isinstance(label, str) else f"all {label}"


@dataclass(frozen=True)
class Optimizer:
    """How sampling weights were optimized.

    Attributes
    ----------
    algorithm : str
        "released": the steps of the released code. "optimal": ours, down to a proven gap.
    steps : int, optional
        Of the released algorithm.
    learning_rate : float, optional
        Its step size.
    """

    algorithm: str
    steps: int | None = None
    learning_rate: float | None = None


@dataclass(frozen=True)
class Protocol:
    """What the numbers of one data set are measured with, apart from the numbers of images.

    Those vary within a data set, so each number has its own. None: not specified.

    Attributes
    ----------
    real : str
        Kind of the source of real images ("files", "photos", ...).
    real_total : int
        How many images it has.
    resolution : (int, int)
        Height and width of all images, pixels.
    fitting : str
        How the run crops and resizes the real images; "" where it takes them as they are.
    statistics : mapping of network to int
        Number of real images behind published statistics, in place of measured ones.
    generator : str
        Name of the checkpoint without its suffix; of another source its kind.
    truncation, noise, seed, label : optional
        What the generator was asked for; None for a source that is not a generator.
    candidates : int
        Images that were made: those that get weights.
    network : str
        That of FID, in which the resampling is done.
    weights : mapping of network to str
        `PUBLISHED`, or what identifies weights that were not published for the network.
    precision : str
        Of the arithmetic in networks.
    sampling : str
        How images are drawn with optimized weights.
    optimizers : mapping of scheme to Optimizer
    kid_subsets, kid_subset_size : int
    recall_k : int
    classifier : str
        The network that counts classes, if it is not ``network``.
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
        """Return the protocol in dicts, lists, texts and numbers, which a job's params can hold."""
        plain = asdict(self)
        plain["resolution"] = None if self.resolution is None else list(self.resolution)
        if self.classifier is None:  # as in params of earlier versions
            del plain["classifier"]
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Protocol":
        """Return the protocol that `to_plain` took apart."""
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
