"""What is known of a model of timm before its weights are there.

timm is asked: the model is built on PyTorch's meta device, which takes no memory, and one pass of
shapes through it gives the numbers of features and of multiply-adds. This and the import of timm
take some seconds, so the answer is remembered, in the process and in a file next to the weights
that are kept for all runs (`fringe.networks.weight_files.weight_folder`), by the version of timm.
A run that knows it does not import timm or PyTorch to be planned.
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

# Numbers of classes of models of timm that are classifiers: ImageNet-1k, and the subsets of
# ImageNet-22k that it was cut to. Another head is a projection, such as CLIP's.
LABELS = {1000, 11221, 11821, 19168, 21841, 21842, 21843, 115217}
# Raised when what is remembered of a model has other keys, or is found in another way.
REVISION = 1


@dataclass(frozen=True)
class TimmModel:
    """A model of timm, and what its features are made of.

    Parameters
    ----------
    model : str
        Its name with its tag.
    feature_dim : int
    n_classes : int or None
        None if it is not a classifier.
    maps : bool
        Whether it can be asked what in an image it looks at.
    giga_macs : float
        10^9 multiply-adds for an image of its size.
    pooling : str
        What features are made of, in timm's words: "token", "avg", "map", ..., or "projected".
    trained_on : str or None
    hub : str or None
        The repository of the Hugging Face hub that has its weights.
    file : str
        Their file there.
    licence : str
    last : tuple of int, or None
        The shape of what the model gives to its head for one image; None if that is not a tensor.
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
        If it is not installed.
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
    """Return what is known of the network ``name``, without its weights.

    Raises
    ------
    FringeError
        If timm is not installed, has no such model, or the model has not what is asked for.
    """
    asked, release = read_name(name), timm_version()
    place = weight_folder() / f"timm-{release}.json"
    known = _remembered(place)
    if name in known:
        try:
            last = known[name]["last"]
            return TimmModel(**{**known[name], "last": None if last is None else tuple(last)})
        except (TypeError, KeyError):
            pass  # written by another version of Fringe
    found = _ask(asked, name)
    _remember(place, {**_remembered(place), name: asdict(found)})
    return found


def weight_files_of(about: TimmModel) -> tuple[WeightFile, ...]:
    """Return the published file with a model's weights; none if the hub has none."""
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
    """Return the names of a classifier's classes: ImageNet-1k's, or numbers of other lists."""
    if about.n_classes is None:
        return None
    if about.n_classes == 1000:
        return torchvision_classes()
    return tuple(f"class {number}" for number in range(about.n_classes))


def _remembered(place: Path) -> dict[str, Any]:
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    models = kept.get("models") if isinstance(kept, dict) else None
    return models if isinstance(models, dict) and kept.get("revision") == REVISION else {}


def _remember(place: Path, models: dict[str, Any]) -> None:
    """Keep what was found, where one may; otherwise it is found again."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(place) as partial:
            text = json.dumps({"revision": REVISION, "models": models}, indent=1, sort_keys=True)
            partial.write_text(text, encoding="utf-8")
    except (OSError, FringeError):
        return


def _ask(asked: TimmName, name: str) -> TimmModel:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from fringe.networks.timm_endings import built, chosen, ending_of

    config = _published(asked.model, name)
    full = f"{config.architecture}.{config.tag}" if config.tag else str(config.architecture)
    with torch.device("meta"):
        model = built(full, config.num_classes)
    chosen(model, asked.choice, name)
    images = torch.empty((1, *config.input_size), device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counted:
        last = model.forward_features(images)
        shape = tuple(last.shape) if isinstance(last, torch.Tensor) else None
        features = model.forward_head(last, pre_logits=asked.choice != "projected")
    is_classifier = config.num_classes in LABELS
    if asked.choice == "projected" and (is_classifier or not config.num_classes):
        raise FringeError(f"network {name!r}: {full} has no projection; leave out @projected")
    if features.ndim != 2:
        raise FringeError(
            f"network {name!r}: {full} gives no vector for an image, but numbers of shape "
            f"{tuple(features.shape[1:])}; choose another model"
        )
    projected = asked.choice == "projected"
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
        config = None  # another tag
    if config is not None:
        return config
    known = timm.list_models(f"{architecture}*", pretrained=True)
    known = known or difflib.get_close_matches(model, timm.list_models(pretrained=True), n=5)
    alike = f"; alike are {', '.join(f'{PREFIX}{one}' for one in known[:8])}" if known else ""
    raise FringeError(
        f"network {name!r}: timm {timm_version()} has no model {model!r}{alike}; "
        "`timm.list_models(pretrained=True)` in Python lists all"
    )


def _pooling(model: Any) -> str:
    """Return timm's word for what features are made of."""
    if getattr(model, "attn_pool", None) is not None:
        return "map"
    for place in (model, getattr(model, "head", None)):
        found = getattr(place, "global_pool", None)
        if isinstance(found, str) and found:
            return found
        if isinstance(kind := getattr(found, "pool_type", None), str) and kind:
            return kind
    return "the model's own"
