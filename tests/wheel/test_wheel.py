"""An installed wheel in a separate environment: `fringe` works in any folder.

The environment uses the packages of the environment that runs the tests, except Fringe.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest
import yaml
from tests.project_files import copy_files, project_files

# Folders and files that jobs and messages refer to.
NEEDED = ("Snakefile", "rules/", "workflow/", "profiles/", "config/", "envs/fringe.")

CONFIG = {
    "run": "tiny",
    "device": "cpu",
    "network": "efficientnet-lite0",
    "sources": {
        "real": {"kind": "photos", "count": 20, "resolution": 32},
        "fake": {"kind": "imitation", "count": 20, "resolution": 32},
    },
    "datasets": {"faces": {"real": "real", "generated": "fake"}},
    "evaluation": {"n_real": 20, "n_generated": 20},
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the unpacked source distribution."""
    folder = tmp_path_factory.mktemp("build")
    copy_files(project_files(), folder / "project")
    build("sdist", folder / "project", folder)
    (archive,) = folder.glob("fringe_fid-*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(sources: Path) -> Path:
    """The wheel, built from the source distribution, as a package index would have both.

    ``make wheel`` names the wheel that it built.
    """
    if built := os.environ.get("FRINGE_WHEEL"):
        return Path(built).resolve()
    build("wheel", sources, sources.parent)
    (wheel,) = sources.parent.glob("fringe_fid-*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment with the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    # Python adds the folder to its path and does not read its .pth files, such as Fringe's.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin/python"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    call([sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(wheel)])
    imported = call([str(python), "-c", "import fringe; print(fringe.__file__)"])
    assert Path(imported.strip()) == packages / "fringe/__init__.py"
    return folder / "bin"


def build(what: str, source: Path, target: Path) -> None:
    """Call setuptools like pip does when it builds a package."""
    code = f"from setuptools.build_meta import build_{what} as build; build({str(target)!r})"
    call([sys.executable, "-c", code], source)


def call(command: list[str], folder: Path | None = None) -> str:
    """Return the output of a command that does not find Fringe by PYTHONPATH."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the size and time of each file of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_the_source_distribution_has_no_tests(sources: Path) -> None:
    assert not (sources / "tests").exists()


def test_the_wheel_contains_all_files_that_a_run_needs(wheel: Path) -> None:
    names = [name for name in project_files() if not PurePosixPath(name).match("envs/*.sif")]
    needed = {f"fringe/shipped/{name}" for name in names if name.startswith(NEEDED)}
    # A link to a folder is a folder with its files.
    needed -= {"fringe/shipped/profiles/default"}
    needed |= {"fringe/shipped/profiles/default/config.yaml"}
    needed |= {name.removeprefix("src/") for name in names if name.startswith("src/")}
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert needed - held == set(), "add them to SHIPPED in setup.py, or to pyproject.toml"
    assert {name for name in held if "dist-info/" not in name} - needed == set()


def test_commands_work_in_any_folder(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "any folder"
    folder.mkdir()
    (folder / "mine.yaml").write_text(yaml.safe_dump(CONFIG))
    fringe = str(installed / "fringe")
    shipped = Path(call([fringe, "--workflow"], folder).strip())
    assert shipped.is_relative_to(installed.parent)
    before = state(shipped.parent)
    assert re.fullmatch(r"fringe \d[\w.]*\n", call([fringe, "--version"], folder))
    assert "All files that mine.yaml names exist." in call([fringe, "stage", "mine.yaml"], folder)

    shown = call([fringe, "demo", "--", "--dry-run"], folder)
    assert "This was a dry-run" in shown
    assert not (folder / "results/demo").exists()

    # A job without input, a job that computes features, and a page with a caption in the report.
    targets = ("draws/faces/random.h5", "features/real/efficientnet-lite0.h5", "left_out.md")
    paths = [f"results/tiny/{name}" for name in targets]
    call([fringe, "run", "mine.yaml", "--cores", "2", "--", *paths], folder)
    for path in (*paths, "results/tiny/report.html", "results/tiny/estimate.json"):
        assert (folder / path).stat().st_size > 0, path
    assert state(shipped.parent) == before, "nothing is written next to the Snakefile"
    assert {path.name for path in folder.iterdir()} == {".snakemake", "mine.yaml", "results"}
