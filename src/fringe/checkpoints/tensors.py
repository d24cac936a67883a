"""Make storages and tensors of PyTorch, and numbers of NumPy, from the bytes of a file."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fringe.checkpoints.machine import Global
from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Budget, Refused, Stream

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = [
    "DTYPES",
    "STORAGES",
    "STORAGE_MODULES",
    "Storage",
    "ndarray",
    "number",
    "rebuild_tensor",
    "storage_for",
]

# Class of a storage in a stream -> dtype of its elements.
STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
}
STORAGE_MODULES = "torch", "torch.cuda", "torch.storage"
DTYPES = (*sorted(set(STORAGES.values())), "uint16", "uint32", "uint64")
# Only numbers: no objects, text, times or structures.
_NUMPY_CODES = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
_MAX_DIMS = 32
_MAX_SIZE = 1 << 60  # elements


@dataclass(eq=False)
class Storage:
    """Memory on the CPU and the dtype of its elements; the device in the file is ignored."""

    dtype: torch.dtype
    count: int
    memory: Tensor  # uint8 (bytes,)
    filled: bool = False

    def fill(self, stream: Stream, little_endian: bool = True) -> None:
        """Read the elements from the next bytes of ``stream``."""
        stream.fill(self.memory.numpy().data)
        if little_endian != (sys.byteorder == "little"):
            width = self.dtype.itemsize // (2 if self.dtype.is_complex else 1)
            numbers = self.memory.numpy().reshape(-1, width)
            numbers[:] = numbers[:, ::-1].copy()
        self.filled = True


def storage_for(
    storages: dict[str, Storage], budget: Budget, reference: Any, length: int
) -> Storage:
    """Return the storage that a persistent id of ``length`` parts refers to.

    If ``storages`` does not have the storage yet, it is added, unfilled.

    Raises
    ------
    Refused
        If the id does not refer to a storage, the storage is larger than the file, or an earlier
        reference gave the storage another type or length.
    """
    import torch

    if type(reference) is not tuple or not reference or reference[0] != "storage":
        raise Refused("refers to an object outside the pickle that is not a storage")
    if len(reference) != length or type(reference[2]) is not str:
        raise Refused("is damaged: it has a storage without a key")
    kind, key, count = reference[1], reference[2], reference[4]
    if isinstance(kind, Record):
        raise Refused(f"has tensors of the type {kind.title}, which Fringe does not read")
    if not isinstance(kind, Global) or kind.name not in STORAGES:
        raise Refused("is damaged: it has a storage without a type")
    if type(count) is not int or count < 0:
        raise Refused("is damaged: the length of a storage is not a number")
    dtype = getattr(torch, STORAGES[kind.name])
    if key not in storages:
        size = count * dtype.itemsize
        budget.store(size)
        memory = torch.empty(size, dtype=torch.uint8, device="cpu")
        storages[key] = Storage(dtype, count, memory)
    elif (storages[key].dtype, storages[key].count) != (dtype, count):
        raise Refused("is damaged: it has a storage with two types or lengths")
    return storages[key]


def rebuild_tensor(
    budget: Budget, storage: Any, offset: Any, size: Any, stride: Any, dtype: Any = None
) -> Tensor | Record:
    """Return the tensor that views ``storage`` from element ``offset``.

    If Fringe does not read the dtype, a record of the dtype is returned.

    Raises
    ------
    Refused
        If the tensor would extend beyond the storage, or have far more elements than the file.
    """
    import torch

    if not isinstance(storage, Storage):
        raise Refused("is damaged: it has a tensor without a storage")
    dtype = storage.dtype if dtype is None else dtype
    if isinstance(dtype, Record):
        return Record(dtype.class_name, dtype.module)
    if not isinstance(dtype, torch.dtype):
        raise Refused("is damaged: it has a tensor without a dtype")
    shape = _shape(size)
    steps = _naturals(stride)
    if type(offset) is not int or offset < 0 or len(shape) != len(steps):
        raise Refused("is damaged: it has a tensor without a valid size and stride")
    count = math.prod(shape)
    last = offset + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    if count and (last + 1) * dtype.itemsize > storage.memory.numel():
        raise Refused("is damaged: it has a tensor that extends beyond its storage")
    budget.view(count * dtype.itemsize)
    if not count:
        return torch.empty(shape, dtype=dtype, device="cpu")
    memory = storage.memory.untyped_storage()
    return torch.empty(0, dtype=dtype, device="cpu").set_(memory, offset, shape, steps)


def _naturals(values: Any) -> tuple[int, ...]:
    """Return a size or stride if PyTorch can represent it."""
    if type(values) is tuple and len(values) <= _MAX_DIMS:
        naturals = tuple(v for v in values if type(v) is int and 0 <= v < _MAX_SIZE)
        if len(naturals) == len(values):
            return naturals
    raise Refused("is damaged: it has a tensor without a valid size and stride")


def _shape(values: Any) -> tuple[int, ...]:
    """Return a size whose lengths are bounded even if one of them is zero."""
    shape = _naturals(values)
    if math.prod(max(1, length) for length in shape) >= _MAX_SIZE:
        raise Refused("is damaged: it has a tensor with an impossible size")
    return shape


def _numpy_dtype(record: Any) -> np.dtype[Any] | None:
    """Return the dtype of a ``numpy.dtype`` record; None if it is not a dtype of numbers."""
    if not isinstance(record, Record):
        raise Refused("is damaged: it has a NumPy value without a dtype")
    if (record.module, record.class_name) != ("numpy", "dtype"):
        return None
    code, order = record.state.get("code"), record.state.get("order", "=")
    if type(code) is not str or type(order) is not str or order not in ("<", ">", "=", "|"):
        raise Refused("is damaged: it has a NumPy dtype without a name or byte order")
    return np.dtype(f"{order}{code}") if code in _NUMPY_CODES else None


def _bytes(data: Any) -> bytes:
    if type(data) is str:  # written by Python 2
        try:
            return data.encode("latin-1")
        except UnicodeEncodeError:
            pass
    if type(data) is not bytes:
        raise Refused("is damaged: it has a NumPy value without bytes")
    return data


def number(dtype: Any, data: Any = b"") -> complex | Record:
    """Return the value of a NumPy scalar as a number of Python; for text or times, a record."""
    kind = _numpy_dtype(dtype)
    if kind is None:
        return Record("generic", "numpy")
    content = _bytes(data)
    if len(content) != kind.itemsize:
        raise Refused("is damaged: it has a NumPy number that is longer or shorter than its type")
    value: complex = np.frombuffer(content, kind)[0].item()
    return value


def ndarray(budget: Budget, dtype: Any, shape: Any, data: Any, fortran: bool) -> dict[str, Tensor]:
    """Return the elements of a NumPy array as a tensor named "values", if they are numbers."""
    import torch

    kind = _numpy_dtype(dtype)
    if kind is None:
        return {}
    sizes = _shape(shape)
    content = _bytes(data)
    if math.prod(sizes) * kind.itemsize != len(content):
        raise Refused("is damaged: it has a NumPy array whose bytes do not match its shape")
    budget.store(len(content))
    array = np.ndarray(sizes, kind, content, order="F" if fortran else "C")
    return {"values": torch.from_numpy(array.astype(kind.newbyteorder("="), order="C"))}
