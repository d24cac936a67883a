"""The choice of the device for networks and generators."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from fringe.devices import claims
from fringe.devices.choice import choose_device, open_device
from fringe.errors import FringeError


def test_the_cpu_computes_with_one_thread(capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(2)
    assert choose_device("cpu") == "cpu"
    assert torch.get_num_threads() == 1
    assert capsys.readouterr().err == ""


def test_auto_without_a_gpu_warns_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    assert capsys.readouterr().err.count("no GPU is available") == 1


def pretend_gpus(monkeypatch: pytest.MonkeyPatch, uuids: list[str]) -> None:
    """Let PyTorch find GPUs with these names."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(uuids))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=uuids[index])
    )
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: f"Pretended {place.index}")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_the_gpu_is_chosen_and_logged(
    device: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend_gpus(monkeypatch, ["a"])
    torch.set_num_threads(2)
    assert choose_device(device) == "cuda:0"
    assert torch.get_num_threads() == 2
    assert capsys.readouterr().err == "computing on Pretended 0 (cuda:0)\n"


def test_a_gpu_with_a_number_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[str] = []
    monkeypatch.setattr("fringe.devices.choice.watch", watched.append)
    pretend_gpus(monkeypatch, ["a", "b"])
    assert choose_device("cuda:1") == "cuda:1"
    assert choose_device("cpu") == "cpu"
    assert watched == ["b"]  # only the utilization of this GPU is measured


def test_a_missing_gpu_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(FringeError, match=r"device: cuda needs a GPU, and PyTorch finds none"):
        choose_device("cuda")


def test_an_existing_device_is_opened() -> None:
    assert open_device("cpu") == open_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name", ["nowhere", "cuda:99"])
def test_a_device_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(FringeError, match=rf"device '{name}' does not exist .*name another"):
        open_device(name)


def test_each_process_claims_a_free_gpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pretend_gpus(monkeypatch, ["a", "b"])
    monkeypatch.setattr("fringe.devices.claims._held", {})
    monkeypatch.setattr("fringe.devices.claims.lock_folder", lambda: tmp_path)
    code = (
        "import sys; from pathlib import Path; from fringe.devices.claims import claim\n"
        "print(claim(['a', 'b'], Path(sys.argv[1])), flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "0\n"
    assert choose_device("auto") == "cuda:1"
    assert choose_device("auto") == "cuda:1"  # the process keeps its GPU
    # If all GPUs are taken, a process shares the first GPU and warns.
    kept = claims._held
    monkeypatch.setattr("fringe.devices.claims._held", {})
    assert choose_device("auto") == "cuda:0"
    assert "have taken all 2 GPUs" in capsys.readouterr().err
    assert kept.keys() == {"b"}
    other.kill()
    other.communicate()
    assert choose_device("auto") == "cuda:0"
    assert "have taken" not in capsys.readouterr().err
