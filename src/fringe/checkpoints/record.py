"""Inert records, which stand for objects of kinds that Fringe does not know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Record"]


@dataclass(eq=False, repr=False, slots=True)
class Record:
    """An object, class or function of a checkpoint: its name and attributes, without its code.

    A record is inert. Calling a class or function that is not ours makes a record of the same name;
    what it was called with, and items that are put into it, are left in the file.

    Parameters
    ----------
    class_name : str
        Name of the class or function.
    module : str
        The module that the file says it is from; nothing of that name is imported.
    state : dict
        Its attributes: plain values, tensors and further records. Of a module of PyTorch, among
        others, ``_parameters``, ``_buffers`` and ``_modules``.
    """

    class_name: str
    module: str
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Module and name, in quotes, for messages: of bounded length, and on one line."""
        return repr(f"{self.module}.{self.class_name}"[:200])

    def __repr__(self) -> str:
        """Return one line; the attributes could be a whole network, or shared without end."""
        return f"<Record of {self.title}, {len(self.state)} attributes>"
