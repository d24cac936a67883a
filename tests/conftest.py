"""Fixtures that every room's tests share, and how tests are shared out among processes."""

from pathlib import Path, PurePath
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Tests of these rooms share runs of Snakemake and a SLURM, so one process takes a whole room.
TOGETHER = ("workflow", "cluster")


class Rooms(LoadScopeScheduling):
    """Gives a process a room of `TOGETHER`, these first, or a single test of another."""

    def _split_scope(self, nodeid: str) -> str:
        _, room, *_ = PurePath(nodeid.split("::")[0]).parts
        return room if room in TOGETHER else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Share out tests as `Rooms` says."""
    return Rooms(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of golden vectors and real images beside the checkout, or skip."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no {folder.name}/ folder beside the checkout: golden vectors are absent")
    return folder
