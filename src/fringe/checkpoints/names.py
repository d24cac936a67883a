"""The names that a checkpoint may refer to, and what we make of each.

Nothing of these names is ever imported or called: the table maps each to a function of ours that
builds a plain value, a tensor or a `Record`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from fringe.checkpoints.legacy import read_legacy
from fringe.checkpoints.machine import Budget, Global, Refused, Stream, Table, check_key
from fringe.checkpoints.record import Record
from fringe.checkpoints.tensors import (
    DTYPES,
    STORAGES,
    Storage,
    ndarray,
    number,
    rebuild_tensor,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["table"]

# Classes by reference whose instances become Records: modules of PyTorch and of Projected GAN
# (whose discriminator is made of timm's), and the hooks of spectral normalization.
_CLASSES = re.compile(
    r"(?:torch\.nn\.modules|torch\.nn\.utils|torch\.nn\.quantized|torch\.ao\.nn\.quantized"
    r"|pg_modules|timm\.models|timm\.layers)(?:\.[A-Za-z_]\w*)+",
    re.ASCII,
)
_TORCHSCRIPT = re.compile(r"__torch__(?:\.[A-Za-z_]\w*)*", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def table(
    budget: Budget,
    persistent: Callable[[Any], Any] | None = None,
    torchscript: bool = False,
) -> Table:
    """Return what the names of one file stand for.

    Parameters
    ----------
    budget : Budget
        What the file may cost.
    persistent : callable, optional
        From persistent id to storage.
    torchscript : bool, optional
        Whether names from TorchScript are known.
    """
    calls = _calls(budget)

    def find(module: str, name: str) -> Any:
        if module == "torch" and name in DTYPES:
            import torch

            return getattr(torch, name)
        known = calls.get(f"{module}.{name}")
        if known is not None:
            return Global(module, name, **known)
        if name in STORAGES and module in ("torch", "torch.cuda", "torch.storage"):
            return Global(module, name)
        if _IDENTIFIER.fullmatch(name) and (
            _CLASSES.fullmatch(module)
            or f"{module}.{name}" == "argparse.Namespace"
            or (torchscript and _TORCHSCRIPT.fullmatch(module))
        ):
            return Global(module, name, new=partial(_record, module, name))
        asked = f"{module}.{name}"
        raise Refused(
            f"asks for {asked if asked.isprintable() and len(asked) < 200 else asked[:200]!r}, "
            "which no checkpoint that Fringe knows needs, and is not read for safety"
        )

    return Table(find, partial(_build, budget), persistent)


def _record(module: str, name: str, *args: Any) -> Record:
    if args:
        raise Refused(f"makes a {module}.{name} with arguments")
    return Record(name, module)


def _calls(budget: Budget) -> dict[str, dict[str, Callable[..., Any]]]:
    """Return what REDUCE and NEWOBJ do for each function and class known by its full name."""

    def tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
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
    ) -> Tensor:
        return rebuild_tensor(budget, storage, offset, size, stride, dtype)

    def storage(data: Any) -> Storage:
        if type(data) is not bytes:
            raise Refused("is damaged: a nested storage has no bytes")
        stream = Stream(io.BytesIO(data), len(data))
        value = read_legacy(stream, budget, table)
        if not isinstance(value, Storage):
            raise Refused("has something else where a nested storage is due")
        return value

    def items(values: Any = ()) -> list[Any]:
        if type(values) not in (list, tuple, set, frozenset):
            raise Refused("is damaged: items are due in it")
        budget.step(len(values))
        return list(values)

    def mapping(pairs: Any = ()) -> dict[Any, Any]:
        result = {}
        for pair in items(pairs):
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise Refused("is damaged: pairs of key and value are due in it")
            result[check_key(pair[0])] = pair[1]
        return result

    def encode(text: Any, encoding: Any = None) -> bytes:
        if type(text) is not str or encoding != "latin1":
            raise Refused("is damaged: bytes in it are not written as Python writes them")
        budget.store(len(text))
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            raise Refused("is damaged: bytes in it are beyond 255") from None

    def buffer(data: Any = b"", encoding: Any = None) -> bytes:
        if type(data) is str:
            return encode(data, "latin1" if encoding == "latin-1" else encoding)
        if type(data) is not bytes or encoding is not None:
            raise Refused("is damaged: a bytearray in it has no bytes")
        return data

    def array(data: Any, dtype: Any, shape: Any, order: Any) -> Record:
        values = ndarray(budget, dtype, shape, data, order == "F")
        return Record("ndarray", "numpy", {"values": values})

    def ordinary(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
        return {"call": _with_arguments(function), "new": _with_arguments(function)}

    def function(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
        return {"call": _with_arguments(function)}

    known = {
        "torch_utils.persistence._reconstruct_persistent_obj": function(_persistent_object),
        "dnnlib.util.EasyDict": ordinary(mapping),
        "collections.OrderedDict": ordinary(mapping),
        "collections.defaultdict": function(lambda factory=None: {}),
        "_codecs.encode": function(encode),
        "torch.storage._load_from_bytes": function(storage),
        "torch._utils._rebuild_tensor": function(tensor),
        "torch._utils._rebuild_tensor_v2": function(tensor),
        "torch._utils._rebuild_tensor_v3": function(typed_tensor),
        "torch._utils._rebuild_parameter": function(_parameter),
        "torch._utils._rebuild_parameter_with_state": function(_parameter),
        "torch.Size": function(lambda sizes=(): tuple(items(sizes))),
        "torch.device": function(_device),
        "numpy.dtype": function(_dtype),
        "numpy.ndarray": {},
    }
    for builtins in ("builtins", "__builtin__"):
        known |= {
            f"{builtins}.set": ordinary(lambda values=(): set(map(check_key, items(values)))),
            f"{builtins}.frozenset": ordinary(
                lambda values=(): frozenset(map(check_key, items(values)))
            ),
            f"{builtins}.list": ordinary(items),
            f"{builtins}.tuple": ordinary(lambda values=(): tuple(items(values))),
            f"{builtins}.dict": ordinary(mapping),
            f"{builtins}.int": {},
            f"{builtins}.bytearray": function(buffer),
        }
    for core in ("numpy.core", "numpy._core"):
        known |= {
            f"{core}.multiarray.scalar": function(number),
            f"{core}.multiarray._reconstruct": function(_empty_array),
            f"{core}.numeric._frombuffer": function(array),
        }
    for kind in ("int", "double", "bool", "tensor"):
        known[f"torch.jit._pickle.build_{kind}list"] = function(_first)
    known["torch.jit._pickle.restore_type_tag"] = function(_first)
    return known


def _with_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` such that a wrong number of arguments is the file's fault."""
    import inspect

    signature = inspect.signature(function)

    def call(*args: Any) -> Any:
        try:
            signature.bind(*args)
        except TypeError:
            raise Refused(
                "is damaged: a function is called with too few or many arguments"
            ) from None
        return function(*args)

    return call


def _first(value: Any, kind: Any = None) -> Any:
    return value


def _persistent_object(meta: Any) -> Record:
    """Return the Record of an object of StyleGAN's ``torch_utils.persistence``.

    Its ``module_src``, the source text that the official reader would execute, is left where it is.
    """
    if type(meta) is not dict or meta.get("type") != "class":
        raise Refused("has a persistent object that is not one of a class")
    class_name, state = meta.get("class_name"), meta.get("state")
    if type(class_name) is not str or type(state) is not dict:
        raise Refused("has a persistent object without a class name and attributes")
    return Record(class_name, "torch_utils.persistence", state)


def _parameter(data: Any, *_: Any) -> Tensor:
    import torch

    if not isinstance(data, torch.Tensor):
        raise Refused("is damaged: a parameter in it has no tensor")
    return data


def _device(kind: Any, index: Any = None) -> str:
    if type(kind) is not str:
        raise Refused("is damaged: a device in it has no name")
    return kind if index is None else f"{kind}:{index}"


def _dtype(code: Any, *_: Any) -> Record:
    return Record("dtype", "numpy", {"code": code})


def _empty_array(*_: Any) -> Record:
    return Record("ndarray", "numpy")


def _build(budget: Budget, target: Any, state: Any) -> None:
    """Give ``target`` its state, as far as it is an object of ours.

    The attributes are not copied: a stream could have the same large state copied without end.
    """
    if isinstance(target, dict):
        return  # what an OrderedDict or EasyDict has beside its items, as state dicts' versions
    if not isinstance(target, Record):
        raise Refused(f"sets attributes of a {type(target).__name__}")
    kind = target.module, target.class_name
    if kind == ("numpy", "dtype"):
        if type(state) is not tuple or len(state) < 2:
            raise Refused("is damaged: a dtype in it has no byte order")
        target.state["order"] = state[1]
    elif target.state:
        raise Refused(f"sets the attributes of a {'.'.join(kind)} twice")
    elif kind == ("numpy", "ndarray"):
        if type(state) is not tuple or len(state) != 5:
            raise Refused("is damaged: an array of NumPy in it has no content")
        _, shape, dtype, fortran, data = state
        target.state["values"] = ndarray(budget, dtype, shape, data, fortran is True)
    else:
        if type(state) is not dict:
            raise Refused(f"sets attributes of a {'.'.join(kind)} by something else than a dict")
        budget.step(len(state))
        if not all(type(name) is str for name in state):
            raise Refused(f"sets attributes of a {'.'.join(kind)} that have no names")
        target.state = state
