"""Weight files of networks in their published formats, with random weights.

Every function writes the file at ``path`` and depends only on its arguments. Activations neither
vanish nor explode, and every tensor affects the result.
"""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_clip import CLIPVisual
from torchvision.models import resnet50, vgg16

VGG16_CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


def random_state(shapes: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Return random float32 tensors with the names and shapes of ``shapes``."""
    generator = torch.Generator().manual_seed(seed)
    return {name: _random(name, like.shape, generator) for name, like in shapes.items()}


def _random(name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(1000)
    uniform = torch.empty(shape).uniform_(-1, 1, generator=generator)
    if name.endswith("running_var"):
        return 1 + uniform / 2
    if name.endswith("gamma"):
        return 0.5 + uniform / 4
    if len(shape) == 1 and name.endswith("weight"):
        # Gains of normalizations; the last gain of a residual block is small, as after training.
        return (1 + uniform / 2) * (0.3 if "bn3" in name else 1)
    if len(shape) < 2 or name.endswith(("embedding", "_embed", "_token")):
        return uniform / 2
    # Variance 2 / fan-in keeps the size of activations through ReLU.
    return uniform.mul_((6 / shape[1:].numel()) ** 0.5)


def _shapes(build: Callable[[], nn.Module]) -> dict[str, Tensor]:
    with torch.device("meta"):
        return build().state_dict()


def write_resnet50(path: Path, seed: int) -> None:
    """Write the format of torchvision: a state dict."""
    torch.save(random_state(_shapes(resnet50), seed), path)


def write_swav(path: Path, seed: int) -> None:
    """Write the format of SwAV: a state dict with the prefix ``module.`` and the training heads."""
    shapes = {k: v for k, v in _shapes(resnet50).items() if not k.startswith("fc.")}
    hidden = _shapes(lambda: nn.Sequential(nn.Linear(2048, 2048), nn.BatchNorm1d(2048)))
    shapes |= {f"projection_head.{key}": value for key, value in hidden.items()}
    shapes["projection_head.3.weight"] = torch.empty(128, 2048, device="meta")
    shapes["projection_head.3.bias"] = torch.empty(128, device="meta")
    shapes["prototypes.weight"] = torch.empty(3000, 128, device="meta")
    torch.save({f"module.{k}": v for k, v in random_state(shapes, seed).items()}, path)


def write_clip(
    path: Path,
    seed: int,
    *,
    dim: int = 512,
    size: int = 224,
    layers: int = 12,
    width: int = 768,
    patch: int = 32,
) -> None:
    """Write the format of OpenAI: a TorchScript archive in half precision, by default of ViT-B/32.

    It contains the whole image tower and a part of the text tower.
    """
    shapes = _shapes(lambda: CLIPVisual(dim, size, layers, width, patch))
    shapes |= {
        "positional_embedding": torch.empty(77, dim, device="meta"),
        "text_projection": torch.empty(dim, dim, device="meta"),
        "logit_scale": torch.empty((), device="meta"),
        "token_embedding.weight": torch.empty(100, dim, device="meta"),
        "transformer.resblocks.0.ln_1.weight": torch.empty(dim, device="meta"),
        "ln_final.weight": torch.empty(dim, device="meta"),
    }
    state = {key: value.half() for key, value in random_state(shapes, seed).items()}
    numbers = {"input_resolution": size, "context_length": 77, "vocab_size": 49408}
    state |= {name: torch.tensor(number) for name, number in numbers.items()}
    write_script(path, state)


def write_vgg16(path: Path, seed: int) -> None:
    """Write the format of torchvision: a state dict, 553 MB."""
    torch.save(random_state(_shapes(vgg16), seed), path)


def write_vgg16_of_nvidia(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write torchvision's ``state`` in the format of NVIDIA's archive, as far as it is known."""
    names = {f"features.{i}": f"conv{k}" for k, i in enumerate(VGG16_CONVOLUTIONS, start=1)}
    names |= {"classifier.0": "fc1", "classifier.3": "fc2", "classifier.6": "fc3"}
    renamed = {}
    for key, value in state.items():
        layer, _, kind = key.rpartition(".")
        renamed[f"layers.{names[layer]}.{kind}"] = value
    write_script(path, renamed | {"lpips0": torch.ones(64), "lpips4": torch.ones(512)})


def write_dinov2(path: Path, seed: int, *, dim: int = 768, depth: int = 12) -> None:
    """Write the format of Meta: a state dict, 346 MB for ViT-B/14."""
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, dim),
        "pos_embed": (1, 1370, dim),
        "mask_token": (1, dim),
        "patch_embed.proj.weight": (dim, 3, 14, 14),
        "patch_embed.proj.bias": (dim,),
    }
    for i in range(depth):
        shapes |= {
            f"blocks.{i}.{key}": shape
            for key, shape in {
                "norm1.weight": (dim,),
                "norm1.bias": (dim,),
                "attn.qkv.weight": (3 * dim, dim),
                "attn.qkv.bias": (3 * dim,),
                "attn.proj.weight": (dim, dim),
                "attn.proj.bias": (dim,),
                "ls1.gamma": (dim,),
                "norm2.weight": (dim,),
                "norm2.bias": (dim,),
                "mlp.fc1.weight": (4 * dim, dim),
                "mlp.fc1.bias": (4 * dim,),
                "mlp.fc2.weight": (dim, 4 * dim),
                "mlp.fc2.bias": (dim,),
                "ls2.gamma": (dim,),
            }.items()
        }
    shapes |= {"norm.weight": (dim,), "norm.bias": (dim,)}
    meta = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    torch.save(random_state(meta, seed), path)


def write_script(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write a TorchScript archive whose modules contain ``state`` and compute nothing."""
    root = nn.Module()
    for key, value in state.items():
        *parents, leaf = key.split(".")
        module = root
        for name in parents:
            if name not in module._modules:
                module.add_module(name, nn.Module())
            module = module.get_submodule(name)
        if value.is_floating_point():
            module.register_parameter(leaf, nn.Parameter(value, requires_grad=False))
        else:
            module.register_buffer(leaf, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # TorchScript is deprecated
        torch.jit.script(root).save(str(path))
