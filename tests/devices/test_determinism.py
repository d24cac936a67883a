"""PyTorch's settings apply within a block, and each item is computed with one thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from fringe.devices.determinism import deterministic, map_on_threads


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
def test_settings_apply_only_within_the_block(tf32: bool) -> None:
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


def test_settings_apply_until_the_last_thread_leaves() -> None:
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


def test_threads_that_need_different_settings_take_turns() -> None:
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


def test_items_are_returned_in_order_and_computed_with_one_thread_each() -> None:
    torch.set_num_threads(3)
    seen = map_on_threads(lambda item: (item, torch.get_num_threads()), range(20))
    assert seen == [(item, 1) for item in range(20)]
    assert map_on_threads(lambda item: item, []) == []


def test_later_threads_use_the_old_number_of_threads() -> None:
    torch.set_num_threads(3)
    map_on_threads(lambda item: item, range(2))
    assert (torch.get_num_threads(), threads_of_a_new_thread()) == (3, 3)
    with pytest.raises(ZeroDivisionError):
        map_on_threads(lambda item: 1 / item, range(2))
    assert (torch.get_num_threads(), threads_of_a_new_thread()) == (3, 3)


def test_operations_keep_one_thread_if_another_thread_sets_the_number() -> None:
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
def test_inference_mode_and_autocast_are_those_of_the_calling_thread(
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
