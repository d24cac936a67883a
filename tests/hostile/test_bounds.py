"""The outcomes that `bounded` returns for calls with a known outcome."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.hostile.bounds import bounded

from fringe.errors import FringeError


def refuse() -> None:
    raise FringeError("a.png: is damaged; replace it")


def lose_a_key() -> None:
    {}["a"]


def take(size: int) -> int:
    return int(np.ones(size, np.uint8)[-1])


def refuse_without_memory(size: int) -> None:
    try:
        np.ones(size, np.uint8)
    except MemoryError as error:
        raise FringeError("a.png: is damaged; replace it") from error


def take_a_tensor(size: int) -> None:
    torch.ones(size, dtype=torch.uint8)


def crash() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def hang_with_child() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        Path("child").write_text(str(child.pid))


def leave() -> None:
    sys.exit(3)


def test_the_value_or_exception_of_a_call_is_returned() -> None:
    assert bounded(os.getcwd).result == str(Path.cwd())
    assert bounded(take, 5).result == 1
    refused = bounded(refuse)
    assert (refused.kind, refused.result) == ("refused", "a.png: is damaged; replace it")
    raised = bounded(lose_a_key)
    assert (raised.kind, raised.result) == ("raised", "KeyError: 'a'")
    assert bounded(leave).result == "SystemExit: 3"


def test_a_call_that_takes_too_much_memory_is_ended() -> None:
    assert bounded(take, 60 << 20, memory=128 << 20).kind == "value"
    assert bounded(take, 200 << 20, memory=128 << 20).kind == "memory"
    assert bounded(refuse_without_memory, 200 << 20, memory=128 << 20).kind == "memory"
    assert bounded(take_a_tensor, 200 << 20, memory=128 << 20).kind == "memory"


def test_the_peak_of_memory_is_measured() -> None:
    small, large = bounded(take, 1), bounded(take, 100 << 20)
    assert small.peak < 30 << 20
    assert (100 << 20) <= large.peak < (130 << 20)


def test_a_call_that_takes_too_long_is_ended_with_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bounded(hang_with_child, seconds=0.5).kind == "time"
    started = Path("/proc", Path("child").read_text())
    while started.exists():  # killed, and soon gone
        time.sleep(0.01)


def test_signals_are_named() -> None:
    assert bounded(crash).result == signal.SIGSEGV.name
    assert bounded(abort).result == signal.SIGABRT.name
