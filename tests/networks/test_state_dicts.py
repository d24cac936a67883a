"""State dicts are loaded into modules, or refused with a message."""

from pathlib import Path

import pytest
import torch
from torch import nn

from fringe.errors import FringeError
from fringe.networks.state_dicts import fill

PATH = Path("weights.pth")


def module() -> nn.Sequential:
    with torch.device("meta"):
        return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    fitting = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).state_dict()
    return {name: tensor.clone() for name, tensor in fitting.items()}


def test_a_module_on_the_meta_device_receives_the_tensors_of_the_file_in_float32(
    state: dict[str, torch.Tensor],
) -> None:
    state["0.weight"] = state["0.weight"].half()
    del state["1.num_batches_tracked"]
    filled = fill(module(), state, PATH, "net")
    assert not filled.training
    assert not any(parameter.requires_grad for parameter in filled.parameters())
    assert filled[0].weight.dtype == torch.float32
    assert torch.equal(filled[0].weight, state["0.weight"].float())
    assert torch.isfinite(filled(torch.ones(1, 3, 2, 2))).all()


def test_the_message_names_a_missing_tensor_with_its_shape(state: dict[str, torch.Tensor]) -> None:
    del state["0.bias"]
    with pytest.raises(FringeError, match=r"weights\.pth: not .*'net'.*'0\.bias' is missing.*\(4,"):
        fill(module(), state, PATH, "net")


def test_the_message_lists_the_tensors_of_the_file(state: dict[str, torch.Tensor]) -> None:
    other = {f"encoder.{name}": tensor for name, tensor in state.items() if name != "1.bias"}
    found = "the file has 6 tensors: 'encoder.0.weight', 'encoder.0.bias', .* and 1 more"
    with pytest.raises(FringeError, match=rf"'0\.weight' is missing.*; {found}; name the file"):
        fill(module(), other, PATH, "net")


def test_the_message_about_a_prefix_states_how_to_save_the_weights(
    state: dict[str, torch.Tensor],
) -> None:
    """The code in the message works unchanged."""
    inside = {f"encoder.{name}": tensor for name, tensor in state.items()}
    inside["criterion.weight"] = torch.zeros(2)
    with pytest.raises(
        FringeError, match=r"all tensors exist with the prefix 'encoder\.'"
    ) as caught:
        fill(module(), inside, PATH, "net")
    for stored in (inside, {f"model.{name}": tensor for name, tensor in inside.items()}):
        advice = str(caught.value).split("torch.save(")[1].removesuffix(", 'weights.pth')")
        fill(module(), eval(advice, {"state": stored}), PATH, "net")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39])
def test_the_message_names_a_tensor_that_is_not_finite(
    state: dict[str, torch.Tensor], value: float
) -> None:
    state["1.running_mean"] = state["1.running_mean"].double()
    state["1.running_mean"][2] = value
    with pytest.raises(FringeError, match=r"weights\.pth: tensor '1\.running_mean' .*'net' .* NaN"):
        fill(module(), state, PATH, "net")


@pytest.mark.parametrize(
    "wrong", [torch.zeros(5), torch.zeros(4, dtype=torch.int64)], ids=["shape", "integers"]
)
def test_the_message_names_a_tensor_of_another_type_with_both_types(
    state: dict[str, torch.Tensor], wrong: torch.Tensor
) -> None:
    state["1.running_var"] = wrong
    with pytest.raises(FringeError, match=r"'1\.running_var' is torch.*expected floats.*\(4,\)"):
        fill(module(), state, PATH, "net")


def test_an_unknown_tensor_is_refused_unless_it_is_ignored(
    state: dict[str, torch.Tensor],
) -> None:
    state["head.weight"] = torch.zeros(2)
    with pytest.raises(FringeError, match=r"'head\.weight' is unknown"):
        fill(module(), state, PATH, "net")
    fill(module(), state, PATH, "net", ignore=("head.",))
