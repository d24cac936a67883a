"""Images of a trained generator from seeded latents."""

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

# Part of the fingerprint: increase it when the same generator and seed give other images.
REVISION = 1
BATCH = 50  # images per batch of the generator


class GeneratedSource(Fingerprinted):
    """The images that a generator makes from the latents of a seed.

    Image i is made from row i of ``RandomState(seed).randn(count, z)``, as in the code released
    with [1]_, independently of the other images that are read. Each process loads the generator
    once, when the first image or the size of images is requested. Threads may share a source; they
    use its generator one after another.

    Parameters
    ----------
    path : path-like
        A file that `fringe.generators.load_generator` reads.
    count : int
        Number of images.
    seed : int
        Seed of the latents, and of random labels and noise.
    truncation : float
        1: latents are not truncated.
    noise : {"const", "random", "none"}
        See `fringe.generators.Generator`; random noise has a seed for each image.
    fp16 : bool
        Compute the blocks of a StyleGAN2 in float16 that were trained in float16, like its released
        code on a GPU.
    range : (float, float), optional
        Values of black and white in its images, if they are not -1 and 1.
    label : int, "balanced", "dataset", "uniform" or None
        The class requested from a conditional generator, or a rule that gives each image a class
        (`fringe.sources.class_rules.ClassRule`).
    class_counts : RealClasses or sequence of int, optional
        Number of real images of each class, from class 0 on; only for the label "dataset", which
        needs it.
    device : str
        Device of the generator.
    cache : Path, optional
        Folder that stores the hash of the file.

    Raises
    ------
    FringeError
        If the file is missing, was changed after it was opened or is not a generator; if the label,
        ``fp16`` or ``range`` does not match it; or if an image contains a NaN or infinity.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> from importlib.resources import files
    >>> from fringe.sources import GeneratedSource
    >>> path = files("fringe.generators") / "photographs-pixels.safetensors"
    >>> source = GeneratedSource(path, count=4, seed=0)
    >>> source.read([0, 3]).shape
    (2, 64, 64, 3)
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
        """Check that the file exists; do not load it yet."""
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
        """Pickle without the network and the lock, which each process creates."""
        state = {**self.__dict__, "_loaded": None}
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        """Unpickle with a new lock."""
        self.__dict__.update(state, _lock=threading.RLock())

    @cached_property
    def sha256(self) -> str:
        """Hex SHA-256 of the file. Once it is computed, a file with another hash is not loaded."""
        return file_digests([self.path], self.cache)[0]

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the generator's file and of all options."""
        asked = (self.seed, self.truncation, self.noise, self.label, first, last)
        # Only if they are used, so that other fingerprints do not change.
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
            # Always a full batch: on a GPU, the last bits of results depend on the batch size.
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
        """Return the class requested for each image, int (n,); None for an unconditional generator.

        If classes depend on the number of the generator's classes, this loads the generator.

        Raises
        ------
        FringeError
            If the generator cannot be loaded, or the label does not match it.
        """
        n_classes = 0
        if self.label in DRAWN:
            with self._lock:
                n_classes = self._load()[0].n_classes
        return self.rule.of(np.arange(self.count), n_classes)

    def _called(self, indices: np.ndarray, row: int) -> str:
        """Return the name in messages of the image in a row of a batch."""
        return f"{self.path}: image {indices[row]} of seed {self.seed}"
