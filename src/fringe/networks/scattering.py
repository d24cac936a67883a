"""Wavelet scattering, a control without training: how much structure at which scales and angles.

Brightness passes through Morlet wavelets of three scales and eight angles. The moduli are smoothed
(first order), or pass through the wavelets of larger scales, and their moduli are smoothed (second
order). That is the transform of Bruna and Mallat (2013) with the filters and the order of
coefficients of Kymatio (Andreux et al. 2020): 1 + 24 + 192 coefficients at 16 x 16 places. Their
logarithms are averaged over places, and a fixed matrix makes 32 features of the 217 means.

Input is resized to 128 x 128 with antialiased bilinear interpolation on unquantized floats.

Choices, measured on photographs only (`benchmarks/scattering.py`), before anything was resampled:

* The matrix makes all directions of photographs count alike: the features are their first 32
  principal components, each with unit variance. Without it, the distance between photographs moves
  mostly with which photographs were drawn. With 64 components, a visible warp is lost in the luck
  of 1,000 images; with 16, too.
* 128 pixels. At 64, little is left of the noise, the compression and the warp of larger images.
* The matrix is fixed. If each real data set had a matrix of its own, a feature would no longer
  depend on its image only, and errors of distances would have to cover the luck of the matrix.
* Brightness, not three colours: colours see compression better and a warp worse. So this control
  is blind to colours.
* ``FLOOR``, in units of the range of brightness, keeps plain areas from counting most.

`scattering-aligned` is the same for images that are much alike, such as aligned photographs of 64
pixels: its features are 64 components of the plain means of all coefficients, each with unit
variance over such photographs. Small differences count more there, and which photograph was drawn
counts less. `docs/demo.md` has the rule that chose it.

The filters are given in closed form in the Fourier domain and are computed in float64, the
coefficients in float32, and the features from float64 sums, under every ``precision``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from importlib.resources import files
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fringe.errors import FringeError
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.cpu_batches import by_parts

__all__ = ["Filters", "coefficients", "filters", "load", "load_aligned", "log_means", "means"]

SIZE = 128
SCALES = 3
ANGLES = 8
BRIGHTNESS = 0.299, 0.587, 0.114  # of red, green and blue (ITU-R BT.601)
FLOOR = 0.01
# Images at a time on a CPU: few enough for their moduli to stay in its cache.
CPU_IMAGES = 4

STRIDE = 2**SCALES  # pixels between places; also the reflected border


class Filters(NamedTuple):
    """What `coefficients` filters with.

    A level is how many times the resolution has been halved.

    Attributes
    ----------
    wavelets : dict of Tensor (ANGLES, side, side, 2)
        By scale and level. Each number, all real, stands twice: for the real and the imaginary part
        of what it is multiplied by.
    windows : list of Tensor (places, side)
        By level: the Gaussian that smooths, along one axis, around each place.
    """

    wavelets: dict[tuple[int, int], Tensor]
    windows: list[Tensor]


def load(weight_file: Path | None, device: torch.device) -> FeatureNetwork:
    """Return the network `scattering`; see ``fringe.networks.load_network``."""
    return _load("scattering", log_means, weight_file, device)


def load_aligned(weight_file: Path | None, device: torch.device) -> FeatureNetwork:
    """Return the network `scattering-aligned`; see ``fringe.networks.load_network``."""
    return _load("scattering-aligned", means, weight_file, device)


def _load(
    name: str,
    summary: Callable[[Tensor, Filters], Tensor],
    weight_file: Path | None,
    device: torch.device,
) -> FeatureNetwork:
    """Return the network whose matrix, in the file of its name, is for a summary."""
    if weight_file is not None:
        raise FringeError(f"{weight_file}: network {name!r} brings its own numbers; name no file")
    stored = files("fringe.networks").joinpath(f"{name}.npy").read_bytes()
    matrix = torch.from_numpy(np.load(BytesIO(stored))).double().to(device)
    bank = filters(device)

    def compute(images: Tensor) -> Activations:
        return Activations((summary(images, bank) @ matrix[:-1] + matrix[-1]).float())

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    digest = hashlib.sha256(stored).hexdigest()
    return FeatureNetwork(name, matrix.shape[1], None, digest, device, forward)


def filters(device: torch.device, size: int = SIZE) -> Filters:
    """Return the filters for square images of a size that `STRIDE` divides."""
    frequencies = [_frequencies(size, level) for level in range(SCALES)]
    wavelets = {
        (scale, level): torch.stack([_wavelet(scale, a, frequencies[level]) for a in range(ANGLES)])
        for scale in range(SCALES)
        for level in range(scale + 1)
    }
    return Filters(
        {k: f.float()[..., None].repeat(1, 1, 1, 2).to(device) for k, f in wavelets.items()},
        [_window(size, level).float().to(device) for level in range(SCALES)],
    )


def log_means(images: Tensor, bank: Filters) -> Tensor:
    """Return mean brightness and mean log coefficients, float64 (N, 217), of uint8 images."""
    found = _coefficients_of(images, bank)
    brightness, others = found[:, :1], found[:, 1:]
    return torch.cat([brightness, torch.log(others + FLOOR)], 1).mean((2, 3))


def means(images: Tensor, bank: Filters) -> Tensor:
    """Return mean coefficients, float64 (N, 217), of uint8 images."""
    return _coefficients_of(images, bank).mean((2, 3))


def _coefficients_of(images: Tensor, bank: Filters) -> Tensor:
    """Return the coefficients of the brightness of uint8 images, float64."""
    x = images.float().contiguous()
    if x.shape[2:] != (SIZE, SIZE):
        x = functional.interpolate(x, (SIZE, SIZE), mode="bilinear", antialias=True)
    brightness = torch.tensor(BRIGHTNESS, device=x.device).view(3, 1, 1) / 255
    with torch.autocast(x.device.type, enabled=False):
        return coefficients((x * brightness).sum(1), bank).double()


def coefficients(x: Tensor, bank: Filters) -> Tensor:
    """Return scattering coefficients (N, 217, places, places) of float32 images (N, size, size).

    The orders follow each other. The first order is sorted by scale and angle. The second order is
    sorted by scale and angle of the first wavelet, then by those of the second one.
    """
    x = functional.pad(x, (STRIDE,) * 4, mode="reflect")
    first, second = [_smoothed(x[:, None], bank.windows[0])], []
    spectrum = torch.fft.fft2(x)
    for scale in range(SCALES):
        moduli = _moduli(spectrum, bank.wavelets[scale, 0], 2**scale)
        first.append(_smoothed(moduli, bank.windows[scale]))
        spectra = torch.fft.fft2(moduli)
        for angle in range(ANGLES):
            for larger in range(scale + 1, SCALES):
                wavelets = bank.wavelets[larger, scale]
                deeper = _moduli(spectra[:, angle], wavelets, 2 ** (larger - scale))
                second.append(_smoothed(deeper, bank.windows[larger]))
    return torch.cat(first + second, 1)


def _moduli(spectrum: Tensor, wavelets: Tensor, step: int) -> Tensor:
    """Return moduli of filtered images, every ``step``-th pixel: (N, ANGLES, side, side).

    To take every ``step``-th pixel is to average ``step`` x ``step`` blocks of the spectrum.
    """
    side = spectrum.shape[-1] // step
    parts = torch.view_as_real(spectrum)[:, None]
    total = parts.new_zeros(len(parts), ANGLES, side, side, 2)
    blocks = [slice(first, first + side) for first in range(0, side * step, side)]
    for rows, columns in product(blocks, blocks):
        total.addcmul_(parts[..., rows, columns, :], wavelets[..., rows, columns, :])
    filtered: Tensor = torch.fft.ifft2(torch.view_as_complex(total))
    return filtered.abs() / step**2


def _smoothed(x: Tensor, window: Tensor) -> Tensor:
    return window @ x @ window.T


def _wavelet(scale: int, angle: int, frequencies: Tensor) -> Tensor:
    """Return the Fourier transform of a Morlet wavelet, which is real: float64 (side, side)."""
    direction = (ANGLES // 2 - 1 - angle) * math.pi / ANGLES
    wave = _gaussian(scale, direction, 0.75 * math.pi / 2**scale, frequencies)
    envelope = _gaussian(scale, direction, 0, frequencies)
    # A share of the envelope is taken away, so that plain areas give zero.
    return wave - wave[0, 0] / envelope[0, 0] * envelope


def _gaussian(scale: int, direction: float, centre: float, frequencies: Tensor) -> Tensor:
    """Return an elongated Gaussian around a frequency ``centre``, radians a pixel."""
    width, slant = 0.8 * 2**scale, 4 / ANGLES
    total = torch.zeros(2 * (frequencies.shape[1],), dtype=torch.float64)
    for y, x in product(frequencies[:, :, None], frequencies):
        along = math.cos(direction) * y + math.sin(direction) * x - centre
        across = math.cos(direction) * x - math.sin(direction) * y
        total += torch.exp(-(width**2) / 2 * (along**2 + (across / slant) ** 2))
    return total


def _window(size: int, level: int) -> Tensor:
    """Return the smoothing along one axis as a matrix, float64 (places, side)."""
    width = 0.8 * 2 ** (SCALES - 1)
    response = torch.exp(-(width**2) / 2 * _frequencies(size, level) ** 2).sum(0)
    kernel: Tensor = torch.fft.ifft(response).real
    places = torch.arange(STRIDE, STRIDE + size, STRIDE) >> level
    return kernel[(places[:, None] - torch.arange(len(kernel))) % len(kernel)]


def _frequencies(size: int, level: int) -> Tensor:
    """Return the frequencies of a padded side, radians a pixel of level 0: float64 (5, side).

    A sampled function has the sum over all turns as its spectrum; more than two turns add nothing.
    """
    side = (size + 2 * STRIDE) >> level
    lowest: Tensor = torch.fft.fftfreq(side, 2**level, dtype=torch.float64)
    return 2 * math.pi * (lowest + torch.arange(-2, 3)[:, None])
