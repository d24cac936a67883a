"""Messages of .ci/run about programs that it cannot install; all programs are substitutes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[1] / ".ci" / "run"
SLURM = ".ci/run: the tests of tests/cluster are skipped"
CHROMIUM = ".ci/run: no browser opens a report"

APT = """\
echo "apt-get $*" >> notes
case "$*" in
  *update)
    if [ -e busy ]; then rm busy; echo "E: Could not get lock lists/lock" >&2; exit 100; fi ;;
  *slurm*) [ -e network ] && cp make bin/slurmctld ;;
  *chromium*) [ -e network ] && cp make bin/chromium ;;
esac
"""
MAKE = """\
case "$*" in
  dev) [ ! -e offline ] ;;
  test) : > tested; [ ! -e broken ] ;;
esac
"""


def ci(folder: Path, *files: str, root: bool = True) -> tuple[int, list[str], list[str]]:
    """Run .ci/run in a folder with these files; return its status, its output and its calls."""
    (folder / ".ci").mkdir()
    shutil.copy(RUN, folder / ".ci")
    (folder / "bin").mkdir()
    for name, body in {
        "apt-get": APT,
        "id": f"echo {0 if root else 1000}",
        "timeout": 'shift; exec "$@"',
        "sleep": 'echo "sleep $*" >> notes',
        "make": MAKE,
    }.items():
        path = folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    for name in ("bash", "dirname", "sh", "rm", "cp", "env"):
        (folder / "bin" / name).symlink_to(str(shutil.which(name)))
    shutil.copy(folder / "bin" / "make", folder / "make")
    for name in files:
        (folder / name).touch()
    done = subprocess.run(
        [str(folder / ".ci" / "run")],
        cwd=folder,
        env={"PATH": str(folder / "bin")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    notes = folder / "notes"
    calls = notes.read_text().splitlines() if notes.exists() else []
    return done.returncode, done.stdout.splitlines(), calls


def test_nothing_is_reported_if_everything_can_be_installed(tmp_path: Path) -> None:
    status, said, _ = ci(tmp_path, "network")
    assert (status, said) == (0, [])
    assert (tmp_path / "tested").exists()


@pytest.mark.parametrize("broken", [False, True])
def test_missing_programs_are_also_reported_at_the_end(tmp_path: Path, broken: bool) -> None:
    status, said, calls = ci(tmp_path, *["broken"] * broken)
    assert (status != 0) == broken
    assert [line.startswith(SLURM) for line in said] == [True, False, True, False]
    assert [line.startswith(CHROMIUM) for line in said] == [False, True, False, True]
    assert any("DPkg::Lock::Timeout=180 install" in call for call in calls)


def test_without_an_environment_nothing_is_tested(tmp_path: Path) -> None:
    status, said, _ = ci(tmp_path, "network", "offline")
    assert (status != 0, said) == (True, [])
    assert not (tmp_path / "tested").exists()


def test_the_script_waits_for_a_busy_package_manager(tmp_path: Path) -> None:
    status, said, calls = ci(tmp_path, "network", "busy")
    assert (status, said) == (0, [])
    assert calls[:3] == ["apt-get -qq update", "sleep 5", "apt-get -qq update"]


def test_without_root_nothing_is_installed(tmp_path: Path) -> None:
    status, said, calls = ci(tmp_path, "network", root=False)
    assert (status, len(said), calls) == (0, 4, [])
