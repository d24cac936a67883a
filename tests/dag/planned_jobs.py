"""All jobs that Snakemake plans for a shipped configuration, in a comparable form.

``python tests/dag/planned_jobs.py`` in the repository writes the references of `test_jobs.py`.
The data sets of the paper are not available, so these sources are only declared: each has the
number of images of the configuration, and a fingerprint of the declaration.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from fringe.files.paths import OWN, as_path

REPOSITORY = Path(__file__).resolve().parents[2]
REFERENCES = Path(__file__).with_name("jobs")
CONFIGS = ("demo", "config")

LONGEST_LIST = 6
LONGEST_TEXT = 160


def plan(config: str, folder: Path) -> list[dict[str, Any]]:
    """Return all jobs of ``config/<config>.yaml``, planned by Snakemake in an empty folder.

    The plan is for a GPU, so that sizes of shards and resources do not depend on this machine.
    """
    written = yaml.safe_load((REPOSITORY / "config" / f"{config}.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump({**written, "device": "cuda"}))
    for name, source in written["sources"].items():
        if "path" in source and not source["path"].startswith(OWN):
            for path in _files(name, folder / source["path"]):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    file.truncate(300 << 20)
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, "jobs.json"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if not (folder / "jobs.json").exists():
        raise RuntimeError(f"Snakemake cannot plan config/{config}.yaml:\n{done.stdout}")
    jobs: list[dict[str, Any]] = json.loads((folder / "jobs.json").read_text())
    return jobs


def _files(name: str, path: Path) -> list[Path]:
    """Return the files of a source; a whole training has one file for each snapshot."""
    if "training" not in name:
        return [path]
    return [path.parent / f"network-snapshot-{k:06d}.pkl" for k in range(1000, 25001, 1000)]


def summary(jobs: Sequence[dict[str, Any]]) -> str:
    """Return jobs as text: for each rule, a digest of the jobs that differ only in their shards.

    The first and the last job of each rule are written in full, except for long lists and texts.
    """
    rules: dict[str, dict[str, Any]] = {}
    for job in jobs:
        rule = rules.setdefault(job["rule"], {"jobs": {}, "first": _condensed(job), "last": None})
        rule["last"] = _condensed(job)
        wildcards = job["wildcards"].items()
        key = " ".join(f"{name}={value}" for name, value in wildcards if name != "shard")
        rule["jobs"].setdefault(key, []).append(job)
    for rule in rules.values():
        rule["jobs"] = {key: f"{len(some)} {_digest(some)}" for key, some in rule["jobs"].items()}
        if rule["last"] == rule["first"]:
            del rule["last"]
    return json.dumps(rules, indent=1) + "\n"


def _condensed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _condensed(item) for key, item in value.items()}
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        return [value[0], f"... {len(value) - 2} more, {_digest(value)} ...", value[-1]]
    if isinstance(value, list):
        return [_condensed(item) for item in value]
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        half = LONGEST_TEXT // 2
        return f"{value[:half]} ... {_digest(value)} ... {value[-half:]}"
    return value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]


def _dump(out: Path) -> None:
    """Plan the configuration in the current folder with Snakemake, and write all jobs to a file."""
    import snakemake.cli

    import fringe.sources
    from fringe.sources import opening

    class Declared:
        simulated = False

        def __init__(self, spec: dict[str, Any]) -> None:
            self.name = str(spec["path"])
            self.count = spec.get("count") or 70_000
            self.resolution = (192, 256) if "car" in self.name else (256, 256)
            self.fingerprint = f"{self.name} {self.count}"

        def __len__(self) -> int:
            return int(self.count)

        def fingerprint_of(self, first: int, last: int) -> str:
            return f"{self.name} {first}-{last}"

    known = opening.source_from_spec

    def declared(spec: dict[str, Any], *others: Any, **options: Any) -> Any:
        is_here = "path" not in spec or Path(spec["path"]).is_relative_to(as_path(OWN))
        return known(spec, *others, **options) if is_here else Declared(spec)

    opening.source_from_spec = fringe.sources.source_from_spec = declared  # type: ignore[assignment]

    def dump(dag: Any, *_: Any) -> str:
        jobs = sorted(map(_described, dag.jobs), key=lambda job: (job["rule"], job["log"]))
        out.write_text(json.dumps(jobs))
        return ""

    snakemake.dag.DAG.dot = dump
    snakemake.cli.main(
        ["--snakefile", f"{REPOSITORY}/Snakefile", "--configfile", "config.yaml", "--dag"]
    )


def _described(job: Any) -> dict[str, Any]:
    """Return all properties of a job in Snakemake; params in the form that Snakemake compares."""
    inputs: dict[str, list[str]] = {}
    for name, item in job.input._allitems():
        inputs.setdefault(name or "", []).extend([item] if isinstance(item, str) else item)
    return {
        "rule": job.rule.name,
        "wildcards": dict(job.wildcards_dict),
        "input": {name: sorted(map(str, files)) for name, files in sorted(inputs.items())},
        "output": sorted(map(str, job.output)),
        "params": {name: repr(value) for name, value in job.params.items()},
        "threads": job.threads if isinstance(job.threads, int) else "",
        "resources": {
            name: job.resources[name]
            for name in ("mem_mb", "runtime", "gpu")
            if isinstance(job.resources.get(name), int)
        },
        "log": [str(path) for path in job.log],
        "benchmark": str(job.benchmark or ""),
        "group": str(job.group or ""),
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        _dump(Path(sys.argv[1]).absolute())
    else:
        for name in CONFIGS:
            with tempfile.TemporaryDirectory() as place:
                (REFERENCES / f"{name}.json").write_text(summary(plan(name, Path(place))))
