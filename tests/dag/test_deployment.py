"""Jobs in a container and in a conda environment, with substitute commands for both."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tests.dag.conftest import REPOSITORY, Project, code, started

__all__ = ["code", "started"]  # fixtures

DRAW = "draws/faces/random.h5"  # a job without input

# The inside equals the outside, except for `python`, which records its calls.
APPTAINER = """\
#!{python}
import json, os, sys
from pathlib import Path
if sys.argv[1:] == ["--version"]:
    print("apptainer version 1.3.4")
    sys.exit()
with Path("{folder}/apptainer").open("a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
os.environ["PATH"] = "{folder}/inside" + os.pathsep + os.environ["PATH"]
os.execvp(sys.argv[-3], sys.argv[-3:])
"""
CONDA = """\
#!{python}
import json, shutil, sys
from pathlib import Path
match sys.argv[1:]:
    case ["info", *_]:
        print(json.dumps({{"conda_prefix": "{folder}", "platform": "linux-64"}}))
    case ["--version"]:
        print("conda 25.1.1")
    case ["clean", *_]:
        pass
    case ["config", *_]:
        print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
    case ["env", "create", *options]:
        prefix = Path(options[options.index("--prefix") + 1])
        shutil.copytree("{folder}/inside", prefix / "bin")
        shutil.copy(options[options.index("--file") + 1], "{folder}/conda.yaml")
    case other:
        sys.exit(f"unknown: {{other}}")
"""
ACTIVATE = 'export PATH="$1/bin:$PATH"\n'
PYTHON = """\
#!/bin/sh
echo "$0 $*" >> {folder}/python
exec {python} "$@"
"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the records, with the commands on the PATH."""
    values = {"python": sys.executable, "folder": tmp_path}
    for name, text in (
        ("bin/apptainer", APPTAINER.format(**values)),
        ("bin/conda", CONDA.format(**values)),
        ("bin/activate", ACTIVATE),
        ("inside/python", PYTHON.format(**values)),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_a_job_in_a_container_and_in_a_conda_environment(started: Project, commands: Path) -> None:
    project = started.copy(commands / "project")
    project.config["container"] = "images/fringe.sif"
    printed = project.run(DRAW, fails=True, options="--dry-run --sdm apptainer")
    definition = os.path.relpath(project.code / "envs/fringe.def", project.folder)
    assert (
        "container: images/fringe.sif does not exist; build it on a machine with a network, "
        f"`mkdir -p images && apptainer build images/fringe.sif {definition}`, "
        "or name another image"
    ) in printed
    assert not (commands / "apptainer").exists()

    (project.folder / "images").mkdir()
    (project.folder / "images/fringe.sif").touch()
    project.run(DRAW, options="--sdm apptainer --apptainer-args=--nv")
    (line,) = (commands / "apptainer").read_text().splitlines()
    arguments = json.loads(line)
    assert arguments[0] == "exec"
    assert arguments[arguments.index("--home") + 1] == str(project.folder)
    assert "--nv" in arguments
    assert arguments[-4] == "images/fringe.sif"
    # The library is visible inside, wherever the repository is.
    bound = [arguments[n + 1].split(":")[0] for n, a in enumerate(arguments) if a == "--bind"]
    assert str(project.code / "src") in bound
    (ran,) = (commands / "python").read_text().splitlines()
    assert ran.startswith(f"{commands}/inside/python ")
    assert "draw_random.py" in ran
    assert (project.results / DRAW).is_file()

    (project.results / DRAW).unlink()
    project.run(DRAW, options="--sdm conda")
    assert (commands / "conda.yaml").read_text() == (REPOSITORY / "envs/fringe.yaml").read_text()
    ran = (commands / "python").read_text().splitlines()[-1]
    assert ran.startswith(f"{project.folder}/.snakemake/conda/")
    assert "draw_random.py" in ran

    # The place where jobs ran is not a reason to run them again.
    assert project.planned(DRAW) == set()
