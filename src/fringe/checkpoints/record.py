"""Inert records, which replace the objects that Fringe does not know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Record"]


@dataclass(eq=False, repr=False, slots=True)
class Record:
    """The name and attributes of an object, class or function in a checkpoint, without its code.

    A record is inert. When a file calls a class or function that Fringe does not know, the result
    is a record of the same name. The arguments of the call, and the items that the file puts into
    the object, are ignored.

    Parameters
    ----------
    class_name : str
        Name of the class or function.
    module : str
        Name of its module according to the file. The module is not imported.
    state : dict
        Its attributes: plain values, tensors and other records. A PyTorch module has
        ``_parameters``, ``_buffers``, ``_modules`` and other attributes.
    """

    class_name: str
    module: str
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Module and name in quotes, for messages: on one line, of bounded length."""
        return repr(f"{self.module}.{self.class_name}"[:200])

    def __repr__(self) -> str:
        """Return one line, because the attributes can be a whole network or contain themselves."""
        return f"<Record of {self.title}, {len(self.state)} attributes>"
