"""Scripts in forks: they behave as in a new interpreter, also when a process is killed."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from snakemake.benchmark import BenchmarkRecord

from fringe.running import forks
from fringe.running.forks import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks jobs")

# Properties by which a script could notice how it was started.
ABOUT = """\
import __main__, json, multiprocessing, os, random, signal, sys, tempfile, threading
import matplotlib, numpy, torch
about = {
    "argv": sys.argv,
    "backend": matplotlib.get_backend(),
    "cuda": [torch.cuda.is_initialized(), torch.cuda._is_in_bad_fork()],
    "environment": dict(os.environ),
    "executable": sys.executable,
    "file": __file__,
    "files": [fd for fd in range(3, 20) if os.path.exists(f"/proc/self/fd/{fd}")],
    "folder": os.getcwd(),
    "group": os.getpgrp(),
    "handlers": [repr(signal.getsignal(n)) for n in range(1, 32) if n not in (9, 19)],
    "main": __main__.__dict__ is globals(),
    "masked": [int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "name": __name__,
    "path": sys.path,
    "process": multiprocessing.current_process().name,
    "tempdir": tempfile.gettempdir(),
    "threads": [torch.get_num_threads(), threading.active_count()],
}
numbers = [random.random(), numpy.random.random(), torch.initial_seed()]
json.dump([about, numbers], open("about.json", "w"))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server in the environment of the tests."""
    server = Server(dict(os.environ))
    yield server
    server.stop()


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a script in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").mkdir()
    return tmp_path / "scripts" / "job.py"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server without imports, which is ready at once."""
    text, place = forks.SERVER.read_text(), tmp_path / "bare_server.py"
    assert text.count("    preload(") == 1
    place.write_text(text.replace("    preload(", "    str("))
    monkeypatch.setattr(forks, "SERVER", place)
    return place


@pytest.fixture
def shell(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A patched copy of Snakemake's shell, so that its `subprocess` can be replaced."""
    specification = importlib.util.find_spec("snakemake.shell")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    forks.patch(module)
    assert isinstance(module.sp, SimpleNamespace)
    servers = []

    def noted(environment: dict[str, str]) -> Server:
        servers.append(Server(environment))
        return servers[-1]

    monkeypatch.setattr(forks, "Server", noted)
    yield module
    for server in servers:
        server.stop()


def environment(**others: str) -> dict[str, str]:
    """Return the environment that Snakemake sets for a job."""
    return {**os.environ, **dict.fromkeys(forks.THREADS, "1"), **others}


def gone(process: int) -> bool:
    """Return whether a process has ended, even if no process has waited for it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def when(file: Path, act: Callable[[], None]) -> None:
    """Call a function as soon as a file exists."""

    def watch() -> None:
        wait_for(file.exists)
        time.sleep(0.2)  # until the file is written
        act()

    threading.Thread(target=watch, daemon=True).start()


def call(shell: ModuleType, script: Path, **options: Any) -> None:
    """Run a script as Snakemake does."""
    shell.shell("{py} {fname:q}", py=sys.executable, fname=str(script), **options)


def test_a_fork_looks_like_a_new_interpreter(server: Server, script: Path, tmp_path: Path) -> None:
    script.write_text(ABOUT)
    job = environment(**dict.fromkeys(forks.THREADS, "2"), TMPDIR=str(tmp_path))
    starts: list[Callable[[], int]] = [
        lambda: subprocess.run([sys.executable, str(script)], env=job).returncode,
        lambda: server.fork(str(script), job).wait(),
        lambda: server.fork(str(script), job).wait(),
    ]
    seen = []
    for start in starts:
        assert start() == 0
        seen.append(json.loads((tmp_path / "about.json").read_text()))
    (ordinary, numbers), (forked, others), (again, further) = seen
    assert ordinary == forked == again
    assert len({*numbers, *others, *further}) == 9


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("print('done')", 0),
        ("raise ValueError('wrong')", 1),
        ("def fail():\n    1 / 0\ntry:\n    fail()\nfinally:\n    fail()", 1),
        ("if :", 1),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('message')", 1),
        ("import os; os._exit(7)", 7),
        ("import atexit; atexit.register(print, 'at the end')", 0),
        ("import threading; threading.Timer(0.1, print, ['a thread']).start()", 0),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os; os.kill(os.getpid(), 15)", -15),
        ("import os; os.kill(os.getpid(), 2)", -2),
        ("print(input())", 1),
    ],
)
def test_a_fork_ends_like_an_interpreter(
    server: Server, script: Path, capfd: pytest.CaptureFixture[str], body: str, status: int
) -> None:
    script.write_text(body)
    command = [sys.executable, str(script)]
    ordinary = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    given, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        assert server.fork(str(script), environment()).wait() == ordinary.returncode == status
    finally:
        os.dup2(given, 0)
        os.close(given)
        os.close(nothing)
    assert capfd.readouterr() == (ordinary.stdout, ordinary.stderr)


def test_a_job_in_a_different_environment_gets_no_fork(server: Server) -> None:
    one = {**server.environment, "TMPDIR": "/elsewhere", "OMP_NUM_THREADS": "7"}
    assert server.fits(one)
    assert not server.fits({**one, "CUDA_VISIBLE_DEVICES": "1"})


def test_the_server_has_no_threads_that_forks_need(server: Server, script: Path) -> None:
    """Only pyarrow's allocator (jemalloc) has a thread, and restarts it in forks."""
    script.write_text("")
    assert server.fork(str(script), environment()).wait() == 0  # so all imports are done
    threads = Path(f"/proc/{server.process.pid}/task").glob("*/comm")
    names = [thread.read_text().strip() for thread in threads]
    assert len([name for name in names if name != "jemalloc_bg_thd"]) == 1


def test_a_signal_to_all_processes_does_not_end_the_server(
    server: Server, script: Path, tmp_path: Path
) -> None:
    script.write_text("open('begun', 'w'); import time; time.sleep(100)")
    fork = server.fork(str(script), environment())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        server.process.send_signal(number)
    when(tmp_path / "begun", lambda: os.kill(fork.pid, signal.SIGTERM))
    assert fork.wait() == -signal.SIGTERM
    assert server.fork(str(script), environment()).pid
    assert server.process.poll() is None


def test_a_job_fails_if_its_server_is_killed(
    shell: ModuleType, script: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No fork continues after Snakemake counts it as failed. Later jobs start normally."""
    script.write_text(
        "import os; open('begun', 'w').write(f'{os.getpid()} {os.getppid()}')\n"
        "import time; time.sleep(100)"
    )

    def kill() -> None:
        os.kill(int((tmp_path / "begun").read_text().split()[1]), signal.SIGKILL)

    when(tmp_path / "begun", kill)
    with pytest.raises(subprocess.CalledProcessError, match="died with"):
        call(shell, script)
    assert gone(int((tmp_path / "begun").read_text().split()[0]))
    # The prefix `warning:` is added where the message is shown.
    assert caplog.messages == ["the process that starts jobs was killed; its jobs are killed too"]
    script.write_text("import os; open('parent', 'w').write(str(os.getppid()))")
    call(shell, script)
    assert (tmp_path / "parent").read_text() == str(os.getpid())


def test_snakemake_starts_only_scripts_as_forks(
    shell: ModuleType, bare: Path, script: Path, tmp_path: Path
) -> None:
    script.write_text(
        "import json, os, time\n"
        "text = open(f'/proc/{os.getppid()}/cmdline').read()\n"
        "json.dump([text, os.environ['OMP_NUM_THREADS'], os.getpid()], open('seen', 'w'))\n"
        "begin = time.process_time()\n"
        "while time.process_time() < begin + 0.8: pass\n"
    )
    record = BenchmarkRecord()
    call(shell, script, threads=3, bench_record=record)
    about, threads, process = json.loads((tmp_path / "seen").read_text())
    assert str(bare) in about
    assert threads == "3"
    assert {number for number, _ in record.processed_procs} == {process}
    assert 0.2 < record.cpu_time < 3
    assert record.max_rss > record.max_uss > 0
    # A different command, as with conda, and a command whose output is captured.
    for command in ("true && {python} {script}", "env {python} {script}"):
        shell.shell(command, python=sys.executable, script=str(script))
        assert str(bare) not in json.loads((tmp_path / "seen").read_text())[0]
    printed = shell.shell("{python} {script}", python=sys.executable, script=str(script), read=True)
    assert printed == ""
    assert str(bare) not in json.loads((tmp_path / "seen").read_text())[0]


def test_a_failing_script_is_reported_as_without_forks(shell: ModuleType, script: Path) -> None:
    script.write_text("raise SystemExit(1)")
    with pytest.raises(subprocess.CalledProcessError) as forked:
        call(shell, script)
    with pytest.raises(subprocess.CalledProcessError) as before:
        call(importlib.import_module("snakemake.shell"), script)
    assert str(forked.value) == str(before.value)


def test_the_server_ends_with_its_run(bare: Path, script: Path, tmp_path: Path) -> None:
    """The job of a killed run continues to its end, as without forks."""
    script.write_text("open('begun', 'w'); import time; time.sleep(1); open('ended', 'w')")
    run = (
        "import os; from pathlib import Path\n"
        "from fringe.running import forks\n"
        f"forks.SERVER = Path({str(bare)!r})\n"
        "server = forks.Server(dict(os.environ)); print(server.process.pid, flush=True)\n"
        f"server.fork({str(script)!r}, dict(os.environ)).wait(); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        wait_for((tmp_path / "begun").exists)
        assert not gone(server)
        process.kill()
    wait_for(lambda: gone(server))
    wait_for((tmp_path / "ended").exists)


def test_forks_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("shell")
    module.sp = subprocess  # type: ignore[attr-defined]
    monkeypatch.setenv(forks.SWITCH, "no")
    forks.patch(module)
    assert module.sp is subprocess
    monkeypatch.delenv(forks.SWITCH)
    monkeypatch.setattr(sys, "platform", "darwin")
    forks.patch(module)
    assert module.sp is subprocess
