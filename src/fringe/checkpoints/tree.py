"""Check that the content of a pickle can be walked."""

from __future__ import annotations

from typing import Any

from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Refused
from fringe.checkpoints.tensors import Storage

__all__ = ["check_tree"]

MAX_DEPTH = 400  # of nested containers; a module counts as two, and readers may recurse


def check_tree(root: Any) -> None:
    """Check that a tree can be walked: at most MAX_DEPTH deep, without endless loops.

    A module may refer to its parent, so a cycle is allowed if a Record closes it.

    Raises
    ------
    Refused
        If a list, dict or tuple contains itself, containers are nested too deeply, or a storage
        does not belong to a tensor.
    """
    height: dict[int, int] = {}  # of finished containers; shared containers are walked once
    path: list[tuple[Any, list[Any]]] = []
    on_path: set[int] = set()

    def enter(value: Any) -> None:
        if id(value) in height:
            return
        if id(value) in on_path:
            if not isinstance(value, Record):
                raise Refused(f"has a {type(value).__name__} that contains itself")
            return
        if isinstance(value, Storage):
            raise Refused("has a storage that does not belong to a tensor")
        children = _children(value)
        if children:
            on_path.add(id(value))
            path.append((value, children))

    enter(root)
    while path:
        value, children = path[-1]
        if len(path) > MAX_DEPTH:
            raise Refused(f"nests containers more than {MAX_DEPTH} levels deep")
        if children:
            enter(children.pop())
            continue
        path.pop()
        on_path.remove(id(value))
        height[id(value)] = 1 + max(height.get(id(item), 0) for item in _children(value))
        if height[id(value)] > MAX_DEPTH:
            raise Refused(f"nests containers more than {MAX_DEPTH} levels deep")


def _children(value: Any) -> list[Any]:
    if isinstance(value, Record):
        return list(value.state.values())
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else []
