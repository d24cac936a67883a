"""A small workflow, run by real Snakemake processes, and readers of its output."""

from __future__ import annotations

import compileall
import copy
import fcntl
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from tests.dag.snakemake_server import run_snakemake

from fringe.sources import ImageSource, PhotoSource

REPOSITORY = Path(__file__).resolve().parents[2]

CONFIG = {
    "run": "tiny",
    "network": "tiny_network:classifier",
    "controls": ["tiny_network:control"],
    "allow_code": True,
    "sources": {
        "real": {"path": "real.zip"},
        "fake": {"kind": "imitation", "count": 120, "resolution": 32, "seed": 1},
        "early": {"kind": "imitation", "count": 40, "resolution": 32, "seed": 2, "severity": 1.2},
        "middle": {"kind": "imitation", "count": 40, "resolution": 32, "seed": 3, "severity": 0.8},
        "late": {"path": "late"},
    },
    "datasets": {
        "faces": {"real": "real", "generated": "fake", "snapshots": ["early", "middle", "late"]}
    },
    "evaluation": {
        "n_real": 40,
        "n_generated": 60,
        "repeats": {"table1": 2, "table2": 2, "table3": 2, "sweep": 1, "sizes": 2},
        "kid_subsets": 3,
        "kid_subset_size": 20,
        "gamma_factors": [1, 2],
        "sizes": [[30, 30], ["all", 60]],
    },
    "schemes": {"top": [1], "middle": [2]},
    "optimization": {
        "evaluations": 10,
        "released": {"steps": 12, "learning_rate": 0.5},
    },
    "convergence": {"steps": 5},
    "extraction": {"batch_size": 20, "shard_size": 40},
    "figures": {"dpi": 50},
}


class Project:
    """A folder with a configuration, its images and, later, its results.

    ``code`` is the folder of Snakefile, rules, scripts and library.
    """

    def __init__(self, folder: Path, config: dict[str, Any], code: Path) -> None:
        self.folder = folder
        self.config = copy.deepcopy(config)
        self.code = code
        self.text: str | None = (
            None  # text of the configuration, where YAML can express more than a dict
        )

    @property
    def results(self) -> Path:
        return self.folder / self.config.get("results", "results") / self.config["run"]

    def copy(self, folder: Path) -> Project:
        """Return an independent copy whose files have the same times."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, self.config, self.code)

    def clone_code(self, folder: Path) -> None:
        """Run from a copy of the code, which a test may edit."""
        clone(self.code, folder)
        self.code = folder

    def _command(self, arguments: Iterable[str], cores: int) -> dict[str, Any]:
        text = self.text or yaml.safe_dump(self.config, sort_keys=False)
        (self.folder / "config.yaml").write_text(text)
        return {
            "args": [
                *(sys.executable, "-m", "snakemake", *arguments),
                *("--snakefile", str(self.code / "Snakefile"), "--configfile", "config.yaml"),
                *("--workflow-profile", str(self.code / "profiles" / "local")),
                *("--cores", str(cores)),
            ],
            "cwd": self.folder,
            "env": os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.code / "src")},
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
        }

    def run(self, *targets: str, cores: int = 2, fails: bool = False, options: str = "") -> str:
        """Run Snakemake and return its output; targets are files below the results."""
        command = self._command([*self._paths(targets), *options.split()], cores)
        if command["args"][:3] == [sys.executable, "-m", "snakemake"]:
            status, printed = run_snakemake(command["args"][3:], command["cwd"], command["env"])
        else:
            done = subprocess.run(**command)
            status, printed = done.returncode, str(done.stdout)
        assert (status != 0) == fails, printed
        return printed

    def start(self, *targets: str, cores: int = 2) -> subprocess.Popen[str]:
        """Start Snakemake as the leader of a new process group."""
        command = self._command(self._paths(targets), cores)
        return subprocess.Popen(**command | {"stdout": subprocess.DEVNULL}, start_new_session=True)

    def planned(self, *targets: str) -> set[str]:
        """Return the outputs of the jobs that a dry run plans, below the results."""
        printed = self.run(*targets, options="--dry-run")
        outputs = self.outputs(printed)
        assert bool(outputs) != ("Nothing to be done" in printed), printed
        return outputs

    def executed(self, *targets: str, **settings: Any) -> set[str]:
        """Run Snakemake, and return the outputs of the jobs that it ran."""
        return self.outputs(self.run(*targets, **settings))

    def outputs(self, printed: str) -> set[str]:
        """Return the outputs that Snakemake's job descriptions name, below the results."""
        lines = re.findall(r"^ +output: (.*)$", printed, re.MULTILINE)
        paths = [path for line in lines for path in line.split(", ")]
        below = str(self.results.relative_to(self.folder))
        return {str(Path(path).relative_to(below)) for path in paths}

    def files(self, *patterns: str) -> set[str]:
        """Return the results that match; a star does not match a slash."""
        found = set()
        for pattern in patterns:
            matches = [path for path in self.results.glob(pattern) if path.is_file()]
            assert matches, f"{pattern} matches nothing: the test is out of date"
            found |= {str(path.relative_to(self.results)) for path in matches}
        return found

    def _paths(self, targets: Iterable[str]) -> list[str]:
        return [str(self.results.relative_to(self.folder) / target) for target in targets]


def clone(code: Path, folder: Path) -> None:
    """Copy the part of the code that a run needs."""
    folder.mkdir()
    for name in ("Snakefile", "rules", "workflow", "config", "src", "profiles", "envs"):
        if (code / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(code / name, folder / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(code / name, folder / name)


def write_images(folder: Path, source: ImageSource) -> None:
    """Write the images of a source as PNG files, and as a ZIP with the folder's name."""
    folder.mkdir()
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for number, pixels in enumerate(source.read(range(len(source)))):
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "PNG")
            name = f"img{number:08d}.png"
            (folder / name).write_bytes(stream.getvalue())
            archive.writestr(zipfile.ZipInfo(name), stream.getvalue())


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, so that an edit during the tests does not affect comparisons of runs."""
    folder = tmp_path_factory.mktemp("code") / "repository"
    clone(REPOSITORY, folder)
    shutil.copy(Path(__file__).with_name("tiny_network.py"), folder / "src")
    # Compile once, also if PYTHONDONTWRITEBYTECODE forbids the hundreds of jobs to do it.
    compileall.compile_dir(folder / "src", quiet=1)
    return folder


@pytest.fixture(scope="session")
def started(code: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with its images that has not been run. Do not change it: make a copy."""
    folder = tmp_path_factory.mktemp("started")
    write_images(folder / "real", PhotoSource(60, 32, 0))
    write_images(folder / "late", PhotoSource(40, 32, 7))
    shutil.rmtree(folder / "real")
    (folder / "late.zip").unlink()
    return Project(folder, CONFIG, code)


@pytest.fixture(scope="session")
def finished(started: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has been run, once for all workers. Do not change it: make a copy."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # shared by the workers
    folder = place / "finished"
    with (place / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            running = started.copy(tmp_path_factory.mktemp("running") / "project")
            running.run()
            running.folder.rename(folder)
    return Project(folder, started.config, started.code)


@pytest.fixture
def fresh(started: Project, tmp_path: Path) -> Project:
    """A copy of the project that has not been run."""
    return started.copy(tmp_path / "project")


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the project that has been run."""
    return finished.copy(tmp_path / "project")
