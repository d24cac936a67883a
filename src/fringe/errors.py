"""The one kind of error a user is meant to read."""

__all__ = ["FringeError"]


class FringeError(ValueError):
    """Bad input: the message names the file or key, the value found and the mend.

    Workflow scripts print it without a traceback; anything else is a bug and keeps its own.
    """
