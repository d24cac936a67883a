"""The bytes of a checkpoint, and the limits of reading them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BufferedIOBase

__all__ = ["Budget", "Refused", "Stream"]

MAX_STEPS = 1 << 21  # the largest official snapshots take about 100,000
MAX_LINE = 1 << 10  # bytes; a line is a module or class name


class Refused(Exception):  # noqa: N818 (internal: becomes a FringeError with the file's name)
    """The reason why a stream cannot be read.

    Parameters
    ----------
    reason : str
        Completes "<path>: ...".
    advice : str, optional
        What the user can do, if this differs from the general advice for unreadable files.
    """

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


@dataclass
class Budget:
    """The limits of reading one file, including its nested streams.

    Parameters
    ----------
    stored : int
        Bytes that may become storages: the size of the file.
    viewed : int
        Bytes of all tensors together. A stored byte may belong to several tensors, as tied
        parameters do, but an expanded view must not become larger than memory. Bytes that were
        written as text count here too.
    steps : int
        Number of opcodes, of items copied between containers, and of characters in composed names.
    """

    stored: int
    viewed: int
    steps: int = MAX_STEPS

    @classmethod
    def of_file(cls, size: int) -> Budget:
        """Return the limits for a file of ``size`` bytes."""
        return cls(stored=size, viewed=4 * size + (1 << 20))

    def step(self, count: int = 1) -> None:
        """Count opcodes or copied items."""
        self.steps -= count
        if self.steps < 0:
            raise Refused(f"takes more than {MAX_STEPS} steps to read, more than any official file")

    def store(self, size: int) -> None:
        """Count the bytes of a storage, before they are allocated."""
        self.stored -= size
        if self.stored < 0:
            raise Refused("declares storages that are larger than the file")

    def view(self, size: int) -> None:
        """Count the bytes of a tensor."""
        self.viewed -= size
        if self.viewed < 0:
            raise Refused("declares tensors that are far larger than the file")


class Stream:
    """A binary file that is never read beyond its end."""

    def __init__(self, file: BufferedIOBase, size: int) -> None:
        """Begin at the current position of ``file``, ``size`` bytes before the end of the file."""
        self.file = file
        self.remaining = size

    def take(self, count: int) -> bytes:
        """Return exactly ``count`` bytes."""
        self._claim(count)
        data = self.file.read(count)
        if len(data) != count:
            raise Refused("ends too early")
        return data

    def fill(self, buffer: memoryview) -> None:
        """Fill ``buffer`` with the next bytes."""
        self._claim(len(buffer))
        done = 0
        while done < len(buffer):
            count = self.file.readinto(buffer[done:])
            if not count:
                raise Refused("ends too early")
            done += count

    def line(self) -> bytes:
        """Return a line without its end."""
        data = self.file.readline(min(self.remaining, MAX_LINE))
        self.remaining -= len(data)
        if not data.endswith(b"\n"):
            raise Refused("has an incomplete or overlong line")
        return data[:-1]

    def _claim(self, count: int) -> None:
        if count > self.remaining:
            raise Refused(
                f"ends too early: it declares {count} bytes, but only {self.remaining} follow"
            )
        self.remaining -= count
