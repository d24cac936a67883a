"""The table that resolves the names in a checkpoint.

None of these names is ever imported or called. The table maps the names of the functions that make
tensors and containers to functions of Fringe, which build plain values and tensors. It maps all
other names to an inert `Record`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from fringe.checkpoints.legacy import read_nested
from fringe.checkpoints.machine import Global, Table, as_key
from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Budget, Refused
from fringe.checkpoints.tensors import (
    DTYPES,
    STORAGE_MODULES,
    STORAGES,
    Storage,
    ndarray,
    number,
    rebuild_tensor,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["table"]

_PERSISTENT = "torch_utils.persistence"


def table(budget: Budget, persistent: Callable[[Any], Any] | None = None) -> Table:
    """Return the table of names for one file.

    Parameters
    ----------
    budget : Budget
        The limits of the file.
    persistent : callable, optional
        Maps a persistent id to a storage.
    """
    known = _known(budget)

    def find(module: str, name: str) -> Any:
        if module == "torch" and name in DTYPES:
            import torch

            return getattr(torch, name)
        if module in STORAGE_MODULES and name in STORAGES:
            return Global(module, name)
        functions = known.get(f"{module}.{name}")
        if functions is not None and "." not in name:
            return Global(module, name, *functions)
        return Record(name, module)

    return Table(find, partial(_build, budget), persistent)


def _known(
    budget: Budget,
) -> dict[str, tuple[Callable[..., Any] | None, Callable[..., Any] | None]]:
    """Return the functions that REDUCE and NEWOBJ call, by the full name of what they replace."""

    def tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor | Record:
        return rebuild_tensor(budget, storage, offset, size, stride)

    def typed_tensor(
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        grad: Any,
        hooks: Any,
        dtype: Any,
        *_: Any,
    ) -> Tensor | Record:
        return rebuild_tensor(budget, storage, offset, size, stride, dtype)

    def storage(data: Any) -> Storage:
        if type(data) is not bytes:
            raise Refused("is damaged: it has a nested storage without bytes")
        return read_nested(data, budget)

    def items(values: Any = ()) -> list[Any]:
        if type(values) not in (list, tuple, set, frozenset):
            raise Refused("is damaged: it has a value in place of a list of items")
        budget.step(len(values))
        return list(values)

    def mapping(pairs: Any = ()) -> dict[Any, Any]:
        result = {}
        for pair in items(pairs):
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise Refused("is damaged: it has a value in place of a pair of key and value")
            result[as_key(pair[0])] = pair[1]
        return result

    def encode(text: Any, encoding: Any = None) -> bytes:
        if type(text) is not str or encoding != "latin1":
            raise Refused("is damaged: it has bytes that are not written as Python writes them")
        budget.view(len(text))
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            raise Refused("is damaged: it has bytes greater than 255") from None

    def buffer(data: Any = b"", encoding: Any = None) -> bytes:
        if type(data) is str:
            return encode(data, "latin1" if encoding == "latin-1" else encoding)
        if type(data) is not bytes or encoding is not None:
            raise Refused("is damaged: it has a bytearray without bytes")
        return data

    def array(data: Any, dtype: Any, shape: Any, order: Any) -> Record:
        return Record("ndarray", "numpy", ndarray(budget, dtype, shape, data, order == "F"))

    def members(values: Any = ()) -> set[Any]:
        return {as_key(value) for value in items(values)}

    calls: dict[str, Callable[..., Any]] = {
        "_codecs.encode": encode,
        "collections.defaultdict": lambda factory=None: {},
        "numpy.dtype": lambda code, *flags: Record("dtype", "numpy", {"code": code}),
        "torch.Size": lambda sizes=(): tuple(items(sizes)),
        "torch.device": _device,
        "torch.storage._load_from_bytes": storage,
        "torch._utils._rebuild_tensor": tensor,
        "torch._utils._rebuild_tensor_v2": tensor,
        "torch._utils._rebuild_tensor_v3": typed_tensor,
        "torch._utils._rebuild_parameter": _parameter,
        "torch._utils._rebuild_parameter_with_state": _parameter,
        f"{_PERSISTENT}._reconstruct_persistent_obj": partial(_persistent_object, budget),
    }
    for core in ("numpy.core", "numpy._core"):
        calls[f"{core}.multiarray.scalar"] = number
        calls[f"{core}.multiarray._reconstruct"] = lambda *_: Record("ndarray", "numpy")
        calls[f"{core}.numeric._frombuffer"] = array
    for kind in ("int", "double", "bool", "tensor"):
        calls[f"torch.jit._pickle.build_{kind}list"] = lambda values: values
    calls["torch.jit._pickle.restore_type_tag"] = lambda value, kind: value
    classes: dict[str, Callable[..., Any]] = {
        "collections.OrderedDict": mapping,
        "dnnlib.util.EasyDict": mapping,
    }
    for builtins in ("builtins", "__builtin__"):
        calls[f"{builtins}.bytearray"] = buffer
        calls[f"{builtins}.bytes"] = lambda: b""  # how protocol 2 writes empty bytes
        classes[f"{builtins}.dict"] = mapping
        classes[f"{builtins}.frozenset"] = lambda values=(): frozenset(members(values))
        classes[f"{builtins}.list"] = items
        classes[f"{builtins}.set"] = members
        classes[f"{builtins}.tuple"] = lambda values=(): tuple(items(values))
    known: dict[str, tuple[Callable[..., Any] | None, Callable[..., Any] | None]] = {}
    known |= {name: (_checked(function), None) for name, function in calls.items()}
    known |= {name: (_checked(make), _checked(make)) for name, make in classes.items()}
    return known


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` so that a wrong number of arguments raises Refused."""

    @cache  # read at the first call, because most files call only a few of the functions
    def signature() -> inspect.Signature:
        return inspect.signature(function)

    def call(*args: Any) -> Any:
        try:
            signature().bind(*args)
        except TypeError:
            raise Refused("is damaged: it has a call with too few or too many arguments") from None
        return function(*args)

    return call


def _persistent_object(budget: Budget, meta: Any) -> Record:
    """Return the Record of an object of StyleGAN's ``torch_utils.persistence``.

    The official reader executes the source text in ``module_src``. Here the text is ignored.
    """
    kind = meta.get("type") if type(meta) is dict else None
    if type(kind) is not str or kind != "class":
        raise Refused("has a persistent object that is not an instance of a class")
    class_name, state = meta.get("class_name"), _attributes(budget, meta.get("state"))
    if type(class_name) is not str or state is None:
        raise Refused("has a persistent object without a class name or attributes")
    return Record(class_name, _PERSISTENT, state)


def _parameter(data: Any, *_: Any) -> Tensor | Record:
    import torch

    if not isinstance(data, (torch.Tensor, Record)):
        raise Refused("is damaged: it has a parameter without a tensor")
    return data


def _device(kind: Any, index: Any = None) -> str:
    if type(kind) is not str or type(index) not in (int, type(None)):
        raise Refused("is damaged: it has a device without a name")
    return kind if index is None else f"{kind}:{index}"


def _attributes(budget: Budget, state: Any) -> dict[str, Any] | None:
    """Return ``state`` if it is a dict of attributes by name, otherwise None.

    The dict is not copied, because a stream could request endless copies of a large dict.
    """
    if type(state) is not dict:
        return None
    budget.step(len(state))
    return state if all(type(name) is str for name in state) else None


def _build(budget: Budget, target: Any, state: Any) -> None:
    """Put a state into ``target``, if ``target`` is a Record."""
    if isinstance(target, dict):
        return  # attributes of an OrderedDict or EasyDict, such as the versions of a state dict
    if not isinstance(target, Record):
        raise Refused(f"sets attributes of a {type(target).__name__}")
    kind = target.module, target.class_name
    if kind == ("numpy", "dtype"):
        if type(state) is not tuple or len(state) < 2:
            raise Refused("is damaged: it has a dtype without a byte order")
        target.state["order"] = state[1]
    elif target.state:
        raise Refused(f"is damaged: it sets the attributes of a {target.title} twice")
    elif kind == ("numpy", "ndarray"):
        if type(state) is not tuple or len(state) != 5:
            raise Refused("is damaged: it has a NumPy array without content")
        _, shape, dtype, fortran, data = state
        target.state = ndarray(budget, dtype, shape, data, fortran is True)
    else:
        target.state = _attributes(budget, state) or {}
