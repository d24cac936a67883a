"""Checkpoints in the official formats, written with random weights, and their state dicts."""

import io
import pickle
import sys
import types
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn


class EasyDict(dict[str, Any]):
    pass


class Layer(nn.Module):
    """A module with every kind of entry of a state dict, and attributes that are not in it."""

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, 2, 3).transpose(0, 1))  # not contiguous
        self.register_parameter("bias", None)
        self.register_buffer("noise", torch.randn(4)[1:3])  # part of a storage
        self.register_buffer("scratch", torch.randn(2), persistent=False)
        self.inner = nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))
        self.again = self.inner[0]
        self.gain = np.float64(1.5)
        self.sizes = [4, 8]
        self._init_kwargs = EasyDict(width=width)


class Normalized(nn.Module):
    """A module with the hooks of spectral normalization, pickled by reference."""

    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(2, 3, 1)), nn.Sigmoid())


def _publish(monkeypatch: pytest.MonkeyPatch, module: str, **names: Any) -> None:
    """Let pickle find ``names`` in an invented module."""
    made = types.ModuleType(module)
    for name, value in names.items():
        value.__module__, value.__qualname__ = module, name
        setattr(made, name, value)
    monkeypatch.setitem(sys.modules, module, made)


def write_stylegan(
    path: Path,
    protocol: int = 4,
    source: str = "raise SystemError",
    others: Mapping[str, Any] | None = None,
) -> dict[str, Tensor]:
    """Write a network pickle as StyleGAN2-ADA does; return the state dict of its G_ema.

    ``others`` are additional entries, as in the snapshot of a user. If the protocol is 0,
    torch.save writes the file.
    """

    def _reconstruct_persistent_obj(meta: dict[str, Any]) -> None:
        raise AssertionError("only the official reader calls this")

    class Persistent(Layer):
        def __reduce__(self) -> Any:
            meta = {"type": "class", "version": 6, "module_src": source}
            meta |= {"class_name": "Generator", "state": self.__dict__}
            return _reconstruct_persistent_obj, (meta,)

    network = Persistent().eval()
    content = {**(others or {}), "G": None, "G_ema": network}
    content["training_set_kwargs"] = EasyDict(max_size=7)
    with pytest.MonkeyPatch.context() as patch:
        for package in "torch_utils", "dnnlib":
            _publish(patch, package)
        _publish(
            patch,
            "torch_utils.persistence",
            _reconstruct_persistent_obj=_reconstruct_persistent_obj,
        )
        _publish(patch, "dnnlib.util", EasyDict=EasyDict)
        if protocol:
            path.write_bytes(pickle.dumps(content, protocol))
        else:
            torch.save(content, path)
    return network.state_dict()


def write_fastgan(path: Path, protocol: int = 4) -> dict[str, Tensor]:
    """Write a network pickle as Projected GAN does; return the state dict of its G_ema."""
    network = Normalized().eval()
    with pytest.MonkeyPatch.context() as patch:
        _publish(patch, "pg_modules")
        _publish(patch, "pg_modules.networks_fastgan", Normalized=Normalized)
        path.write_bytes(pickle.dumps({"G_ema": network, "D": None}, protocol))
    return network.state_dict()


class Scripted(nn.Module):
    """A module that TorchScript compiles, with two precisions and a constant in its code."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3).half()])
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("position", torch.arange(5))
        self.tied = self.layers[0].weight
        self.plain = torch.ones(2)
        self.heads = 12
        self.title = "scripted"
        self.sizes = [1, 2]
        self.table = {"a": 1.5}

    def forward(self, images: Tensor) -> Tensor:
        images = self.norm(self.layers[0](images)) * torch.tensor([2.0, 3.0, 4.0])
        return images + self.position.sum() * self.plain.sum()


def write_torchscript(path: Path, how: str = "script") -> dict[str, Tensor]:
    """Write a TorchScript archive, by "script" or "trace"; return the module's state dict."""
    network = Scripted().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both are deprecated, but their files are still in use
        if how == "script":
            torch.jit.script(network).save(str(path))
        else:
            torch.jit.trace(network, torch.ones(2, 3)).save(str(path))
    return network.state_dict()


def rezip(path: Path, **replaced: bytes) -> bytes:
    """Return the zip file at ``path`` with some members replaced and all members uncompressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(buffer, "w") as target:
        for info in source.infolist():
            name = info.filename.split("/", 1)[1]
            target.writestr(info.filename, replaced.get(name, source.read(info)))
    return buffer.getvalue()


def assert_same_bits(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Check names, order, dtypes, shapes and bytes."""
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        assert found[name].device.type == "cpu", name
        assert _bytes(found[name]) == _bytes(tensor), name


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()
