"""`fringe run` and related commands, with a fake Snakemake."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from fringe.cli import _parse, main
from fringe.running import launch

REPOSITORY = Path(__file__).resolve().parents[2]
FRINGE = Path(sys.executable).with_name("fringe")

# A dry run plans nothing, and takes a minute if a file `slow` exists. A run records its
# arguments, waits while a file `hold` exists, and ends with the status in the file `status`.
SNAKEMAKE = """
import json, os, signal, sys, time
from pathlib import Path

def note(**what):
    with open("calls", "a") as file:
        print(json.dumps(what), file=file, flush=True)

def stop(number, _):
    note(signal=number)
    Path("hold").unlink(missing_ok=True)

def main():
    print("what Snakemake says", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    note(arguments=sys.argv[1:], threads=os.environ.get("OMP_NUM_THREADS"))
    end = time.monotonic() + 60
    while Path("hold").exists() and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.2)  # for a second signal
    status = Path("status")
    sys.exit(int(status.read_text()) if status.exists() else 0)

if "--nocolor" in sys.argv:
    if Path("slow").exists():
        Path("planning").write_text(str(os.getpid()))
        time.sleep(60)
    print("Nothing to be done")
else:
    main()
"""

# In YAML's flow style, on one line, with a space in the folder of results.
CONFIG = {
    "run": "mine",
    "device": "cpu",
    "network": "efficientnet-lite0",
    "results": "my results",
    "sources": {
        "real": {"kind": "photos", "count": 60, "resolution": 32},
        "fake": {"kind": "imitation", "count": 120, "resolution": 32},
    },
    "datasets": {"faces": {"real": "real", "generated": "fake"}},
    "evaluation": {"n_real": 20, "n_generated": 60},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and a fake Snakemake that records calls."""
    folder = tmp_path / "a project"
    package = folder / "fake" / "snakemake"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(SNAKEMAKE)
    flow = yaml.safe_dump(CONFIG, default_flow_style=True, width=10_000)
    assert flow.count("\n") == 1
    (folder / "my run.yaml").write_text(flow)
    monkeypatch.chdir(folder)
    paths = [str(folder / "fake"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(launch, "gpu_is_here", lambda: False)
    return folder


def finish(folder: Path) -> None:
    """Write the last files of a run of `CONFIG`."""
    results = folder / "my results/mine"
    (results / "tables").mkdir(parents=True)
    for number in (1, 2):
        text = f"# Table {number}\n\n| dataset | FID |\n|---|---|\n| Faces {number} | 3 |\n"
        (results / f"tables/table{number}.md").write_text(text)
    for name in ("index.html", "report.html", "verdict.md"):
        (results / name).touch()


def calls(folder: Path) -> list[dict[str, object]]:
    """Return the recorded calls in order."""
    path = folder / "calls"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_run_is_estimated_made_and_summarized(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    finish(project)
    assert main(["run", "my run.yaml", "--cores", "3"]) == 0
    (call,) = calls(project)
    assert call["arguments"] == [
        *("--configfile", "my run.yaml", "--cores", "3", "--logger", "fringe"),
        *("--quiet", "reason", "host", "rules"),
        *("--report", "my results/mine/report.html", "--report-after-run"),
        *("--workflow-profile", str(REPOSITORY / "profiles/local")),
        *("--snakefile", str(REPOSITORY / "Snakefile")),
    ]
    assert call["threads"] == "1"
    parts = ("Planning my run.yaml", "mine: all jobs are done.", "what Snakemake says", "Faces 2")
    parts += ("Page: my results/mine/index.html   Provenance: my results/mine/report.html",)
    printed = capfd.readouterr().out
    places = [printed.index(part) for part in parts]
    assert places == sorted(places)
    assert (project / "my results/mine/estimate.json").is_file(), "stored for the page Cost"


def test_options_reach_snakemake(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(project)
    monkeypatch.setattr(launch, "gpu_is_here", lambda: True)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    own = ["run", "my run.yaml", "--cores", "3", "--allow-missing"]
    assert main([*own, "--", "--resources", "gpu=4", "--forcerun", "render_images"]) == 0
    (call,) = calls(project)
    arguments = call["arguments"]
    assert isinstance(arguments, list)
    text = shlex.join(arguments)
    assert "--cores 3 --resources gpu=1 --config missing=skip --logger fringe --quiet" in text
    assert text.endswith("/Snakefile --resources gpu=4 --forcerun render_images")
    assert call["threads"] == "2"


@pytest.mark.parametrize("profile", ["slurm", str(REPOSITORY / "profiles/slurm")])
def test_cores_are_not_set_for_a_profile_that_submits_jobs(project: Path, profile: str) -> None:
    finish(project)
    assert main(["run", "my run.yaml", "--cores", "3", "--profile", profile]) == 0
    (call,) = calls(project)
    arguments = call["arguments"]
    assert isinstance(arguments, list)
    assert "--cores" not in arguments
    assert arguments[-4:] == [
        *("--workflow-profile", str(REPOSITORY / "profiles/slurm")),
        *("--snakefile", str(REPOSITORY / "Snakefile")),
    ]


def test_a_profile_in_the_current_folder_takes_precedence(project: Path) -> None:
    """So a user of an installed Fringe can edit a copy of profiles/slurm."""
    for name in ("slurm", "local"):
        shutil.copytree(REPOSITORY / "profiles" / name, project / "profiles" / name)
    finish(project)
    for options, profile in (
        (["--profile", "slurm"], "profiles/slurm"),
        (["--profile", "local"], "profiles/local"),
        ([], str(REPOSITORY / "profiles/local")),
    ):
        assert main(["run", "my run.yaml", *options]) == 0
        arguments = calls(project)[-1]["arguments"]
        assert isinstance(arguments, list)
        assert arguments[arguments.index("--workflow-profile") + 1] == profile


def test_another_snakefile_may_be_named(project: Path) -> None:
    (project / "Snakefile").touch()
    (project / "profiles/local").mkdir(parents=True)
    (project / "profiles/local/config.yaml").touch()
    finish(project)
    assert main(["run", "my run.yaml", "--snakefile", "Snakefile"]) == 0
    (call,) = calls(project)
    arguments = call["arguments"]
    assert isinstance(arguments, list)
    assert arguments[-4:] == [
        *("--workflow-profile", "profiles/local", "--snakefile", "Snakefile"),
    ]


def test_an_unused_clone_causes_a_warning(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    finish(project)
    (project / "Snakefile").touch()
    assert main(["run", "my run.yaml"]) == 0  # of another project
    assert "is not used" not in capfd.readouterr().err
    (project / "src/fringe").mkdir(parents=True)
    assert main(["run", "my run.yaml"]) == 0
    said = f"{project / 'Snakefile'} is not used, because this command belongs to another copy of "
    assert said in capfd.readouterr().err
    assert [call["arguments"][-1] for call in calls(project)] == [str(REPOSITORY / "Snakefile")] * 2


def test_the_exit_status_is_snakemake_s(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "status").write_text("3")
    assert main(["run", "my run.yaml"]) == 3
    assert "Page:" not in capfd.readouterr().out
    (project / "status").write_text("0")
    assert main(["run", "my run.yaml"]) == 1
    assert "table1.md: missing; run the workflow again" in capfd.readouterr().err
    # Targets other than the tables may have been requested.
    assert main(["run", "my run.yaml", "--", "my results/mine/self_check.md"]) == 0


@pytest.mark.parametrize("option", ["--dry-run", "-n", "-np", "--dryrun"])
def test_a_dry_run_writes_nothing(project: Path, option: str) -> None:
    assert main(["run", "my run.yaml", "--", option]) == 0
    (call,) = calls(project)
    arguments = call["arguments"]
    assert isinstance(arguments, list)
    assert "--report" not in arguments
    assert arguments[-1] == option
    assert not (project / "my results").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.yaml"], "fringe: gone.yaml: does not exist; give the path of a configuration"),
        (["fake"], "fringe: fake: is a folder"),
        (["my run.yaml", "--profile", "lsf"], "fringe: --profile lsf: no such profile; "),
        (["my run.yaml", "--snakefile", "x"], "fringe: x: does not exist; omit --snakefile"),
        (["my run.yaml", "--", "--config", "a=1"], "fringe: --config after --: `fringe run` sets"),
        (["my run.yaml", "--", "--report=a"], "fringe: --report after --: `fringe run` sets"),
    ],
)
def test_errors_are_reported_before_anything_runs(
    project: Path, capfd: pytest.CaptureFixture[str], arguments: Sequence[str], said: str
) -> None:
    assert main(["run", *arguments]) == 1
    printed = capfd.readouterr().err
    assert printed.startswith(said)
    assert "Traceback" not in printed
    assert calls(project) == []


def test_profiles_are_found_by_name_and_path(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "my run.yaml", "--profile", "lsf"]) == 1
    assert "name one of local, slurm, or a folder with a config.yaml" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: CONFIG.yaml"),
        (["my run.yaml", "--dry-run"], "--dry-run; write options of Snakemake after --"),
        (["my run.yaml", "--profiles", "x"], "--profiles x; similar options: --profile; write"),
        (["my run.yaml", "--cores", "0"], "'0' is not a whole number of at least 1"),
        (["my run.yaml", "--cores", "two"], "'two' is not a whole number of at least 1"),
    ],
)
def test_invalid_arguments_are_refused(
    project: Path, capfd: pytest.CaptureFixture[str], arguments: Sequence[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", *arguments])
    assert stop.value.code == 2
    assert said in capfd.readouterr().err
    assert calls(project) == []


def test_faults_of_a_configuration_are_reported(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (project / "my run.yaml").read_text().replace("generated: fake", "generated: nobody")
    (project / "wrong.yaml").write_text(text)
    for command in ("run", "estimate"):
        assert main([command, "wrong.yaml"]) == 1
        assert "fringe: wrong.yaml: the configuration has 1 fault:" in capfd.readouterr().err
    (project / "wrong.yaml").write_text("run:\n\tmine\n")
    assert main(["run", "wrong.yaml"]) == 1
    assert "wrong.yaml: is not YAML (line 2: a tab" in capfd.readouterr().err


def test_a_home_without_write_permission_is_reported(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Snakemake itself would end with a traceback."""
    (project / "file").touch()
    monkeypatch.setenv("HOME", str(project / "file"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert main(["estimate", "my run.yaml"]) == 1
    printed = capfd.readouterr().err
    assert "file/.cache/snakemake: Snakemake cannot write its cache there" in printed
    assert "export XDG" in printed
    monkeypatch.setenv("XDG_CACHE_HOME", str(project / "cache"))
    assert main(["estimate", "my run.yaml"]) == 0
    assert (project / "cache" / "snakemake").is_dir()


def started(folder: Path, process: subprocess.Popen[str] | None = None) -> None:
    """Wait until the fake Snakemake has been called."""
    limit = time.monotonic() + 60
    while not calls(folder):
        assert process is None or process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_snakemake_once(project: Path, number: signal.Signals) -> None:
    (project / "hold").touch()
    (project / "status").write_text("5")
    process = subprocess.Popen(
        [FRINGE, "run", "my run.yaml"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    started(project, process)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 5
    assert [call["signal"] for call in calls(project)[1:]] == [number]
    assert "Page:" not in printed
    # And the run can be started again.
    (project / "status").unlink()
    finish(project)
    assert main(["run", "my run.yaml"]) == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_planning(project: Path, number: signal.Signals, status: int) -> None:
    (project / "slow").touch()
    process = subprocess.Popen([FRINGE, "run", "my run.yaml"], start_new_session=True)
    planning = project / "planning"
    limit = time.monotonic() + 60
    while not planning.exists() or not planning.read_text():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(timeout=30) == status
    with pytest.raises(ProcessLookupError):
        os.kill(int(planning.read_text()), 0)
    assert calls(project) == []


def test_ctrl_c_reaches_snakemake_once(project: Path) -> None:
    """The terminal sends it to both processes."""
    (project / "hold").touch()
    (project / "status").write_text("5")
    child, terminal = pty.fork()
    if child == 0:
        os.execv(FRINGE, ["fringe", "run", "my run.yaml"])
    started(project)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 5
    assert [call["signal"] for call in calls(project)[1:]] == [signal.SIGINT]


def test_a_killed_snakemake_gives_the_status_of_shells() -> None:
    assert launch.call([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 137


def test_cost_takes_a_folder_or_a_configuration(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for asked in ("my results/mine", "my run.yaml"):
        (project / "my results/mine").mkdir(parents=True, exist_ok=True)
        assert main(["cost", asked]) == 1
        said = "fringe: my results/mine/benchmarks: no job has written its time there"
        assert capfd.readouterr().err.startswith(said)
    path = project / "my results/mine/benchmarks/score_scheme/a.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("s\th:m:s\tmax_rss\n36.0\t0:00:36\t10\n")
    assert main(["cost", "my results/mine"]) == 0
    by_folder = capfd.readouterr().out
    assert "score_scheme" in by_folder
    assert main(["cost", "my run.yaml"]) == 0
    assert capfd.readouterr().out == by_folder
    assert main(["cost", "gone"]) == 1
    assert "gone: does not exist; give the path of a configuration" in capfd.readouterr().err


def test_documents_are_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config").mkdir()
    shutil.copy(REPOSITORY / "config/config.yaml", tmp_path / "config")
    assert main(["docs", str(tmp_path)]) == 0
    assert f"{tmp_path}/docs/paper.md: written" in capfd.readouterr().out
    for name in ("config/schema.json", "docs/configuration.md", "docs/paper.md"):
        assert (tmp_path / name).read_text() == (REPOSITORY / name).read_text()


def commands_of_make(*arguments: str) -> list[list[str]]:
    """Return the arguments of each call of fringe by a target of make."""
    printed = subprocess.run(
        ["make", "-n", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    lines = [shlex.split(line) for line in printed.splitlines() if "bin/fringe " in line]
    return [line[1:] for line in lines]


@pytest.mark.parametrize("config", ["config/demo.yaml", "my run.yaml", 'it\'s "mine" & $(x).yaml'])
def test_make_calls_fringe(config: str) -> None:
    """Fringe accepts each call, with the path as given."""
    given = f"CONFIG={config.replace('$', '$$')}"
    for target, names in (
        ("run", ["run"]),
        ("estimate", ["estimate"]),
        ("stage", ["stage"]),
        ("cluster", ["run"]),
        ("resume", ["cancel", "run"]),
        ("demo", ["demo"]),
    ):
        called = commands_of_make(target, given, "CORES=3")
        assert [call[0] for call in called] == names
        options = _parse(called[-1])
        assert target == "demo" or str(options.config) == config
        assert getattr(options, "cores", 3) == 3
        assert getattr(options, "profile", None) == (
            "slurm" if target in ("cluster", "resume") else None
        )
    for target in ("paper", "cluster-paper"):
        ((*_, last),) = [[_parse(call) for call in commands_of_make(target)]]
        assert str(last.config) == "config/config.yaml"


@pytest.mark.parametrize("target", ["run", "cluster", "stage", "paper", "demo", "estimate"])
def test_make_passes_allow_missing(target: str) -> None:
    for asked, allowed in (("=1", True), ("=0", False), ("=", False)):
        (called,) = commands_of_make(target, f"ALLOW_MISSING{asked}")
        assert _parse(called).allow_missing == allowed
    (called,) = commands_of_make(target)
    assert not _parse(called).allow_missing
