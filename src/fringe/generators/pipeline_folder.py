"""Read the description of a diffusers pipeline from its folder, without loading the pipeline.

The folder contains ``model_index.json``, which names a class of diffusers and its components. Each
component is in a folder with its name. ``DiffusionPipeline.save_pretrained`` writes this format.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fringe.errors import FringeError
from fringe.files.parsing import parse_json
from fringe.files.paths import as_path
from fringe.files.regular import read_regular
from fringe.files.stand_ins import stand_in_at

__all__ = ["LEFT_OUT", "PIPELINE_INDEX", "PipelineFolder", "read_pipeline_folder"]

#: The file that identifies the folder of a pipeline.
PIPELINE_INDEX = "model_index.json"
LARGEST_INDEX = 16 << 20

#: Components that are never loaded: they replace images that they classify as indecent by black.
LEFT_OUT = ("safety_checker", "image_encoder")

_LIBRARIES = ("diffusers", "transformers")
_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")


@dataclass(frozen=True)
class PipelineFolder:
    """The folder of a pipeline.

    Attributes
    ----------
    path : Path
        The folder.
    pipeline : str
        Name of the pipeline's class in diffusers.
    components : tuple of str
        Names of the components that are loaded.
    left_out : tuple of str
        Names of the components that are not loaded.
    files : tuple of Path
        The index, and all files of the loaded components, except pickles.
    n_classes : int
        Number of classes of a class-conditional transformer (DiT); 0 for other pipelines.
    """

    path: Path
    pipeline: str
    components: tuple[str, ...]
    left_out: tuple[str, ...]
    files: tuple[Path, ...]
    n_classes: int

    @property
    def size(self) -> int:
        """Number of bytes of the safetensors files."""
        return sum(file.stat().st_size for file in self.files if file.suffix == ".safetensors")


def read_pipeline_folder(path: str | os.PathLike[str]) -> PipelineFolder:
    """Return the description of the pipeline in a folder.

    Raises
    ------
    FringeError
        If the folder is not that of a pipeline, contains code, has components of libraries other
        than diffusers and transformers, or has a component whose weights are only pickles.
    """
    folder = as_path(path)
    if not os.path.isdir(folder):  # noqa: PTH112 - False without permission, not an error
        raise FringeError(
            f"{path}: is not the folder of a diffusers pipeline; give a folder that "
            f"`save_pretrained` wrote, which contains {PIPELINE_INDEX}"
        )
    index = folder / PIPELINE_INDEX
    try:
        stated = parse_json(read_regular(index, LARGEST_INDEX))
        pipeline = stated["_class_name"]
        named = {
            key: value
            for key, value in stated.items()
            if not key.startswith("_") and isinstance(value, list) and value != [None, None]
        }
    except FileNotFoundError as error:
        raise FringeError(
            f"{path}: contains no {PIPELINE_INDEX}, so it is not the folder of a diffusers "
            "pipeline; give a folder that `save_pretrained` wrote"
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = stand_in_at(index) or f"is not an index of diffusers ({error!r})"
        raise FringeError(f"{index}: {reason}; get the folder again") from error
    if not isinstance(pipeline, str) or re.fullmatch(r"[A-Za-z]\w*", pipeline, re.ASCII) is None:
        raise FringeError(
            f"{index}: its class is {pipeline!r}, which is not in diffusers; code that comes with "
            "a pipeline is not run"
        )
    left_out = tuple(key for key in named if key in LEFT_OUT)
    components = tuple(key for key in named if key not in LEFT_OUT)
    for key in components:
        _check_component(index, key, named[key])
    files = [index]
    for key in components:
        files += _files_of(folder, key)
    return PipelineFolder(
        folder, pipeline, components, left_out, tuple(files), _classes_of(folder, named)
    )


def _check_component(index: Path, key: str, value: list[Any]) -> None:
    known = len(value) == 2 and value[0] in _LIBRARIES and isinstance(value[1], str)
    if not known or re.fullmatch(r"[A-Za-z]\w*", key, re.ASCII) is None:
        raise FringeError(
            f"{index}: its component {key!r} is {value!r}, and only classes of "
            f"{' and '.join(_LIBRARIES)} are loaded; code that comes with a pipeline is not run"
        )


def _files_of(folder: Path, component: str) -> list[Path]:
    place = folder / component
    files = sorted(file for file in place.rglob("*") if file.is_file())
    if not files:
        raise FringeError(
            f"{place}: contains no files, but {PIPELINE_INDEX} names it; get the folder again"
        )
    for file in files:
        if file.suffix == ".py":
            raise FringeError(
                f"{file}: is code that comes with a pipeline, which is not run; give a pipeline "
                "whose class is in diffusers"
            )
    pickles = [file for file in files if file.suffix in _PICKLES]
    if pickles and not any(file.suffix == ".safetensors" for file in files):
        raise FringeError(
            f"{pickles[0]}: is a pickle, which can run code, and {component} has no safetensors; "
            "save the pipeline with `save_pretrained(folder, safe_serialization=True)`"
        )
    for file in files:
        if file.suffix == ".safetensors" and (instead := stand_in_at(file)):
            raise FringeError(f"{file}: {instead}")
    return [file for file in files if file.suffix not in _PICKLES]


def _classes_of(folder: Path, named: Mapping[str, Any]) -> int:
    if "transformer" not in named:
        return 0
    place = folder / "transformer" / "config.json"
    try:
        count = parse_json(read_regular(place, LARGEST_INDEX)).get("num_embeds_ada_norm")
    except (AttributeError, OSError, ValueError) as error:
        raise FringeError(f"{place}: cannot be read ({error}); get the folder again") from error
    return count if isinstance(count, int) and "text_encoder" not in named else 0
