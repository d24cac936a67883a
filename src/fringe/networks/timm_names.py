"""Names of networks of the timm library, and what a name by itself says.

``timm:<model>`` is a model of timm with its tag, such as ``timm:vit_large_patch16_224.mae``. Behind
an ``@`` stands, where it is not the model's own, what features are made of: ``@token`` (the class
token), ``@avg`` (the mean of the patch tokens) or ``@projected`` (what the head of a model that is
not a classifier makes of them, such as CLIP's projection).

Nothing here imports timm.
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

# Words of tags; see https://github.com/huggingface/pytorch-image-models, whose tags name data sets.
_LABELS_22K = {"in12k", "in21k", "in22k", "inw21k"}
_WITHOUT_LABELS = {"mim", "ijepa", "sail", "dino"}
_IMAGES = {"mae", "fcmae", "dino", "in1k_ijepa"}
_PAIRS = re.compile(
    r"(openai|(clip_)?laion(a|2b|400m)|datacomp(xl|1b)|dfn[25]b|metaclip2?_|(v2_)?webli|yfcc15m|cc12m)"
)
_FAMILIES = ("dinov2", "dinov3", "siglip", "clip", "mae")


@dataclass(frozen=True)
class TimmName:
    """A name in its parts: ``model`` of timm, and a key of `CHOICES` or None for the model's own.

    ``model`` may lack a tag; timm's default for it is meant then.
    """

    model: str
    choice: str | None

    @property
    def title(self) -> str:
        """The name in tables and figures."""
        chosen = "" if self.choice is None else f", {CHOICES[self.choice]}"
        return f"{self.model}{chosen} (timm)"


def is_timm(name: str) -> bool:
    """Return whether a network's name is one of timm's.

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
        If it is not ``timm:<model>`` or ``timm:<model>@<choice>``.
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
            f"network {name!r}: @{choice} is none of {', '.join(f'@{one}' for one in CHOICES)}; "
            "choose one of these, or leave it out for what the model has by itself"
        )
    return TimmName(model, choice)


def trained_on(model: str) -> str | None:
    """Return what a model was trained on where its tag says it for certain, otherwise None.

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
    # The last training is the one that counts; "ft" stands in front of it where it had labels and
    # the one before had none.
    stage = re.split(r"_ft_", tag)[-1].split("_")
    if "in1k" in stage and not _WITHOUT_LABELS & set(stage):
        return "ImageNet-1k labels"
    if _LABELS_22K & set(stage) and not _WITHOUT_LABELS & set(stage):
        return "ImageNet-22k labels"
    has_labels = ({"in1k"} | _LABELS_22K) & set(words)
    # EVA's towers begin with weights that were trained on the images of ImageNet-22k.
    if _PAIRS.match(tag) and not has_labels and not architecture.startswith("eva"):
        return "image-text pairs"
    return None


def family_of(name: str) -> str:
    """Return what a model has in common with networks that are likely to see the same.

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
