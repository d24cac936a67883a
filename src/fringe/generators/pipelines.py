"""Load pipelines of diffusers from folders, and make an image for each seed."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from fringe.devices.choice import open_device
from fringe.errors import FringeError
from fringe.generators.pipeline_folder import PipelineFolder

__all__ = ["INSTALL", "PRECISIONS", "Pipeline", "PipelinePrecision", "load_pipeline"]

PipelinePrecision = Literal["float32", "float16", "bfloat16"]
PRECISIONS: tuple[str, ...] = get_args(PipelinePrecision)

#: Command that installs the optional packages.
INSTALL = "pip install 'fringe-fid[diffusers]'"

# Errors that the libraries raise for requests that they do not support.
_FAULTS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

# Parameters that every pipeline must have to be called here.
_NEEDED = ("generator", "num_inference_steps", "output_type")


class Pipeline:
    """A pipeline of diffusers that makes an image from each seed.

    Parameters
    ----------
    loaded : diffusers.DiffusionPipeline
        The pipeline on its device.
    name : str
        Name of the pipeline in messages.
    steps, guidance : int and float, optional
        ``num_inference_steps`` and ``guidance_scale``; by default those of the pipeline.
    size : int, optional
        Height and width of the images; only for pipelines that make images from text.

    Attributes
    ----------
    takes : {"text", "classes", "nothing"}
        The inputs from which images are made, besides noise.

    Raises
    ------
    FringeError
        If the pipeline does not make images from noise, classes or text, or does not support an
        option.
    """

    def __init__(
        self,
        loaded: Any,
        name: str,
        steps: int | None = None,
        guidance: float | None = None,
        size: int | None = None,
    ) -> None:
        """Compare the options with the parameters of the pipeline."""
        self.loaded, self.name = loaded, name
        self.device: torch.device = loaded.device
        parameters = inspect.signature(loaded.__call__).parameters
        kind = type(loaded).__name__
        lacking = [key for key in _NEEDED if key not in parameters]
        if "prompt" in parameters:
            self.takes: Literal["text", "classes", "nothing"] = "text"
        elif "class_labels" in parameters:
            self.takes = "classes"
        else:
            self.takes = "nothing"
            lacking += [key for key in ("batch_size",) if key not in parameters]
        known = {"prompt", "class_labels", *_NEEDED}
        required = [
            key
            for key, parameter in parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            and key not in known
        ]
        if lacking or required or (self.takes == "text" and "image" in parameters):
            fault = f"takes no {lacking[0]}" if lacking else f"needs {(*required, 'image')[0]}"
            raise FringeError(
                f"{name}: {kind} {fault}; use a pipeline that makes images from noise, classes or "
                "prompts"
            )
        self.named: dict[str, Any] = {"output_type": "np"}
        for key, name_there, value in (
            ("steps", "num_inference_steps", steps),
            ("guidance", "guidance_scale", guidance),
            ("resolution", "height", size),
            ("resolution", "width", size),
        ):
            if value is None:
                continue
            if name_there not in parameters:
                raise FringeError(
                    f"{name}: {kind} takes no `{name_there}`; leave out `{key}` ({value})"
                )
            self.named[name_there] = value
        loaded.set_progress_bar_config(disable=True)

    def __call__(
        self,
        seeds: Sequence[int],
        labels: Sequence[int] | None = None,
        prompts: Sequence[str] | None = None,
    ) -> npt.NDArray[np.uint8]:
        """Return an image for each seed, uint8 RGB (n, H, W, 3).

        The noise of an image and of all its steps comes from a separate ``torch.Generator`` on the
        CPU with the seed of the image.

        Parameters
        ----------
        seeds : sequence of int
            From 0 to 2^63 - 1.
        labels : sequence of int, optional
            The class of each image.
        prompts : sequence of str, optional
            The prompt of each image.

        Raises
        ------
        FringeError
            If the pipeline fails, or an image contains NaN.
        """
        given: dict[str, Any] = {"batch_size": len(seeds)}
        if self.takes == "text":
            given = {"prompt": list(prompts or ())}
        elif self.takes == "classes":
            given = {"class_labels": list(labels or ())}
        noise = [torch.Generator("cpu").manual_seed(int(seed)) for seed in seeds]
        try:
            made = self.loaded(**given, generator=noise, **self.named).images
        except _FAULTS as error:
            raise FringeError(
                f"{self.name}: {type(self.loaded).__name__} with the scheduler "
                f"{type(self.loaded.scheduler).__name__} fails ({type(error).__name__}: {error}); "
                "choose another `scheduler`, number of `steps` or `precision`"
            ) from error
        images = np.asarray(made)
        if images.ndim != 4 or len(images) != len(seeds) or images.shape[3] not in (1, 3):
            raise FringeError(
                f"{self.name}: {type(self.loaded).__name__} returns an array of shape "
                f"{images.shape} for {len(seeds)} images; use a pipeline that makes images"
            )
        if not np.isfinite(images).all():
            raise FringeError(
                f"{self.name}: an image holds NaN or infinity; set `precision: float32`"
            )
        # The same rounding as in `numpy_to_pil` of diffusers.
        levels = (255 * images).round().clip(0, 255).astype(np.uint8)
        return levels if levels.shape[3] == 3 else np.repeat(levels, 3, axis=3)


def load_pipeline(
    folder: PipelineFolder,
    device: str = "cpu",
    *,
    scheduler: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    size: int | None = None,
    precision: PipelinePrecision = "float32",
) -> Pipeline:
    """Load the pipeline in a folder from safetensors files, without running code in the folder.

    Parameters
    ----------
    folder : PipelineFolder
        The result of `read_pipeline_folder`.
    device : str
        Device on which the pipeline computes.
    scheduler : str, optional
        A class of diffusers, such as "DDIMScheduler", which is made with the settings of the
        scheduler in the folder. By default, the scheduler in the folder is used.
    steps, guidance, size
        See `Pipeline`.
    precision : {"float32", "float16", "bfloat16"}
        Precision of the weights and of the arithmetic.

    Raises
    ------
    FringeError
        If diffusers is not installed, a class does not exist, or the pipeline cannot be loaded.
    """
    library = _library(folder)
    kind = _class(library, folder.pipeline, "DiffusionPipeline", f"{folder.path}")
    other = None
    if scheduler is not None:
        other = _class(library, scheduler, "SchedulerMixin", f"{folder.path}: scheduler")
    place = open_device(device)
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    without: dict[str, Any] = dict.fromkeys(folder.left_out)
    if "safety_checker" in folder.left_out:
        without["requires_safety_checker"] = False
    try:
        loaded = kind.from_pretrained(
            str(folder.path),
            dtype=getattr(torch, precision),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            low_cpu_mem_usage=library.utils.is_accelerate_available(),
            **without,
        )
        if other is not None:
            loaded.scheduler = other.from_config(loaded.scheduler.config)
        loaded = loaded.to(place)
    except (*_FAULTS, ImportError, OSError) as error:
        raise FringeError(
            f"{folder.path}: diffusers {library.__version__} cannot load it ({error}); get the "
            "folder again, or install the version of diffusers that it was written with"
        ) from error
    return Pipeline(loaded, str(folder.path), steps, guidance, size)


def _library(folder: PipelineFolder) -> Any:
    for name in ("diffusers", "transformers"):
        try:
            found = importlib.import_module(name)
        except ImportError as error:
            raise FringeError(
                f"{folder.path}: a diffusers pipeline needs the package {name} ({error}); install "
                f"it: {INSTALL}"
            ) from error
        if name == "diffusers":
            library = found
    return library


def _class(library: Any, name: str, base: str, what: str) -> Any:
    """Return a class of diffusers that is a subclass of ``base``."""
    found = getattr(library, name, None)
    if not (isinstance(found, type) and issubclass(found, getattr(library, base))):
        raise FringeError(
            f"{what}: diffusers {library.__version__} has no {base} named {name!r}; correct the "
            "name, or install a version that has it"
        )
    return found
