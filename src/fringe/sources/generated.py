"""What a trained generator makes of seeded latents."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import ChangedError, FringeError
from fringe.files.regular import LARGEST_CHECKPOINT, fault_at
from fringe.generators.output import USUAL, as_range
from fringe.sources.base import Fingerprinted, Images, Indices, as_path, check_indices, digest
from fringe.sources.class_rules import DRAWN, ClassRule, RealClasses, drawn
from fringe.sources.digests import file_digests, forget

if TYPE_CHECKING:
    from fringe.generators import Generator, Latents
    from fringe.generators.base import NoiseMode

__all__ = ["GeneratedSource"]

# Part of the fingerprint: raise it when the same generator and seed give other images.
REVISION = 1
BATCH = 50  # images that go through the generator at a time


class GeneratedSource(Fingerprinted):
    """The images that a generator makes of the latents of a seed.

    Image i is made of row i of ``RandomState(seed).randn(count, z)``, as in the paper's released
    code, whatever else is read. The generator is loaded when the first image, or its size, is
    asked for, once in each process. Threads may share a source; its generator serves them in turn.

    Parameters
    ----------
    path : path-like
        What `fringe.generators.load_generator` reads.
    count : int
        Number of images.
    seed : int
        Of the latents, and of labels and noise where those are random.
    truncation : float
        1 leaves the latents as they are.
    noise : {"const", "random", "none"}
        See `fringe.generators.Generator`; random noise is seeded for each image.
    fp16 : bool
        Compute those blocks of a StyleGAN2 in float16 that were trained in it, as its released code
        does on a GPU.
    range : (float, float), optional
        What black and white are in its images, where they are not -1 and 1.
    label : int, "balanced", "dataset", "uniform" or None
        Class that a conditional generator is asked for, or a rule that gives each image one
        (`fringe.sources.class_rules.ClassRule`).
    class_counts : RealClasses or sequence of int, optional
        How many real images each class has, from class 0 on; only for the label "dataset", and
        needed for it.
    device : str
        Where it computes.
    cache : Path, optional
        Where the hash of the file is remembered.

    Raises
    ------
    FringeError
        If the file is missing, was changed meanwhile or is not a generator, the label, ``fp16`` or
        ``range`` does not fit it, or an image holds a NaN or infinity.
    """

    simulated = False

    def __init__(
        self,
        path: str | Path,
        count: int,
        seed: int = 0,
        *,
        truncation: float = 1.0,
        noise: NoiseMode = "const",
        label: int | str | None = None,
        class_counts: RealClasses | Sequence[int] | None = None,
        fp16: bool = False,
        range: Sequence[float] | None = None,
        device: str = "cpu",
        cache: Path | None = None,
    ) -> None:
        """Look for the file; load nothing yet."""
        self.path = as_path(path)
        self.name = f"{path} (seed {seed})"
        if fault := fault_at(self.path, LARGEST_CHECKPOINT):
            raise FringeError(fault)
        real = class_counts
        if real is not None and not isinstance(real, RealClasses):
            real = RealClasses(np.asarray(real, np.int64), True)
        self.rule = ClassRule(str(path), seed, label, real)
        self.class_counts = self.rule.counts
        self.count, self.seed = count, seed
        self.truncation, self.noise, self.label, self.fp16 = truncation, noise, label, fp16
        self.range = as_range(range, path)
        self.device, self.cache = device, cache
        self._loaded: tuple[Generator, Latents] | None = None
        self._lock = threading.RLock()

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def __getstate__(self) -> dict[str, object]:
        """Pickle without network and lock, which each process has for itself."""
        state = {**self.__dict__, "_loaded": None}
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        """Unpickle with a lock of its own."""
        self.__dict__.update(state, _lock=threading.RLock())

    @cached_property
    def sha256(self) -> str:
        """Hex SHA-256 of the file; once it is told, another file is not loaded."""
        return file_digests([self.path], self.cache)[0]

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return SHA-256 of the generator's file and of all that it is asked for."""
        asked = (self.seed, self.truncation, self.noise, self.label, first, last)
        # Only where they are asked for, so that they change no other's fingerprint.
        changed: list[object] = ["fp16"] if self.fp16 else []
        changed += ["classes", *self.class_counts] if self.class_counts is not None else []
        changed += ["range", *self.range] if self.range not in (None, USUAL) else []
        return digest(["generated", REVISION, self.sha256, *asked, *changed])

    def _load(self) -> tuple[Generator, Latents]:
        with self._lock:
            if self._loaded is None:
                from fringe.generators import Latents, load_generator

                precision = "float16" if self.fp16 else "float32"
                generator = load_generator(
                    self.path, self.device, precision=precision, range=self.range
                )
                if vars(self).get("sha256", generator.sha256) != generator.sha256:
                    forget(self.path, self.cache)
                    raise ChangedError(
                        f"{self.path}: was changed since it was opened (its SHA-256 was "
                        f"{self.sha256} and is {generator.sha256}); run again as soon as nothing "
                        "changes it any more"
                    )
                self.rule.check(generator.n_classes)
                self._loaded = generator, Latents(self.seed, generator.z_dim)
            return self._loaded

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self._load()[0].resolution

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3)."""
        with self._lock:
            return self._made(indices)

    def _made(self, indices: Indices) -> Images:
        generator, latents = self._load()
        wanted = np.asarray(check_indices(indices, self.count, self.name), np.int64)
        images = np.empty((len(wanted), *generator.resolution, 3), np.uint8)
        for start in range(0, len(wanted), BATCH):
            rows = wanted[start : start + BATCH]
            # Always full: the last bits of what a GPU computes depend on the size of the batch.
            full = np.concatenate([rows, np.repeat(rows[-1:], BATCH - len(rows))])
            batch = rows if generator.device.type == "cpu" else full
            draws_noise = generator.traits.noise_sizes is not None
            made = generator(
                latents.rows(batch),
                self.truncation,
                self.rule.of(batch, generator.n_classes),
                self.noise,
                seeds=drawn(self.seed, "noise", batch, 2**62) if draws_noise else None,
                called=partial(self._called, batch),
            )
            # A single channel becomes three.
            images[start : start + len(rows)] = np.moveaxis(np.asarray(made)[: len(rows)], 1, 3)
        return images

    def classes(self) -> np.ndarray | None:
        """Return the class that each image is asked for: int (n,); None of an unconditional one.

        Where classes depend on how many it has, the generator is loaded.

        Raises
        ------
        FringeError
            If it cannot be loaded, or the label does not fit it.
        """
        n_classes = 0
        if self.label in DRAWN:
            with self._lock:
                n_classes = self._load()[0].n_classes
        return self.rule.of(np.arange(self.count), n_classes)

    def _called(self, indices: np.ndarray, row: int) -> str:
        """Return how a message names the image in a row of a batch."""
        return f"{self.path}: image {indices[row]} of seed {self.seed}"
