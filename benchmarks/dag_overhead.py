"""Compare the time of a whole run with the time that its jobs spend in their own work.

    python benchmarks/dag_overhead.py --configfile config/demo.yaml --cores 2
    FRINGE_FORKS=no python benchmarks/dag_overhead.py  # an interpreter for each job

Runs the workflow in a temporary folder and prints three parts of cores x wall time: the time of
jobs in their only library call (the last line of each log), the time of starting their processes
and importing the library, and idle time (building the DAG, scheduling, a core without a ready job).
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", default=ROOT / "config" / "demo.yaml", type=Path)
    parser.add_argument("--cores", default=os.cpu_count(), type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
                *("--directory", folder, "--cores", str(options.cores), "--quiet", "all"),
                *("--configfile", options.configfile.resolve()),
                *("--workflow-profile", ROOT / "profiles" / "local"),
            ],
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        wall = time.monotonic() - start
        logs = [path.read_text() for path in Path(folder).glob("results/*/logs/**/*.log")]
        own = sum(float(found[1]) for log in logs if (found := re.search(r"done in (\S+) s", log)))
        # Snakemake's record of every output; the outputs of one job share its log.
        records = map(
            json.loads, (p.read_text() for p in Path(folder).glob(".snakemake/metadata/*"))
        )
        jobs = {str(r["log"]): r["endtime"] - r["starttime"] for r in records if r["log"]}
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = options.cores * wall
    print(f"{len(jobs)} jobs on {options.cores} cores in {wall:.1f} s")
    print(f"processor time of all processes: {used.ru_utime + used.ru_stime:.1f} s")
    for name, seconds in (
        ("own work", own),
        ("starting processes", sum(jobs.values()) - own),
        ("scheduling and idle", total - sum(jobs.values())),
    ):
        print(f"  {name:20} {seconds:8.1f} core-seconds {seconds / total:6.1%}")
    print(f"overhead: {total / own - 1:.1%} of the jobs' own time")


if __name__ == "__main__":
    main()
