"""A network is read from a file that also contains objects of any other class."""

import argparse
import collections
import datetime
import decimal
import enum
import fractions
import functools
import logging
import pathlib
import random
import re
import types
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from tests.checkpoints.samples import assert_same_bits, write_stylegan

from fringe.checkpoints import Record, flatten, read_pickle, read_state
from fringe.errors import FringeError


class Colour(enum.Enum):
    RED = "red"


class Flags(enum.Flag):
    A = 1
    B = 2


class Pair(NamedTuple):
    first: int
    second: str


@dataclass
class Settings:
    rate: float
    folder: Path


@dataclass(slots=True)
class Slots:
    rate: float


class Outer:
    class Inner:
        def __init__(self) -> None:
            self.a = 1


class OwnDict(dict[str, Any]):
    pass


class OwnList(list[int]):
    pass


class OwnSet(set[int]):
    pass


class Keywords:
    def __new__(cls, *, a: int) -> "Keywords":
        return super().__new__(cls)

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int]]:
        return (), {"a": 1}


class Stateful:
    def __getstate__(self) -> tuple[int, list[int]]:
        return 1, [2]

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("nothing in the file is called")


class Reduced:
    def __reduce__(self) -> Any:
        return Reduced, (), {"a": 1}, iter([1, 2]), iter([((1, 2), 3)])


def optimizer(kind: type[torch.optim.Optimizer]) -> torch.optim.Optimizer:
    layer = torch.nn.Linear(2, 2)
    made = kind(layer.parameters(), lr=0.1)  # type: ignore[call-arg]
    layer(torch.ones(1, 2)).sum().backward()
    made.step()
    return made


ADAM = optimizer(torch.optim.Adam)
OTHERS: dict[str, Any] = {
    "path": pathlib.PosixPath("a/b"),
    "windows path": pathlib.PureWindowsPath("a/b"),
    "time": datetime.datetime.now(datetime.UTC),
    "date": datetime.date(2024, 1, 2),
    "duration": datetime.timedelta(seconds=3),
    "counter": collections.Counter("abca"),
    "counter of tuples": collections.Counter([(1, 2), (1, 2)]),
    "ordered": collections.OrderedDict(a=1),
    "default": collections.defaultdict(list, a=[1]),
    "own default": collections.defaultdict(OwnList),
    "queue": collections.deque([1, 2], maxlen=3),
    "random state": random.getstate(),
    "random": random.Random(0),
    "numpy state": np.random.get_state(),  # noqa: NPY002 (scripts save it)
    "numpy random": np.random.RandomState(0),
    "numpy generator": np.random.default_rng(0),
    "torch state": torch.get_rng_state(),
    "optimizer": ADAM,
    "optimizer's state": ADAM.state_dict(),
    "schedule": torch.optim.lr_scheduler.StepLR(ADAM, 3),
    "namespace": argparse.Namespace(a=Path("b")),
    "simple namespace": types.SimpleNamespace(a=1),
    "partial": functools.partial(print, 1, end=""),
    "enum": Colour.RED,
    "flags": Flags.A | Flags.B,
    "pair": Pair(1, "a"),
    "dataclass": Settings(0.1, Path("a")),
    "slots": Slots(0.1),
    "nested class": Outer.Inner(),
    "class": Settings,
    "function": optimizer,
    "method": Settings(0.1, Path("a")).__repr__,
    "own dict": OwnDict(a=1),
    "own list": OwnList([1]),
    "own set": OwnSet([1]),
    "keywords": Keywords(a=1),
    "own state": Stateful(),
    "reduced": Reduced(),
    "numpy number": np.float32(1),
    "numpy text": np.str_("a"),
    "numpy time": np.datetime64("2024-01-02"),
    "numpy dtype": np.dtype("f4"),
    "numpy type": np.float32,
    "array": np.arange(3),
    "array of text": np.array(["a", "bc"]),
    "array of objects": np.array([Path("a"), None]),
    "array of records": np.zeros(2, [("a", "f4"), ("b", "i8")]),
    "matrix": np.ma.masked_array([1, 2], [True, False]),
    "decimal": decimal.Decimal("1.5"),
    "fraction": fractions.Fraction(1, 3),
    "complex": 1 + 2j,
    "range": range(3),
    "slice": slice(1, 2),
    "identifier": uuid.UUID(int=3),
    "pattern": re.compile("a"),
    "logger": logging.getLogger("a"),
    "error": ValueError("a"),
    "keys": {(1, 2): 1, Colour.RED: 2, Path("a"): 3, 1 << 100: 4, None: 5, frozenset(): 6},
    "sets": {(1, 2), Path("a")},
    "frozen": frozenset({(1, (2, 3))}),
    "bytes": bytearray(b"ab"),
    "device": torch.device("cpu"),
    "dtype": torch.float8_e4m3fn,
    "size": torch.Size([1, 2]),
    "layer": torch.nn.Linear(1, 2),
    "tensor of a key": {torch.ones(1): 1},
    "sparse": torch.ones(2, 2).to_sparse(),
    "eight bits": torch.ones(2).to(torch.float8_e4m3fn),
    "text": "a",
}


@pytest.mark.parametrize("protocol", [0, 2, 5], ids=["torch", "2", "5"])
@pytest.mark.parametrize("kind", OTHERS)
def test_a_snapshot_may_contain_any_object_next_to_its_network(
    tmp_path: Path, kind: str, protocol: int
) -> None:
    state = write_stylegan(tmp_path / "own.pkl", protocol, others={kind: OTHERS[kind]})
    tree = read_pickle(tmp_path / "own.pkl")
    assert list(tree) == [kind, "G", "G_ema", "training_set_kwargs"]
    assert_same_bits(flatten(tree["G_ema"], "own.pkl"), state)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_weight_file_may_contain_any_object_next_to_its_state_dict(
    tmp_path: Path, zipped: bool
) -> None:
    state = torch.nn.Linear(2, 3).state_dict()
    content = {**OTHERS, "state_dict": state}
    torch.save(content, tmp_path / "own.pth", _use_new_zipfile_serialization=zipped)
    assert_same_bits(read_state(tmp_path / "own.pth"), state)


def test_records_have_the_names_and_attributes_of_the_objects_they_replace(tmp_path: Path) -> None:
    write_stylegan(tmp_path / "own.pkl", 5, others=OTHERS)
    tree = read_pickle(tmp_path / "own.pkl")
    found = {key: value.title for key, value in tree.items() if isinstance(value, Record)}
    here = __name__
    assert found["dataclass"] == f"'{here}.Settings'"
    assert found["class"] == f"'{here}.Settings'"
    assert found["own dict"] == f"'{here}.OwnDict'"
    assert found["counter"] == "'collections.Counter'"
    assert found["random"] == "'random.Random'"
    assert tree["dataclass"].state["rate"] == 0.1
    assert tree["namespace"].state["a"].class_name == "PosixPath"
    assert tree["own state"].state == {}
    assert tree["optimizer's state"]["param_groups"][0]["lr"] == 0.1
    assert tree["keys"][None] == 5
    assert len(tree["keys"]) == 6
    assert len(tree["sets"]) == 2


@pytest.mark.parametrize("kind", ["sparse", "eight bits"])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_tensor_that_cannot_be_read_is_named(tmp_path: Path, kind: str, zipped: bool) -> None:
    content = {"weight": torch.ones(2), "bias": OTHERS[kind]}
    torch.save(content, tmp_path / "own.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(FringeError, match=r"own\.pth: has 'torch\.\S+' in place of tensor 'bias'"):
        read_state(tmp_path / "own.pth")


def test_a_module_with_a_tensor_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 2))
    network[0].register_buffer("mask", torch.ones(2).to_sparse())
    torch.save(network, tmp_path / "own.pth")
    with pytest.raises(FringeError, match=r"_rebuild_sparse_tensor' in place of tensor '0\.mask'"):
        read_state(tmp_path / "own.pth")
