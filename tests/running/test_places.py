"""Search for the workflow and profile of a run."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from fringe.errors import FringeError
from fringe.running import places, script, workflow
from fringe.running.places import find_profile, find_snakefile, refuse_missing_image, submits

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workflow folder of an installed package, with a Snakefile and no profile."""
    folder = tmp_path / "site-packages/fringe/shipped"
    folder.mkdir(parents=True)
    (folder / "Snakefile").touch()
    monkeypatch.setattr(workflow, "SHIPPED", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_clone_has_the_workflow_at_its_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not workflow.is_installed()
    assert workflow.workflow_folder() == REPOSITORY
    assert find_snakefile() == REPOSITORY / "Snakefile"


def test_an_installed_package_has_the_workflow_inside(wheel: Path) -> None:
    assert workflow.is_installed()
    assert workflow.workflow_folder() == wheel
    assert find_snakefile() == wheel / "Snakefile"


def test_a_damaged_installation_is_reported(wheel: Path) -> None:
    (wheel / "Snakefile").unlink()
    with pytest.raises(
        FringeError, match=r"shipped/Snakefile: does not exist; install Fringe again"
    ):
        find_snakefile()


def test_an_installed_package_does_not_change_pythonpath(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "mine")
    script.expose_library()
    assert os.environ["PYTHONPATH"] == "mine"


def test_a_slurm_profile_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    snakefile = REPOSITORY / "Snakefile"
    assert submits(find_profile("slurm", snakefile))
    monkeypatch.setattr(places, "find_spec", lambda _: None)
    with pytest.raises(FringeError, match=r"pip install 'fringe-fid\[slurm\]'"):
        find_profile("slurm", snakefile)
    assert not submits(find_profile(None, snakefile))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jobs: [", "config.yaml: is not YAML ("),
        ("- jobs", "config.yaml: has no options of Snakemake; write lines such as `jobs: 50`"),
    ],
)
def test_an_invalid_profile_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(FringeError, match=re.escape(said)):
        find_profile(str(tmp_path), REPOSITORY / "Snakefile")


def test_an_empty_profile_runs_jobs_here(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    assert not submits(find_profile(str(tmp_path), REPOSITORY / "Snakefile"))


def test_the_message_lists_profiles_of_both_folders(wheel: Path) -> None:
    for folder in (wheel / "profiles/slurm", wheel / "profiles/default", Path("profiles/mine")):
        folder.mkdir(parents=True)
        (folder / "config.yaml").touch()
    with pytest.raises(FringeError, match=r"--profile lsf: .* name one of mine, slurm, or a fold"):
        find_profile("lsf", wheel / "Snakefile")


def test_the_message_shows_how_to_build_a_missing_image(wheel: Path) -> None:
    definition = wheel / "envs/fringe.def"
    built = "`apptainer build fringe.sif site-packages/fringe/shipped/envs/fringe.def`"
    with pytest.raises(FringeError, match=re.escape(built)):
        refuse_missing_image("fringe.sif", definition)
    built = "`mkdir -p envs && apptainer build envs/fringe.sif "
    with pytest.raises(FringeError, match=re.escape(built)):
        refuse_missing_image("envs/fringe.sif", definition)
    Path("fringe.sif").touch()
    refuse_missing_image("fringe.sif", definition)
    refuse_missing_image("docker://python", definition)
