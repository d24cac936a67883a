"""FastGAN (Liu et al. 2021) as Projected GAN (Sauer et al. 2021) trains it.

This module computes the forward pass in plain PyTorch. Most of the time is spent at 128 pixels and
above. There, batch normalization with its running statistics is folded into the convolution before
it. A 3 x 3 convolution of an image that was enlarged by repeating pixels reads the same pixel
several times. It is replaced by a 4 x 4 transposed convolution of stride 2 with summed weights: 16
products for each input pixel instead of 36. Below 128 pixels, all operations are those of the
original, in the same order. Each layer amplifies the rounding of the layers before it, so other
operations would change pixels by up to 1e-4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from fringe.checkpoints import Record, flatten
from fringe.errors import FringeError
from fringe.generators.base import Inputs, Traits
from fringe.generators.cpu_batches import image_by_image
from fringe.generators.state_dicts import checked, plain

__all__ = ["Config", "build", "layout", "read", "traits"]

RESOLUTIONS = (128, 256, 512, 1024)
# Resolutions whose maps are excited by the maps of a 16 times lower resolution.
EXCITED = (64, 128, 256, 512)
# Lowest resolution at which operations are merged.
MERGED_FROM = 128
NORM_EPSILON = 1e-5
EPSILON = 1e-8


@dataclass(frozen=True)
class Config:
    """The settings of a FastGAN generator that do not follow from its tensors."""

    z_dim: int
    resolution: int
    channels: int

    @property
    def block_resolutions(self) -> list[int]:
        """8, 16, ..., ``resolution``."""
        return [2**power for power in range(3, self.resolution.bit_length())]


def read(record: Record, path: Any) -> tuple[Config, dict[str, Tensor]]:
    """Return the configuration and tensors of a pickled ``Generator``.

    Raises
    ------
    FringeError
        If the generator is incomplete, inconsistent or conditional.
    """
    synthesis = record.state["_modules"]["synthesis"]
    if synthesis.class_name != "FastganSynthesis" or record.state.get("c_dim"):
        raise FringeError(
            f"{path}: a conditional FastGAN ({synthesis.class_name}); only unconditional FastGANs "
            "are supported: export the generator as TorchScript instead"
        )
    config = Config(
        z_dim=plain(record.state, "z_dim", int, path),
        resolution=plain(synthesis.state, "img_resolution", int, path),
        channels=plain(record.state, "img_channels", int, path),
    )
    state = _normalized_spectra(flatten(record, path), path)
    # Generators below 256 pixels contain the blocks of higher resolutions too, without using them.
    idle = tuple(
        f"synthesis.{part}_{r}."
        for part in ("feat", "se")
        for r in EXCITED
        if r > config.resolution
    )
    state = {name: state[name] for name in state if not name.startswith(idle or "\0")}
    needed = layout(config, state, path)
    return config, checked(state, needed, path, unused=(".num_batches_tracked",))


def traits(config: Config, state: Mapping[str, Tensor]) -> Traits:
    """Return the options that the generator supports."""
    sizes = [
        (resolution, resolution)
        for resolution in config.block_resolutions
        for index in (2, 6)
        if _is_double(state, resolution)
    ]
    return Traits(truncation=False, constant_noise=False, noise_sizes=tuple(sizes))


def layout(config: Config, state: Mapping[str, Tensor], path: Any) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor that ``config`` needs.

    ``state`` determines only the number of channels at each resolution, and whether a block has one
    convolution or two. Both differ between versions of the released code.

    Raises
    ------
    FringeError
        If ``config`` is impossible.
    """
    c = config
    if c.resolution not in RESOLUTIONS or min(c.z_dim, c.channels) < 1:
        raise FringeError(
            f"{path}: impossible configuration {c}; FastGAN's resolutions are "
            f"{', '.join(map(str, RESOLUTIONS))}"
        )
    shapes: dict[str, tuple[int, ...]] = {}

    def outputs(name: str, axis: int) -> int:
        """Return half of the convolution's outputs; the other half are their gates."""
        found = state.get(f"{name}.weight")
        return max(1, found.shape[axis] // 2) if found is not None and found.ndim == 4 else 1

    def normalized(name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (channels,)

    width = outputs("synthesis.init.init.0", 1)
    shapes["synthesis.init.init.0.weight"] = (c.z_dim, 2 * width, 4, 4)
    normalized("synthesis.init.init.1", 2 * width)
    widths = {4: width}
    for resolution in c.block_resolutions:
        name = f"synthesis.feat_{resolution}"
        inputs, width = width, outputs(f"{name}.1", 0)
        shapes[f"{name}.1.weight"] = (2 * width, inputs, 3, 3)
        if _is_double(state, resolution):
            shapes[f"{name}.2.weight"] = (1,)
            normalized(f"{name}.3", 2 * width)
            shapes[f"{name}.5.weight"] = (2 * width, width, 3, 3)
            shapes[f"{name}.6.weight"] = (1,)
            normalized(f"{name}.7", 2 * width)
        else:
            normalized(f"{name}.2", 2 * width)
        widths[resolution] = width
        if resolution in EXCITED:
            name = f"synthesis.se_{resolution}.main"
            shapes[f"{name}.1.weight"] = (width, widths[resolution // 16], 4, 4)
            shapes[f"{name}.3.weight"] = (width, width, 1, 1)
    shapes["synthesis.to_big.weight"] = (c.channels, width, 3, 3)
    shapes["synthesis.to_big.bias"] = (c.channels,)
    return shapes


class _Layer(NamedTuple):
    """Enlargement, convolution, noise, batch normalization and gate, one after the other."""

    weight: Tensor
    strength: Tensor | None
    norm: tuple[Tensor, Tensor, Tensor, Tensor]
    upsample: bool

    def __call__(self, x: Tensor, noise: Tensor | None) -> Tensor:
        if self.upsample:
            x = functional.interpolate(x, scale_factor=2)
        x = functional.conv2d(x, self.weight, padding=1)
        if noise is not None and self.strength is not None:
            x = x + noise * self.strength
        return functional.glu(functional.batch_norm(x, *self.norm, eps=NORM_EPSILON), dim=1)


class _MergedLayer(NamedTuple):
    """A layer whose linear operations are merged into one operation."""

    weight: Tensor
    bias: Tensor
    strength: Tensor | None
    upsample: bool

    def __call__(self, x: Tensor, noise: Tensor | None) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        if self.upsample:
            x = functional.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1)
        else:
            x = functional.conv2d(x, self.weight, self.bias, padding=1)
        if noise is not None and self.strength is not None:
            x.addcmul_(noise, self.strength)
        return functional.glu(x, dim=1)


class _Excitation(NamedTuple):
    """Factors from 0 to 1 for maps, computed from maps of a lower resolution."""

    spatial: Tensor
    pointwise: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        x = functional.conv2d(functional.adaptive_avg_pool2d(x, 4), self.spatial)
        return functional.conv2d(functional.silu(x), self.pointwise).sigmoid_()


def build(
    config: Config, state: Mapping[str, Tensor], device: torch.device
) -> Callable[[Inputs], Tensor]:
    """Return the forward pass."""
    state = {name: tensor.to(device) for name, tensor in state.items()}
    first, first_norm = state["synthesis.init.init.0.weight"], _norm(state, "synthesis.init.init.1")
    layers = {r: _layers(state, r) for r in config.block_resolutions}
    excitations = {
        r: _Excitation(
            state[f"synthesis.se_{r}.main.1.weight"], state[f"synthesis.se_{r}.main.3.weight"]
        )
        for r in config.block_resolutions
        if r in EXCITED
    }
    last, last_bias = state["synthesis.to_big.weight"], state["synthesis.to_big.bias"]

    def forward(inputs: Inputs) -> Tensor:
        noise = iter(inputs.noise if isinstance(inputs.noise, tuple) else ())
        z = inputs.latents
        z = z * (z.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()
        x = functional.conv_transpose2d(z[:, :, None, None], first)
        x = functional.glu(functional.batch_norm(x, *first_norm, eps=NORM_EPSILON), dim=1)
        maps = {4: x}
        for resolution in config.block_resolutions:
            for layer in layers[resolution]:
                x = layer(x, next(noise, None) if layer.strength is not None else None)
            if resolution in excitations:
                x = x * excitations[resolution](maps[resolution // 16])
            maps[resolution] = x
        return functional.conv2d(x, last, last_bias, padding=1)

    return image_by_image(forward, device)


def _layers(state: Mapping[str, Tensor], resolution: int) -> list[_Layer | _MergedLayer]:
    name = f"synthesis.feat_{resolution}"
    parts = (
        [("1", "2", "3"), ("5", "6", "7")] if _is_double(state, resolution) else [("1", "", "2")]
    )
    layers = [
        _Layer(
            state[f"{name}.{conv}.weight"],
            state[f"{name}.{noise}.weight"] if noise else None,
            _norm(state, f"{name}.{norm}"),
            upsample=conv == "1",
        )
        for conv, noise, norm in parts
    ]
    return [_merged(layer) if resolution >= MERGED_FROM else layer for layer in layers]


def _merged(layer: _Layer) -> _MergedLayer:
    mean, variance, gain, bias = layer.norm
    scale = gain * (variance + NORM_EPSILON).rsqrt()
    weight = layer.weight * scale[:, None, None, None]
    if layer.upsample:
        # Along each axis, weights (a, b, c) on repeated pixels become (c, b + c, a + b, a).
        weight = functional.pad(weight.flip(2, 3), (1, 1, 1, 1))
        weight = 4 * functional.avg_pool2d(weight, 2, stride=1).transpose(0, 1)
    return _MergedLayer(
        weight.contiguous(memory_format=torch.channels_last),
        bias - mean * scale,
        None if layer.strength is None else (layer.strength * scale)[:, None, None],
        layer.upsample,
    )


def _norm(state: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the running mean and variance, weight and bias of a batch normalization."""
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return mean, variance, state[f"{name}.weight"], state[f"{name}.bias"]


def _normalized_spectra(state: Mapping[str, Tensor], path: Any) -> dict[str, Tensor]:
    """Return the state with each weight_orig, weight_u and weight_v replaced by ``weight``.

    Spectral normalization (Miyato et al. 2018) divides a weight by its largest singular value,
    which is estimated as u^T W v. A snapshot keeps only these three tensors up to date.
    """
    done = {}
    for name, tensor in state.items():
        base, _, part = name.rpartition(".")
        if part in ("weight_u", "weight_v"):
            continue
        if part == "weight_orig":
            u, v = state.get(f"{base}.weight_u"), state.get(f"{base}.weight_v")
            # Rows are output channels, which are the second axis of a transposed convolution.
            rows = tensor.transpose(0, 1) if base.endswith("init.init.0") else tensor
            matrix = rows.flatten(1).float() if tensor.ndim == 4 else tensor
            if u is None or v is None or (*u.shape, *v.shape) != tuple(matrix.shape):
                raise FringeError(
                    f"{path}: {base}.weight_u or weight_v is missing or does not fit {name} of "
                    f"shape {tuple(tensor.shape)}; fetch or export the file again"
                )
            tensor = tensor.float() / torch.dot(u.float(), torch.mv(matrix, v.float()))
            name = f"{base}.weight"
        done[name] = tensor
    return done


def _is_double(state: Mapping[str, Tensor], resolution: int) -> bool:
    """Return whether a block has two convolutions with noise, not one convolution without."""
    return f"synthesis.feat_{resolution}.5.weight" in state
