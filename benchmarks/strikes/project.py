"""The run that is struck: every rule, with images and networks that take almost no time."""

from __future__ import annotations

import compileall
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import yaml
from PIL import Image

from fringe.sources import ImageSource, ImitationSource, PhotoSource
from fringe.sources.prefetch import WORKER

from . import smooth, tiny_networks

__all__ = ["Project", "Start", "build", "clone"]

ROOT = Path(__file__).resolve().parents[2]
SIZE = 32
MAIN, CONTROL = "tiny_networks:judged", "tiny_networks:control"

CONFIG = {
    "run": "struck",
    "device": "cpu",
    "network": MAIN,
    "allow_code": True,
    "controls": [CONTROL],
    "sources": {
        "real": {"path": "data/real.zip"},
        "fake": {"kind": "generator", "path": "data/generator.pt", "count": 48, "seed": 1},
        "late": {"path": "data/late"},
    },
    "datasets": {
        "faces": {
            "real": "real",
            "generated": "fake",
            "snapshots": ["fake", "late", "real"],
            "region": [0.25, 0, 0.75, 1],
        },
        "late": {"real": "real", "generated": "late", "resample": False},
    },
    "comparisons": {"two": {"generators": {"One": "faces", "Two": "late"}}},
    "evaluation": {
        "n_real": 24,
        "n_generated": 24,
        "precision_recall": {"network": MAIN},
        "repeats": {"table1": 2, "table2": 2, "table3": 2, "sweep": 1, "sizes": 2},
        "kid_subsets": 3,
        "kid_subset_size": 10,
        "gamma_factors": [1, 2],
        "sizes": [[20, 20], ["all", 24]],
    },
    "matching": {"limit": 2},
    "schemes": {"top": [1], "middle": [2]},
    "optimization": {"evaluations": 10, "released": {"steps": 12, "learning_rate": 0.5}},
    "sensitivity": {
        "networks": [CONTROL],
        "classes": 3,
        "noise": {"scales": [0.1], "images": 16},
    },
    "extraction": {"batch_size": 8, "shard_size": 24, "workers": 1},
    "figures": {"dpi": 50},
}


def images(source: ImageSource) -> Iterator[tuple[str, bytes]]:
    """Yield the names and PNG files of a source's images."""
    for number, pixels in enumerate(source.read(range(len(source)))):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        yield f"img{number:08d}.png", stream.getvalue()


def zipped(source: ImageSource, path: Path) -> None:
    """Write a source's images to a ZIP."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in images(source):
            archive.writestr(zipfile.ZipInfo(name), content)


def clone(folder: Path) -> Path:
    """Copy the code that a run needs, so that later edits do not affect the run."""
    folder.mkdir()
    for name in ("Snakefile", "rules", "workflow", "config", "src", "profiles", "envs"):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    shutil.copy(Path(__file__).with_name("tiny_networks.py"), folder / "src")
    compileall.compile_dir(folder / "src", quiet=1)
    return folder


def build(folder: Path) -> None:
    """Write the data and the configuration of the run to a new folder, and possible replacements.

    `data` contains the files that the run reads. `others` contains files of the same names with
    other content.
    """
    import torch

    config = CONFIG
    for place, seed in (("data", 0), ("others", 100)):
        data = folder / place
        (data / "late").mkdir(parents=True)
        zipped(PhotoSource(24, SIZE, seed), data / "real.zip")
        for name, content in images(ImitationSource(24, SIZE, seed + 1, 0.8)):
            (data / "late" / name).write_bytes(content)
        smooth.save(data / "generator.pt", seed + 2)
        torch.save(tiny_networks.draw(seed + 3), data / "weights.pt")
    digest = hashlib.sha256((folder / "data/weights.pt").read_bytes()).hexdigest()
    config = config | {"weights": {MAIN: {"path": "data/weights.pt", "sha256": digest}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


class Start:
    """One start of the run, in a separate process group, and its output."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._printed: list[bytes] = []
        # A thread and not a file, because the disk of the run fills up, not that of its terminal.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._printed.append(line)

    @property
    def text(self) -> str:
        return b"".join(self._printed).decode(errors="replace")

    @property
    def finished_jobs(self) -> int:
        return self.text.count("Finished jobid: ")

    @property
    def planned_jobs(self) -> int:
        """The number of jobs that it will run; 0 while it plans."""
        total = re.search(r"^total +(\d+)$", self.text, re.MULTILINE)
        return int(total[1]) if total else 0

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def done(self) -> bool:
        return self.process.returncode == 0

    def wait(self, seconds: float) -> bool:
        """Wait until it ends; return whether it ended in time, and end it otherwise."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
            return False
        self._reader.join(2)  # a process that outlives the run may keep it open
        return True

    def signal(self, number: int) -> None:
        """Send a signal to the whole process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def processes(self) -> list[tuple[int, str]]:
        """Return the process ids and command lines of all processes of the run."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                group = int((entry / "stat").read_text().rpartition(")")[2].split()[2])
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, ValueError):
                continue  # it ended
            if group == self.process.pid and int(entry.name) != self.process.pid:
                found.append((int(entry.name), command))
        return found

    def jobs(self) -> list[int]:
        """Return the processes that compute a job."""
        return [pid for pid, command in self.processes() if "/.snakemake/scripts/" in command]

    def workers(self) -> list[int]:
        """Return the processes that decode images for a job."""
        return [pid for pid, command in self.processes() if WORKER in command]


class Project:
    """A folder with a configuration, its data and, later, its results."""

    def __init__(self, folder: Path, code: Path, cores: int, kept: Path | None = None) -> None:
        self.folder = folder
        self.kept = kept or folder / "data"  # the original data
        self.code = code
        self.cores = cores

    @property
    def results(self) -> Path:
        return self.folder / "results" / CONFIG["run"]

    def start(self, *options: str, limit: int | None = None) -> Start:
        """Start the run as a user does: `snakemake` with the profile of one machine.

        ``limit``: the largest size of a file in bytes, like a quota.
        """
        command = [
            *(sys.executable, "-m", "snakemake", *options),
            *("--snakefile", str(self.code / "Snakefile"), "--configfile", "config.yaml"),
            *(
                "--workflow-profile",
                str(self.code / "profiles" / "local"),
                "--cores",
                str(self.cores),
            ),
        ]
        if limit is not None:
            command = ["prlimit", f"--fsize={limit}", "--", *command]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.code / "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return Start(process)
