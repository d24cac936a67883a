"""Jobs that Snakemake would run, read from the output of its dry run."""

from __future__ import annotations

from pathlib import Path

import pytest

from fringe.costs.jobs import Job
from fringe.errors import FringeError
from fringe.running.planner import Planner, done, read_jobs

from ..run_configs import run_config

PLAN = """\
Building DAG of jobs...
Job stats:
job                 count
----------------  -------
extract_features        1
total                   4

[Sat Nov 28 05:00:00 2026]
rule extract_features:
    input: results/mine/images/fake/0000040-0000060.h5
    output: results/mine/features/fake/net.h5/0000040-0000060.h5
    log: results/mine/logs/extract_features/fake/net/0000040-0000060.log
    jobid: 7
    benchmark: results/mine/benchmarks/extract_features/fake/net/0000040-0000060.tsv
    reason: Missing output files: results/mine/features/fake/net.h5/0000040-0000060.h5
    wildcards: source=fake, network=net, shard=0000040-0000060
    threads: 3
    resources: tmpdir=<TBD>, mem_mb=3000, mem_mib=2862, runtime=120, gpu=1

[Sat Nov 28 05:00:00 2026]
localrule link_features:
    input: data/real.zip, results/mine/features/fake/net.h5/0000040-0000060.h5
    output: results/mine/features/fake/net.h5
    jobid: 6
    reason: Input files updated by another job: results/mine/features/fake/net.h5
    resources: tmpdir=/tmp

group job 0 (jobs in lexicogr. order):

    [Sat Nov 28 05:00:00 2026]
    rule optimize_sweep_faces:
        output: results/mine/weights/faces/top1.h5, results/mine/weights/faces/top2.h5
        jobid: 4
        benchmark: results/mine/benchmarks/optimize_sweep/faces.tsv

[Sat Nov 28 05:00:00 2026]
localrule all:
    input: results/mine/features/fake/net.h5
    jobid: 0
    reason: Input files updated by another job: results/mine/features/fake/net.h5

This was a dry-run (flag -n). The order of jobs does not reflect the order of execution.
"""


def job(name: str, *after: str) -> Job:
    """A job that makes the file ``name`` from the files ``after``."""
    return Job("score_scheme", after, (name,), benchmark=f"benchmarks/score_scheme/{name}.tsv")


def test_jobs_are_read_from_a_dry_run() -> None:
    extract, link, sweep = read_jobs(PLAN, "results/mine")
    shard = "features/fake/net.h5/0000040-0000060.h5"
    assert extract == Job(
        "extract_features",
        ("images/fake/0000040-0000060.h5",),
        (shard,),
        {"source": "fake", "network": "net", "shard": "0000040-0000060"},
        threads=3,
        gpus=1,
        benchmark="benchmarks/extract_features/fake/net/0000040-0000060.tsv",
    )
    assert link == Job("link_features", ("data/real.zip", shard), ("features/fake/net.h5",))
    assert (sweep.rule, sweep.wildcards) == ("optimize_sweep", {"dataset": "faces"})
    assert sweep.outputs == ("weights/faces/top1.h5", "weights/faces/top2.h5")
    assert (extract.name, link.name) == (extract.benchmark, "features/fake/net.h5")
    assert read_jobs("Nothing to be done (all requested files are present).", "x") == []


def test_jobs_that_are_not_planned_are_done() -> None:
    whole = [job("a"), Job("sweep", (), ("top1", "top2")), job("b", "a")]
    assert done(whole, [Job("sweep", (), ("top2",))]) == [whole[0], whole[2]]
    assert done(whole, whole) == []
    assert done(whole, []) == whole


# Rules of each form in the project: with wildcards, in a group, local, without outputs.
SNAKEFILE = """
R = "results/mine"

wildcard_constraints:
    source="[a-z]+"

rule all:
    input: f"{R}/scores/faces.csv"
    localrule: True

rule extract_features:
    input: "data.txt"
    output: f"{R}/features/{{source}}/{{shard}}.h5"
    log: f"{R}/logs/extract_features/{{source}}/{{shard}}.log"
    benchmark: f"{R}/benchmarks/extract_features/{{source}}/{{shard}}.tsv"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 100 * attempt,
        gpu=1,
    params: made_from={"images": "a, b=c"}
    shell: "touch {output}"

rule link_features:
    input: f"{R}/features/{{source}}/0-5.h5", f"{R}/features/{{source}}/5-9.h5"
    output: features=f"{R}/features/{{source}}.h5", list=f"{R}/features/{{source}}.txt"
    group: "pages"
    shell: "touch {output}"

rule score_scheme:
    input: f"{R}/features/fake.h5"
    output: f"{R}/scores/faces.csv"
    benchmark: f"{R}/benchmarks/score_scheme/faces.tsv"
    group: "pages"
    shell: "touch {output}"
"""


def test_jobs_are_read_from_the_output_of_this_snakemake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The format of a dry run is not documented, so another Snakemake may change it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "data.txt").touch()
    (tmp_path / "c.yaml").write_text("run: mine\n")
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "config.yaml").write_text("keep-going: true\n")
    planner = Planner(tmp_path / "c.yaml", tmp_path / "Snakefile", tmp_path / "profile", cores=3)
    jobs = {job.name: job for job in read_jobs(planner.plan(), "results/mine")}
    first, second = "features/fake/0-5.h5", "features/fake/5-9.h5"
    expected = [
        *(
            Job(
                "extract_features",
                ("data.txt",),
                (f"features/fake/{shard}.h5",),
                {"source": "fake", "shard": shard},
                threads=2,
                gpus=1,
                benchmark=f"benchmarks/extract_features/fake/{shard}.tsv",
            )
            for shard in ("0-5", "5-9")
        ),
        Job(
            "link_features",
            (first, second),
            ("features/fake.h5", "features/fake.txt"),
            {"source": "fake"},
        ),
        Job(
            "score_scheme",
            ("features/fake.h5",),
            ("scores/faces.csv",),
            benchmark="benchmarks/score_scheme/faces.tsv",
        ),
    ]
    assert jobs == {job.name: job for job in expected}
    (tmp_path / "data.txt").unlink()
    with pytest.raises(FringeError, match=r"cannot plan this run:\n[\s\S]*data\.txt"):
        planner.plan()


def test_jobs_use_gpus_where_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    planner = Planner(tmp_path / "c.yaml", tmp_path / "Snakefile", tmp_path, 1)
    assert planner.place(run_config({"device": "cuda:1"})) == "cuda"
    assert planner.place(run_config({"device": "cpu"})) == "cpu"
    assert planner.place(run_config({"device": "auto"})) == "cpu"
    (tmp_path / "config.yaml").write_text("executor: slurm\n")
    assert planner.place(run_config({"device": "auto"})) == "cuda"
    (tmp_path / "config.yaml").unlink()
    fake = tmp_path / "nvidia-smi"
    fake.write_text("#!/bin/sh\necho 'GPU 0: one'\n")
    fake.chmod(0o755)
    assert planner.place(run_config({"device": "auto"})) == "cuda"
