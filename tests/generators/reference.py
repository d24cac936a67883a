"""Slow, simple forward passes in float64, with which the fast ones are compared."""

import math

import torch
from torch import Tensor
from torch.nn import functional

State = dict[str, Tensor]


# --- StyleGAN2 ------------------------------------------------------------------------------------


def stylegan2(
    state: State,
    z: Tensor,
    labels: Tensor | None = None,
    *,
    architecture: str = "skip",
    conv_clamp: float | None = None,
    truncation: float = 1.0,
    cutoff: int | None = None,
    noise: bool = True,
    float16_from: int | None = None,
) -> Tensor:
    """Return images (N, C, H, W) float64, with weights for each sample and zero-stuffing.

    From resolution ``float16_from`` upwards, weights and styles are normalized, and maps and all
    values that are combined with maps are rounded to float16, as in the official code on a GPU.
    """
    state = {name: tensor.double() for name, tensor in state.items()}
    images = [
        _stylegan2_image(
            state,
            z[i].double(),
            None if labels is None else labels[i].double(),
            architecture,
            conv_clamp or math.inf,
            truncation,
            cutoff,
            noise,
            float16_from or math.inf,
        )
        for i in range(len(z))
    ]
    return torch.stack(images)


def _stylegan2_image(
    state: State,
    z: Tensor,
    label: Tensor | None,
    architecture: str,
    conv_clamp: float,
    truncation: float,
    cutoff: int | None,
    noise: bool,
    float16_from: float,
) -> Tensor:
    x = z / (z.square().mean() + 1e-8).sqrt()
    if label is not None:
        y = state["mapping.embed.weight"] / math.sqrt(len(label)) @ label
        y = y + state["mapping.embed.bias"]
        x = torch.cat([x, y / (y.square().mean() + 1e-8).sqrt()])
    layer = 0
    while f"mapping.fc{layer}.weight" in state:
        weight, bias = state[f"mapping.fc{layer}.weight"], state[f"mapping.fc{layer}.bias"]
        x = activated(0.01 * weight / math.sqrt(weight.shape[1]) @ x + 0.01 * bias)
        layer += 1
    mean = state["mapping.w_avg"]
    whole, truncated = x, mean + truncation * (x - mean)

    def w(index: int) -> Tensor:
        return truncated if cutoff is None or index < cutoff else whole

    def style(name: str, index: int) -> Tensor:
        weight, bias = state[f"{name}.affine.weight"], state[f"{name}.affine.bias"]
        return weight / math.sqrt(weight.shape[1]) @ w(index) + bias

    def convolved(x: Tensor, name: str, index: int, up: bool, gain: float = 1.0) -> Tensor:
        if resolution >= float16_from:
            return convolved_in_float16(x, name, index, up, gain)
        weight = state[f"{name}.weight"] * style(name, index)[None, :, None, None]
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if up:
            stuffed = functional.pad(zero_stuffed(x), (2, 2, 2, 2))
            x = functional.conv2d(stuffed[None], weight.flip(2, 3))[0]
            x = filtered(x, (1, 1)) * 4
        else:
            x = functional.conv2d(x[None], weight, padding=1)[0]
        if noise:
            x = x + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
        x = activated(x + state[f"{name}.bias"][:, None, None]) * gain
        return x.clamp(-conv_clamp * gain, conv_clamp * gain)

    def convolved_in_float16(x: Tensor, name: str, index: int, up: bool, gain: float) -> Tensor:
        weight, factors = state[f"{name}.weight"], style(name, index)
        weight = weight / weight.abs().amax((1, 2, 3), keepdim=True) / math.sqrt(weight[0].numel())
        factors = factors / factors.abs().amax()
        modulated = weight * factors[None, :, None, None]
        scale = 1 / (modulated.square().sum((1, 2, 3)) + 1e-8).sqrt()
        weight = half(weight)
        x = half(half(x) * half(factors)[:, None, None])
        if up:
            stuffed = functional.pad(zero_stuffed(x), (2, 2, 2, 2))
            x = half(functional.conv2d(stuffed[None], weight.flip(2, 3))[0])
            x = half(filtered(x, (1, 1)) * 4)
        else:
            x = half(functional.conv2d(x[None], weight, padding=1)[0])
        term = state[f"{name}.noise_const"] * state[f"{name}.noise_strength"] if noise else 0 * x[0]
        x = half(x * half(scale)[:, None, None] + half(term))
        x = activated(x + half(state[f"{name}.bias"])[:, None, None]) * gain
        return half(x.clamp(-conv_clamp * gain, conv_clamp * gain))

    image, index, resolution = None, 0, 4
    x = state["synthesis.b4.const"]
    while f"synthesis.b{resolution}.conv1.weight" in state:
        name = f"synthesis.b{resolution}"
        shortcut, gain = None, 1.0
        if resolution > 4:
            if architecture == "resnet":
                gain = math.sqrt(0.5)
                weight = state[f"{name}.skip.weight"] / math.sqrt(len(x))
                shortcut = upsampled(functional.conv2d(x[None], weight)[0]) * gain
            x = convolved(x, f"{name}.conv0", index, up=True)
            index += 1
        x = convolved(x, f"{name}.conv1", index, up=False, gain=gain)
        index += 1
        x = x if shortcut is None else x + shortcut
        image = None if image is None else upsampled(image)
        if f"{name}.torgb.weight" in state:
            factors = style(f"{name}.torgb", index) / math.sqrt(len(x))
            rounded = half if resolution >= float16_from else torch.clone
            modulated = rounded(x * rounded(factors)[:, None, None])
            matrix = rounded(state[f"{name}.torgb.weight"][:, :, 0, 0])
            rgb = rounded(torch.einsum("oi,ihw->ohw", matrix, modulated))
            rgb = rgb + rounded(state[f"{name}.torgb.bias"])[:, None, None]
            rgb = rounded(rgb.clamp(-conv_clamp, conv_clamp))
            image = rgb if image is None else image + rgb
        resolution *= 2
    assert image is not None
    return image


def half(x: Tensor) -> Tensor:
    """Round to float16."""
    return x.half().double()


def activated(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x) * math.sqrt(2)


def zero_stuffed(x: Tensor) -> Tensor:
    """(C, H, W) to (C, 2 H - 1, 2 W - 1) with zeros between the pixels."""
    channels, height, width = x.shape
    stuffed = x.new_zeros(channels, 2 * height - 1, 2 * width - 1)
    stuffed[:, ::2, ::2] = x
    return stuffed


def filtered(x: Tensor, padding: tuple[int, int]) -> Tensor:
    """Convolve with the outer product of [1, 3, 3, 1] / 8, tap by tap."""
    before, after = padding
    x = functional.pad(x, (before, after, before, after))
    height, width = x.shape[1] - 3, x.shape[2] - 3
    taps = (1 / 8, 3 / 8, 3 / 8, 1 / 8)
    total = x.new_zeros(len(x), height, width)
    for i, vertical in enumerate(taps):
        for j, horizontal in enumerate(taps):
            total += vertical * horizontal * x[:, i : i + height, j : j + width]
    return total


def upsampled(x: Tensor) -> Tensor:
    """Enlarge (C, H, W) by 2: a zero after every pixel, then the filter."""
    return 4 * filtered(functional.pad(zero_stuffed(x), (0, 1, 0, 1)), (2, 1))


# --- FastGAN --------------------------------------------------------------------------------------


def fastgan(
    state: State, z: Tensor, resolution: int, noise: tuple[Tensor, ...] | None = None
) -> Tensor:
    """Return images (N, C, H, W) float64, with the separate operations of the original code."""
    state = {name.removeprefix("synthesis."): t.double() for name, t in state.items()}
    drawn = iter(noise or ())

    def weight(name: str) -> Tensor:
        stored = state[f"{name}.weight_orig"]
        rows = stored.transpose(0, 1) if name == "init.init.0" else stored
        return stored / (state[f"{name}.weight_u"] @ rows.flatten(1) @ state[f"{name}.weight_v"])

    def normed(x: Tensor, name: str) -> Tensor:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        x = (x - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
        return x * state[f"{name}.weight"][:, None, None] + state[f"{name}.bias"][:, None, None]

    def gated(x: Tensor) -> Tensor:
        signal, gate = x.chunk(2, dim=1)
        return signal * gate.sigmoid()

    def noisy(x: Tensor, name: str) -> Tensor:
        return x + state[f"{name}.weight"] * next(drawn) if noise else x

    z = z.double()
    z = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    x = functional.conv_transpose2d(z[:, :, None, None], weight("init.init.0"))
    x = gated(normed(x, "init.init.1"))
    maps = {4: x}
    for power in range(3, resolution.bit_length()):
        at = 2**power
        x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        x = functional.conv2d(x, weight(f"feat_{at}.1"), padding=1)
        if f"feat_{at}.5.weight_orig" in state:
            x = gated(normed(noisy(x, f"feat_{at}.2"), f"feat_{at}.3"))
            x = functional.conv2d(x, weight(f"feat_{at}.5"), padding=1)
            x = gated(normed(noisy(x, f"feat_{at}.6"), f"feat_{at}.7"))
        else:
            x = gated(normed(x, f"feat_{at}.2"))
        if 64 <= at <= 512:
            small = maps[at // 16]
            size = small.shape[-1] // 4
            y = small.unflatten(3, (4, size)).unflatten(2, (4, size)).mean(dim=(3, 5))
            y = functional.conv2d(y, weight(f"se_{at}.main.1"))
            y = functional.conv2d(y * y.sigmoid(), weight(f"se_{at}.main.3"))
            x = x * y.sigmoid()
        maps[at] = x
    return functional.conv2d(x, weight("to_big"), state["to_big.bias"], padding=1)
