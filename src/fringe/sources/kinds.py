"""The kinds of image sources: keys of their specifications, and functions that open them.

`fringe.config.sources` describes the same kinds as sections of a configuration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fringe.sources.base import ImageSource
from fringe.sources.class_labels import class_counts
from fringe.sources.data_sets import open_source
from fringe.sources.diffusion import DiffusionSource
from fringe.sources.function import FunctionSource
from fringe.sources.generated import GeneratedSource
from fringe.sources.given_features import GivenFeatures
from fringe.sources.imitation import ImitationSource
from fringe.sources.limits import Limits
from fringe.sources.photos import PhotoSource

__all__ = ["KINDS", "Kind"]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of image source.

    Parameters
    ----------
    keys : mapping
        For each key of a specification: its type or types, and whether the key is optional.
    open : callable
        Opens a source. Its arguments are the values of all keys, the folder where hashes are stored
        (see `fringe.sources.open_source`), and the device on which a generator runs.
    pixels_per_second : mapping, optional
        Only for kinds that make images: the number of pixels per second that one CPU core ("cpu")
        and one NVIDIA H100 ("cuda") make, used until a run has measured it. For a diffusion model,
        pixels per second of one step. None if images are read.
    has_one_speed : bool
        Whether these speeds hold for all sources of the kind, so that they can be measured for a
        machine. False for functions and diffusion models, whose speeds differ.
    """

    keys: Mapping[str, tuple[type | tuple[type, ...], bool]]
    open: Callable[[Values, Path | None, str], ImageSource]
    pixels_per_second: Mapping[str, float] | None = None
    has_one_speed: bool = True


def _open_files(values: Values, cache: Path | None, device: str) -> ImageSource:
    return open_source(
        values["path"],
        values.get("resolution"),
        count=values.get("count"),
        cache=cache,
        crop=values.get("crop") or "center",
        filter=values.get("filter") or "lanczos",
        follow_links=bool(values.get("follow_links")),
        order=values.get("order") or "random",
        seed=values.get("seed") or 0,
        least=values.get("least"),
        strict=bool(values.get("strict")),
        select=values.get("select"),
        ignore=values.get("ignore"),
        label_column=values.get("label_column"),
        limits=Limits(**(values.get("limits") or {})),
    )


def _open_generator(values: Values, cache: Path | None, device: str) -> ImageSource:
    labels, counts = values["labels"], None
    if labels is not None:
        counts = class_counts(_open_files(labels, cache, device))
    return GeneratedSource(
        values["path"],
        values["count"],
        values["seed"],
        truncation=values["truncation"],
        noise=values["noise"],
        label=values["label"],
        class_counts=counts,
        fp16=bool(values["fp16"]),
        range=values["range"],
        device=device,
        cache=cache,
    )


def _open_diffusers(values: Values, cache: Path | None, device: str) -> ImageSource:
    labels = values["labels"]
    return DiffusionSource(
        values["path"],
        values["count"],
        values["seed"],
        scheduler=values["scheduler"],
        steps=values["steps"],
        guidance=values["guidance"],
        precision=values["precision"],
        label=values["label"],
        real=None if labels is None else class_counts(_open_files(labels, cache, device)),
        prompts=values["prompts"],
        resolution=values["resolution"],
        batch_size=values["batch_size"],
        device=device,
        cache=cache,
    )


def _open_python(values: Values, cache: Path | None, device: str) -> ImageSource:
    return FunctionSource(
        values["function"],
        values["count"],
        values["resolution"],
        values["seed"],
        values["settings"],
        device=device,
        cache=cache,
    )


def _open_features(values: Values, cache: Path | None, device: str) -> ImageSource:
    return GivenFeatures(
        values["path"],
        values["networks"],
        values["count"],
        order=values["order"] or "random",
        seed=values["seed"] or 0,
        least=values["least"],
        cache=cache,
    )


def _open_photos(values: Values, cache: Path | None, device: str) -> ImageSource:
    return PhotoSource(
        values["count"], values["resolution"], values["seed"], values["framing"] or "free"
    )


def _open_imitation(values: Values, cache: Path | None, device: str) -> ImageSource:
    return ImitationSource(
        values["count"],
        values["resolution"],
        values["seed"],
        values["severity"],
        values["framing"] or "free",
    )


KINDS = {
    "files": Kind(
        {
            "path": (str, False),
            "count": (int, True),
            "resolution": (int, True),
            "crop": (str, True),
            "filter": (str, True),
            "follow_links": (bool, True),
            "order": (str, True),
            "seed": (int, True),
            "least": (int, True),
            "strict": (bool, True),
            "select": ((str, list), True),
            "ignore": ((str, list), True),
            "label_column": (str, True),
            "limits": (dict, True),
        },
        _open_files,
    ),
    "generator": Kind(
        {
            "path": (str, False),
            "count": (int, False),
            "seed": (int, False),
            "truncation": (float, False),
            "noise": (str, False),
            "label": ((int, str), True),
            "labels": (dict, True),
            "fp16": (bool, True),
            "range": (list, True),
        },
        _open_generator,
        # StyleGAN2 at 256 x 256, float32: 5.68 images/s on two cores, 413 on the GPU.
        pixels_per_second={"cpu": 1.9e5, "cuda": 2.7e7},
    ),
    "features": Kind(
        {
            "path": (str, False),
            "count": (int, True),
            "order": (str, True),
            "seed": (int, True),
            "least": (int, True),
            "networks": (list, False),
        },
        _open_features,
    ),
    "diffusers": Kind(
        {
            "path": (str, False),
            "count": (int, False),
            "seed": (int, False),
            "scheduler": (str, True),
            "steps": (int, True),
            "guidance": (float, True),
            "precision": (str, False),
            "label": ((int, str), True),
            "prompts": (str, True),
            "resolution": (int, True),
            "batch_size": (int, False),
            "labels": (dict, True),
        },
        _open_diffusers,
        # Per step; not measured: Stable Diffusion 1.5 at 512 x 512 has 0.4e12 multiply-adds.
        pixels_per_second={"cpu": 1e4, "cuda": 2e7},
        has_one_speed=False,
    ),
    "python": Kind(
        {
            "function": (str, False),
            "count": (int, False),
            "resolution": (int, True),
            "seed": (int, False),
            "settings": (dict, True),
        },
        _open_python,
        # Unknown until a run has measured it; the speeds of `generator` until then.
        pixels_per_second={"cpu": 1.9e5, "cuda": 2.7e7},
        has_one_speed=False,
    ),
    "photos": Kind(
        {
            "count": (int, False),
            "resolution": (int, False),
            "seed": (int, False),
            "framing": (str, True),
        },
        _open_photos,
    ),
    "imitation": Kind(
        {
            "count": (int, False),
            "resolution": (int, False),
            "seed": (int, False),
            "framing": (str, True),
            "severity": (float, False),
        },
        _open_imitation,
        # Measured in the demo; this kind does not use a GPU.
        pixels_per_second={"cpu": 2.3e6, "cuda": 2.3e6},
    ),
}
