"""Fringe on a GPU: measurements in parts, each compared with a rival in the same run.

    benchmarks/gpu.sh [--out FOLDER] [--parts generator,extraction] [--small] [--seconds 570]

Each part is a separate process with a budget of seconds. A part that exceeds its budget is ended
and named, its measurements are kept, and the next part starts. The files in FOLDER are
`results.md`, `results.csv` and `results.json`, with a row for each figure, and `rates.json` for
`fringe estimate --rates`. `rates.json` is only written if each rate was measured. Exits with 1 if a
part failed or ran out of time.

Without a GPU, or with --small, sizes are small. The first line of the table and of the output
states this.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gpu_parts import PARTS, machine, table
from gpu_parts.rows import Row, read_rows

HERE = Path(__file__).resolve().parent
# NumPy's and PyTorch's libraries use one thread on a CPU, because rates are for one core.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SECONDS = 570  # for all parts: ten minutes minus the time of the start and of the tables


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="$OUT by default, else benchmarks/results-gpu")
    parser.add_argument(
        "--parts", default=",".join(PARTS), help="parts to run, separated by commas"
    )
    parser.add_argument("--small", action="store_true", help="the small form, on a GPU too")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="limit for all parts together"
    )
    parser.add_argument("--weights", type=Path, help="weight file of Inception; random by default")
    options = parser.parse_args()
    names = options.parts.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    out = options.out or Path(os.environ.get("OUT") or HERE / "results-gpu")
    about = machine.describe()
    form = "full" if about["device"] == "cuda" and not options.small else "small"
    print(machine.headline(about, form), flush=True)

    def missing(rows: list[Row]) -> list[Row]:
        return table.missing_rates(rows, str(about["device"]))

    rows: list[Row] = []
    end = time.monotonic() + options.seconds
    for index, name in enumerate(names):
        budget = share(names[index:], end - time.monotonic())
        command = [sys.executable, "-m", "gpu_parts", name, form, str(about["device"])]
        if options.weights:
            command += [str(options.weights.resolve())]
        found = run_part(name, command, budget, ONE_THREAD if about["device"] == "cpu" else {})
        rows += found
        # Written after each part, so that an interrupted run keeps its measurements.
        table.write(out, rows + missing(rows), about, form)
    rows += missing(rows)
    print(f"\n{table.markdown(rows, about, form)}")
    print(f"\nwritten to {out}")
    return 1 if any(row.part in names and row.failed for row in rows) else 0


def share(names: list[str], left: float) -> float:
    """Return the share of the remaining seconds for the first of the remaining parts.

    The unused time of a part goes to the parts after it.
    """
    return left * PARTS[names[0]].seconds / sum(PARTS[name].seconds for name in names)


def run_part(
    name: str, command: list[str], budget: float, settings: Mapping[str, str] | None = None
) -> list[Row]:
    """Return the rows of a part; its process writes them to the file in its last argument.

    If the part fails or takes longer than ``budget`` seconds, a row names the part. ``settings``
    are added to the environment of the process.
    """
    print(f"\n{name}: {max(budget, 0):.0f} s at most", flush=True)
    if budget <= 0:
        return [Row(name, name, failure="not begun: no time is left")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.touch()
        log = Path(folder) / "log"
        start = time.monotonic()
        with log.open("w") as errors:
            process = subprocess.Popen(
                [*command, str(path)],
                cwd=HERE,
                stdout=errors,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(settings or {}), "TMPDIR": folder},
                # This also ends its children, such as compilers and decoders.
                start_new_session=True,
            )
            try:
                code: int | None = process.wait(budget)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        rows = read_rows(path)
        if code is None:
            rows.append(Row(name, name, failure=f"out of time: ended after {budget:.0f} s"))
        elif code:
            last = log.read_text(errors="replace").strip().splitlines() or ["no message"]
            rows.append(Row(name, name, failure=f"failed: {last[-1][:300]}"))
        for row in rows:
            print(f"  {row}", flush=True)
        print(f"  {time.monotonic() - start:.0f} s", flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
