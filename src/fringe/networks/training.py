"""The trainings of feature networks, and whether a network may judge a fall of FID.

FID falls when the classes of ImageNet are matched. A control that was trained on ImageNet's labels
may see the same classes and fall for the same reason. Such a control is reported but never judges
(Section 3 of the paper). This module contains the texts for all trainings.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fringe.errors import FringeError

__all__ = ["NOT_STATED", "TRAININGS", "Training", "training"]


@dataclass(frozen=True)
class Training:
    """A kind of training of a network.

    ``judges`` says whether a control with this training may judge. ``phrase`` completes a sentence
    that begins with "it was ...".
    """

    judges: bool
    phrase: str


# The trainings that a network may state. LVD-142M was collected around ImageNet and other data
# sets, and contains ImageNet-22k (Oquab et al., DINOv2, Appendix A).
TRAININGS: Mapping[str, Training] = {
    "ImageNet-1k labels": Training(False, "trained on ImageNet's images and labels"),
    "ImageNet-22k labels": Training(
        False, "trained on the images and labels of ImageNet-22k, which include ImageNet's"
    ),
    "ImageNet-1k images": Training(True, "trained on ImageNet's images, without labels"),
    "LVD-142M images": Training(
        True, "trained on LVD-142M, without labels; its images include ImageNet's"
    ),
    "image-text pairs": Training(
        True, "trained on pairs of image and text, and never on ImageNet itself"
    ),
    "other images": Training(True, "trained on other images, and never saw ImageNet"),
    "random weights": Training(True, "not trained, and never saw ImageNet"),
    "scale of photographs": Training(
        True, "not trained, but scaled by a few photographs, and never saw ImageNet"
    ),
}

NOT_STATED = Training(True, "trained on data that are not stated")


def training(stated: str | None) -> Training:
    """Return the training for a network's ``trained_on``; None means that it is not stated.

    Raises
    ------
    FringeError
        If the training is not one of `TRAININGS`.
    """
    if stated is None:
        return NOT_STATED
    if stated not in TRAININGS:
        raise FringeError(
            f"trained_on {stated!r} is unknown; state one of {', '.join(map(repr, TRAININGS))}, or "
            "None"
        )
    return TRAININGS[stated]
