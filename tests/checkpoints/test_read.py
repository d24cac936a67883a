"""State dicts are read bit for bit from every file layout."""

import argparse
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints.samples import assert_same_bits, rezip, write_torchscript

from fringe.checkpoints import read_state
from fringe.errors import FringeError

DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, torch.uint16),
]


def tensors() -> dict[str, torch.Tensor]:
    """Return a tensor of each dtype and of each layout in its storage."""
    generator = torch.Generator().manual_seed(1)
    state = {
        str(dtype).replace("torch.", "of."): torch.randint(
            0, 256, (3, 2, dtype.itemsize), dtype=torch.uint8, generator=generator
        )
        .bitwise_and(1 if dtype == torch.bool else 255)
        .view(dtype)
        for dtype in DTYPES
    }
    weight = torch.randn(4, 5, generator=generator)
    state |= {"transposed": weight.t(), "row": weight[2], "scalar": torch.tensor(3.0)}
    state |= {"empty": torch.zeros(0, 7), "spread": torch.ones(1).expand(3, 2)}
    state |= {"nan": torch.tensor([float("nan"), float("-inf")])}
    return state


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_state_dicts_are_read_as_torch_saves_them(
    tmp_path: Path, zipped: bool, key: str | None
) -> None:
    state = tensors()
    content = OrderedDict(state) if key is None else {"epoch": 3, key: state, "arch": "resnet50"}
    torch.save(content, tmp_path / "weights.pth", _use_new_zipfile_serialization=zipped)
    assert_same_bits(read_state(tmp_path / "weights.pth"), state)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_the_file_may_contain_parameters_settings_and_other_objects(
    tmp_path: Path, zipped: bool
) -> None:
    network = torch.nn.Linear(2, 3)
    weight = torch.nn.Parameter(torch.ones(3))
    weight.origin = "an attribute of a parameter"
    content = {
        "args": argparse.Namespace(lr=0.1, names=["a"]),
        "model": {**network.state_dict(), "scale": weight, "epoch": 3, "title": "x"},
        "optimizer": torch.optim.Adam(network.parameters()).state_dict(),
        "device": torch.device("cuda:0"),
        "dtype": torch.float16,
        "size": torch.Size([1, 2]),
    }
    torch.save(content, tmp_path / "all.pth", _use_new_zipfile_serialization=zipped)
    expected = {**network.state_dict(), "scale": weight.detach()}
    assert_same_bits(read_state(tmp_path / "all.pth"), expected)


def test_a_plain_pickle_of_a_state_dict_is_read(tmp_path: Path) -> None:
    state = tensors()
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(state))
    assert_same_bits(read_state(tmp_path / "plain.pkl"), state)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_tied_tensors_share_their_memory(tmp_path: Path, zipped: bool) -> None:
    weight = torch.randn(64, 64)
    content = {"encoder": weight, "decoder": weight, "rows": weight[:8]}
    torch.save(content, tmp_path / "tied.pt", _use_new_zipfile_serialization=zipped)
    state = read_state(tmp_path / "tied.pt")
    assert len({tensor.data_ptr() for tensor in state.values()}) == 1


def test_storages_of_a_gpu_are_read_to_the_cpu(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    content = (tmp_path / "a.pt").read_bytes()
    assert content.count(b"\x03\x00\x00\x00cpu") == 1
    (tmp_path / "a.pt").write_bytes(
        content.replace(b"\x03\x00\x00\x00cpu", b"\x06\x00\x00\x00cuda:0")
    )
    assert_same_bits(read_state(tmp_path / "a.pt"), {"a": torch.ones(3)})


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_files_of_the_other_byte_order_are_converted(tmp_path: Path, zipped: bool) -> None:
    numbers = torch.tensor([1.5, -2.0])
    turned = numbers.view(torch.uint8).reshape(2, 4).flip(1).reshape(-1).view(torch.float32)
    path = tmp_path / "big.pt"
    if zipped:
        torch.save({"a": turned}, path)
        path.write_bytes(rezip(path, byteorder=b"big"))
    else:
        torch.save({"a": turned}, path, _use_new_zipfile_serialization=False)
        content = path.read_bytes()
        little = b"little_endianq\x02\x88"
        assert content.count(little) == 1
        path.write_bytes(content.replace(little, b"little_endianq\x02\x89"))
    assert_same_bits(read_state(path), {"a": numbers})


@pytest.mark.parametrize("how", ["script", "trace"])
def test_a_torchscript_archive_is_read_as_the_state_dict_of_its_module(
    tmp_path: Path, how: str
) -> None:
    expected = write_torchscript(tmp_path / "network.pt", how)
    state = read_state(tmp_path / "network.pt")
    plain = {"plain"} & set(state)  # a tensor that is neither a parameter nor a buffer
    assert set(state) - plain == set(expected)
    assert_same_bits({name: state[name] for name in expected}, expected)
    assert state["layers.1.weight"].dtype == torch.float16
    assert state["tied"].data_ptr() == state["layers.0.weight"].data_ptr()


def test_safetensors_are_read(tmp_path: Path) -> None:
    state = {name: tensor.contiguous() for name, tensor in sorted(tensors().items())}
    save_file(state, tmp_path / "a.safetensors")
    found = read_state(tmp_path / "a.safetensors")
    assert_same_bits(dict(sorted(found.items())), state)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"epoch": 3}, "contains no tensors, but 'epoch'"),
        ([torch.ones(1)], "contains a list, not a state dict"),
        ({3: torch.ones(1)}, "names are not text"),
        ({"a": torch.ones(1).to_sparse()}, "torch._utils._rebuild_sparse_tensor"),
        ({"a": Path("x"), "b": 1}, "contains no tensors, but 'a' ('pathlib"),
    ],
)
def test_files_without_a_state_dict_are_refused(
    tmp_path: Path, content: object, reason: str
) -> None:
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(FringeError, match=r"odd\.pt") as error:
        read_state(tmp_path / "odd.pt")
    assert reason in str(error.value)


def test_a_whole_module_is_read_as_its_state_dict(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    torch.save(network, tmp_path / "module.pt")
    assert_same_bits(read_state(tmp_path / "module.pt"), network.state_dict())
