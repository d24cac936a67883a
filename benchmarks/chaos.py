"""Strike a small complete run with random faults, and compare it with an undisturbed run.

    python benchmarks/chaos.py --strikes 200 --seed 1

Intermediate states of an undisturbed run of all rules are kept. A round takes a copy of one state
and strikes it several times, before starts of `snakemake` and while it works:

    kill     SIGKILL, SIGTERM or SIGINT to all its processes, Snakemake, a job or a decode worker
    cut      an artifact, or a file of the data, truncated at a random byte
    flip     a bit of an artifact
    swap     two artifacts of one kind exchanged
    replace  a file of the data replaced while the run reads it, then put back; or a FIFO or a
             link instead of a file
    fill     the disk of the run full (a file system in memory), or the size of files limited
    clock    times of files in the future, in the past, equal or shuffled
    delete   artifacts, their folders, or remembered data of Snakemake and Fringe

The copy is then started again, with the same command, until the run reports that it is done. Every
dataset and attribute of HDF5 files, every row of tables and scores, every pixel of figures and
every other byte is compared with the undisturbed run. Only times may differ. If a struck file
differs because no job had a reason to read it, one more start reads the file and must heal it. Any
action other than a start of the run is a manual step. The exit status is 1 if anything is wrong or
a manual step was needed.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from strikes.kinds import KINDS, Strike
from strikes.rounds import CODE, DONE, Round, prepare, strike_round


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strikes", default=200, type=int, help="total number")
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument(
        "--kinds", default=",".join(KINDS), help="kinds of strikes, separated by commas"
    )
    parser.add_argument("--batch", default=10, type=int, help="strikes in a round")
    parser.add_argument("--rounds", help="numbers of the rounds to run, such as 3,7")
    parser.add_argument("--cores", default=os.cpu_count(), type=int, help="cores of each run")
    parser.add_argument("--parallel", default=1, type=int, help="rounds at a time")
    parser.add_argument(
        "--timeout", default=1200.0, type=float, help="limit on the seconds of a start"
    )
    parser.add_argument(
        "--states", type=Path, help="folder of the undisturbed run, to use it again"
    )
    parser.add_argument("--keep", type=Path, help="folder for a record, and rounds that went wrong")
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"--kinds: {', '.join(sorted(unknown))}: not among {', '.join(KINDS)}")

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        states = options.states or folder / "states"
        if not (states / DONE).exists():
            prepare(states, options.cores, options.timeout)
            print(f"undisturbed run: {time.monotonic() - began:.0f} s", flush=True)
        found = [*sorted(states.glob("state-*")), states / DONE]

        def strike(number: int, strikes: list[Strike]) -> Round:
            rng = random.Random(f"{options.seed} {number}")
            # The further a run has progressed, the more files can be struck.
            state = rng.choices(found, weights=range(1, len(found) + 1))[0]
            about = strike_round(
                number,
                strikes,
                state,
                states / DONE,
                folder / f"round-{number}",
                rng,
                code=states / CODE,
                cores=options.cores,
                timeout=options.timeout,
                keep=options.keep and options.keep / f"round-{number}",
            )
            report(about)
            if options.keep:
                record(about, options.keep)
            return about

        plan = dict(enumerate(planned(options.strikes, options.batch, kinds, options.seed)))
        if options.rounds:
            plan = {int(number): plan[int(number)] for number in options.rounds.split(",")}
        with ThreadPoolExecutor(options.parallel) as pool:
            rounds = list(pool.map(strike, plan, plan.values()))
    print(table(rounds))
    print(
        f"seed {options.seed}, {len(rounds)} rounds, {(time.monotonic() - began) / 60:.1f} min; "
        f"Python {sys.version.split()[0]}, "
        + ", ".join(f"{one} {version(one)}" for one in ("snakemake", "h5py", "numpy", "torch"))
    )
    sys.exit(any(about.is_bad for about in rounds))


def planned(count: int, batch: int, kinds: list[str], seed: int) -> list[list[Strike]]:
    """Return the strikes of each round: equally many of each kind, but three times the kills."""
    rng = random.Random(seed)
    weighed = [kind for kind in kinds for _ in range(3 if kind == "kill" else 1)]
    drawn = [weighed[number % len(weighed)] for number in range(count)]
    rng.shuffle(drawn)
    strikes = [
        Strike(number, number // batch, kind, during=kind == "kill" or rng.random() < 0.5)
        for number, kind in enumerate(drawn)
    ]
    return [strikes[first : first + batch] for first in range(0, count, batch)]


def report(about: Round) -> None:
    """Print a round, and everything that went wrong in it."""
    outcome = "equal" if not about.wrong else f"{len(about.wrong)} files differ"
    if not about.starts:
        outcome += ", not done by starting it again"
    print(
        f"round {about.number}, from {about.state}: {len(about.strikes)} strikes, {outcome}, "
        f"{about.starts} starts, {about.seconds:.0f} s{'' if about.settled else ', not settled'}",
        *(f"  hung: {start}" for start in about.hung),
        *(f"  {name}: {what}" for name, what in about.wrong.items()),
        *(f"  when read: {name}: {what}" for name, what in about.unread.items()),
        sep="\n",
        flush=True,
    )


def record(about: Round, folder: Path) -> None:
    """Write each strike of a round, and the output of each start, to files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "strikes.jsonl").open("a") as file:
        file.writelines(f"{json.dumps(asdict(strike))}\n" for strike in about.strikes)
    text = "\n".join(f"=== start {n + 1} ===\n{text}" for n, text in enumerate(about.texts))
    (folder / f"round-{about.number}.log").write_text(text)


def table(rounds: list[Round]) -> str:
    """Return a row for each kind of strikes, in Markdown."""
    lines = ["| kind | strikes | noticed | starts needed | jobs run | wrong | manual steps |"]
    lines.append("|---|---:|---|---|---:|---:|---:|")
    manual = {strike.number for one in rounds if not one.starts for strike in one.strikes}
    strikes = [strike for one in rounds for strike in one.strikes]
    for kind in (*KINDS, "all"):
        some = [strike for strike in strikes if kind in (strike.kind, "all")]
        if not some:
            continue
        noticed = Counter(strike.noticed or "had no effect" for strike in some)
        starts = Counter(strike.starts for strike in some)
        lines.append(
            f"| {kind} | {len(some)} | {_counted(noticed)} | {_counted(starts)} | "
            f"{sum(strike.again for strike in some)} | {sum(bool(s.wrong) for s in some)} | "
            f"{sum(strike.number in manual for strike in some)} |"
        )
    return "\n".join(lines)


def _counted(counts: Counter) -> str:
    return ", ".join(f"{what}: {count}" for what, count in sorted(counts.items()))


if __name__ == "__main__":
    main()
