"""Wavelet scattering, a control without training: the amount of structure by scale and angle.

Brightness is filtered with Morlet wavelets of three scales and eight angles. The moduli are
smoothed (first order), or filtered with the wavelets of larger scales, whose moduli are smoothed
(second order). This is the transform of Bruna and Mallat (2013) with the filters and the order of
coefficients of Kymatio (Andreux et al. 2020): 1 + 24 + 192 coefficients at 16 x 16 places. Their
logarithms are averaged over places, and a fixed matrix maps the 217 means to 32 features.

Images are resized to 128 x 128 with antialiased bilinear interpolation on unquantized floats.

These choices were measured only on photographs (`benchmarks/scattering.py`), before anything was
resampled:

* The matrix gives all directions of photographs the same weight: the features are the first 32
  principal components, each with unit variance. Without the matrix, the distance between
  photographs depends mostly on which photographs were drawn. With 64 or 16 components, the effect
  of a visible warp is smaller than the random differences between sets of 1,000 images.
* Images have 128 pixels. At 64 pixels, little is left of the noise, the compression and the warp of
  larger images.
* The matrix is fixed. If each real data set had its own matrix, a feature would not depend only on
  its image, and the errors of distances would have to include the random error of the matrix.
* Brightness is used, and not three colours, which detect compression better and a warp worse. So
  this control does not see colours.
* ``FLOOR``, in units of the range of brightness, prevents plain areas from dominating.

`scattering-aligned` is a variant for images that are very similar, such as aligned photographs of
64 pixels. Its features are 64 components of the means of all coefficients without logarithms, each
with unit variance over such photographs. There, small differences matter more, and the choice of
the drawn photographs matters less. `docs/demo.md` has the rule by which it was chosen.

The filters have a closed form in the Fourier domain. For every ``precision``, the filters are
computed in float64, the coefficients in float32, and the features from float64 sums.
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

STRIDE = 2**SCALES  # pixels between places; also the width of the reflected border


class Filters(NamedTuple):
    """The filters of `coefficients`.

    The level is the number of times that the resolution has been halved.

    Attributes
    ----------
    wavelets : dict of Tensor (ANGLES, side, side, 2)
        Wavelets by scale and level. All numbers are real. Each number occurs twice, as the factor
        of the real and of the imaginary part.
    windows : list of Tensor (places, side)
        By level, the Gaussian that smooths along one axis around each place.
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
    """Return a network with the ``summary`` of coefficients and the matrix in ``<name>.npy``."""
    if weight_file is not None:
        raise FringeError(
            f"{weight_file}: network {name!r} needs no weight file; do not name a file"
        )
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
    """Return the filters for square images whose size is a multiple of `STRIDE`."""
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
    """Return moduli of filtered images at every ``step``-th pixel: (N, ANGLES, side, side).

    Taking every ``step``-th pixel equals averaging ``step`` x ``step`` blocks of the spectrum.
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
    # Subtract a share of the envelope, so that plain areas give zero.
    return wave - wave[0, 0] / envelope[0, 0] * envelope


def _gaussian(scale: int, direction: float, centre: float, frequencies: Tensor) -> Tensor:
    """Return an elongated Gaussian around a frequency ``centre`` in radians per pixel."""
    width, slant = 0.8 * 2**scale, 4 / ANGLES
    total = torch.zeros(2 * (frequencies.shape[1],), dtype=torch.float64)
    for y, x in product(frequencies[:, :, None], frequencies):
        along = math.cos(direction) * y + math.sin(direction) * x - centre
        across = math.cos(direction) * x - math.sin(direction) * y
        total += torch.exp(-(width**2) / 2 * (along**2 + (across / slant) ** 2))
    return total


def _window(size: int, level: int) -> Tensor:
    """Return the matrix that smooths along one axis, float64 (places, side)."""
    width = 0.8 * 2 ** (SCALES - 1)
    response = torch.exp(-(width**2) / 2 * _frequencies(size, level) ** 2).sum(0)
    kernel: Tensor = torch.fft.ifft(response).real
    places = torch.arange(STRIDE, STRIDE + size, STRIDE) >> level
    return kernel[(places[:, None] - torch.arange(len(kernel))) % len(kernel)]


def _frequencies(size: int, level: int) -> Tensor:
    """Return the frequencies of a padded side in radians per pixel of level 0: float64 (5, side).

    The spectrum of a sampled function is the sum over all periods. More than two periods to each
    side add nothing.
    """
    side = (size + 2 * STRIDE) >> level
    lowest: Tensor = torch.fft.fftfreq(side, 2**level, dtype=torch.float64)
    return 2 * math.pi * (lowest + torch.arange(-2, 3)[:, None])
