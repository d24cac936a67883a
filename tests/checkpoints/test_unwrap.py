"""The network in a file of a training script is found, without the names of its wrappers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints.samples import assert_same_bits

from fringe.checkpoints import read_state
from fringe.checkpoints.unwrap import without_wrappers
from fringe.errors import FringeError

Tensors = dict[str, torch.Tensor]


def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))


STATE = dict(network().state_dict())


def below(prefix: str, state: Tensors = STATE) -> Tensors:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


CONTAINERS: dict[str, Any] = {
    **{
        key: {key: STATE, "epoch": 3, "best_acc": torch.tensor(0.7)}
        for key in (
            *("state_dict", "model_state_dict", "model_state", "model", "net", "network"),
            *("net_state_dict", "ema", "model_ema", "ema_state_dict", "params", "params_ema"),
            *("weights", "module", "teacher", "state-dict"),
        )
    },
    "any other, if it is the only one": {"my_resnet": STATE, "epoch": 3},
    "one next to a loss": {"state_dict": STATE, "criterion": {"weight": torch.ones(3)}},
    "one next to an optimizer": {
        "model": STATE,
        "optimizer": torch.optim.SGD(network().parameters(), 0.1).state_dict(),
    },
    "one of two names": {"model": STATE, "state_dict": STATE},
    "a whole module": network(),
    "a whole module in a dict": {"model": network(), "epoch": 3},
    "a whole module in parallel": torch.nn.DataParallel(network()),
    "none": {**STATE, "extra": {"a": torch.ones(1)}},
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("kind", CONTAINERS)
def test_the_only_network_in_a_file_is_read(tmp_path: Path, kind: str, zipped: bool) -> None:
    content = CONTAINERS[kind]
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    assert_same_bits(read_state(tmp_path / "w.pth"), STATE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": STATE, "model_ema": below("")}, "2 networks: 'model', 'model_ema'"),
        ({"student": STATE, "teacher": below("")}, "2 networks: 'student', 'teacher'"),
        ({"a": STATE, "b": below(""), "c": 3}, "2 networks: 'a', 'b'"),
        ({"state_dict": STATE, "model": network()}, "2 networks: 'state_dict', 'model'"),
    ],
)
def test_the_message_names_both_of_two_networks(tmp_path: Path, content: Any, message: str) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(FringeError, match=rf"w\.pth: contains {message}; save the network that"):
        read_state(tmp_path / "w.pth")


def test_the_message_names_the_entries_of_a_file_without_a_network(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "history": [1], "args": {"lr": 1}}, tmp_path / "w.pth")
    with pytest.raises(FringeError, match="contains no tensors, but 'epoch', 'history', 'args'; "):
        read_state(tmp_path / "w.pth")


PREFIXES = ["module.", "_orig_mod.", "model.", "net.", "network."]
PREFIXES += ["module._orig_mod.", "_orig_mod.module."]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("saved", ["torch", "safetensors", "container"])
def test_the_names_of_wrappers_are_removed(tmp_path: Path, prefix: str, saved: str) -> None:
    path = tmp_path / "w.pth"
    state = below(prefix)
    if saved == "safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": state} if saved == "container" else state, path)
    found = read_state(path)
    assert_same_bits({name: found[name] for name in STATE}, STATE)
    assert len(found) == len(STATE)


def test_a_prefix_that_not_all_names_share_is_kept() -> None:
    state = {**below("module."), "head.weight": torch.ones(1)}
    assert without_wrappers(state) == state
    state = {"module": torch.ones(1), "modules.a": torch.ones(1)}
    assert without_wrappers(state) == state
    assert without_wrappers(below("layers.")) == below("layers.")


def test_an_averaged_model_of_pytorch_is_read(tmp_path: Path) -> None:
    averaged = torch.optim.swa_utils.AveragedModel(network())
    torch.save(averaged.state_dict(), tmp_path / "w.pth")
    assert_same_bits(read_state(tmp_path / "w.pth"), STATE)


def test_a_compiled_model_of_pytorch_is_read(tmp_path: Path) -> None:
    torch.save(torch.compile(network()).state_dict(), tmp_path / "w.pth")
    assert_same_bits(read_state(tmp_path / "w.pth"), STATE)
