"""Errors whose messages are for users."""

import os
from pathlib import Path

from fringe.texts import escaped

__all__ = ["ChangedError", "DamagedFileError", "FringeError"]


class FringeError(ValueError):
    """Bad input. The message names the file or key, the value, and the fix.

    Workflow scripts print it without a traceback. Any other exception is a bug, so they print its
    traceback.
    """

    def __init__(self, message: str) -> None:
        """Store the message, with escapes for control characters other than line breaks.

        Names of files and members may contain control characters, and so may messages of servers
        and libraries.
        """
        super().__init__(escaped(message))


class ChangedError(FringeError):
    """A file changed after the run looked at it."""


class DamagedFileError(FringeError):
    """A file that a run wrote, at ``path``, is missing or damaged."""

    def __init__(self, message: str, path: str | os.PathLike[str]) -> None:
        """Store the message and the path, so that the file can be renamed."""
        super().__init__(message)
        self.path = Path(path)

    def __reduce__(self) -> tuple[type["DamagedFileError"], tuple[str, Path]]:
        """Pickle with the path, because worker processes send errors to their parent."""
        return DamagedFileError, (str(self), self.path)
