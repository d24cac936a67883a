"""The Inception-V3 that TensorFlow released on 2015-12-05, the network of every published FID.

Images of any size are resized to 299 x 299 like in TensorFlow 1's ``resize_bilinear`` (source
position i * H / 299: no half-pixel centres, no antialiasing), and mapped to (x - 128) / 128.
Features are the global average of the last maps (2048 x 8 x 8). The logits have 1,008 columns,
whose classes are listed in `fringe.networks.class_names`. The blocks and the resize are those of
torch-fidelity. Here, features, logits and maps come from one pass, with batch normalization folded
into the convolutions, which changes them by about one part in a million. Other tools resize in
other ways: `fringe.networks.inception_variants`.

The weights were published in several layouts, which are detected from the content of the file:

* A state dict of pytorch-fid and torch-fidelity (``Mixed_5b.branch1x1.conv.weight``).
* NVIDIA's TorchScript archive (``layers.mixed.conv.weight``, ``.beta``, ``.mean``, ``.var``,
  without gamma, which is 1). The names are from a third party's description of that file, and
  could not be compared with the file itself.
* TensorFlow's frozen graph (``mixed/conv/conv2d_params``, ``mixed/conv/batchnorm/gamma``), as a
  plain file or inside the original archive ``inception-2015-12-05.tgz``.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import (
    BasicConv2d,
    InceptionA,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE_1,
    InceptionE_2,
)
from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x,
)

from fringe.checkpoints import kind_of, read_state
from fringe.checkpoints.graphdef import read_graph_constants
from fringe.errors import FringeError
from fringe.files.regular import open_regular, read_regular
from fringe.files.tarfiles import DAMAGE, Members
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.class_names import tensorflow_classes
from fringe.networks.cpu_batches import by_parts
from fringe.networks.pooling import pooled
from fringe.networks.resnet50 import fold_norms
from fringe.networks.state_dicts import fill
from fringe.networks.weight_files import sha256_of

__all__ = ["architecture", "as_tensorflow", "load", "load_resized", "preprocess", "read_model"]

Array = TypeVar("Array", Tensor, np.ndarray)

NAME = "inception"
SIZE = 299
# Images at a time on a CPU: few enough for their maps to stay in its cache.
CPU_IMAGES = 4

GRAPH_FILE = "classify_image_graph_def.pb"  # inside the archive
MAX_BYTES = 1 << 28  # of a graph or an unpacked archive; the published files have about 10^8

# Scopes of TensorFlow's graph by the names of torch-fidelity's modules.
STEM = {
    "Conv2d_1a_3x3": "conv",
    "Conv2d_2a_3x3": "conv_1",
    "Conv2d_2b_3x3": "conv_2",
    "Conv2d_3b_1x1": "conv_3",
    "Conv2d_4a_3x3": "conv_4",
}
BRANCHES_A = {
    "branch1x1": "conv",
    "branch5x5_1": "tower/conv",
    "branch5x5_2": "tower/conv_1",
    "branch3x3dbl_1": "tower_1/conv",
    "branch3x3dbl_2": "tower_1/conv_1",
    "branch3x3dbl_3": "tower_1/conv_2",
    "branch_pool": "tower_2/conv",
}
BRANCHES_B = {
    "branch3x3": "conv",
    "branch3x3dbl_1": "tower/conv",
    "branch3x3dbl_2": "tower/conv_1",
    "branch3x3dbl_3": "tower/conv_2",
}
BRANCHES_C = {
    "branch1x1": "conv",
    "branch7x7_1": "tower/conv",
    "branch7x7_2": "tower/conv_1",
    "branch7x7_3": "tower/conv_2",
    "branch7x7dbl_1": "tower_1/conv",
    "branch7x7dbl_2": "tower_1/conv_1",
    "branch7x7dbl_3": "tower_1/conv_2",
    "branch7x7dbl_4": "tower_1/conv_3",
    "branch7x7dbl_5": "tower_1/conv_4",
    "branch_pool": "tower_2/conv",
}
BRANCHES_D = {
    "branch3x3_1": "tower/conv",
    "branch3x3_2": "tower/conv_1",
    "branch7x7x3_1": "tower_1/conv",
    "branch7x7x3_2": "tower_1/conv_1",
    "branch7x7x3_3": "tower_1/conv_2",
    "branch7x7x3_4": "tower_1/conv_3",
}
BRANCHES_E = {
    "branch1x1": "conv",
    "branch3x3_1": "tower/conv",
    "branch3x3_2a": "tower/mixed/conv",
    "branch3x3_2b": "tower/mixed/conv_1",
    "branch3x3dbl_1": "tower_1/conv",
    "branch3x3dbl_2": "tower_1/conv_1",
    "branch3x3dbl_3a": "tower_1/mixed/conv",
    "branch3x3dbl_3b": "tower_1/mixed/conv_1",
    "branch_pool": "tower_2/conv",
}
BLOCKS = {
    "Mixed_5b": ("mixed", BRANCHES_A),
    "Mixed_5c": ("mixed_1", BRANCHES_A),
    "Mixed_5d": ("mixed_2", BRANCHES_A),
    "Mixed_6a": ("mixed_3", BRANCHES_B),
    "Mixed_6b": ("mixed_4", BRANCHES_C),
    "Mixed_6c": ("mixed_5", BRANCHES_C),
    "Mixed_6d": ("mixed_6", BRANCHES_C),
    "Mixed_6e": ("mixed_7", BRANCHES_C),
    "Mixed_7a": ("mixed_8", BRANCHES_D),
    "Mixed_7b": ("mixed_9", BRANCHES_E),
    "Mixed_7c": ("mixed_10", BRANCHES_E),
}
SCOPES = STEM | {
    f"{block}.{branch}": f"{outer}/{inner}"
    for block, (outer, branches) in BLOCKS.items()
    for branch, inner in branches.items()
}

# Names of a convolution's tensors in the other layouts, given its scope.
GRAPH_NAMES = {
    "conv.weight": "{}/conv2d_params",
    "bn.weight": "{}/batchnorm/gamma",
    "bn.bias": "{}/batchnorm/beta",
    "bn.running_mean": "{}/batchnorm/moving_mean",
    "bn.running_var": "{}/batchnorm/moving_variance",
}
SCRIPT_NAMES = {
    "conv.weight": "layers.{}.weight",
    "bn.bias": "layers.{}.beta",
    "bn.running_mean": "layers.{}.mean",
    "bn.running_var": "layers.{}.var",
}
# PyTorch's axes in TensorFlow's order by number of axes; there, convolutions are HWIO, matrices IO.
GRAPH_AXES = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}


def load(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return the network; see ``fringe.networks.load_network``."""
    return load_resized(NAME, weight_file, device, preprocess)


def load_resized(
    name: str, weight_file: Path, device: torch.device, preprocess: Callable[[Tensor], Tensor]
) -> FeatureNetwork:
    """Return the network with another resize of images to 299 x 299.

    Parameters
    ----------
    name : str
        Name of the network with this preprocessing.
    weight_file : Path
        A file in any of the layouts above.
    device : torch.device
        Device on which the network computes.
    preprocess : callable
        Maps uint8 (N, 3, H, W) to the input of the network, float32 (N, 3, 299, 299) in [-1, 1].
    """
    digest = sha256_of(weight_file, name)
    *layers, last = read_model(name, weight_file).children()
    trunk = nn.Sequential(*layers).to(device).to(memory_format=torch.channels_last)
    head: nn.Linear = last.to(device)  # type: ignore[assignment]

    def compute(images: Tensor) -> Activations:
        return pooled(trunk(preprocess(images)), head)

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    return FeatureNetwork(
        name, 2048, tensorflow_classes(), digest, device, forward, classifier=head.weight
    )


def read_model(name: str, weight_file: Path) -> nn.Sequential:
    """Return `architecture` with the tensors of a weight file and with folded normalizations.

    ``name`` is the name of the network in messages. The result is on the CPU.
    """
    with torch.device("meta"):
        model = architecture()
    fill(model, _state(weight_file, model.state_dict(), name), weight_file, name)
    fold_norms(model)
    return model


def architecture() -> nn.Sequential:
    """Return the layers up to the last maps, and then ``fc``, with torch-fidelity's names."""
    return nn.Sequential(
        OrderedDict(
            Conv2d_1a_3x3=BasicConv2d(3, 32, kernel_size=3, stride=2),
            Conv2d_2a_3x3=BasicConv2d(32, 32, kernel_size=3),
            Conv2d_2b_3x3=BasicConv2d(32, 64, kernel_size=3, padding=1),
            MaxPool_1=nn.MaxPool2d(kernel_size=3, stride=2),
            Conv2d_3b_1x1=BasicConv2d(64, 80, kernel_size=1),
            Conv2d_4a_3x3=BasicConv2d(80, 192, kernel_size=3),
            MaxPool_2=nn.MaxPool2d(kernel_size=3, stride=2),
            Mixed_5b=InceptionA(192, pool_features=32),
            Mixed_5c=InceptionA(256, pool_features=64),
            Mixed_5d=InceptionA(288, pool_features=64),
            Mixed_6a=InceptionB(288),
            Mixed_6b=InceptionC(768, channels_7x7=128),
            Mixed_6c=InceptionC(768, channels_7x7=160),
            Mixed_6d=InceptionC(768, channels_7x7=160),
            Mixed_6e=InceptionC(768, channels_7x7=192),
            Mixed_7a=InceptionD(768),
            Mixed_7b=InceptionE_1(1280),
            Mixed_7c=InceptionE_2(2048),
            fc=nn.Linear(2048, 1008),
        )
    )


def preprocess(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as the float32 (N, 3, 299, 299) that the network was trained on."""
    pixels: Tensor = interpolate_bilinear_2d_like_tensorflow1x(
        images.float(), (SIZE, SIZE), align_corners=False
    )
    return as_tensorflow(pixels)


def as_tensorflow(pixels: Tensor) -> Tensor:
    """Return (x - 128) / 128 of grey levels x (N, 3, H, W), channels last in memory."""
    return ((pixels - 128) / 128).contiguous(memory_format=torch.channels_last)


def _state(path: Path, expected: Mapping[str, Tensor], network: str) -> dict[str, Tensor]:
    """Return the tensors of a file in any layout by torch-fidelity's names."""
    kind = kind_of(path)
    if kind == "gzip":
        return _from_graph(_unpacked(path, network), path, expected, network)
    if kind == "graph":
        _check_size(path.stat().st_size, path, network)
        return _from_graph(read_regular(path, MAX_BYTES), path, expected, network)
    state = read_state(path)
    if any(name.startswith("layers.") for name in state):
        return _from_script(state, path, expected, network)
    return state


def _unpacked(path: Path, network: str) -> bytes:
    """Return the graph in TensorFlow's archive; nothing is written to disk."""
    try:
        with open_regular(path) as file, gzip.open(file) as stream:
            unpacked = stream.read(MAX_BYTES + 1)
        _check_size(len(unpacked), path, network)
        for member in Members(io.BytesIO(unpacked)):
            if PurePosixPath(member.name).name == GRAPH_FILE and member.isreg():
                _check_size(member.size, path, network)  # for a sparse member, the expanded size
                if not member.issparse():
                    return unpacked[member.offset_data : member.offset_data + member.size]
    except (OSError, EOFError, zlib.error, *DAMAGE) as error:
        raise FringeError(
            f"{path}: not a complete .tgz archive ({error}); fetch the file again"
        ) from error
    raise FringeError(
        f"{path}: no {GRAPH_FILE} in this archive; name the file that was published for network "
        f"{network!r}"
    )


def _check_size(size: int, path: Path, network: str) -> None:
    if size > MAX_BYTES:
        raise FringeError(
            f"{path}: not the weights of network {network!r}: more than {MAX_BYTES >> 20} MiB; "
            "name the file that was published for this network"
        )


def _from_graph(
    data: bytes, path: Path, expected: Mapping[str, Tensor], network: str
) -> dict[str, Tensor]:
    constants = read_graph_constants(data, str(path))
    state = {}
    for name, place in expected.items():
        if name == "fc.weight":
            theirs = "softmax/weights"
        elif name == "fc.bias":
            theirs = "softmax/biases"
        else:
            scope, kind = _scope_and_kind(name)
            if kind not in GRAPH_NAMES:
                continue
            theirs = GRAPH_NAMES[kind].format(scope)
        axes = GRAPH_AXES[place.ndim]
        shape = tuple(place.shape[axis] for axis in axes)
        found = _taken(constants, theirs, shape, path, network)
        state[name] = torch.tensor(found).movedim(tuple(range(len(axes))), axes).contiguous()
    return state


def _from_script(
    tensors: Mapping[str, Tensor], path: Path, expected: Mapping[str, Tensor], network: str
) -> dict[str, Tensor]:
    state = {}
    for name, place in expected.items():
        if name.startswith("fc."):
            theirs = name.replace("fc", "output")
        else:
            scope, kind = _scope_and_kind(name)
            if kind == "bn.weight":
                state[name] = torch.ones(place.shape)
            if kind not in SCRIPT_NAMES:
                continue
            outer, _, inner = scope.partition("/")
            # The last two blocks have no submodules for their towers.
            inner = inner.replace("/", "_" if outer in ("mixed_9", "mixed_10") else ".")
            theirs = SCRIPT_NAMES[kind].format(f"{outer}.{inner}".rstrip("."))
        state[name] = _taken(tensors, theirs, tuple(place.shape), path, network)
    return state


def _scope_and_kind(name: str) -> tuple[str, str]:
    """Split "Mixed_5b.branch1x1.bn.bias" into TensorFlow's "mixed/conv" and "bn.bias"."""
    convolution, layer, tensor = name.rsplit(".", 2)
    return SCOPES[convolution], f"{layer}.{tensor}"


def _taken(
    tensors: Mapping[str, Array], name: str, shape: tuple[int, ...], path: Path, network: str
) -> Array:
    found = tensors.get(name)
    if found is None or tuple(found.shape) != shape:
        problem = "is missing" if found is None else f"has shape {tuple(found.shape)}"
        raise FringeError(
            f"{path}: not the weights of network {network!r}: tensor {name!r} {problem}, expected "
            f"of shape {shape}; name the file that was published for this network"
        )
    return found
