"""Storages and tensors of PyTorch, and numbers of NumPy, from the bytes that a file has of them."""

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
# Single numbers only: no objects, text, times or structures.
_NUMPY_CODES = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
_MAX_DIMS = 32
_MAX_SIZE = 1 << 60  # elements


@dataclass(eq=False)
class Storage:
    """Memory on the CPU, whatever device it was on, and the dtype of its elements."""

    dtype: torch.dtype
    count: int
    memory: Tensor  # uint8 (bytes,)
    filled: bool = False

    def fill(self, stream: Stream, little_endian: bool = True) -> None:
        """Read the elements, which come next in ``stream``."""
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

    A new one is added to ``storages``, unfilled; its bytes must be in the file.

    Raises
    ------
    Refused
        If it is no reference to a storage, to one that the file has no room for, or to one that
        was of another type or length before.
    """
    import torch

    if type(reference) is not tuple or not reference or reference[0] != "storage":
        raise Refused("refers to something outside that is no storage")
    if len(reference) != length or type(reference[2]) is not str:
        raise Refused("is damaged: a storage in it has no key")
    kind, key, count = reference[1], reference[2], reference[4]
    if isinstance(kind, Record):
        raise Refused(f"has tensors of the type {kind.title}, which Fringe does not read")
    if not isinstance(kind, Global) or kind.name not in STORAGES:
        raise Refused("is damaged: a storage in it has no type")
    if type(count) is not int or count < 0:
        raise Refused("is damaged: the length of a storage is no number")
    dtype = getattr(torch, STORAGES[kind.name])
    if key not in storages:
        size = count * dtype.itemsize
        budget.store(size)
        memory = torch.empty(size, dtype=torch.uint8, device="cpu")
        storages[key] = Storage(dtype, count, memory)
    elif (storages[key].dtype, storages[key].count) != (dtype, count):
        raise Refused("is damaged: a storage in it has two types or lengths")
    return storages[key]


def rebuild_tensor(
    budget: Budget, storage: Any, offset: Any, size: Any, stride: Any, dtype: Any = None
) -> Tensor | Record:
    """Return the tensor that shows ``storage`` from element ``offset`` on.

    It is a record of its dtype if that is none that Fringe reads.

    Raises
    ------
    Refused
        If it would show anything beyond the storage, or far more elements than there are.
    """
    import torch

    if not isinstance(storage, Storage):
        raise Refused("is damaged: a tensor in it has no storage")
    dtype = storage.dtype if dtype is None else dtype
    if isinstance(dtype, Record):
        return Record(dtype.class_name, dtype.module)
    if not isinstance(dtype, torch.dtype):
        raise Refused("is damaged: a tensor in it has no dtype")
    shape = _shape(size)
    steps = _naturals(stride)
    if type(offset) is not int or offset < 0 or len(shape) != len(steps):
        raise Refused("is damaged: a tensor in it has no proper size and stride")
    count = math.prod(shape)
    last = offset + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    if count and (last + 1) * dtype.itemsize > storage.memory.numel():
        raise Refused("is damaged: a tensor in it reaches beyond its storage")
    budget.view(count * dtype.itemsize)
    if not count:
        return torch.empty(shape, dtype=dtype, device="cpu")
    memory = storage.memory.untyped_storage()
    return torch.empty(0, dtype=dtype, device="cpu").set_(memory, offset, shape, steps)


def _naturals(values: Any) -> tuple[int, ...]:
    """Return a size or stride if it is one that PyTorch can hold."""
    if type(values) is tuple and len(values) <= _MAX_DIMS:
        naturals = tuple(v for v in values if type(v) is int and 0 <= v < _MAX_SIZE)
        if len(naturals) == len(values):
            return naturals
    raise Refused("is damaged: a tensor in it has no proper size and stride")


def _shape(values: Any) -> tuple[int, ...]:
    """Return a size; where one length is zero, nothing else would bound the others."""
    shape = _naturals(values)
    if math.prod(max(1, length) for length in shape) >= _MAX_SIZE:
        raise Refused("is damaged: a tensor in it has an impossible size")
    return shape


def _numpy_dtype(record: Any) -> np.dtype[Any] | None:
    """Return the dtype that a record of ``numpy.dtype`` stands for; None if not one of numbers."""
    if not isinstance(record, Record):
        raise Refused("is damaged: a value of NumPy in it has no dtype")
    if (record.module, record.class_name) != ("numpy", "dtype"):
        return None
    code, order = record.state.get("code"), record.state.get("order", "=")
    if type(code) is not str or type(order) is not str or order not in ("<", ">", "=", "|"):
        raise Refused("is damaged: a dtype of NumPy in it has no name or byte order")
    return np.dtype(f"{order}{code}") if code in _NUMPY_CODES else None


def _bytes(data: Any) -> bytes:
    if type(data) is str:  # Python 2's
        try:
            return data.encode("latin-1")
        except UnicodeEncodeError:
            pass
    if type(data) is not bytes:
        raise Refused("is damaged: a value of NumPy in it has no bytes")
    return data


def number(dtype: Any, data: Any = b"") -> complex | Record:
    """Return what a scalar of NumPy holds, as a number of Python; of text or times, a record."""
    kind = _numpy_dtype(dtype)
    if kind is None:
        return Record("generic", "numpy")
    content = _bytes(data)
    if len(content) != kind.itemsize:
        raise Refused("is damaged: a number of NumPy in it has another length than its type")
    value: complex = np.frombuffer(content, kind)[0].item()
    return value


def ndarray(budget: Budget, dtype: Any, shape: Any, data: Any, fortran: bool) -> dict[str, Tensor]:
    """Return the elements of an array of NumPy as a tensor called "values", if they are numbers."""
    import torch

    kind = _numpy_dtype(dtype)
    if kind is None:
        return {}
    sizes = _shape(shape)
    content = _bytes(data)
    if math.prod(sizes) * kind.itemsize != len(content):
        raise Refused("is damaged: an array of NumPy in it has another length than its shape")
    budget.store(len(content))
    array = np.ndarray(sizes, kind, content, order="F" if fortran else "C")
    return {"values": torch.from_numpy(array.astype(kind.newbyteorder("="), order="C"))}
