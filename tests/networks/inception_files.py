"""Weight files of TensorFlow's Inception-V3 in each published layout, and images.

The same random state dict gives the same network in all layouts, if every gamma is 1.
"""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import torch
from tests.checkpoints.graph_files import graph
from tests.networks.weight_files import random_state, write_script
from torch import Tensor, nn

from fringe.networks.inception import architecture

# TensorFlow's scopes in the order of torch-fidelity's modules. They are written out here, so that
# the tests find a mistake in the table of the network.
A = ["conv", "tower/conv", "tower/conv_1", "tower_1/conv", "tower_1/conv_1", "tower_1/conv_2"]
A += ["tower_2/conv"]
B = ["conv", "tower/conv", "tower/conv_1", "tower/conv_2"]
C = ["conv", "tower/conv", "tower/conv_1", "tower/conv_2"]
C += ["tower_1/conv", *(f"tower_1/conv_{i}" for i in range(1, 5)), "tower_2/conv"]
D = ["tower/conv", "tower/conv_1", "tower_1/conv", *(f"tower_1/conv_{i}" for i in range(1, 4))]
E = ["conv", "tower/conv", "tower/mixed/conv", "tower/mixed/conv_1", "tower_1/conv"]
E += ["tower_1/conv_1", "tower_1/mixed/conv", "tower_1/mixed/conv_1", "tower_2/conv"]
BLOCKS = [A, A, A, B, C, C, C, C, D, E, E]
SCOPES = ["conv", "conv_1", "conv_2", "conv_3", "conv_4"]
SCOPES += [
    f"mixed_{i}/{inner}".replace("mixed_0/", "mixed/")
    for i, block in enumerate(BLOCKS)
    for inner in block
]


def images(height: int, width: int, count: int = 2) -> Tensor:
    """Return noisy uint8 images that differ in colour and composition."""
    generator = torch.Generator().manual_seed(height)
    coarse = torch.randint(0, 256, (count, 3, 3, 3), generator=generator).float()
    fine = torch.randint(0, 256, (count, 3, height, width), generator=generator)
    return (0.8 * nn.functional.interpolate(coarse, (height, width)) + 0.2 * fine).to(torch.uint8)


def inception_state(seed: int, *, gamma: bool = True) -> dict[str, Tensor]:
    """Return random weights with pytorch-fid's names; without ``gamma``, every gamma is 1."""
    with torch.device("meta"):
        shapes = architecture().state_dict()
    shapes = {name: like for name, like in shapes.items() if not name.endswith("tracked")}
    state = random_state(shapes, seed)
    if not gamma:
        state |= {key: torch.ones_like(state[key]) for key in state if key.endswith("bn.weight")}
    return state


def write_state(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write the layout of pytorch-fid and torch-fidelity."""
    torch.save(dict(state), path)


def write_nvidia(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write the layout of NVIDIA, as far as it is known: TorchScript, without gamma."""
    renamed = {f"output.{kind}": state[f"fc.{kind}"] for kind in ("weight", "bias")}
    for ours, scope in _convolutions(state):
        outer, *inner = scope.split("/")
        flat = "_" if outer in ("mixed_9", "mixed_10") else "."
        theirs = f"layers.{outer}" + (f".{flat.join(inner)}" if inner else "")
        renamed[f"{theirs}.weight"] = state[f"{ours}.conv.weight"]
        renamed[f"{theirs}.beta"] = state[f"{ours}.bn.bias"]
        renamed[f"{theirs}.mean"] = state[f"{ours}.bn.running_mean"]
        renamed[f"{theirs}.var"] = state[f"{ours}.bn.running_var"]
    write_script(path, renamed)


def tensorflow_graph(state: Mapping[str, Tensor]) -> bytes:
    """Return the layout of TensorFlow: a frozen graph."""
    constants = {"softmax/weights": state["fc.weight"].T, "softmax/biases": state["fc.bias"]}
    for ours, scope in _convolutions(state):
        # Out, in, height, width becomes height, width, in, out.
        constants[f"{scope}/conv2d_params"] = state[f"{ours}.conv.weight"].permute(2, 3, 1, 0)
        constants[f"{scope}/batchnorm/beta"] = state[f"{ours}.bn.bias"]
        constants[f"{scope}/batchnorm/gamma"] = state[f"{ours}.bn.weight"]
        constants[f"{scope}/batchnorm/moving_mean"] = state[f"{ours}.bn.running_mean"]
        constants[f"{scope}/batchnorm/moving_variance"] = state[f"{ours}.bn.running_var"]
    return graph({name: value.numpy() for name, value in constants.items()})


def write_archive(path: Path, members: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=0) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _convolutions(state: Mapping[str, Tensor]) -> list[tuple[str, str]]:
    """Return the names of each convolution in pytorch-fid and in TensorFlow."""
    ours = [key.removesuffix(".conv.weight") for key in state if key.endswith(".conv.weight")]
    return list(zip(ours, SCOPES, strict=True))
