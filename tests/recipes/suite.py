"""Run tests of a copy of the project in forks of a process that has imported the libraries.

A fork imports the copy's own library, so an edit between two calls takes effect.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["Suite"]

LIBRARIES = (
    *("pytest", "h5py", "jsonschema", "numpy", "pandas", "PIL.Image", "pydantic"),
    *("scipy.linalg", "scipy.spatial.distance", "xdist.scheduler", "yaml"),
)


class Suite:
    """The tests of the copy in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=folder,
            env={**kept, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *tests: str) -> tuple[int, str]:
        """Return the exit status and the output of pytest for some tests."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with tempfile.NamedTemporaryFile("r") as printed:
            self.process.stdin.write(json.dumps([printed.name, *tests]) + "\n")
            self.process.stdin.flush()
            status = int(self.process.stdout.readline())
            return status, printed.read()

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def _serve() -> None:
    for library in LIBRARIES:
        importlib.import_module(library)
    sys.path.remove(str(Path(__file__).parent))
    for line in sys.stdin:
        place, *tests = json.loads(line)
        child = os.fork()
        if not child:
            _run(place, tests)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(place: str, tests: list[str]) -> None:
    import pytest

    with Path(place).open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    status = pytest.main([*tests, "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"])
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve()
