"""Frozen TensorFlow graphs, written field by field in the wire format of protocol buffers."""

import struct
from collections.abc import Iterable, Mapping

import numpy as np

FLOAT, DOUBLE, INT32, STRING, INT64 = 1, 2, 3, 7, 9


def varint(value: int) -> bytes:
    """Return a variable-length integer; a negative number takes 64 bits."""
    value %= 1 << 64
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def node(name: str, operation: str, attributes: Mapping[str, bytes] | None = None) -> bytes:
    """Return a node of a graph; attributes are AttrValue messages."""
    entries = [
        field(5, field(1, key.encode()) + field(2, value))
        for key, value in (attributes or {}).items()
    ]
    return field(1, field(1, name.encode()) + field(2, operation.encode()) + b"".join(entries))


def constant(name: str, kind: int, shape: Iterable[int], values: bytes) -> bytes:
    """Return a node with a tensor; ``values`` are the tensor's fields that contain its values."""
    sizes = b"".join(field(2, field(1, size)) for size in shape)
    tensor = field(1, kind) + field(2, sizes) + values
    return node(name, "Const", {"dtype": field(6, kind), "value": field(8, tensor)})


def graph(constants: Mapping[str, np.ndarray]) -> bytes:
    """Return a graph as TensorFlow freezes it: float constants, and nodes that use them."""
    nodes = [node("ExpandDims", "ExpandDims", {"T": field(6, FLOAT)})]
    for name, value in constants.items():
        content = np.ascontiguousarray(value, "<f4").tobytes()
        nodes.append(constant(name, FLOAT, value.shape, field(4, content)))
        nodes.append(node(f"{name}/read", "Identity", {"T": field(6, FLOAT)}))
    return b"".join(nodes) + field(4, field(1, 8))  # and the version of the format


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)
