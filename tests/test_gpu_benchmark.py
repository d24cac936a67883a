"""The parts of benchmarks/gpu.sh: measurements, a table without gaps, and time limits."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from fringe.costs.measured_rates import default_rates, read_rates

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

import gpu
from gpu_parts import PARTS, machine, table
from gpu_parts.extraction import loaded, write_random_inception
from gpu_parts.rows import Report, Row, read_rows
from gpu_parts.sizes import SIZES

ABOUT = {
    "device": "cpu",
    "machine": "CPU (a core)",
    "host": "x86_64, 2 cores",
    "driver": "none",
    "torch": "2.0",
    "cuda": "none",
    "cudnn": "none",
    "python": "3.11",
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """The rows of all parts in their tiny form, on the CPU, in this process."""
    folder = tmp_path_factory.mktemp("rows")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "run", lambda *_, **__: None)
        for name, part in PARTS.items():
            path = folder / name
            part.measure(SIZES["tiny"], "cpu", Report(name, path), None)
            found[name] = read_rows(path)
    return found


def all_rows(measured: dict[str, list[Row]]) -> list[Row]:
    return [row for rows in measured.values() for row in rows]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_measures(measured: dict[str, list[Row]], name: str) -> None:
    rows = measured[name]
    assert [row.failure for row in rows if row.failed] == []
    assert all(row.part == name and row.unit and row.figure is not None for row in rows)
    assert any(row.ratio and row.rival for row in rows)


def test_the_results_are_described(measured: dict[str, list[Row]]) -> None:
    """Times differ between calls; these texts do not."""
    remarks = {row.name: row.remark for row in all_rows(measured)}
    assert remarks["filters as sums"].startswith("0.000% of the values of 0 to 255 differ")
    assert remarks["extraction to stored features"].startswith("the same bits")
    between = next(r for r in measured["extraction"] if r.name == "FID between both precisions")
    assert between.figure == pytest.approx(0, abs=1e-9)
    exact = [r.remark for r in measured["kernels"] if r.name.startswith("exact KID")]
    assert len(exact) == 3
    # "KID 0.00697; 5.1e-05 of it from float64's"
    errors = [float(remark.split("; ")[1].split()[0]) for remark in exact]
    assert max(errors) < 1e-3
    assert errors[1] < 1e-6


def test_each_rate_of_an_estimate_is_measured(
    measured: dict[str, list[Row]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = all_rows(measured)
    assert set(table.rates(rows)) == set(default_rates("cpu")), (
        "let a part of benchmarks/gpu_parts measure each rate of an estimate (`report.rate`)"
    )
    assert set(default_rates("cpu")) == set(default_rates("cuda"))
    assert table.missing_rates(rows, "cuda") == []
    table.write(tmp_path, rows, ABOUT, "small")
    found = read_rates(tmp_path / "rates.json")
    assert (found.device, found.machine) == ("cpu", "CPU (a core)")
    assert found.values == table.rates(rows)
    # A new rate of the estimate is missing until a part measures it.
    known = default_rates
    monkeypatch.setattr(table, "default_rates", lambda device: known(device) | {"guessing": 1.0})
    (gap,) = table.missing_rates(rows, "cpu")
    assert (gap.rate, gap.failure) == ("guessing", "not measured")
    table.write(tmp_path, [*rows, gap], ABOUT, "small")
    assert not (tmp_path / "rates.json").exists()
    assert "| rate guessing |  | not measured |" in (tmp_path / "results.md").read_text()


def test_the_tables_of_a_run_are_complete(tmp_path: Path) -> None:
    row = Row("kernels", "KID", "a | b", 12.3456, "s", 2.0, "plain", "a remark")
    failed = Row("solver", "solver", failure="out of time: ended after 80 s")
    table.write(tmp_path, [row, failed], ABOUT, "small")
    text = (tmp_path / "results.md").read_text()
    assert text.startswith("no GPU is here: the small form on one thread of the CPU (a core); ")
    assert "| kernels | KID | a \\| b | 12.35 | s | 2 | plain | a remark |" in text
    assert "| solver | solver |  | out of time: ended after 80 s |" in text
    with (tmp_path / "results.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (float(first["figure"]), first["torch"], first["form"]) == (12.3456, "2.0", "small")
    assert second["failure"].startswith("out of time")
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["rows"][0]["ratio"] == 2.0
    on_gpu = {**ABOUT, "device": "cuda", "machine": "NVIDIA H200", "driver": "580.1"}
    head = machine.headline(on_gpu, "full")
    assert head.startswith("NVIDIA H200, full form; x86_64, 2 cores; driver 580.1, CUDA none")


def test_inception_with_random_weights_has_normal_activations(tmp_path: Path) -> None:
    """The network of the full form; its activations neither vanish nor overflow."""
    path = tmp_path / "inception.pth"
    write_random_inception(path)
    network = loaded("inception", path, "cpu", "float32")
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    features = network(images).features
    assert features.shape == (2, 2048)
    assert features.isfinite().all()
    assert 0.01 < features.std() < 100
    assert SIZES["full"].network == network.name


def part_of(code: str, tmp_path: Path) -> list[str]:
    """Return a command that runs ``code`` with the path of its rows as ``path``."""
    script = tmp_path / "part.py"
    script.write_text(f"import json, os, sys, time\npath = sys.argv[-1]\n{code}\n")
    return [sys.executable, str(script)]


WRITE = """
with open(path, "a") as file:
    file.write(json.dumps({"part": "solver", "name": "one", "figure": 2.0, "unit": "s"}) + "\\n")
    file.write('{"part": "sol')
"""
HANG = "time.sleep(600)"


def test_a_part_that_runs_out_of_time_is_named_and_keeps_its_rows(tmp_path: Path) -> None:
    command = part_of("assert os.environ['OMP_NUM_THREADS'] == '1'" + WRITE + HANG, tmp_path)
    first, last = gpu.run_part("solver", command, 5, gpu.ONE_THREAD)
    assert (first.name, first.figure) == ("one", 2.0)
    assert last == Row("solver", "solver", failure="out of time: ended after 5 s")


def test_a_part_that_fails_is_named(tmp_path: Path, capsys: Any) -> None:
    command = part_of(WRITE + "raise MemoryError('no memory on the GPU')", tmp_path)
    _, last = gpu.run_part("solver", command, 60)
    assert last.failure == "failed: MemoryError: no memory on the GPU"
    assert "solver: failed: MemoryError" in capsys.readouterr().out
    (late,) = gpu.run_part("solver", command, 0)
    assert late.failure == "not begun: no time is left"


def test_a_failing_measurement_does_not_stop_the_others(tmp_path: Path) -> None:
    report = Report("rates", tmp_path / "rows")

    def fails() -> None:
        raise RuntimeError("no compiler\nat all")

    report.attempt("compiled", fails)
    report("other", figure=1.0, unit="s")
    first, second = read_rows(tmp_path / "rows")
    assert first.failure == "failed: RuntimeError: no compiler"
    assert second.figure == 1.0


def test_all_parts_share_ten_minutes() -> None:
    left = gpu.SECONDS
    assert left <= 580
    names = list(PARTS)
    for index, name in enumerate(names):
        budget = gpu.share(names[index:], left)
        assert budget == pytest.approx(PARTS[name].seconds * gpu.SECONDS / 570)
        left -= budget
    assert left == pytest.approx(0)
    # The unused time of the first part goes to the others.
    assert gpu.share(names[1:], gpu.SECONDS - 10) > PARTS[names[1]].seconds
