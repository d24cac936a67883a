"""Frozen TensorFlow graphs: every way to store a constant, and files that are not graphs."""

import numpy as np
import pytest
from tests.checkpoints.graph_files import (
    DOUBLE,
    FLOAT,
    INT32,
    INT64,
    STRING,
    constant,
    field,
    floats,
    graph,
    node,
    varint,
)

from fringe.checkpoints import graphdef
from fringe.checkpoints.graphdef import read_graph_constants
from fringe.errors import FringeError


def read(data: bytes) -> dict[str, np.ndarray]:
    return read_graph_constants(data, "some.pb")


@pytest.fixture
def constants() -> dict[str, np.ndarray]:
    stream = np.random.default_rng(0)
    return {
        "conv/conv2d_params": stream.normal(size=(3, 1, 2, 4)).astype(np.float32),
        "conv/batchnorm/beta": stream.normal(size=4).astype(np.float32),
        "none": np.zeros((0, 3), np.float32),
        "one": np.float32(7),
    }


def test_constants_are_returned_by_name(constants: dict[str, np.ndarray]) -> None:
    found = read(graph(constants))
    assert list(found) == list(constants)
    for name, value in constants.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], value)
        assert found[name].shape == value.shape


@pytest.mark.parametrize(
    ("kind", "shape", "values", "expected"),
    [
        (FLOAT, (2, 2), field(5, floats(1, -2.5, 3, 4)), np.float32([[1, -2.5], [3, 4]])),
        (FLOAT, (2,), b"".join(b"\x2d" + floats(x) for x in (1, 2)), np.float32([1, 2])),
        (FLOAT, (3,), field(5, floats(1)) + field(5, floats(2, 3)), np.float32([1, 2, 3])),
        (FLOAT, (2, 2), field(5, floats(0.25)), np.full((2, 2), 0.25, np.float32)),
        (FLOAT, (4,), field(5, floats(1, 2)), np.float32([1, 2, 2, 2])),
        (FLOAT, (2,), b"", np.zeros(2, np.float32)),
        (DOUBLE, (), field(6, np.float64(0.1).tobytes()), np.float64(0.1)),
        (INT32, (3,), field(7, varint(-1) + varint(7) + varint(-(2**31))), [-1, 7, -(2**31)]),
        (INT32, (2,), field(7, 5) + field(7, 6), [5, 6]),
        (INT32, (2,), field(4, np.array([-3, 4], "<i4").tobytes()), [-3, 4]),
        (INT64, (2,), field(10, varint(-1) + varint(2**63 - 1)), [-1, 2**63 - 1]),
    ],
)
def test_constants_are_read_from_every_encoding(
    kind: int, shape: tuple[int, ...], values: bytes, expected: object
) -> None:
    dtype = {FLOAT: "f4", DOUBLE: "f8", INT32: "i4", INT64: "i8"}[kind]
    found = read(constant("x", kind, shape, values))["x"]
    assert found.dtype == dtype
    assert found.shape == shape
    np.testing.assert_array_equal(found, expected)


def test_nodes_that_are_not_numeric_constants_are_skipped() -> None:
    text = constant("text", STRING, (1,), field(8, b"label"))
    other = node("mul", "Mul", {"value": field(8, field(1, FLOAT))})
    unknown = field(99, b"?") + varint(98 << 3 | 1) + bytes(8) + varint(97 << 3 | 5) + bytes(4)
    found = read(text + other + unknown + constant("x", FLOAT, (1,), field(5, floats(3))))
    assert list(found) == ["x"]


def test_a_graph_that_is_cut_short_is_refused(constants: dict[str, np.ndarray]) -> None:
    data = graph(constants)
    whole = read(data)
    refused = 0
    for length in range(len(data)):
        try:
            found = read(data[:length])
        except FringeError:
            refused += 1
            continue
        # The graph is cut between two nodes, which a reader cannot detect.
        for name, value in found.items():
            np.testing.assert_array_equal(value, whole[name])
    assert refused > len(data) - 10


def test_a_graph_with_random_changes_is_read_or_refused(constants: dict[str, np.ndarray]) -> None:
    data = graph(constants)
    stream = np.random.default_rng(1)
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(stream.integers(1, 4)):
            damaged[stream.integers(len(damaged))] = stream.integers(256)
        try:
            found = read(bytes(damaged))
        except FringeError:
            continue
        assert sum(value.nbytes for value in found.values()) < 1 << 29


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no constants"),
        (b"PK\x03\x04 is a zip file", "not a complete TensorFlow graph"),
        (field(1, 3), "a number where bytes belong"),
        (node("x", "Relu"), "no constants"),
        (varint(1 << 3 | 2) + varint(2**63) + b"x", "1 declares 9223372036854775808 bytes"),
        (varint(1 << 3 | 3), "wire type 3 of field 1"),
        (b"\xff" * 11, "more than 64 bits"),
        (b"\xff" * 5, "cut short"),
        (field(1, field(1, b"\xff")), "not UTF-8"),
        (constant("x", FLOAT, (2,), field(4, bytes(7))), r"'x': 7 bytes for shape \(2,\)"),
        (constant("x", FLOAT, (1,), field(5, floats(1, 2))), r"'x': 2 values for shape \(1,\)"),
        (constant("x", FLOAT, (2,), field(5, bytes(7))), "'x': 7 bytes of float32"),
        (constant("x", FLOAT, (-1,), b""), r"a shape that begins with \(18446744073709551615,\)"),
        (constant("x", FLOAT, (0, 2**40), b""), "a shape that begins with"),
        (constant("x", FLOAT, (2**20, 2**20), b""), "a shape that begins with"),
        (constant("x", FLOAT, (1,) * 9, b""), "a shape that begins with"),
        (constant("x", FLOAT, (2**28,), b""), "more than 536870912 bytes of constants"),
        (constant("x", FLOAT, (1,), b"") * 2, "two constants are called 'x'"),
        (field(7, 0) * 500_001, "more than 500000 fields"),
        (constant("x", INT32, (2**20,), field(7, bytes(500_001))), "more than 500000 fields"),
    ],
)
def test_hostile_graphs_and_other_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(FringeError, match=rf"^some\.pb: .*{message}.*; (fetch|name) the file"):
        read(data)


def test_the_total_size_of_the_constants_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphdef, "MAX_BYTES", 100)
    splat = field(5, floats(1))
    three = b"".join(constant(name, FLOAT, (8,), splat) for name in "abc")
    assert len(read(three)) == 3
    with pytest.raises(FringeError, match="more than 100 bytes of constants"):
        read(three + constant("d", FLOAT, (2,), splat))
