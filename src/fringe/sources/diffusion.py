"""Images of a pipeline of diffusers from seeds, classes or prompts."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import ChangedError, FringeError
from fringe.files.regular import fault_at, read_text
from fringe.files.steadiness import steady
from fringe.generators.pipeline_folder import read_pipeline_folder
from fringe.sources.base import Fingerprinted, Images, Indices, as_path, check_indices, digest
from fringe.sources.class_rules import ClassRule, RealClasses, drawn
from fringe.sources.digests import file_digests, forget

if TYPE_CHECKING:
    from fringe.generators.pipelines import Pipeline, PipelinePrecision

__all__ = ["BATCH", "EQUAL", "DiffusionSource", "read_prompts"]

# Part of the fingerprint: increase it when the same pipeline and seed give other images.
REVISION = 1
BATCH = 10  # images per batch of a pipeline on a GPU
# Largest mean difference, in grey levels, of an image that is made again on its own.
EQUAL = 0.01
FEW_STEPS = 2  # of images that are only made to find their size


class DiffusionSource(Fingerprinted):
    """The images that a pipeline of diffusers makes of a seed.

    The noise of image i comes from a separate ``torch.Generator``, whose seed is
    ``random_stream(seed, "diffusers", i).integers(2**62)`` (`fringe.seeds.random_stream`), so an
    image does not depend on others. On the CPU, each image is made on its own. On a GPU, the last
    bits depend on the size of the batch, so all batches are full. Each process loads the pipeline
    once, when the first image is requested. Threads take turns.

    Parameters
    ----------
    path : path-like
        The folder of the pipeline (`fringe.generators.pipeline_folder`).
    count : int
        Number of images.
    seed : int
        Seed of noise, and of drawn classes.
    scheduler : str, optional
        A scheduler class of diffusers, used instead of the folder's scheduler.
    steps : int, optional
        Number of steps; by default the pipeline's number.
    guidance : float, optional
        Scale of classifier-free guidance; by default the pipeline's scale.
    precision : {"float32", "float16", "bfloat16"}
        Precision of weights and arithmetic.
    label : int, "balanced", "dataset", "uniform" or None
        See `fringe.sources.class_rules.ClassRule`; only for a pipeline with classes.
    real : RealClasses, optional
        Frequencies of the classes of real images; only for the label "dataset".
    prompts : path-like, optional
        A file with a prompt in each line, for a pipeline with text input. Image i is made from line
        i modulo the number of prompts.
    resolution : int, optional
        Height and width; only for a pipeline with text input.
    batch_size : int
        Images per batch on a GPU.
    device : str
        Device of the pipeline.
    cache : Path, optional
        Folder that stores hashes of files.

    Raises
    ------
    FringeError
        If the folder, the prompts or another option is invalid, or diffusers is not installed.
    """

    simulated = False

    def __init__(
        self,
        path: str | Path,
        count: int,
        seed: int = 0,
        *,
        scheduler: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        precision: PipelinePrecision = "float32",
        label: int | str | None = None,
        real: RealClasses | None = None,
        prompts: str | Path | None = None,
        resolution: int | None = None,
        batch_size: int = BATCH,
        device: str = "cpu",
        cache: Path | None = None,
    ) -> None:
        """Read the index of the folder; do not load the pipeline yet."""
        self.path = as_path(path)
        self.name = f"{path} (seed {seed})"
        self.folder = read_pipeline_folder(path)
        self.rule = ClassRule(str(path), seed, label, real)
        self.rule.check(self.folder.n_classes)
        takes_text = any(key.startswith("text_encoder") for key in self.folder.components)
        if takes_text != (prompts is not None):
            raise FringeError(
                f"{path}: makes images from text; set `prompts` to a file with a prompt in each "
                "line"
                if takes_text
                else f"{path}: does not make images from text; remove `prompts`"
            )
        self._prompts_path = prompts
        self.prompts = None if prompts is None else read_prompts(prompts)
        self.count, self.seed, self.label = count, seed, label
        self.scheduler, self.steps, self.guidance = scheduler, steps, guidance
        self.precision, self.size, self.batch_size = precision, resolution, batch_size
        self.device, self.cache = device, cache
        self._loaded: Pipeline | None = None
        self._lock = threading.RLock()

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def __getstate__(self) -> dict[str, object]:
        """Pickle without the pipeline and the lock, which each process creates."""
        state = {**self.__dict__, "_loaded": None}
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        """Unpickle with a new lock."""
        self.__dict__.update(state, _lock=threading.RLock())

    @cached_property
    def sha256(self) -> str:
        """Hex SHA-256 of all files of the pipeline. Once computed, other files are not loaded."""
        return self._digest_now()

    def _digest_now(self) -> str:
        files = self.folder.files
        names = [file.relative_to(self.folder.path).as_posix() for file in files]
        found = file_digests(files, self.cache, limit=None)
        return digest(zip(names, found, strict=True))

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the pipeline's files and of all options."""
        asked: list[object] = [self.scheduler, self.steps, self.guidance, self.precision, self.size]
        # Only if they are used, so that a new key does not change fingerprints.
        asked += ["label", self.label] if self.label is not None else []
        asked += ["classes", *self.rule.counts] if self.rule.counts is not None else []
        asked += ["prompts", digest(self.prompts)] if self.prompts is not None else []
        asked += ["batch", self.batch_size] if self.batch_size != BATCH else []
        return digest(["diffusers", REVISION, self.sha256, self.seed, *asked, first, last])

    def _load(self) -> Pipeline:
        with self._lock:
            if self._loaded is None:
                from fringe.generators.pipelines import load_pipeline

                with ExitStack() as stack:
                    for file in self.folder.files:
                        stack.enter_context(steady(file))
                    loaded = load_pipeline(
                        self.folder,
                        self.device,
                        scheduler=self.scheduler,
                        steps=self.steps,
                        guidance=self.guidance,
                        size=self.size,
                        precision=self.precision,
                    )
                    if "sha256" in vars(self) and self._digest_now() != self.sha256:
                        for file in self.folder.files:
                            forget(file, self.cache)
                        raise ChangedError(
                            f"{self.path}: was changed since it was opened; run again as soon as "
                            "nothing changes it any more"
                        )
                self._loaded = loaded
            return self._loaded

    def probe(self) -> DiffusionSource:
        """Return a source of the same pipeline that makes its images on the CPU in two steps.

        They show the size of images, and errors in the folder and in the options.
        """
        steps = FEW_STEPS if self.steps is None else min(self.steps, FEW_STEPS)
        return DiffusionSource(
            self.path,
            max(2, self.count),
            self.seed,
            scheduler=self.scheduler,
            steps=steps,
            guidance=self.guidance,
            label=self.label,
            real=self.rule.real,
            prompts=self._prompts_path,
            resolution=self.size,
            cache=self.cache,
        )

    @cached_property
    def resolution(self) -> tuple[int, int]:
        """Height and width. The first image is made to find them."""
        with self._lock:
            height, width = self._made([0]).shape[1:3]
        return height, width

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            If the pipeline cannot be loaded, or fails.
        """
        wanted = check_indices(indices, self.count, self.name)
        if not len(wanted):
            return np.empty((0, *self.resolution, 3), np.uint8)
        with self._lock:
            return self._made(wanted)

    def _made(self, wanted: Indices) -> Images:
        pipeline = self._load()
        rows = np.asarray(wanted, np.int64)
        size = 1 if pipeline.device.type == "cpu" else self.batch_size
        images = []
        for start in range(0, len(rows), size):
            few = rows[start : start + size]
            batch = np.concatenate([few, np.repeat(few[-1:], size - len(few))])
            labels = self.rule.of(batch, self.folder.n_classes)
            made = pipeline(
                drawn(self.seed, "diffusers", batch, 2**62).tolist(),
                None if labels is None else labels.tolist(),
                None if self.prompts is None else [self.prompt(row) for row in batch.tolist()],
            )
            images.append(made[: len(few)])
        return np.concatenate(images)

    def prompt(self, index: int) -> str:
        """Return the prompt of an image, for a pipeline with text input."""
        assert self.prompts is not None
        return self.prompts[index % len(self.prompts)]

    def classes(self) -> np.ndarray | None:
        """Return the class requested for each image, int (n,); None without classes."""
        return self.rule.of(np.arange(self.count), self.folder.n_classes)


def read_prompts(path: str | Path) -> list[str]:
    """Return the lines of a file of prompts that are not empty.

    Raises
    ------
    FringeError
        If the file cannot be read, or contains no prompts.
    """
    place = as_path(path)
    if fault := fault_at(place):
        raise FringeError(fault)
    try:
        lines = [line.strip() for line in read_text(place).splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise FringeError(
            f"{path}: cannot be read as prompts ({error}); give a text in UTF-8"
        ) from error
    found = [line for line in lines if line]
    if not found:
        raise FringeError(f"{path}: contains no prompts; write one prompt in each line")
    return found
