"""Where networks and generators compute, and how."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from fringe.devices import claims
from fringe.devices.choice import choose_device, open_device
from fringe.devices.determinism import deterministic, map_on_threads
from fringe.errors import FringeError


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


def settings() -> tuple[bool, ...]:
    cudnn = torch.backends.cudnn
    return (
        cudnn.deterministic,
        cudnn.benchmark,
        cudnn.allow_tf32,
        torch.backends.cuda.matmul.allow_tf32,
    )


def fail() -> None:
    raise KeyError


@pytest.mark.parametrize("tf32", [False, True])
def test_settings_hold_within_the_block_alone(tf32: bool) -> None:
    products, before = torch.backends.cuda.matmul, settings()
    with torch.backends.cudnn.flags(benchmark=True, deterministic=False, allow_tf32=not tf32):
        products.allow_tf32 = not tf32
        with deterministic(tf32=tf32):
            assert settings() == (True, False, tf32, tf32)
        assert settings() == (False, True, not tf32, not tf32)
        with pytest.raises(KeyError), deterministic(tf32=tf32):
            fail()
        assert settings() == (False, True, not tf32, not tf32)
        products.allow_tf32 = before[-1]
    assert settings() == before


def test_settings_hold_until_the_last_of_two_threads_is_out() -> None:
    before, entered, leave = settings(), threading.Event(), threading.Event()

    def first() -> None:
        with deterministic():
            entered.set()
            assert leave.wait(60)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(first)
        assert entered.wait(60)
        with deterministic():
            leave.set()
            done.result()
            assert settings() == (True, False, False, False)
        assert settings() == before


def test_threads_that_want_other_settings_take_turns() -> None:
    before = settings()

    def look(tf32: bool) -> bool:
        for _ in range(200):
            with deterministic(tf32=tf32):
                if settings() != (True, False, tf32, tf32):
                    return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(look, [False, True, False, True]))
    assert settings() == before


def threads_of_a_new_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_items_are_computed_in_order_with_one_thread_each() -> None:
    torch.set_num_threads(3)
    seen = map_on_threads(lambda item: (item, torch.get_num_threads()), range(20))
    assert seen == [(item, 1) for item in range(20)]
    assert map_on_threads(lambda item: item, []) == []


def test_threads_made_later_have_the_old_number() -> None:
    torch.set_num_threads(3)
    map_on_threads(lambda item: item, range(2))
    assert (torch.get_num_threads(), threads_of_a_new_thread()) == (3, 3)
    with pytest.raises(ZeroDivisionError):
        map_on_threads(lambda item: 1 / item, range(2))
    assert (torch.get_num_threads(), threads_of_a_new_thread()) == (3, 3)


def test_another_number_set_meanwhile_leaves_operations_at_one_thread() -> None:
    torch.set_num_threads(2)
    ready, changed = threading.Event(), threading.Event()

    def compute(item: int) -> int:
        ready.set()
        assert changed.wait(60)
        torch.randn(64, 64) @ torch.randn(64, 64)
        return torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: (ready.wait(60), torch.set_num_threads(4), changed.set()))
        assert map_on_threads(compute, range(2)) == [1, 1]
        other.result()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float16])
def test_inference_mode_and_autocast_are_the_callers(
    threads: int, inference: bool, dtype: torch.dtype | None
) -> None:
    torch.set_num_threads(threads)
    a = torch.ones(2, 2)
    reduced = torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None)
    with torch.inference_mode(inference), reduced:
        products = map_on_threads(lambda item: a @ a, range(2))
    for product in products:
        assert product.dtype == (dtype or torch.float32)
        assert product.is_inference() == inference
