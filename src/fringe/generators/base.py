"""What a generator is, whatever architecture it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from fringe.devices.determinism import deterministic
from fringe.errors import FringeError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Generator", "Inputs", "NoiseMode", "Traits", "to_uint8"]

NoiseMode = Literal["const", "random", "none"]


class Inputs(NamedTuple):
    """What an architecture makes N images of; tensors lie on its device.

    ``latents`` (N, z) and ``labels`` (N, c) float32. ``noise`` is one (N, 1, h, w) for each of the
    generator's noise layers, or "const" for its own constants, or None.
    """

    latents: Tensor
    labels: Tensor | None = None
    noise: tuple[Tensor, ...] | Literal["const"] | None = None
    truncation: float = 1.0
    cutoff: int | None = None


class Traits(NamedTuple):
    """What a kind of generator can be asked for beyond its default."""

    truncation: bool
    constant_noise: bool
    # (h, w) of each noise layer, in the order in which they are applied. None: the generator draws
    # its own noise and cannot be told how.
    noise_sizes: tuple[tuple[int, int], ...] | None


@dataclass(frozen=True)
class Generator:
    """A fixed network from latent vectors to images.

    Parameters
    ----------
    name : str
        Its file's name, without folder and suffix.
    kind : {"stylegan2", "fastgan", "torchscript"}
        The architecture, told from the content of the file.
    z_dim : int
        Length of a latent vector.
    n_classes : int
        Length of a one-hot label; 0 where the generator takes none.
    resolution : (int, int)
        Height and width of its images, in pixels.
    channels : int
        Of its images; 3 is RGB, 1 is grey.
    sha256 : str
        Hex SHA-256 of the file.
    device : torch.device
        Where it computes.
    traits : Traits
        Whether it has truncation and constant noise, and where noise enters.
    forward : callable
        From Inputs to float32 images (N, channels, H, W). Called in inference mode.
    """

    name: str
    kind: str
    z_dim: int
    n_classes: int
    resolution: tuple[int, int]
    channels: int
    sha256: str
    device: torch.device
    traits: Traits = field(repr=False)
    forward: Callable[[Inputs], Tensor] = field(repr=False)

    def __call__(
        self,
        latents: Tensor | np.ndarray,
        truncation: float = 1.0,
        labels: Tensor | np.ndarray | Sequence[int] | None = None,
        noise: NoiseMode = "const",
        *,
        cutoff: int | None = None,
        seeds: Sequence[int] | np.ndarray | None = None,
        called: Callable[[int], str] | None = None,
    ) -> Tensor | np.ndarray:
        """Return uint8 images (N, channels, H, W): ``synthesize``, quantized as released.

        That is (x * 127.5 + 128), clamped to 0..255, decimals cut off.
        """
        import torch

        with torch.inference_mode():
            images = self._images(latents, truncation, labels, noise, cutoff, seeds, called)
            images = to_uint8(images)
        return _like(images, latents)

    def synthesize(
        self,
        latents: Tensor | np.ndarray,
        truncation: float = 1.0,
        labels: Tensor | np.ndarray | Sequence[int] | None = None,
        noise: NoiseMode = "const",
        *,
        cutoff: int | None = None,
        seeds: Sequence[int] | np.ndarray | None = None,
        called: Callable[[int], str] | None = None,
    ) -> Tensor | np.ndarray:
        """Return float32 images (N, channels, H, W), unclipped, most values within [-1, 1].

        Parameters
        ----------
        latents : (N, z_dim) array or tensor
            Standard normal; computed with in float32. N at least 1.
        truncation : float
            psi of Karras et al. 2019, Section B: w is drawn towards its mean by this factor.
            1 leaves it alone. Only for generators that have a mean w.
        labels : (N, n_classes) one-hot floats, or (N,) class indices
            Needed by conditional generators, refused by others.
        noise : {"const", "random", "none"}
            Per-pixel noise: the constants that belong to the generator, fresh normals for every
            image, or none. FastGAN has no constants and draws fresh noise for "const" too.
        cutoff : int, optional
            Truncate only that many of the w that the layers take; all by default.
        seeds : (N,) ints, optional
            Draw the noise of each image from a generator of its own, so that an image depends
            neither on its batch nor on the device. Without them, noise comes from PyTorch's global
            generator on the CPU, layer by layer for the whole batch, as the released code draws it.
            Without effect where no noise is drawn.
        called : callable, optional
            How a message names the image of a row of ``latents``; by its row if it is left out.

        Returns
        -------
        images
            NumPy for NumPy latents, else a tensor on ``device``. On a CPU an image is the same to
            the last bit in whatever batch and on however many threads it is computed.

        Raises
        ------
        FringeError
            If an argument has the wrong shape or value, the generator has no such thing, or an
            image holds a NaN or infinity.
        """
        import torch

        with torch.inference_mode():
            images = self._images(latents, truncation, labels, noise, cutoff, seeds, called)
        return _like(images, latents)

    def _images(
        self,
        latents: Any,
        truncation: float,
        labels: Any,
        noise: str,
        cutoff: int | None,
        seeds: Any,
        called: Callable[[int], str] | None,
    ) -> Tensor:
        self._check_truncation(truncation, cutoff)
        z = self._latents(latents)
        inputs = Inputs(
            z, self._labels(labels, len(z)), self._noise(noise, seeds, len(z)), truncation, cutoff
        )
        # No TF32: it changes images visibly.
        with deterministic():
            images = self.forward(inputs)
        self._require_finite(images, called or f"generator {self.name}: image {{}}".format)
        return images

    def _require_finite(self, images: Tensor, called: Callable[[int], str]) -> None:
        """Raise if an image holds a NaN or infinity, which would be black or white as uint8."""
        # One pass over the images: a NaN or an infinity in them is one in their sum.
        if images.sum().isfinite():
            return
        finite = images.isfinite().flatten(1).all(dim=1)
        if finite.all():  # the sum of huge numbers
            return
        again = (
            "export the generator again, in float32, or from another snapshot"
            if self.kind == "torchscript"
            else "choose another snapshot, and compute it in float32 (`fp16: false`)"
        )
        raise FringeError(
            f"{called(int(finite.int().argmin()))} holds NaN or infinite values: the training "
            f"diverged, or numbers overflow; {again}"
        )

    def _latents(self, latents: Any) -> Tensor:
        import torch

        z = torch.as_tensor(latents)
        if z.ndim != 2 or z.shape[1] != self.z_dim or not len(z) or z.is_complex():
            raise FringeError(
                f"generator {self.name} takes latents of shape (N, {self.z_dim}), N at least 1, "
                f"not {z.dtype} of shape {tuple(z.shape)}"
            )
        return z.to(self.device, torch.float32)

    def _labels(self, labels: Any, count: int) -> Tensor | None:
        import torch

        classes = self.n_classes
        if labels is None:
            if classes:
                raise FringeError(
                    f"generator {self.name} is conditional: give labels, a one-hot ({count}, "
                    f"{classes}) or ({count},) class indices from 0 to {classes - 1}"
                )
            return None
        if not classes:
            raise FringeError(f"generator {self.name} takes no labels; leave them out")
        given = torch.as_tensor(labels)
        whole = not given.is_floating_point() and not given.is_complex()
        if given.shape == (count,) and whole and given.dtype != torch.bool:
            if given.min() < 0 or given.max() >= classes:
                raise FringeError(
                    f"class {int(given[(given < 0) | (given >= classes)][0])} is unknown to "
                    f"generator {self.name}; its classes are 0 to {classes - 1}"
                )
            given = torch.nn.functional.one_hot(given.long(), classes)
        elif given.shape != (count, classes):
            raise FringeError(
                f"generator {self.name} takes labels of shape ({count}, {classes}) or class "
                f"indices of shape ({count},), not {given.dtype} of shape {tuple(given.shape)}"
            )
        return given.to(self.device, torch.float32)

    def _check_truncation(self, truncation: float, cutoff: int | None) -> None:
        if not math.isfinite(truncation):
            raise FringeError(f"truncation {truncation} is no finite number; 1 leaves images alone")
        if cutoff is not None and cutoff < 0:
            raise FringeError(f"cutoff {cutoff} is negative; it counts the w to truncate")
        if not self.traits.truncation and (truncation != 1 or cutoff is not None):
            raise FringeError(
                f"generator {self.name} ({self.kind}) has no truncation; leave it at 1, "
                "without a cutoff"
            )

    def _noise(
        self, noise: str, seeds: Any, count: int
    ) -> tuple[Tensor, ...] | Literal["const"] | None:
        if noise not in get_args(NoiseMode):
            raise FringeError(
                f"unknown noise {noise!r}; choose one of {', '.join(get_args(NoiseMode))}"
            )
        if seeds is not None and np.shape(seeds) != (count,):
            raise FringeError(
                f"{count} images need {count} noise seeds, not an array of shape {np.shape(seeds)}"
            )
        sizes = self.traits.noise_sizes
        if sizes is None:
            if noise != "const" or seeds is not None:
                raise FringeError(
                    f"generator {self.name} ({self.kind}) cannot be told what noise to use; leave "
                    'noise at "const", without seeds'
                )
            return "const"
        if noise == "none":
            return None
        if noise == "const" and self.traits.constant_noise:
            return "const"
        return tuple(layer.to(self.device) for layer in _drawn(sizes, count, seeds))


def _drawn(sizes: Sequence[tuple[int, int]], count: int, seeds: Any) -> list[Tensor]:
    """Return a standard normal (count, 1, h, w) for each of ``sizes``.

    On the CPU, whatever the device: FastGAN's own code does, and it makes a seed portable.
    """
    import torch

    if seeds is None:
        return [torch.randn(count, 1, *size) for size in sizes]
    layers = [torch.empty(count, 1, *size) for size in sizes]
    for row, seed in enumerate(seeds):
        stream = torch.Generator().manual_seed(int(seed))
        for layer in layers:
            layer[row].normal_(generator=stream)
    return layers


def to_uint8(images: Tensor) -> Tensor:
    """Quantize float images as the released code does: (x * 127.5 + 128), cut to 0..255."""
    import torch

    return (images * 127.5 + 128).clamp_(0, 255).to(torch.uint8)


def _like(images: Tensor, latents: Any) -> Tensor | np.ndarray:
    import torch

    images = images.contiguous()
    return images if isinstance(latents, torch.Tensor) else images.cpu().numpy()
