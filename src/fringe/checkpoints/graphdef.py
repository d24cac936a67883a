"""Constants of a frozen TensorFlow graph, read without TensorFlow.

A frozen graph is one protocol buffer: GraphDef -> NodeDef -> attribute "value" -> TensorProto
(tensorflow/core/framework/{graph,node_def,attr_value,tensor}.proto). This module reads only the
part of the wire format that these messages use. It skips unknown fields, as the format requires.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fringe.errors import FringeError

__all__ = ["read_graph_constants"]

# Limits of a file. Inception-V3 has about 20,000 fields and 92 MiB of constants.
MAX_FIELDS = 500_000
MAX_BYTES = 1 << 29
MAX_DIMENSIONS = 8

# Wire types: a variable-length integer, 8 bytes, bytes preceded by their count, 4 bytes.
VARINT, EIGHT, COUNTED, FOUR = 0, 1, 2, 5

# Field numbers.
GRAPH_NODE = 1
NODE_NAME, NODE_OP, NODE_ATTRIBUTE = 1, 2, 5
ENTRY_KEY, ENTRY_VALUE = 1, 2
VALUE_TENSOR = 8
TENSOR_TYPE, TENSOR_SHAPE, TENSOR_CONTENT = 1, 2, 4
SHAPE_DIMENSION, SHAPE_UNKNOWN = 2, 3
DIMENSION_SIZE = 1


class _Type(NamedTuple):
    """How a TensorProto stores its values: as raw bytes in its content, or in a separate list."""

    dtype: np.dtype
    field: int  # number of the list's field
    varints: bool  # whether the list contains variable-length integers


# Number of the type in types.proto -> type.
TYPES = {
    1: _Type(np.dtype("<f4"), field=5, varints=False),
    2: _Type(np.dtype("<f8"), field=6, varints=False),
    3: _Type(np.dtype("<i4"), field=7, varints=True),
    9: _Type(np.dtype("<i8"), field=10, varints=True),
}


class _MalformedError(ValueError):
    """The bytes are not such a message."""


def read_graph_constants(data: bytes, label: str) -> dict[str, np.ndarray]:
    """Return the constants of a frozen TensorFlow graph by the names of their nodes.

    Parameters
    ----------
    data : bytes
        The file, a serialized GraphDef.
    label : str
        Name of the file in messages.

    Returns
    -------
    dict of str to ndarray
        In TensorFlow's layout (convolutions HWIO). Arrays that share memory with ``data`` are
        read-only. Constants of types other than float32, float64, int32 and int64 are left out.

    Raises
    ------
    FringeError
        If ``data`` is damaged, is not a GraphDef, or contains more than 512 MiB of constants.
    """
    limits = _Limits()
    constants: dict[str, np.ndarray] = {}
    try:
        for number, node in _fields(memoryview(data), limits):
            if number != GRAPH_NODE:
                continue
            name, value = _node(_counted(node), limits)
            if value is None:
                continue
            if name in constants:
                raise _MalformedError(f"two constants are called {name!r}")
            constants[name] = value
    except _MalformedError as error:
        raise FringeError(
            f"{label}: not a complete TensorFlow graph ({error}); fetch the file again"
        ) from error
    if not constants:
        raise FringeError(
            f"{label}: contains no constants, so not a frozen TensorFlow graph; "
            "name the file that was published"
        )
    return constants


class _Limits:
    """The remaining limits, so that no file takes more time or memory than a large graph."""

    def __init__(self) -> None:
        self.fields = MAX_FIELDS
        self.bytes = MAX_BYTES

    def count(self, fields: int = 0, size: int = 0) -> None:
        self.fields -= fields
        self.bytes -= size
        if self.fields < 0:
            raise _MalformedError(f"more than {MAX_FIELDS} fields")
        if self.bytes < 0:
            raise _MalformedError(f"more than {MAX_BYTES} bytes of constants")


def _node(message: memoryview, limits: _Limits) -> tuple[str, np.ndarray | None]:
    """Return the name of a node and, if it is a constant of a known type, its value."""
    name = operation = ""
    tensor = None
    for number, value in _fields(message, limits):
        if number == NODE_NAME:
            name = _text(value)
        elif number == NODE_OP:
            operation = _text(value)
        elif number == NODE_ATTRIBUTE:
            entry = dict(_fields(_counted(value), limits))
            if _text(entry.get(ENTRY_KEY, b"")) == "value" and ENTRY_VALUE in entry:
                tensor = dict(_fields(_counted(entry[ENTRY_VALUE]), limits)).get(VALUE_TENSOR)
    if operation != "Const" or tensor is None:
        return name, None
    try:
        return name, _tensor(_counted(tensor), limits)
    except _MalformedError as error:
        raise _MalformedError(f"constant {name!r}: {error}") from error


def _tensor(message: memoryview, limits: _Limits) -> np.ndarray | None:
    fields = list(_fields(message, limits))
    last = dict(fields)  # of a field that is not a list, the last value counts
    kind = TYPES.get(_whole(last.get(TENSOR_TYPE, 0)))
    if kind is None:
        return None
    shape = _shape(_counted(last.get(TENSOR_SHAPE, b"")), limits)
    count = math.prod(shape)
    content = _counted(last.get(TENSOR_CONTENT, b""))
    if len(content):
        if len(content) != count * kind.dtype.itemsize:
            raise _MalformedError(f"{len(content)} bytes for shape {shape} of {kind.dtype}")
        limits.count(size=len(content))
        return np.frombuffer(content, kind.dtype).reshape(shape)
    limits.count(size=count * kind.dtype.itemsize)
    listed = _listed([value for number, value in fields if number == kind.field], kind, limits)
    if len(listed) > count:
        raise _MalformedError(f"{len(listed)} values for shape {shape}")
    # A list may end early: its last value then repeats to the end. An empty list means zeros.
    values = np.full(count, listed[-1] if len(listed) else 0, kind.dtype)
    values[: len(listed)] = listed
    return values.reshape(shape)


def _shape(message: memoryview, limits: _Limits) -> tuple[int, ...]:
    sizes: list[int] = []
    for number, value in _fields(message, limits):
        if number == SHAPE_UNKNOWN and value != 0:
            raise _MalformedError("a constant without a shape")
        if number == SHAPE_DIMENSION:
            size = _whole(dict(_fields(_counted(value), limits)).get(DIMENSION_SIZE, 0))
            sizes.append(size)
            # Zeros count as ones: NumPy refuses huge sizes even next to a size of zero.
            if len(sizes) > MAX_DIMENSIONS or math.prod(max(s, 1) for s in sizes) > MAX_BYTES:
                raise _MalformedError(f"a shape that begins with {tuple(sizes)}")
    return tuple(sizes)


def _listed(values: list[int | memoryview], kind: _Type, limits: _Limits) -> np.ndarray:
    """Return the values of a repeated field; each element is one value or many packed values."""
    if kind.varints:
        numbers: list[int] = []
        for value in values:
            if isinstance(value, int):
                numbers.append(value)
                continue
            at = 0
            while at < len(value):
                limits.count(fields=1)
                number, at = _varint(value, at)
                numbers.append(number)
        # Negative numbers of every type are written in 64 bits.
        return np.array(numbers, np.uint64).astype(kind.dtype)
    packed = b"".join(_counted(value) for value in values)
    if len(packed) % kind.dtype.itemsize:
        raise _MalformedError(f"{len(packed)} bytes of {kind.dtype}")
    return np.frombuffer(packed, kind.dtype)


def _fields(message: memoryview, limits: _Limits) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field: an int for a varint, otherwise the bytes."""
    at = 0
    while at < len(message):
        limits.count(fields=1)
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == COUNTED:
            length, at = _varint(message, at)
        elif wire in (EIGHT, FOUR):
            length = 8 if wire == EIGHT else 4
        else:
            raise _MalformedError(f"wire type {wire} of field {number}")
        if length > len(message) - at:
            raise _MalformedError(
                f"field {number} declares {length} bytes, but only {len(message) - at} follow"
            )
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a variable-length integer below 2^64 and the position of its end."""
    value = 0
    for shift in range(0, 70, 7):
        if at == len(message):
            raise _MalformedError("cut short")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 64:
                break
            return value, at
    raise _MalformedError("an integer of more than 64 bits")


def _counted(value: int | bytes | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _MalformedError("a number where bytes belong")
    return memoryview(value)


def _whole(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise _MalformedError("bytes where a number belongs")
    return value


def _text(value: int | bytes | memoryview) -> str:
    try:
        return str(_counted(value), "utf-8")
    except UnicodeDecodeError as error:
        raise _MalformedError("a name that is not UTF-8") from error
