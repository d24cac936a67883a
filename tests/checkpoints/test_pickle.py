"""Network pickles are read as they were written, and none of their code runs."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.checkpoints.samples import assert_same_bits, write_fastgan, write_stylegan

from fringe.checkpoints import Record, flatten, read_pickle
from fringe.errors import FringeError

FOREIGN = "torch_utils", "dnnlib", "pg_modules"


@pytest.mark.parametrize("name", ["stylegan2_small", "fastgan_small"])
def test_golden_generators_are_read_bit_for_bit(shared: Path, name: str) -> None:
    with np.load(shared / "golden" / f"{name}.npz") as arrays:
        expected = {
            key.removeprefix("state."): torch.from_numpy(arrays[key])
            for key in arrays.files
            if key.startswith("state.")
        }
    tree = read_pickle(shared / "golden" / f"{name}.pkl")
    assert_same_bits(flatten(tree["G_ema"], "a.pkl"), expected)
    assert not set(FOREIGN) & set(sys.modules)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_stylegan_pickles_of_every_protocol_are_read_without_running_their_source(
    tmp_path: Path, protocol: int
) -> None:
    path, marker = tmp_path / "network.pkl", tmp_path / "executed"
    state = write_stylegan(path, protocol, f"open({str(marker)!r}, 'w').close()")
    tree = read_pickle(path)
    network = tree["G_ema"]
    assert_same_bits(flatten(network, "a.pkl"), state)
    assert isinstance(network, Record)
    assert network.class_name == "Generator"
    assert network.state["gain"] == 1.5
    assert network.state["sizes"] == [4, 8]
    assert network.state["_init_kwargs"] == {"width": 3}
    assert type(network.state["_init_kwargs"]) is dict
    assert tree["training_set_kwargs"] == {"max_size": 7}
    assert tree["G"] is None
    assert not marker.exists()
    assert not set(FOREIGN) & set(sys.modules)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_fastgan_pickles_keep_the_values_of_spectral_normalization(
    tmp_path: Path, protocol: int
) -> None:
    state = write_fastgan(tmp_path / "best_model.pkl", protocol)
    network = read_pickle(tmp_path / "best_model.pkl")["G_ema"]
    assert_same_bits(flatten(network, "a.pkl"), state)
    assert "main.0.weight_orig" in state
    conv = network.state["_modules"]["main"].state["_modules"]["0"]
    assert (conv.module, conv.class_name) == ("torch.nn.modules.conv", "Conv2d")
    (hook,) = conv.state["_forward_pre_hooks"].values()
    assert hook.class_name == "SpectralNorm"
    assert hook.state["name"] == "weight"
    assert hook.state["eps"] == 1e-12


def test_shared_tensors_stay_shared(tmp_path: Path) -> None:
    write_stylegan(tmp_path / "a.pkl")
    state = flatten(read_pickle(tmp_path / "a.pkl")["G_ema"], "a.pkl")
    assert state["again.weight"].data_ptr() == state["inner.0.weight"].data_ptr()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_returned_unchanged(tmp_path: Path, protocol: int) -> None:
    values = {
        "numbers": [0, -1, 255, 65536, -(1 << 31), 1 << 40, 1 << 100, 0.5, float("inf"), True],
        "texts": ("", "é", "\ud800", "x" * 300),
        "bytes": b"\x00\xff" * 200,
        "sets": {"one", 2},
        "frozen": frozenset({"one"}),
        3: None,
        "nested": {"list": [[], [()]]},
    }
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps(values, protocol))
    assert read_pickle(path) == values


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i8", "u1", "?", "<c8"])
def test_numpy_values_are_returned_as_numbers_and_tensors(
    tmp_path: Path, protocol: int, dtype: str
) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    content = {"scalar": array[1, 2], "array": array, "fortran": np.asfortranarray(array)}
    path = tmp_path / "numpy.pkl"
    path.write_bytes(pickle.dumps(content | {"empty": array[:0]}, protocol))
    tree = read_pickle(path)
    assert tree["scalar"] == array[1, 2].item()
    assert type(tree["scalar"]) is type(array[1, 2].item())
    for key in "array", "fortran":
        found = tree[key].state["values"].numpy()
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype.newbyteorder("=")
    assert tree["empty"].state["values"].shape == (0, 3)


def test_buffers_that_are_not_persistent_are_left_out_of_the_state_dict(
    tmp_path: Path,
) -> None:
    write_stylegan(tmp_path / "a.pkl")
    network = read_pickle(tmp_path / "a.pkl")["G_ema"]
    assert "scratch" not in flatten(network, "a.pkl")
    assert network.state["_buffers"]["scratch"].shape == (2,)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({}, "_parameters"),
        ({"_parameters": {}, "_buffers": {}, "_modules": {"a": 3}}, "int in place of module 'a'"),
        ({"_parameters": {"w": 3}, "_buffers": {}, "_modules": {}}, "int in place of tensor 'w'"),
        ({"_parameters": {1: 3}, "_buffers": {}, "_modules": {}}, "_parameters"),
    ],
)
def test_flatten_refuses_records_that_are_not_modules(state: dict, reason: str) -> None:
    with pytest.raises(FringeError, match=reason):
        flatten(Record("Odd", "pg_modules.blocks", state), "a.pkl")
