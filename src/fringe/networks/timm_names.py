"""Parse the names of networks of the timm library, and the facts that names contain.

``timm:<model>`` is a model of timm with its tag, such as ``timm:vit_large_patch16_224.mae``. A
choice after an ``@`` replaces the features of the model: ``@token`` (the class token), ``@avg``
(the mean of the patch tokens) or ``@projected`` (the output of the head of a model that is not a
classifier, such as the projection of CLIP).

This module does not import timm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from fringe.errors import FringeError

__all__ = ["CHOICES", "PREFIX", "TimmName", "family_of", "is_timm", "read_name", "trained_on"]

PREFIX = "timm:"
CHOICES = {
    "token": "class token",
    "avg": "mean of patch tokens",
    "projected": "projected",
}

# Words in tags, which name data sets; see https://github.com/huggingface/pytorch-image-models.
_LABELS_22K = {"in12k", "in21k", "in22k", "inw21k"}
_WITHOUT_LABELS = {"mim", "ijepa", "sail", "dino"}
_IMAGES = {"mae", "fcmae", "dino", "in1k_ijepa"}
_PAIRS = re.compile(
    r"(openai|(clip_)?laion(a|2b|400m)|datacomp(xl|1b)|dfn[25]b|metaclip2?_|(v2_)?webli|yfcc15m|cc12m)"
)
_FAMILIES = ("dinov2", "dinov3", "siglip", "clip", "mae")


@dataclass(frozen=True)
class TimmName:
    """The parts of a name: a ``model`` of timm, and a key of `CHOICES` or None for its default.

    ``model`` may have no tag, which means timm's default tag.
    """

    model: str
    choice: str | None

    @property
    def title(self) -> str:
        """The name in tables and figures."""
        chosen = "" if self.choice is None else f", {CHOICES[self.choice]}"
        return f"{self.model}{chosen} (timm)"


def is_timm(name: str) -> bool:
    """Return whether a network's name is that of a timm model.

    Parameters
    ----------
    name : str
        Name of a network.

    Returns
    -------
    bool
        Whether the name begins with "timm:"; the model need not exist.

    Examples
    --------
    >>> from fringe.networks import is_timm
    >>> is_timm("timm:resnet18.a1_in1k"), is_timm("mine:network")
    (True, False)
    """
    return name.startswith(PREFIX)


@lru_cache(maxsize=256)
def read_name(name: str) -> TimmName:
    """Return the parts of a name that begins with ``timm:``.

    >>> read_name("timm:vit_large_patch16_224.mae@avg")
    TimmName(model='vit_large_patch16_224.mae', choice='avg')

    Raises
    ------
    FringeError
        If the name is not ``timm:<model>`` or ``timm:<model>@<choice>``.
    """
    found = re.fullmatch(
        r"([A-Za-z0-9][A-Za-z0-9_.-]*)(?:@(\w+))?", name.removeprefix(PREFIX), re.A
    )
    if found is None or not is_timm(name):
        raise FringeError(
            f"network {name!r} is not the name of a model of timm; write `timm:<model>`, such as "
            "timm:vit_large_patch16_224.mae, or `timm:<model>@token`"
        )
    model, choice = found.groups()
    if choice is not None and choice not in CHOICES:
        raise FringeError(
            f"network {name!r}: unknown choice @{choice}; choose one of "
            f"{', '.join(f'@{key}' for key in CHOICES)}, or leave it out for the model's features"
        )
    return TimmName(model, choice)


def trained_on(model: str) -> str | None:
    """Return the training of a model if its tag shows it with certainty, otherwise None.

    >>> trained_on("convnextv2_base.fcmae_ft_in22k_in1k")
    'ImageNet-1k labels'
    >>> trained_on("vit_large_patch16_224.mae")
    'ImageNet-1k images'
    >>> trained_on("eva02_base_patch14_224.mim_in22k") is None
    True

    Returns
    -------
    str or None
        One of `fringe.networks.training.TRAININGS`.
    """
    architecture, _, tag = model.partition(".")
    words = tag.split("_")
    if tag in _IMAGES:
        return "ImageNet-1k images"
    if tag == "lvd142m" and "dinov2" in architecture:
        return "LVD-142M images"
    # The last training decides. "ft" precedes it in the tag if it used labels and the training
    # before did not.
    last = set(re.split(r"_ft_", tag)[-1].split("_"))
    if "in1k" in last and not _WITHOUT_LABELS & last:
        return "ImageNet-1k labels"
    if _LABELS_22K & last and not _WITHOUT_LABELS & last:
        return "ImageNet-22k labels"
    has_labels = ({"in1k"} | _LABELS_22K) & set(words)
    # The towers of EVA start from weights that were trained on the images of ImageNet-22k.
    if _PAIRS.match(tag) and not has_labels and not architecture.startswith("eva"):
        return "image-text pairs"
    return None


def family_of(name: str) -> str:
    """Return the family of a model; models of one family are likely to see the same.

    >>> family_of("timm:vit_large_patch14_dinov2.lvd142m")
    'dinov2'
    >>> family_of("timm:resnet50.a1_in1k")
    'resnet50'
    """
    model = read_name(name).model
    for word in _FAMILIES:
        if word in model:
            return word
    return re.split(r"[_.]", model)[0]
