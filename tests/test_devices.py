"""The device that networks run on."""

from __future__ import annotations

import pytest
import torch

from fringe.devices import choose_device


@pytest.fixture(autouse=True)
def _threads() -> object:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


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


def test_auto_takes_a_gpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    torch.set_num_threads(2)
    assert choose_device("auto") == "cuda"
    assert torch.get_num_threads() == 2
    assert capsys.readouterr().err == ""


def test_a_named_gpu_is_taken_at_its_word() -> None:
    assert choose_device("cuda:1") == "cuda:1"
