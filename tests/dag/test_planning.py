"""Commands that only plan or show write only hashes of data, and report what they read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image
from tests.dag.snakemake_server import run_snakemake

from fringe.sources import PhotoSource

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = {
    "run": "mine",
    "device": "cpu",
    "network": "efficientnet-lite0",
    "sources": {
        "real": {"path": "real"},
        "fake": {"kind": "imitation", "count": 120, "resolution": 32},
    },
    "datasets": {"faces": {"real": "real", "generated": "fake"}},
    "evaluation": {"n_real": 20, "n_generated": 60},
    "extraction": {"minutes_per_job": 0.05},
}
# With this module, images are slow to read, and messages appear early and often.
SLOW = """
import time
from fringe import progress
from fringe.sources import FolderSource
progress.FIRST = progress.EVERY = 0.2
read = FolderSource._checked_digest
FolderSource._checked_digest = lambda self, path: (time.sleep(0.1), read(self, path))[1]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project that has not been run, with a folder of images and a damaged result."""
    folder = tmp_path / "project"
    (folder / "real").mkdir(parents=True)
    for number, pixels in enumerate(PhotoSource(30, 32, 0).read(range(30))):
        Image.fromarray(pixels).save(folder / "real" / f"{number:02d}.png")
    damaged = folder / "results/mine/features/real/efficientnet-lite0/0000000-0000050.h5"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"cut short")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


OPTIONS = ["--snakefile", str(REPOSITORY / "Snakefile"), "--configfile", "config.yaml"]
OPTIONS += ["--cores", "1"]


def call(folder: Path, asked: str, **environment: str) -> tuple[int, str]:
    """Call Snakemake, and return its exit status and its output."""
    place = {"PYTHONPATH": str(REPOSITORY / "src")}
    return run_snakemake([asked, *OPTIONS], folder, os.environ | place | environment)


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of every file, except in Snakemake's own folder."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != ".snakemake"
    }


def test_a_dry_run_writes_only_hashes_of_data(folder: Path) -> None:
    before = tree(folder)
    status, printed = call(folder, "--dry-run")
    assert status == 0, printed
    assert "0000000-0000050.h5: " in printed
    assert "a run would rename it" in printed
    after = tree(folder)
    new = {name for name in after if after[name] != before.get(name)}
    assert {str(Path(name).parent.parent) for name in new} == {"results/.fingerprints"}
    assert len(new) == 1
    for asked in ("--lint", "--summary", "--rulegraph"):
        _, printed = call(folder, asked)
        assert "mine" in printed or asked != "--summary", printed
        assert tree(folder) == after, asked
    options = ["--snakefile", str(REPOSITORY / "Snakefile"), "--cores", "1"]
    done = subprocess.run(
        [Path(sys.executable).with_name("fringe"), "estimate", "config.yaml", *options],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("mine: 0 of "), done.stderr
    assert tree(folder) == after


def test_paths_below_a_home_are_expanded(folder: Path, tmp_path: Path) -> None:
    """No folder is called ~, and ~ may be a file or a folder in the home."""
    home = tmp_path / "home"
    (home / "weights").mkdir(parents=True)
    shutil.move(folder / "real", home / "real")
    shutil.rmtree(folder / "results")
    changes = {
        "results": "~/results",
        "data_dir": "~",
        "weights_dir": "~/weights",
        "controls": ["vgg16"],
        "weights": {"vgg16": "~/weights/mine.pth"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | changes))
    settings = {"HOME": str(home), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    _, printed = call(folder, "--dry-run", **settings)
    assert f"weights/vgg16: {home}/weights/mine.pth: does not exist" in printed
    del changes["controls"], changes["weights"]
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | changes))
    status, printed = call(folder, "--dry-run", **settings)
    assert status == 0, printed
    assert f"{home}/results/mine/tables/table1.md" in printed
    assert (home / "results" / ".fingerprints").is_dir()
    assert {path.name for path in folder.iterdir()} == {"config.yaml", ".snakemake"}


def test_a_run_reports_what_it_reads_and_its_jobs_do_not(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text(SLOW)
    library = os.pathsep.join([str(folder), str(REPOSITORY / "src")])
    line = r"reading 30 files in real: [\d.]+k?B of [\d.]+kB \([\d.]+k?B/s, \d+ s left\)"
    for mode, is_shown in (("default", True), ("subprocess", False)):
        asked = ["--dry-run", "--quiet", "all", "--mode", mode, *OPTIONS]
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *asked],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": library},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert bool(re.search(line, done.stderr)) == is_shown, done.stderr
        assert ("reading" in done.stderr) == is_shown, done.stderr
        shutil.rmtree(folder / "results" / ".fingerprints")
