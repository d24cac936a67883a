"""One SLURM for all tests of this folder, and a small project to run on it."""

from __future__ import annotations

import copy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.slurm import Cluster, why_not
from tests.workflow.conftest import CONFIG, Project, code, started

__all__ = ["code", "started"]  # fixtures

POLLING = Path(__file__).with_name("fast_polling.py")


class ClusterProject(Project):
    """A project whose jobs SLURM runs, as `profiles/slurm` says."""

    cluster: Cluster
    extra: tuple[str, ...] = ()

    def local(self) -> Project:
        """Return the project before its run, to be run without SLURM."""
        copied = self.copy(self.folder.with_name("alone"))
        shutil.rmtree(copied.results)
        return copied

    def _command(self, arguments: Any, cores: int) -> dict[str, Any]:
        command = super()._command(arguments, cores)
        args = list(command["args"])
        profile = args.index("--workflow-profile") + 1
        args[profile] = str(self.code / "profiles" / "slurm")
        args[:3] = [sys.executable, str(POLLING)]
        del args[args.index("--cores") : args.index("--cores") + 2]
        args += ["--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "1"]
        args += ["--default-resources", "slurm_partition=cpu", "mem_mb=800", "runtime=5"]
        args += ["--set-resources", "extract_features:slurm_partition=gpu", *self.extra]
        command["args"] = args
        command["env"] = command["env"] | self.cluster.environment
        return command


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running SLURM, or a reason to skip."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    running = Cluster(tmp_path_factory.mktemp("slurm"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def project(started: Project, cluster: Cluster, tmp_path: Path) -> ClusterProject:
    """A small project that has not been run."""
    config = copy.deepcopy(CONFIG) | {"run": "cluster", "device": "auto"}
    copied = started.copy(tmp_path / "project")
    made = ClusterProject(copied.folder, config, copied.code)
    made.cluster = cluster
    return made
