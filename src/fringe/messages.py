"""The log handler of commands, jobs and the start of Snakemake.

Each module writes to the logger with the name of the module. Other programs that use the library
see its warnings in Python's format. They see all messages if they configure `logging`.
"""

import logging
import sys

__all__ = ["show_messages"]


class _OnStderr(logging.Handler):
    """Prints each message to the current ``sys.stderr``, and raises errors of writing."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        print(self.format(record), file=sys.stderr, flush=True)


class _WithLevel(logging.Formatter):
    """Formats a message as plain text, with the prefix ``warning:`` or ``error:`` if needed."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of one message."""
        text = super().format(record)
        return text if record.levelno <= logging.INFO else f"{record.levelname.lower()}: {text}"


def show_messages() -> None:
    """Print all messages of the library, from `logging.INFO` up, to stderr.

    A second call has no effect.
    """
    library = logging.getLogger(__package__)
    if not any(isinstance(handler, _OnStderr) for handler in library.handlers):
        handler = _OnStderr()
        handler.setFormatter(_WithLevel())
        library.addHandler(handler)
        library.setLevel(logging.INFO)
