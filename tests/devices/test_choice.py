"""Where networks and generators compute, and how."""

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


def test_the_cpu_gets_one_thread(capsys: pytest.CaptureFixture[str]) -> None:
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
    """Let PyTorch find GPUs of these names."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(uuids))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=uuids[index])
    )
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: f"Pretended {place.index}")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_the_gpu_is_taken_and_named(
    device: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend_gpus(monkeypatch, ["a"])
    torch.set_num_threads(2)
    assert choose_device(device) == "cuda:0"
    assert torch.get_num_threads() == 2
    assert capsys.readouterr().err == "computing on Pretended 0 (cuda:0)\n"


def test_a_named_gpu_is_taken_at_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[str] = []
    monkeypatch.setattr("fringe.devices.choice.watch", watched.append)
    pretend_gpus(monkeypatch, ["a", "b"])
    assert choose_device("cuda:1") == "cuda:1"
    assert choose_device("cpu") == "cpu"
    assert watched == ["b"]  # how busy it is, and no other


def test_a_gpu_that_is_demanded_and_not_there_ends_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(FringeError, match=r"device: cuda demands a GPU, and PyTorch finds none"):
        choose_device("cuda")


def test_a_device_that_is_there_is_opened() -> None:
    assert open_device("cpu") == open_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name", ["nowhere", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(FringeError, match=rf"device '{name}' is not there .*name another"):
        open_device(name)


def test_of_several_gpus_one_that_others_have_not(
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
    assert choose_device("auto") == "cuda:1"  # once taken, it is kept
    # A process that finds all taken shares the first, and says so.
    kept = claims._held
    monkeypatch.setattr("fringe.devices.claims._held", {})
    assert choose_device("auto") == "cuda:0"
    assert "have taken all 2 GPUs" in capsys.readouterr().err
    assert kept.keys() == {"b"}
    other.kill()
    other.communicate()
    assert choose_device("auto") == "cuda:0"
    assert "have taken" not in capsys.readouterr().err
