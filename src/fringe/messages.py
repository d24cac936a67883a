"""How messages of the library are shown: one handler, for commands, jobs and a start of Snakemake.

Modules write to `logging`, each to the logger of its name. Programs that use the library see
its warnings, as Python shows them, and the rest if they configure `logging`.
"""

import logging
import sys

__all__ = ["show_messages"]


class _OnStderr(logging.Handler):
    """Prints each message to what is ``sys.stderr`` then; an error of writing is raised."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        print(self.format(record), file=sys.stderr, flush=True)


class _WithLevel(logging.Formatter):
    """Writes a message as it is, after ``warning:`` or ``error:`` where it is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of one message."""
        text = super().format(record)
        return text if record.levelno <= logging.INFO else f"{record.levelname.lower()}: {text}"


def show_messages() -> None:
    """Print all messages of the library, from `logging.INFO` up, to stderr.

    A second call changes nothing.
    """
    library = logging.getLogger(__package__)
    if not any(isinstance(handler, _OnStderr) for handler in library.handlers):
        handler = _OnStderr()
        handler.setFormatter(_WithLevel())
        library.addHandler(handler)
        library.setLevel(logging.INFO)
