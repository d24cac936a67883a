"""The common interface of generators of all architectures."""

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
    """The inputs from which an architecture makes N images; all tensors are on its device.

    ``latents`` (N, z) and ``labels`` (N, c) are float32. ``noise`` is a tuple with one tensor
    (N, 1, h, w) for each noise layer of the generator, or "const" for the generator's constants,
    or None for no noise.
    """

    latents: Tensor
    labels: Tensor | None = None
    noise: tuple[Tensor, ...] | Literal["const"] | None = None
    truncation: float = 1.0
    cutoff: int | None = None


class Traits(NamedTuple):
    """The options that a kind of generator supports."""

    truncation: bool
    constant_noise: bool
    # (h, w) of each noise layer, in the order in which they are applied. None: the generator has no
    # option for noise.
    noise_sizes: tuple[tuple[int, int], ...] | None


@dataclass(frozen=True)
class Generator:
    """A fixed network from latent vectors to images, as `load_generator` returns it.

    Parameters
    ----------
    name : str
        Name of the file, without folder and suffix.
    kind : {"stylegan2", "fastgan", "torchscript"}
        The architecture, detected from the content of the file.
    z_dim : int
        Length of a latent vector.
    n_classes : int
        Length of a one-hot label; 0 if the generator takes no labels.
    resolution : (int, int)
        Height and width of the images, in pixels.
    channels : int
        Number of channels of the images: 3 is RGB, 1 is grey.
    sha256 : str
        Hex SHA-256 of the file.
    device : torch.device
        Device on which the generator computes.
    traits : Traits
        Whether the generator has truncation and constant noise, and the sizes of its noise layers.
    forward : callable
        Maps Inputs to float32 images (N, channels, H, W). Called in inference mode.

    Examples
    --------
    >>> from fringe.files.paths import as_path
    >>> from fringe.generators import Latents, load_generator
    >>> generator = load_generator(as_path("fringe:generators/photographs-pixels.safetensors"))
    >>> generator.kind, generator.z_dim, generator.n_classes, generator.resolution
    ('stylegan2', 64, 0, (64, 64))
    >>> images = generator(Latents(seed=0, z_dim=generator.z_dim).rows([0, 1]))
    >>> images.shape, images.dtype
    ((2, 3, 64, 64), dtype('uint8'))
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
        """Return the images of `synthesize` as uint8 (N, channels, H, W).

        The values are quantized as in the released code: (x * 127.5 + 128), clamped to 0..255 and
        rounded down. See `synthesize` for the parameters and errors.

        Returns
        -------
        images
            A NumPy array for NumPy latents, otherwise a tensor on ``device``.
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
            Standard normal values, converted to float32. N is at least 1.
        truncation : float
            Truncation psi [1]_: w is moved towards its mean by this factor. 1 does not change w.
            Only for generators that have a mean w.
        labels : (N, n_classes) one-hot floats, or (N,) class indices
            Required by conditional generators, refused by other generators.
        noise : {"const", "random", "none"}
            Noise for each pixel: the constants of the generator, new normal values for every image,
            or no noise. FastGAN has no constants and draws new noise for "const" too.
        cutoff : int, optional
            Truncate the w of only this many layers; by default, of all layers.
        seeds : (N,) ints, optional
            Draw the noise of each image from a separate random generator with this seed, so that an
            image depends neither on its batch nor on the device. Without seeds, the noise comes
            from PyTorch's global generator on the CPU, layer by layer for the whole batch, as in
            the released code. Seeds have no effect if no noise is drawn.
        called : callable, optional
            Maps a row of ``latents`` to the name of its image in messages; by default, the row.

        Returns
        -------
        images
            A NumPy array for NumPy latents, otherwise a tensor on ``device``. On a CPU, an image is
            equal bit for bit in any batch and with any number of threads.

        Raises
        ------
        FringeError
            If an argument has a wrong shape or value, the generator does not support an option, or
            an image contains a NaN or infinity.

        References
        ----------
        .. [1] T. Karras, S. Laine, T. Aila, "A Style-Based Generator Architecture for Generative
           Adversarial Networks", CVPR 2019, Section B.

        Examples
        --------
        >>> from fringe.files.paths import as_path
        >>> from fringe.generators import Latents, load_generator
        >>> generator = load_generator(as_path("fringe:generators/photographs-pixels.safetensors"))
        >>> latents = Latents(seed=0, z_dim=generator.z_dim).rows([0, 1])
        >>> images = generator.synthesize(latents, truncation=0.5)
        >>> images.shape, images.dtype
        ((2, 3, 64, 64), dtype('float32'))
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
        # Without TF32, which changes images visibly.
        with deterministic():
            images = self.forward(inputs)
        self._require_finite(images, called or f"generator {self.name}: image {{}}".format)
        return images

    def _require_finite(self, images: Tensor, called: Callable[[int], str]) -> None:
        """Raise if an image contains a NaN or infinity, which would be black or white in uint8."""
        # One pass over the images is enough: a NaN or infinity in them is one in their sum.
        if images.sum().isfinite():
            return
        finite = images.isfinite().flatten(1).all(dim=1)
        if finite.all():  # the images are finite, and only their sum overflows
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
            raise FringeError(
                f"truncation {truncation} is not a finite number; 1 does not change images"
            )
        if cutoff is not None and cutoff < 0:
            raise FringeError(
                f"cutoff {cutoff} is negative; it is the number of layers whose w is truncated"
            )
        if not self.traits.truncation and (truncation != 1 or cutoff is not None):
            raise FringeError(
                f"generator {self.name} ({self.kind}) has no truncation; leave truncation at 1, "
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
                    f"generator {self.name} ({self.kind}) has no option for noise; leave noise at "
                    '"const", without seeds'
                )
            return "const"
        if noise == "none":
            return None
        if noise == "const" and self.traits.constant_noise:
            return "const"
        return tuple(layer.to(self.device) for layer in _drawn(sizes, count, seeds))


def _drawn(sizes: Sequence[tuple[int, int]], count: int, seeds: Any) -> list[Tensor]:
    """Return a standard normal tensor (count, 1, h, w) for each of ``sizes``.

    The noise is drawn on the CPU for every device, as in the code of FastGAN. So a seed gives the
    same noise on every device.
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
    """Quantize float images as the released code does: (x * 127.5 + 128), clamped to 0..255."""
    import torch

    return (images * 127.5 + 128).clamp_(0, 255).to(torch.uint8)


def _like(images: Tensor, latents: Any) -> Tensor | np.ndarray:
    import torch

    images = images.contiguous()
    return images if isinstance(latents, torch.Tensor) else images.cpu().numpy()
