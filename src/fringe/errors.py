"""The one kind of error a user is meant to read."""

import os
from pathlib import Path

from fringe.texts import escaped

__all__ = ["ChangedError", "DamagedFileError", "FringeError"]


class FringeError(ValueError):
    """Bad input: the message names the file or key, the value found and the mend.

    Workflow scripts print it without a traceback; anything else is a bug and keeps its own.
    """

    def __init__(self, message: str) -> None:
        """Keep the message, with escapes for control characters other than line breaks.

        Names of files and members may hold them, and what servers and libraries say.
        """
        super().__init__(escaped(message))


class ChangedError(FringeError):
    """A file that is read is not the file any more that was looked at before."""


class DamagedFileError(FringeError):
    """A file of a run's own, at ``path``, is missing or cannot be read whole."""

    def __init__(self, message: str, path: str | os.PathLike[str]) -> None:
        """Keep the path beside the message, so that the file can be set aside."""
        super().__init__(message)
        self.path = Path(path)

    def __reduce__(self) -> tuple[type["DamagedFileError"], tuple[str, Path]]:
        """Pickle with the path: worker processes send their errors to their parent."""
        return DamagedFileError, (str(self), self.path)
