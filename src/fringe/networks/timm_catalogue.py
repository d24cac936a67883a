"""Find the facts about a model of timm before its weight file exists.

The model is built on PyTorch's meta device, which takes no memory. One pass of shapes through the
model gives the numbers of features and of multiply-adds. This and the import of timm take a few
seconds, so the result is cached: in the process, and by version of timm in a file in the folder of
weight files (`fringe.networks.weight_files.weight_folder`). If the result is cached, planning a run
imports neither timm nor PyTorch.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.networks.class_names import torchvision_classes
from fringe.networks.hub_cache import hub_address
from fringe.networks.timm_names import PREFIX, TimmName, read_name, trained_on
from fringe.networks.weight_files import WeightFile, weight_folder

__all__ = ["LABELS", "TimmModel", "class_names", "describe", "timm_version", "weight_files_of"]

# Numbers of classes of the classifiers in timm: those of ImageNet-1k, and of subsets of
# ImageNet-22k. A head with another number of outputs is a projection, such as that of CLIP.
LABELS = {1000, 11221, 11821, 19168, 21841, 21842, 21843, 115217}
# Increased when the cached facts have other keys, or are found in another way.
REVISION = 1


@dataclass(frozen=True)
class TimmModel:
    """The facts about a model of timm.

    Parameters
    ----------
    model : str
        Name with its tag.
    feature_dim : int
    n_classes : int or None
        None if the model is not a classifier.
    maps : bool
        Whether the model has maps or a split, which show the parts of an image that it uses.
    giga_macs : float
        10^9 multiply-adds for an image of the model's size.
    pooling : str
        The pooling that gives the features, in timm's words: "token", "avg", "map", ..., or
        "projected".
    trained_on : str or None
    hub : str or None
        The repository on the Hugging Face hub that has the weight file.
    file : str
        The weight file in that repository.
    licence : str
    last : tuple of int, or None
        The shape of the head's input for one image; None if the input is not a tensor.
    """

    model: str
    feature_dim: int
    n_classes: int | None
    maps: bool
    giga_macs: float
    pooling: str
    trained_on: str | None
    hub: str | None
    file: str
    licence: str
    last: tuple[int, ...] | None


def timm_version() -> str:
    """Return the version of timm.

    Raises
    ------
    FringeError
        If timm is not installed.
    """
    try:
        return version("timm")
    except PackageNotFoundError as error:
        raise FringeError(
            "networks named `timm:<model>` need the package timm, which is not installed: "
            "pip install 'fringe-fid[timm]'"
        ) from error


@lru_cache(maxsize=256)
def describe(name: str) -> TimmModel:
    """Return the facts about the network ``name``, without its weight file.

    Raises
    ------
    FringeError
        If timm is not installed or does not have the model, or the model does not support the
        choice after the ``@``.
    """
    parts, release = read_name(name), timm_version()
    place = weight_folder() / f"timm-{release}.json"
    known = _cached(place)
    if name in known:
        try:
            last = known[name]["last"]
            return TimmModel(**{**known[name], "last": None if last is None else tuple(last)})
        except (TypeError, KeyError):
            pass  # written by another version of Fringe
    found = _facts(parts, name)
    _cache(place, {**_cached(place), name: asdict(found)})
    return found


def weight_files_of(about: TimmModel) -> tuple[WeightFile, ...]:
    """Return the published weight file of a model; () if the hub has none."""
    if about.hub is None:
        return ()
    return (
        WeightFile(
            f"timm.{about.model}.safetensors",
            (hub_address(about.hub, about.file),),
            None,
            about.licence,
            f"Wightman, PyTorch Image Models, 2019; {about.hub} on the Hugging Face hub",
            (about.hub, about.file),
        ),
    )


def class_names(about: TimmModel) -> tuple[str, ...] | None:
    """Return the names of a classifier's classes: those of ImageNet-1k, or numbers for others."""
    if about.n_classes is None:
        return None
    if about.n_classes == 1000:
        return torchvision_classes()
    return tuple(f"class {number}" for number in range(about.n_classes))


def _cached(place: Path) -> dict[str, Any]:
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    models = kept.get("models") if isinstance(kept, dict) else None
    return models if isinstance(models, dict) and kept.get("revision") == REVISION else {}


def _cache(place: Path, models: dict[str, Any]) -> None:
    """Write the facts to the cache; without permission, they are found again the next time."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(place) as partial:
            text = json.dumps({"revision": REVISION, "models": models}, indent=1, sort_keys=True)
            partial.write_text(text, encoding="utf-8")
    except (OSError, FringeError):
        return


def _facts(parts: TimmName, name: str) -> TimmModel:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from fringe.networks.timm_endings import built, chosen, ending_of

    config = _published(parts.model, name)
    full = f"{config.architecture}.{config.tag}" if config.tag else str(config.architecture)
    with torch.device("meta"):
        model = built(full, config.num_classes)
    chosen(model, parts.choice, name)
    images = torch.empty((1, *config.input_size), device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counted:
        last = model.forward_features(images)
        shape = tuple(last.shape) if isinstance(last, torch.Tensor) else None
        features = model.forward_head(last, pre_logits=parts.choice != "projected")
    is_classifier = config.num_classes in LABELS
    if parts.choice == "projected" and (is_classifier or not config.num_classes):
        raise FringeError(f"network {name!r}: {full} has no projection; leave out @projected")
    if features.ndim != 2:
        raise FringeError(
            f"network {name!r}: {full} does not return a vector for an image, but an array of "
            f"shape {tuple(features.shape[1:])}; choose another model"
        )
    projected = parts.choice == "projected"
    return TimmModel(
        model=full,
        feature_dim=features.shape[1],
        n_classes=config.num_classes if is_classifier else None,
        maps=ending_of(model, shape) is not None,
        giga_macs=round(counted.get_total_flops() / 2e9, 3),
        pooling=f"{_pooling(model)}, projected" if projected else _pooling(model),
        trained_on=trained_on(full),
        hub=config.hf_hub_id,
        file=config.hf_hub_filename or "model.safetensors",
        licence=config.license or "not stated",
        last=shape,
    )


def _published(model: str, name: str) -> Any:
    """Return timm's configuration of a model."""
    import timm
    from timm.models import get_pretrained_cfg, is_model

    architecture = model.partition(".")[0]
    try:
        config = get_pretrained_cfg(model) if is_model(architecture) else None
    except RuntimeError:
        config = None  # the model has no such tag
    if config is not None:
        return config
    known = timm.list_models(f"{architecture}*", pretrained=True)
    known = known or difflib.get_close_matches(model, timm.list_models(pretrained=True), n=5)
    similar = ", ".join(f"{PREFIX}{other}" for other in known[:8])
    hint = f"; similar models are {similar}" if known else ""
    raise FringeError(
        f"network {name!r}: timm {timm_version()} has no model {model!r}{hint}; "
        "`timm.list_models(pretrained=True)` in Python lists all models"
    )


def _pooling(model: Any) -> str:
    """Return timm's word for the pooling that gives the features."""
    if getattr(model, "attn_pool", None) is not None:
        return "map"
    for place in (model, getattr(model, "head", None)):
        found = getattr(place, "global_pool", None)
        if isinstance(found, str) and found:
            return found
        if isinstance(kind := getattr(found, "pool_type", None), str) and kind:
            return kind
    return "the model's own"
