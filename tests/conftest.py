"""Fixtures that every room's tests share, and how tests are shared out among processes."""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from fringe.messages import show_messages

# Tests of these places share runs of Snakemake, or a SLURM, so one process takes a whole place.
PLACES = (
    "tests/cluster",
    "tests/dag/test_formats.py",
    "tests/dag/test_real_images.py",
    "tests/dag/test_sensitivity.py",
    "tests/dag",
)


class Places(LoadScopeScheduling):
    """Gives a process one of `PLACES`, those with most tests first, or a single other test."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in PLACES if nodeid.startswith(place)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Share out tests as `Places` says."""
    return Places(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of tests/dag and tests/cluster with the name of their folder."""
    here = Path(__file__).parent
    for item in items:
        for name in ("dag", "cluster"):
            if item.path.is_relative_to(here / name):
                item.add_marker(name)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of golden vectors and real images beside the checkout, or skip."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no {folder.name}/ folder beside the checkout: golden vectors are absent")
    return folder


@pytest.fixture(autouse=True)
def _messages() -> None:
    """Show messages of the library on stderr, as commands and jobs do."""
    show_messages()
