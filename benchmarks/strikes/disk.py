"""A small separate disk for a run, which can be filled up."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Disk", "small_disk"]

ROOM = "600m"


class Disk:
    """A file system in memory that is mounted at ``folder`` if it ``fills``, or a plain folder."""

    def __init__(self, folder: Path, fills: bool) -> None:
        self.folder = folder
        self.fills = fills

    def fill(self, free: int) -> None:
        """Leave only ``free`` bytes."""
        self._resize(str(shutil.disk_usage(self.folder).used + free))

    def make_room(self) -> None:
        """End `fill`."""
        self._resize(ROOM)

    def _resize(self, size: str) -> None:
        command = ["mount", "-o", f"remount,size={size}", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Mount a file system in memory at a new folder, if permitted; remove it at the end."""
    folder.mkdir()
    fills = False
    if shutil.which("mount"):
        command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
        fills = subprocess.run(command, capture_output=True).returncode == 0
    try:
        yield Disk(folder, fills)
    finally:
        if fills:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        shutil.rmtree(folder)
