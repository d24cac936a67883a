"""Write generators with random weights in the formats of the official training code.

The pickles have the official structure, including module attributes and hooks, but no official
code. The classes and functions that the pickles name (``torch_utils.persistence``,
``dnnlib.util``, ``pg_modules``) exist only while a pickle is written.
"""

import pickle
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["write_fastgan_pickle", "write_stylegan2_pickle"]


def write_stylegan2_pickle(
    path: str | Path,
    *,
    resolution: int = 32,
    z_dim: int = 16,
    w_dim: int = 16,
    c_dim: int = 0,
    channel_base: int = 256,
    channel_max: int = 16,
    mapping_layers: int = 2,
    seed: int = 0,
    img_channels: int = 3,
    architecture: str = "skip",
    conv_clamp: float | None = None,
    num_fp16_res: int = 0,
    dump: Callable[[Any, Any], None] = pickle.dump,
    others: Mapping[str, Any] | None = None,
) -> None:
    """Write a snapshot as StyleGAN2-ADA does; the arguments have the names of that code.

    ``dump`` may be `torch.save`. The entries ``others`` come before the entries of that code.
    """
    draw = torch.Generator().manual_seed(seed)
    generator = _stylegan2(
        draw,
        resolution=resolution,
        z_dim=z_dim,
        w_dim=w_dim,
        c_dim=c_dim,
        channel_base=channel_base,
        channel_max=channel_max,
        mapping_layers=mapping_layers,
        img_channels=img_channels,
        architecture=architecture,
        conv_clamp=conv_clamp,
        num_fp16_res=num_fp16_res,
    )
    with _official_names():
        dataset = _easy_dict()(
            class_name="training.dataset.ImageFolderDataset",
            path="images.zip",
            use_labels=c_dim > 0,
        )
        entries = {"training_set_kwargs": dataset, "augment_pipe": None}
        _write(path, generator, dump, {**(others or {}), **entries})


def write_fastgan_pickle(
    path: str | Path,
    *,
    resolution: int = 256,
    ngf: int = 2,
    z_dim: int = 64,
    seed: int = 0,
    double_blocks: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512, 1024),
) -> None:
    """Write a snapshot as Projected GAN does.

    ``double_blocks`` are the resolutions whose block has two convolutions with noise. They differ
    between versions of that code.
    """
    with _official_names() as names, torch.random.fork_rng([]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        generator = _fastgan(names, resolution, ngf, z_dim, double_blocks)
        _write(path, generator, pickle.dump, {"training_set_kwargs": {"use_labels": False}})


def _write(
    path: str | Path,
    generator: nn.Module,
    dump: Callable[[Any, Any], None],
    entries: Mapping[str, Any],
) -> None:
    generator.eval().requires_grad_(False)
    with Path(path).open("wb") as file:
        dump({**entries, "G": None, "D": None, "G_ema": generator}, file)


@contextmanager
def _official_names() -> Iterator[dict[str, types.ModuleType]]:
    """Create the modules that the pickles name, for the duration of the block."""
    modules = {
        name: types.ModuleType(name)
        for name in (
            "torch_utils",
            "torch_utils.persistence",
            "dnnlib",
            "dnnlib.util",
            "pg_modules",
            "pg_modules.blocks",
            "pg_modules.networks_fastgan",
        )
    }
    for module, names, kind in (
        ("dnnlib.util", ("EasyDict",), dict),
        (
            "pg_modules.blocks",
            ("GLU", "InitLayer", "NoiseInjection", "SEBlock", "Swish"),
            nn.Module,
        ),
        (
            "pg_modules.networks_fastgan",
            ("DummyMapping", "FastganSynthesis", "Generator"),
            nn.Module,
        ),
    ):
        for name in names:
            setattr(modules[module], name, type(name, (kind,), {"__module__": module}))
    # The methods that PyTorch's containers need to run these modules.
    blocks = modules["pg_modules.blocks"]
    blocks.GLU.forward = lambda _, x: nn.functional.glu(x, dim=1)
    blocks.Swish.forward = lambda _, x: nn.functional.silu(x)
    blocks.NoiseInjection.forward = lambda self, x: x + self.weight * torch.randn_like(x[:, :1])
    modules["torch_utils.persistence"]._reconstruct_persistent_obj = _reconstruct_persistent_obj
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield modules
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def _easy_dict() -> type[dict[str, Any]]:
    kind: type[dict[str, Any]] = sys.modules["dnnlib.util"].EasyDict
    return kind


# --- StyleGAN2 ------------------------------------------------------------------------------------


def _reconstruct_persistent_obj(meta: dict[str, Any]) -> None:
    raise AssertionError("this must not be called: it represents code that runs a pickle's source")


_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"


class _Persistent(nn.Module):
    """A module that is pickled like the persistent classes of the official code."""

    def __init__(self, class_name: str, **attributes: Any) -> None:
        super().__init__()
        self._class_name = class_name
        for name, value in attributes.items():
            setattr(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        state = dict(self.__dict__)
        name = state.pop("_class_name")
        meta = {"type": "class", "version": 6, "module_src": "# left out\n", "class_name": name}
        return _reconstruct_persistent_obj, (meta | {"state": state},), None


def _stylegan2(draw: torch.Generator, **options: Any) -> nn.Module:
    o = types.SimpleNamespace(**options)
    channels = {
        2**power: min(o.channel_base // 2**power, o.channel_max)
        for power in range(2, o.resolution.bit_length())
    }
    lowest_fp16 = max(2 * o.resolution // 2**o.num_fp16_res, 8)

    def normal(*shape: int, scale: float = 1.0, mean: float = 0.0) -> nn.Parameter:
        return nn.Parameter(torch.randn(shape, generator=draw) * scale + mean)

    def linear(inputs: int, outputs: int, lr: float = 1.0, bias: float = 0.0) -> _Persistent:
        layer = _Persistent(
            "FullyConnectedLayer",
            activation="lrelu" if lr != 1 else "linear",
            weight_gain=lr / np.sqrt(inputs),
            bias_gain=lr,
        )
        layer.weight = normal(outputs, inputs, scale=1 / lr)
        layer.bias = normal(outputs, scale=0.1 / lr, mean=bias)
        return layer

    def styled(name: str, inputs: int, outputs: int, kernel: int, **attributes: Any) -> _Persistent:
        layer = _Persistent(name, conv_clamp=o.conv_clamp, **attributes)
        layer.affine = linear(o.w_dim, inputs, bias=1.0)
        layer.weight = normal(outputs, inputs, kernel, kernel)
        layer.bias = normal(outputs, scale=0.1)
        return layer

    def resample_filter(module: nn.Module) -> None:
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        module.register_buffer("resample_filter", torch.outer(line, line))

    def convolution(inputs: int, outputs: int, resolution: int, up: int) -> _Persistent:
        layer = styled(
            "SynthesisLayer",
            inputs,
            outputs,
            3,
            resolution=resolution,
            up=up,
            use_noise=True,
            activation="lrelu",
            padding=1,
            act_gain=np.sqrt(2),
        )
        resample_filter(layer)
        noise = torch.randn(resolution, resolution, generator=draw)
        layer.register_buffer("noise_const", noise)
        layer.noise_strength = normal(scale=0.1, mean=0.1)
        return layer

    mapping = _Persistent(
        "MappingNetwork",
        z_dim=o.z_dim,
        c_dim=o.c_dim,
        w_dim=o.w_dim,
        num_ws=2 * len(channels),
        num_layers=o.mapping_layers,
        w_avg_beta=0.995,
    )
    if o.c_dim:
        mapping.embed = linear(o.c_dim, o.w_dim)
    for index in range(o.mapping_layers):
        inputs = o.w_dim if index else o.z_dim + (o.w_dim if o.c_dim else 0)
        setattr(mapping, f"fc{index}", linear(inputs, o.w_dim, lr=0.01))
    mapping.register_buffer("w_avg", torch.randn(o.w_dim, generator=draw) * 0.3)

    synthesis = _Persistent(
        "SynthesisNetwork",
        w_dim=o.w_dim,
        img_resolution=o.resolution,
        img_channels=o.img_channels,
        block_resolutions=list(channels),
        num_ws=2 * len(channels),
    )
    inputs = 0
    for resolution, outputs in channels.items():
        is_last = resolution == o.resolution
        block = _Persistent(
            "SynthesisBlock",
            in_channels=inputs,
            w_dim=o.w_dim,
            resolution=resolution,
            img_channels=o.img_channels,
            is_last=is_last,
            architecture=o.architecture,
            use_fp16=resolution >= lowest_fp16,
            channels_last=False,
        )
        resample_filter(block)
        if inputs:
            block.conv0 = convolution(inputs, outputs, resolution, up=2)
        else:
            block.const = normal(outputs, 4, 4)
        block.conv1 = convolution(outputs, outputs, resolution, up=1)
        if is_last or o.architecture == "skip":
            block.torgb = styled(
                "ToRGBLayer", outputs, o.img_channels, 1, weight_gain=1 / np.sqrt(outputs)
            )
        if inputs and o.architecture == "resnet":
            block.skip = _Persistent("Conv2dLayer", activation="linear", up=2, conv_clamp=None)
            block.skip.weight = normal(outputs, inputs, 1, 1)
            block.skip.bias = None
            resample_filter(block.skip)
        setattr(synthesis, f"b{resolution}", block)
        inputs = outputs

    generator = _Persistent(
        "Generator",
        z_dim=o.z_dim,
        c_dim=o.c_dim,
        w_dim=o.w_dim,
        img_resolution=o.resolution,
        img_channels=o.img_channels,
        num_ws=2 * len(channels),
    )
    generator.synthesis = synthesis
    generator.mapping = mapping
    return generator


# --- FastGAN --------------------------------------------------------------------------------------


def _fastgan(
    names: dict[str, types.ModuleType],
    resolution: int,
    ngf: int,
    z_dim: int,
    double_blocks: tuple[int, ...],
) -> nn.Module:
    blocks, networks = names["pg_modules.blocks"], names["pg_modules.networks_fastgan"]
    multiples = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}
    width = {r: max(int(multiple * ngf), 1) for r, multiple in multiples.items()}

    spectral = nn.utils.spectral_norm

    def norm(channels: int) -> nn.Module:
        layer = nn.BatchNorm2d(channels)
        nn.init.uniform_(layer.weight, 0.8, 1.2)
        nn.init.normal_(layer.bias, std=0.1)
        return layer

    def noise() -> nn.Module:
        layer = blocks.NoiseInjection()
        layer.weight = nn.Parameter(torch.rand(1) * 0.3)
        return layer

    def convolution(inputs: int, outputs: int, kernel: int, **options: Any) -> nn.Module:
        return spectral(nn.Conv2d(inputs, outputs, kernel, **{"bias": False, **options}))

    def up_block(at: int) -> nn.Module:
        inputs, outputs = width[at // 2], width[at]
        layers = [
            nn.Upsample(scale_factor=2, mode="nearest"),
            convolution(inputs, 2 * outputs, 3, padding=1),
            norm(2 * outputs),
            blocks.GLU(),
        ]
        if at in double_blocks:
            layers.insert(2, noise())
            layers += [
                convolution(outputs, 2 * outputs, 3, padding=1),
                noise(),
                norm(2 * outputs),
                blocks.GLU(),
            ]
        return nn.Sequential(*layers)

    def excitation(inputs: int, outputs: int) -> nn.Module:
        block = blocks.SEBlock()
        block.main = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            convolution(inputs, outputs, 4),
            blocks.Swish(),
            convolution(outputs, outputs, 1),
            nn.Sigmoid(),
        )
        return block

    synthesis = networks.FastganSynthesis()
    synthesis.img_resolution, synthesis.z_dim = resolution, z_dim
    synthesis.init = blocks.InitLayer()
    synthesis.init.init = nn.Sequential(
        spectral(nn.ConvTranspose2d(z_dim, 2 * width[4], 4, bias=False)),
        norm(2 * width[4]),
        blocks.GLU(),
    )
    # Blocks up to 256 always exist, even if they are not used.
    for at in (r for r in width if 4 < r <= max(resolution, 256)):
        setattr(synthesis, f"feat_{at}", up_block(at))
        if 64 <= at <= 512:
            setattr(synthesis, f"se_{at}", excitation(width[at // 16], width[at]))
    synthesis.to_big = convolution(width[resolution], 3, 3, padding=1, bias=True)
    _train_a_little(synthesis)

    generator = networks.Generator()
    generator.z_dim, generator.c_dim, generator.w_dim = z_dim, 0, 0
    generator.img_resolution, generator.img_channels = resolution, 3
    generator.mapping = networks.DummyMapping()
    generator.synthesis = synthesis
    return generator


def _train_a_little(synthesis: nn.Module) -> None:
    """Adapt running statistics and spectral norms, so that pixels are of the order of 1."""
    norms = [layer for layer in synthesis.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in norms:
        layer.momentum = 1.0
    with torch.no_grad():
        for _ in range(2):
            x = synthesis.init.init(torch.randn(2, synthesis.z_dim, 1, 1))
            maps = {4: x}
            for name, block in synthesis.named_children():
                if name.startswith("feat_"):
                    at = int(name.removeprefix("feat_"))
                    maps[at] = x = block(x)
                    if hasattr(synthesis, f"se_{at}"):
                        maps[at] = x = x * getattr(synthesis, f"se_{at}").main(maps[at // 16])
        for layer in norms:
            layer.momentum = 0.1
        # As after a step of training: the attribute `weight` is from the previous step.
        for layer in synthesis.modules():
            if hasattr(layer, "weight_orig"):
                layer.weight_orig += (
                    0.05 * layer.weight_orig.abs().mean() * torch.randn_like(layer.weight)
                )
