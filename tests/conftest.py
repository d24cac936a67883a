"""Fixtures that every room's tests share, and how tests are shared out among processes."""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from fringe.messages import show_messages


class Places(LoadScopeScheduling):
    """Gives a process tests/cluster, a module of tests/dag, or a single other test.

    Tests of tests/cluster share a SLURM, those of a module runs of Snakemake. Places with most
    tests are given first.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/cluster"):
            return "tests/cluster"
        return nodeid.partition("::")[0] if nodeid.startswith("tests/dag") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Share out tests as `Places` says."""
    return Places(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of tests/dag and tests/cluster with the name of their folder.

    A test of another folder that starts Snakemake has the mark `dag` itself.
    """
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
