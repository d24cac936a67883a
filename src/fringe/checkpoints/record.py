"""What stands for an object of a class that is not ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Record"]


@dataclass(eq=False, repr=False, slots=True)
class Record:
    """An object of a checkpoint: the name of its class and its attributes, without its code.

    Parameters
    ----------
    class_name : str
        Name of the class.
    module : str
        The module that the file says it is from; nothing of that name is imported.
    state : dict
        Its attributes: plain values, tensors and further records. Of a module of PyTorch, among
        others, ``_parameters``, ``_buffers`` and ``_modules``.
    """

    class_name: str
    module: str
    state: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return one line; the attributes could be a whole network, or shared without end."""
        return f"<Record of {self.module}.{self.class_name:.80}, {len(self.state)} attributes>"
