"""StyleGAN2 (Karras et al. 2020) as the official code since ADA trains it.

This module computes the forward pass in plain PyTorch. Three identities make it fast:

* Modulating the input channels of a weight equals modulating its input, and demodulation equals a
  scaling of the output (Karras et al. 2020, Equations 1 and 3). So one convolution computes the
  whole batch.
* A leaky ReLU commutes with a positive factor. So its gain sqrt(2) is folded into demodulation,
  noise and bias.
* Upsampling before a convolution equals a transposed convolution of stride 2 and then a 4 x 4
  filter in each channel. Upsampling an RGB image is a transposed convolution with that filter.

Float16 follows the released code on a GPU, for batches of two images or more. Weights and styles
are divided by their largest value. Then weights, styles, maps, noise and biases are rounded to
float16 exactly where the released code rounds them. The sum of the images of the blocks stays in
float32. A GPU sums the products of a convolution in float32. A CPU does the same: the inputs are
rounded to float16, and the convolution is computed in float32. On a CPU, this is 14 times as fast
as PyTorch's convolutions in float16.

A second implementation of the same network is for `torch.compile`: it computes the filters as sums
of shifted maps, and not as convolutions in each channel. The compiler merges such a sum and all
operations after it, up to the next convolution, into one pass over the maps. The images of both
implementations differ only by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from fringe.checkpoints import Record, flatten
from fringe.errors import FringeError
from fringe.generators.base import Inputs, Traits
from fringe.generators.compiling import compiled
from fringe.generators.cpu_batches import image_by_image
from fringe.generators.state_dicts import checked, plain

__all__ = ["Config", "build", "layout", "network", "read", "traits"]

ARCHITECTURES = ("orig", "skip", "resnet")
EPSILON = 1e-8
SLOPE = 0.2
# Gain of a leaky ReLU, which approximately halves the variance.
GAIN = math.sqrt(2)
FILTER = (1.0, 3.0, 3.0, 1.0)


@dataclass(frozen=True)
class Config:
    """The settings of a StyleGAN2 generator that do not follow from its tensors.

    ``conv_clamp`` limits the output of every convolution. ``float16_from`` is the lowest resolution
    that was trained in float16 (None if all were trained in float32). ``lr_multiplier`` is the
    learning-rate multiplier of the mapping network, which scales its stored weights.
    """

    z_dim: int
    c_dim: int
    w_dim: int
    resolution: int
    channels: int
    architecture: str
    conv_clamp: float | None
    float16_from: int | None
    lr_multiplier: float

    @property
    def block_resolutions(self) -> list[int]:
        """4, 8, ..., ``resolution``."""
        return [2**power for power in range(2, self.resolution.bit_length())]


def read(record: Record, path: Any) -> tuple[Config, dict[str, Tensor]]:
    """Return the configuration and tensors of a pickled ``Generator``.

    Raises
    ------
    FringeError
        If the generator is incomplete or inconsistent, or is a variant that is not supported.
    """
    modules = _modules(record)
    synthesis, mapping = modules["synthesis"], modules.get("mapping")
    blocks = {name: block.state for name, block in _modules(synthesis).items()}
    if mapping is None or "fc0" not in _modules(mapping) or "b4" not in blocks:
        raise FringeError(
            f"{path}: not a StyleGAN2, which has mapping.fc0 and synthesis.b4: its synthesis has "
            f"{', '.join(list(blocks)[:3]) or 'no parts'}; export it as TorchScript instead"
        )
    resolution = plain(synthesis.state, "img_resolution", int, path)
    last = blocks.get(f"b{resolution}", {})
    float16 = [
        plain(block, "resolution", int, path) for block in blocks.values() if block.get("use_fp16")
    ]
    layers = [layer for block in blocks.values() for layer in block["_modules"].values()]
    convolutions = [layer.state for layer in layers if layer.class_name == "SynthesisLayer"]
    hidden = [layer.state for name, layer in _modules(mapping).items() if name.startswith("fc")]
    for layer in convolutions + hidden:
        if layer.get("activation") != "lrelu":
            raise FringeError(
                f"{path}: a layer with activation {layer.get('activation')!r}; only StyleGAN2s "
                "with 'lrelu' are supported"
            )
    clamps = {layer.get("conv_clamp") for layer in convolutions}
    if len(clamps) > 1:
        raise FringeError(
            f"{path}: layers with conv_clamp {' and '.join(map(str, clamps))}; only StyleGAN2s "
            "with one value are supported"
        )
    config = Config(
        z_dim=plain(record.state, "z_dim", int, path),
        c_dim=plain(record.state, "c_dim", int, path),
        w_dim=plain(record.state, "w_dim", int, path),
        resolution=resolution,
        channels=plain(record.state, "img_channels", int, path),
        architecture=str(last.get("architecture")),
        conv_clamp=None if clamps <= {None} else plain(convolutions[0], "conv_clamp", float, path),
        float16_from=min(float16, default=None),
        lr_multiplier=plain(_modules(mapping)["fc0"].state, "bias_gain", float, path),
    )
    state = flatten(record, path)
    return config, checked(state, layout(config, state, path), path)


def traits(config: Config, state: Mapping[str, Tensor]) -> Traits:
    """Return the options that the generator supports."""
    sizes = [
        (resolution, resolution)
        for resolution in config.block_resolutions
        for conv in ("conv0", "conv1")
        if f"synthesis.b{resolution}.{conv}.noise_const" in state
    ]
    return Traits(truncation=True, constant_noise=True, noise_sizes=tuple(sizes))


def layout(config: Config, state: Mapping[str, Tensor], path: Any) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor that ``config`` needs.

    ``state`` determines only the number of channels at each resolution, the number of mapping
    layers, and whether there is noise.

    Raises
    ------
    FringeError
        If ``config`` is impossible, or a filter of ``state`` is not the usual one.
    """
    c = config
    if c.resolution < 4 or c.resolution & (c.resolution - 1) or c.resolution > 2**14:
        raise FringeError(
            f"{path}: resolution {c.resolution} is not a power of two from 4 upwards; "
            "this is not a StyleGAN2 of the official code"
        )
    if c.architecture not in ARCHITECTURES:
        raise FringeError(
            f"{path}: architecture {c.architecture!r}; StyleGAN2 has {', '.join(ARCHITECTURES)}"
        )
    if (
        min(c.z_dim, c.w_dim, c.channels) < 1
        or c.c_dim < 0
        or not c.lr_multiplier > 0
        or not (c.conv_clamp is None or c.conv_clamp > 0)
    ):
        raise FringeError(f"{path}: impossible configuration {c}; make the file again")
    _check_filters(state, path)

    shapes: dict[str, tuple[int, ...]] = {"mapping.w_avg": (c.w_dim,)}
    if c.c_dim:
        shapes |= {
            "mapping.embed.weight": (c.w_dim, c.c_dim),
            "mapping.embed.bias": (c.w_dim,),
        }
    width = c.z_dim + (c.w_dim if c.c_dim else 0)
    layers = 1
    while f"mapping.fc{layers}.weight" in state:
        layers += 1
    for index in range(layers):
        # The official code keeps every hidden layer at w_dim.
        shapes[f"mapping.fc{index}.weight"] = (c.w_dim, width)
        shapes[f"mapping.fc{index}.bias"] = (c.w_dim,)
        width = c.w_dim

    def styled(name: str, outputs: int, inputs: int, kernel: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
        shapes[f"{name}.bias"] = (outputs,)
        shapes[f"{name}.affine.weight"] = (inputs, c.w_dim)
        shapes[f"{name}.affine.bias"] = (inputs,)

    inputs = 0
    for resolution in c.block_resolutions:
        name = f"synthesis.b{resolution}"
        found = state.get(f"{name}.conv1.weight")
        outputs = max(1, found.shape[0]) if found is not None and found.ndim else 1
        if resolution == 4:
            shapes[f"{name}.const"] = (outputs, 4, 4)
        else:
            styled(f"{name}.conv0", outputs, inputs, 3)
        styled(f"{name}.conv1", outputs, outputs, 3)
        for conv in ("conv0", "conv1") if inputs else ("conv1",):
            if f"{name}.{conv}.noise_const" in state or f"{name}.{conv}.noise_strength" in state:
                shapes[f"{name}.{conv}.noise_const"] = (resolution, resolution)
                shapes[f"{name}.{conv}.noise_strength"] = ()
        if c.architecture == "skip" or resolution == c.resolution:
            styled(f"{name}.torgb", c.channels, outputs, 1)
        if c.architecture == "resnet" and inputs:
            shapes[f"{name}.skip.weight"] = (outputs, inputs, 1, 1)
        inputs = outputs
    return shapes


def build(
    config: Config,
    state: Mapping[str, Tensor],
    device: torch.device,
    *,
    float16: bool = False,
    fused: bool = False,
) -> Callable[[Inputs], Tensor]:
    """Return the forward pass.

    With ``float16``, the blocks that were trained in float16 compute in float16. With ``fused``,
    the forward pass is compiled, and its filters are sums (see the top of this file).
    """
    state = {name: tensor.to(device) for name, tensor in state.items()}
    forward = network(config, state, float16=float16, sums=fused)
    return image_by_image(compiled(forward) if fused else forward, device)


def network(
    config: Config, state: Mapping[str, Tensor], *, float16: bool = False, sums: bool = False
) -> Callable[[Inputs], Tensor]:
    """Return the network from latents to images, for a whole batch at a time.

    Parameters
    ----------
    config : Config
    state : mapping of str to tensor
        The tensors on the device that computes.
    float16 : bool
        Whether the blocks that were trained in float16 compute in float16.
    sums : bool
        Whether filters are sums of shifted maps, and not convolutions in each channel.
    """
    to_w = mapping(config, state)
    to_images = synthesis(config, state, float16=float16, sums=sums)

    def forward(inputs: Inputs) -> Tensor:
        return to_images(to_w(inputs), inputs.noise)

    return forward


def mapping(config: Config, state: Mapping[str, Tensor]) -> Callable[[Inputs], Tensor]:
    """Return the network from latents and labels to truncated w (N, layers, w_dim)."""
    layers: list[tuple[Tensor, Tensor]] = []
    while (weight := state.get(f"mapping.fc{len(layers)}.weight")) is not None:
        gain = config.lr_multiplier * GAIN
        bias = state[f"mapping.fc{len(layers)}.bias"]
        layers.append((weight * (gain / math.sqrt(weight.shape[1])), bias * gain))
    embedding = None
    if config.c_dim:
        embedding = state["mapping.embed.weight"] / math.sqrt(config.c_dim)
    embedding_bias = state.get("mapping.embed.bias")
    mean = state["mapping.w_avg"]
    n_layers = 2 * len(config.block_resolutions)

    def to_w(inputs: Inputs) -> Tensor:
        x = _normalized(inputs.latents)
        if embedding is not None and inputs.labels is not None:
            label = functional.linear(inputs.labels, embedding, embedding_bias)
            x = torch.cat([x, _normalized(label)], dim=1)
        for weight, bias in layers:
            x = functional.leaky_relu(functional.linear(x, weight, bias), SLOPE)
        w = x.unsqueeze(1).repeat(1, n_layers, 1)
        if inputs.truncation != 1:
            # Karras et al. 2019, Section B: w' = mean + psi (w - mean).
            w[:, : inputs.cutoff] = torch.lerp(mean, w[:, : inputs.cutoff], inputs.truncation)
        return w

    return to_w


class _Style(NamedTuple):
    """The affine map from w to one factor for each input channel."""

    weight: Tensor
    bias: Tensor

    def __call__(self, w: Tensor) -> Tensor:
        return functional.linear(w, self.weight, self.bias)


class _Convolution(NamedTuple):
    """A modulated convolution with its noise, bias and activation, prepared.

    ``gain`` is folded into demodulation, noise and bias. In float16, ``gain`` is 1, so that these
    are rounded before the gain, and ``late_gain`` is the gain of the activation.
    """

    style: _Style
    weight: Tensor
    squares: Tensor
    gain: float
    late_gain: float
    bias: Tensor
    noise: Tensor | None
    strength: Tensor | None
    upsampling: Tensor | None
    sums: bool
    clamp: float | None

    def __call__(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        style = self.style(w)
        if x.dtype == torch.float16:
            # Keeps products in the range of float16; demodulation removes this factor again.
            style = style / style.abs().amax(dim=1, keepdim=True)
        # Karras et al. 2020, Equation 3, over all kernel positions at once.
        scale = (functional.linear(style.square(), self.squares) + EPSILON).rsqrt() * self.gain
        x = x * style.to(x.dtype)[:, :, None, None]
        dtype, summed = x.dtype, self.weight.dtype
        if self.upsampling is None:
            x = functional.conv2d(x.to(summed), self.weight, padding=1).to(dtype)
        else:
            x = functional.conv_transpose2d(x.to(summed), self.weight, stride=2).to(dtype)
            if self.sums:
                x = _filtered(x.float()).to(dtype)
            else:
                x = functional.conv2d(x.to(summed), self.upsampling, padding=1, groups=x.shape[1])
                x = x.to(dtype)
        scale = scale.to(dtype)[:, :, None, None]
        if dtype == torch.float16:
            x = x.mul_(scale) if noise is None else torch.addcmul(noise, x, scale)
            # Bias, activation and clamp are computed in float32 and rounded once.
            x = torch.add(self.bias, x, alpha=self.late_gain)
        else:
            # In place, unless training needs the old values.
            into = None if x.requires_grad else x
            x = torch.addcmul(self.bias, x, scale, out=into)
            if noise is not None:
                x.add_(noise)
        functional.leaky_relu_(x, SLOPE)
        return (x if self.clamp is None else x.clamp_(-self.clamp, self.clamp)).to(dtype)


class _ToRGB(NamedTuple):
    """A modulated 1 x 1 convolution without demodulation: one matrix for each image.

    In float16, the maps are modulated and not the matrix, so that both are rounded before.
    """

    style: _Style
    weight: Tensor
    bias: Tensor
    clamp: float | None

    def __call__(self, x: Tensor, w: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        style = self.style(w)
        if x.dtype == torch.float16:
            x = x * (style / math.sqrt(channels)).to(x.dtype)[:, :, None, None]
            matrix = _rounded(self.weight, x.dtype).expand(n, -1, -1)
        else:
            matrix = self.weight / math.sqrt(channels) * style.unsqueeze(1)
        pixels = x.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        rgb = (pixels.to(matrix.dtype) @ matrix.mT).to(x.dtype)
        # In float16, the sum is computed in float32 and rounded after the clamp.
        rgb = rgb + self.bias.to(x.dtype).float()
        if self.clamp is not None:
            rgb.clamp_(-self.clamp, self.clamp)
        return rgb.to(x.dtype).float().view(n, height, width, -1).permute(0, 3, 1, 2)


class _Block(NamedTuple):
    """The layers of one resolution."""

    dtype: torch.dtype
    conv0: _Convolution | None
    conv1: _Convolution
    to_rgb: _ToRGB | None
    skip: Tensor | None


def synthesis(
    config: Config, state: Mapping[str, Tensor], *, float16: bool, sums: bool = False
) -> Callable[[Tensor, Any], Tensor]:
    """Return the network from (N, layers, w_dim) to float32 images (N, channels, H, W).

    See `network` for ``float16`` and ``sums``.
    """
    blocks = [_block(config, state, r, float16, sums) for r in config.block_resolutions]
    # Convolutions are faster with channels last; on a CPU with large maps, by half.
    const = state["synthesis.b4.const"].unsqueeze(0).to(memory_format=torch.channels_last)
    enlarging = _filter(const.device).expand(config.channels, 1, 4, 4).contiguous()

    def to_images(ws: Tensor, noise: tuple[Tensor, ...] | str | None) -> Tensor:
        terms = _noise_terms(blocks, noise)
        x, image = const.expand(len(ws), -1, -1, -1), None
        # Each layer takes the next w. A ToRGB and the convolution after it share a w.
        layer = 0
        for block in blocks:
            x = x.to(block.dtype)
            shortcut = None
            if block.skip is not None:
                shortcut = functional.conv2d(x.to(block.skip.dtype), block.skip).to(block.dtype)
                shortcut = _enlarged_by_sums(shortcut) if sums else _enlarged(shortcut)
            if block.conv0 is not None:
                x = block.conv0(x, ws[:, layer], next(terms))
                layer += 1
            x = block.conv1(x, ws[:, layer], next(terms))
            layer += 1
            if shortcut is not None:
                x = shortcut.add_(x)
            if image is not None and sums:
                image = _enlarged_by_sums(image)
            elif image is not None:
                image = functional.conv_transpose2d(
                    image, enlarging, stride=2, padding=1, groups=config.channels
                )
            if block.to_rgb is not None:
                rgb = block.to_rgb(x, ws[:, layer])
                image = rgb if image is None else image.add_(rgb)
        assert image is not None
        return image

    return to_images


def _noise_terms(
    blocks: Sequence[_Block], noise: tuple[Tensor, ...] | str | None
) -> Iterator[Tensor | None]:
    """Yield the noise to add to the output of each convolution, in order."""
    drawn = iter(noise if isinstance(noise, tuple) else ())
    for block in blocks:
        for convolution in (block.conv0, block.conv1):
            if convolution is None:
                continue
            if convolution.strength is None or noise is None:
                yield None
            elif noise == "const":
                yield convolution.noise
            else:
                yield (next(drawn) * convolution.strength).to(block.dtype)


def _block(
    config: Config, state: Mapping[str, Tensor], resolution: int, float16: bool, sums: bool
) -> _Block:
    name = f"synthesis.b{resolution}"
    lowest = config.float16_from
    half = float16 and lowest is not None and resolution >= lowest
    dtype = torch.float16 if half else torch.float32
    skip = state.get(f"{name}.skip.weight")
    # The two branches of a residual block are each scaled to half the variance.
    halved = 1.0 if skip is None else math.sqrt(0.5)
    if skip is not None:
        skip = _rounded(skip * (halved / math.sqrt(skip.shape[1])), dtype)
    return _Block(
        dtype,
        None
        if resolution == 4
        else _convolution(config, state, f"{name}.conv0", dtype, upsample=True, sums=sums),
        _convolution(config, state, f"{name}.conv1", dtype, gain=halved),
        _to_rgb(config, state, f"{name}.torgb") if f"{name}.torgb.weight" in state else None,
        skip,
    )


def _convolution(
    config: Config,
    state: Mapping[str, Tensor],
    name: str,
    dtype: torch.dtype,
    *,
    upsample: bool = False,
    sums: bool = False,
    gain: float = 1.0,
) -> _Convolution:
    weight = state[f"{name}.weight"]
    if dtype == torch.float16:
        largest = weight.abs().amax(dim=(1, 2, 3), keepdim=True)
        weight = weight / (largest * math.sqrt(weight[0].numel()))
    squares = weight.square().sum(dim=(2, 3))
    early, late = (1.0, GAIN * gain) if dtype == torch.float16 else (GAIN * gain, 1.0)
    outputs = len(weight)
    if upsample:
        weight = weight.transpose(0, 1)
    strength = state.get(f"{name}.noise_strength")
    noise = state.get(f"{name}.noise_const")
    scaled = None if strength is None else strength * early
    return _Convolution(
        _style(state, name),
        _rounded(weight, dtype).contiguous(memory_format=torch.channels_last),
        squares,
        early,
        late,
        (state[f"{name}.bias"] * early).to(dtype).float()[:, None, None] * late,
        None if noise is None or scaled is None else (noise * scaled).to(dtype),
        scaled,
        _rounded(_filter(weight.device), dtype).expand(outputs, 1, 4, 4).contiguous()
        if upsample
        else None,
        sums,
        None if config.conv_clamp is None else config.conv_clamp * gain,
    )


def _to_rgb(config: Config, state: Mapping[str, Tensor], name: str) -> _ToRGB:
    weight = state[f"{name}.weight"][:, :, 0, 0]
    return _ToRGB(
        _style(state, name),
        weight,
        state[f"{name}.bias"],
        config.conv_clamp,
    )


def _style(state: Mapping[str, Tensor], name: str) -> _Style:
    weight = state[f"{name}.affine.weight"]
    return _Style(weight / math.sqrt(weight.shape[1]), state[f"{name}.affine.bias"])


def _summed(device: torch.device, dtype: torch.dtype) -> torch.dtype:
    """Return the type of the inputs of a convolution on ``device`` for values of ``dtype``.

    A convolution sums in float32. A GPU does this for inputs in float16; a CPU needs float32.
    """
    return torch.float32 if device.type == "cpu" else dtype


def _rounded(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``weight`` rounded to ``dtype``, in the type that convolutions on its device need."""
    return weight.to(dtype).to(_summed(weight.device, dtype))


def _filter(device: torch.device) -> Tensor:
    """Return the 4 x 4 filter that follows zero-stuffing by 2; its weights sum to 4.

    The values are exact in float16.
    """
    line = torch.tensor(FILTER, device=device) / 4
    return torch.outer(line, line)


def _filtered(x: Tensor) -> Tensor:
    """Return maps convolved with the filter and a padding of 1, computed as sums along each axis.

    ``x`` (N, C, H, W) becomes (N, C, H - 1, W - 1).
    """
    x = functional.pad(x, (1, 1, 1, 1))
    x = x[:, :, :-3] + x[:, :, 3:] + 3 * (x[:, :, 1:-2] + x[:, :, 2:-1])
    x = x[..., :-3] + x[..., 3:] + 3 * (x[..., 1:-2] + x[..., 2:-1])
    return x / 16


def _enlarged_by_sums(x: Tensor) -> Tensor:
    """Upsample maps by 2 with the filter; along each axis, a new value is a sum of two old ones."""
    dtype, x = x.dtype, x.float()
    for axis in (2, 3):
        size = x.shape[axis]
        wide = functional.pad(x, (0, 0, 1, 1) if axis == 2 else (1, 1, 0, 0))
        before, after = wide.narrow(axis, 0, size), wide.narrow(axis, 2, size)
        even, odd = (3 * x + before) / 4, (3 * x + after) / 4
        x = torch.stack([even, odd], dim=axis + 1).flatten(axis, axis + 1)
    return x.to(dtype)


def _enlarged(x: Tensor) -> Tensor:
    """Upsample feature maps by 2 with the filter."""
    kernel = _rounded(_filter(x.device), x.dtype).expand(x.shape[1], 1, 4, 4)
    enlarged = functional.conv_transpose2d(
        x.to(kernel.dtype), kernel, stride=2, padding=1, groups=x.shape[1]
    )
    return enlarged.to(x.dtype)


def _normalized(x: Tensor) -> Tensor:
    return x * (x.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()


def _check_filters(state: Mapping[str, Tensor], path: Any) -> None:
    usual = _filter(torch.device("cpu")) / 4
    for name, tensor in state.items():
        if name.endswith(".resample_filter") and (
            tensor.shape != usual.shape or not torch.allclose(tensor.float(), usual, atol=1e-6)
        ):
            raise FringeError(
                f"{path}: {name} is not the filter [1, 3, 3, 1] of every published StyleGAN2; "
                "other filters are not supported"
            )


def _modules(record: Record) -> Mapping[str, Record]:
    modules: Mapping[str, Record] = record.state.get("_modules", {})
    return modules
