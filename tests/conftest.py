"""Fixtures that the tests of all rooms share, and the distribution of tests among processes."""

import gc
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from fringe.messages import show_messages

# Folders whose tests are not unit tests, and the mark of these tests; they start first.
LANES = {
    "cluster": "cluster",
    "dag": "dag",
    "wheel": "dag",
    "conformance": "long",  # whole networks, compared with other libraries
    "examples": "long",
    "browser": "long",
    "recipes": "long",
    "fuzz": "long",
    "hostile": "long",
}


class Places(LoadScopeScheduling):
    """Assign one module of tests at a time to a process, or all of tests/cluster (one SLURM)."""

    def _split_scope(self, nodeid: str) -> str:
        return "cluster" if nodeid.startswith("tests/cluster") else nodeid.partition("::")[0]


def pytest_configure() -> None:
    """Restore the signals that a shell makes its background processes ignore.

    Processes that tests start inherit ignored signals, so Ctrl-C would not end them.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Exclude modules and tests from garbage collection, now and later.

    Modules and thousands of tests live until the end. Repeated garbage collection took two fifths
    of the time of their collection by pytest.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Distribute tests by `Places`, in the order in which they were collected."""
    config.option.loadscopereorder = False
    return Places(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `LANES` by their folder, and put them first.

    A test in another folder that starts Snakemake sets the mark `dag` itself.
    """
    here = Path(__file__).parent
    places = {item: item.path.relative_to(here).parts[0] for item in items}
    for item, place in places.items():
        if place in LANES:
            item.add_marker(LANES[place])
    items.sort(key=lambda item: (*LANES, places[item]).index(places[item]))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of golden vectors and real images next to the checkout, or skip."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no {folder.name}/ folder next to the checkout: golden vectors are absent")
    return folder


@pytest.fixture(autouse=True)
def _messages() -> None:
    """Show messages of the library on stderr, as commands and jobs do."""
    show_messages()


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """Restore the number of PyTorch's threads after a test.

    If more threads than cores compute, they wait for each other and waste processor time.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    yield
    if torch:
        torch.set_num_threads(before)
