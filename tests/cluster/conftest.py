"""One SLURM for all tests of this folder, and a small project to run on it."""

from __future__ import annotations

import copy
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.slurm import Cluster, why_not
from tests.dag.conftest import CONFIG, Project, code, started

__all__ = ["code", "started"]  # fixtures

POLLING = Path(__file__).with_name("fast_polling.py")
ON_GPU = tuple(f"{rule}:slurm_partition=gpu" for rule in ("extract_features", "optimize_weights"))


class ClusterProject(Project):
    """A project whose jobs run on SLURM, with `profiles/slurm`.

    ``set_resources`` are the resources that a site would set in the profile.
    """

    cluster: Cluster
    set_resources: tuple[str, ...] = ON_GPU

    def local(self) -> Project:
        """Return the project before its run, to be run without SLURM."""
        copied = self.copy(self.folder.with_name("local"))
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
        args += ["--cores", "2", "--resources", "mem_mb=6000"]  # a node's
        if self.set_resources:
            args += ["--set-resources", *self.set_resources]
        command["args"] = args
        command["env"] = command["env"] | self.environment()
        return command

    def environment(self) -> dict[str, str]:
        """Return the environment of commands: their SLURM, and an `sbatch` that records calls."""
        folder = self.folder / "commands"
        if not folder.exists():
            folder.mkdir()
            script = folder / "sbatch"
            noted, real = self.folder / "submitted", shutil.which("sbatch")
            # One line per call, written under a lock.
            words = r"""printf '%s\n' "$(tr '\n' ' ' <<< "${@@Q}")" """
            script.write_text(
                f'#!/bin/bash\n{{ flock 9; {words} >&9; }} 9>> "{noted}"\nexec {real} "$@"\n'
            )
            script.chmod(0o755)
        path = os.pathsep.join([str(folder), os.environ["PATH"]])
        return self.cluster.environment | {"PATH": path, "PYTHONPATH": str(self.code / "src")}

    def sbatch_calls(self) -> list[str]:
        """Return the arguments of each call of sbatch."""
        noted = self.folder / "submitted"
        return noted.read_text().splitlines() if noted.exists() else []

    @contextmanager
    def started(self, *targets: str) -> Iterator[subprocess.Popen[str]]:
        """Yield a run that works in parallel with the test; `printed` returns its output."""
        with (self.folder / "printed").open("w") as file:
            command = self._command(self._paths(targets), 2) | {"stdout": file}
            process = subprocess.Popen(**command, start_new_session=True)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def printed(self) -> str:
        """Return the output so far of a run that was `started`."""
        return (self.folder / "printed").read_text()

    def tiny_network(self) -> Any:
        """Return the module of the project's networks."""
        path = self.code / "src" / "tiny_network.py"
        spec = importlib.util.spec_from_file_location("tiny_network", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running SLURM; skips with a reason if there is none."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    running = Cluster(tmp_path_factory.mktemp("slurm"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def project(started: Project, cluster: Cluster, tmp_path: Path) -> Iterator[ClusterProject]:
    """A small project that has not been run; its remaining jobs are cancelled at the end."""
    config = copy.deepcopy(CONFIG) | {"run": "cluster", "device": "auto"}
    copied = started.copy(tmp_path / "project")
    made = ClusterProject(copied.folder, config, copied.code)
    made.cluster = cluster
    yield made
    cluster.cancel_all()
