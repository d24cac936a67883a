"""Resources that are requested from SLURM, with substitute commands: no cluster is needed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.dag.conftest import REPOSITORY, Project, code, started

from fringe.running.slurm_jobs import PREFIX

__all__ = ["code", "started"]  # fixtures

# Accepts every job and runs none: the status of each is FAILED.
COMMAND = """\
#!{python}
import json, sys
from pathlib import Path
name, calls = Path(sys.argv[0]).name, Path("{folder}/calls")
if name == "sbatch":
    with calls.open("a") as file:
        print(json.dumps(sys.argv[1:]), file=file)
    print(len(calls.read_text().splitlines()))
elif name == "squeue" and "--me" not in sys.argv: # --me: fringe lists jobs of an earlier run
    for number, _ in enumerate(calls.read_text().splitlines(), 1):
        print(number, "FAILED", sep="|")
elif name == "scontrol":
    print("MinJobAge = 600 sec")
elif name == "sacctmgr":
    print("my_project")
elif name == "sacct":
    sys.exit("no database here")
"""


class Submission(Project):
    """A project on a cluster whose commands record their calls; its profile is completed."""

    def _command(self, arguments: Any, cores: int) -> dict[str, Any]:
        command = super()._command(arguments, cores)
        args = list(command["args"])
        args[:3] = [sys.executable, str(Path(__file__).parents[1] / "cluster" / "fast_polling.py")]
        args[args.index("--workflow-profile") + 1] = str(self.folder / "profile")
        del args[args.index("--cores") : args.index("--cores") + 2]
        command["args"] = [*args, "--slurm-init-seconds-before-status-checks", "1"]
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        command["env"] = command["env"] | {"PATH": path}
        return command

    def submitted(self) -> dict[str, list[dict[str, str]]]:
        """Return the flags of each submission, by rule, in order."""
        found = defaultdict(list)
        for line in (self.folder / "calls").read_text().splitlines():
            flags = read_flags(json.loads(line))
            rule = re.match(r"rule_(\w+?)(_wildcards_.*)?$", flags["--comment"])
            assert rule, flags
            found[rule[1]].append(flags)
        return dict(found)


def read_flags(arguments: list[str]) -> dict[str, str]:
    """Return the values of flags in the forms ``--flag=value`` and ``--flag value``."""
    flags: dict[str, str] = {}
    name = ""
    for argument in arguments:
        if argument.startswith("-"):
            name, _, flags[name] = argument.partition("=")
        else:
            flags[name] = argument
    return flags


def fill_in(profile: str) -> str:
    """Return the profile with the optional lines of a site, and a GPU model for one rule."""
    lines = profile.splitlines()
    site = re.compile(r"^( *)# ( *)(- [a-z_]+[=:]|set-resources:)")
    plain = [site.sub(r"\1\2\3", line) for line in lines]
    assert sum(line != before for line, before in zip(plain, lines, strict=True)) > 5
    text = "\n".join(plain)
    return text.replace("set-resources:", "set-resources:\n  - extract_features:gpu_model=a100", 1)


@pytest.fixture
def project(started: Project, tmp_path: Path) -> Submission:
    copied = started.copy(tmp_path / "project")
    made = Submission(copied.folder, {**copied.config, "device": "auto"}, copied.code)
    (made.folder / "profile").mkdir()
    profile = (REPOSITORY / "profiles/slurm/config.yaml").read_text()
    (made.folder / "profile/config.yaml").write_text(fill_in(profile))
    (made.folder / "bin").mkdir()
    for name in ("sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr"):
        path = made.folder / "bin" / name
        path.write_text(COMMAND.format(python=sys.executable, folder=made.folder))
        path.chmod(0o755)
    (made.folder / "calls").touch()
    return made


def planned_resources(printed: str) -> dict[str, dict[str, str]]:
    """Return the resources that one planned job of each rule requests."""
    found = {}
    for block in re.split(r"\n(?=(?:local)?rule )", printed)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)
        asked = re.search(r"^    resources: (.*)$", block, re.MULTILINE)
        if rule and asked:
            threads = re.search(r"^    threads: (\d+)$", block, re.MULTILINE)
            pairs = dict(pair.split("=", 1) for pair in asked[1].split(", "))
            found[rule[1]] = pairs | {"threads": threads[1] if threads else "1"}
    return found


def test_submitted_jobs_have_the_flags_of_their_rules(project: Submission) -> None:
    # In the whole run, each job that computes on a GPU goes to the partition with GPUs.
    printed = project.run(options="--dry-run")
    planned = planned_resources(printed)
    on_gpu = {rule for rule, asked in planned.items() if asked.get("gpu", "0") != "0"}
    assert {"extract_features", "optimize_weights", "optimize_sweep_faces"} <= on_gpu
    elsewhere = [rule for rule in on_gpu if planned[rule]["slurm_partition"] != "gpu"]
    assert elsewhere == []

    real, early = (f"features/{source}/tiny_network.classifier.h5" for source in ("real", "early"))
    printed = project.run(real, early, fails=True)
    submitted = project.submitted()
    assert set(submitted) == {"extract_features", "render_images"}
    # Three shards of images, each submitted three times, according to `retries` in the profile.
    assert len(submitted["extract_features"]) == 6
    assert len(submitted["render_images"]) == 3
    for rule, jobs in submitted.items():
        asked = planned[rule]
        (first, *_) = jobs
        assert first["-A"] == "my_project"
        assert first["-p"] == "gpu"
        assert first["--cpus-per-task"] == asked["threads"]
        assert first["--job-name"].startswith(f"{PREFIX}_")
        assert first["-D"] == str(project.folder)
        # Megabytes and minutes, doubled and tripled at the next attempts.
        shard = [job for job in jobs if job["--comment"] == first["--comment"]]
        for flag, resource in (("--mem", "mem_mb"), ("-t", "runtime")):
            once = int(asked[resource])
            assert [int(job[flag]) for job in shard] == [once, 2 * once, 3 * once]
    for job in submitted["extract_features"]:
        assert job["--gpus"] == "a100:1"
    # An imitation is made on a CPU.
    assert not {"--gpus", "--gres"} & set(submitted["render_images"][0])
    assert "no database here" not in printed
