"""A pickle machine that can build only plain values.

Python's unpickler with a strict ``find_class`` would not run foreign functions either. But it sets
attributes of objects, allocates the memory that a stream declares before reading the bytes, and
hashes and compares all objects that the stream builds. A checkpoint needs about fifty opcodes, and
most of its bytes are tensors. So a separate machine costs little time and gives full control:

* A name in the stream becomes a `Global` of Fringe's table or an inert `Record`. REDUCE and NEWOBJ
  call only the function that the table lists; called on a record, they make a new record. BUILD
  calls only the table's ``build``.
* No attribute of any object is read or set by name.
* No memory is allocated for bytes that are not in the file. Time and memory are bounded (`Budget`).
  Keys of dicts are plain values or records, so no long key is hashed or compared.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Budget, Refused, Stream

__all__ = ["Global", "Table", "as_key", "run"]

MAX_NAME = 1 << 10  # bytes of a module or class name
MAX_INT = 64  # bytes of an integer; the longest in use, a magic number, has ten


@dataclass(frozen=True, eq=False)
class Global:
    """A name that Fringe knows, with the functions that replace the named object.

    Parameters
    ----------
    module, name : str
        As in the stream.
    call : callable, optional
        Called in place of the function or class (REDUCE).
    new : callable, optional
        Called in place of making an instance (NEWOBJ).
    """

    module: str
    name: str
    call: Callable[..., Any] | None = None
    new: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Table:
    """The functions that resolve the names, states and persistent ids of a stream.

    Parameters
    ----------
    find : callable
        Maps module and name to a `Global`, a dtype or a `Record`.
    build : callable
        Takes an object and its state, and puts the state into the object.
    persistent : callable, optional
        Maps a persistent id to an object.
    """

    find: Callable[[str, str], Any]
    build: Callable[[Any, Any], None]
    persistent: Callable[[Any], Any] | None = None


def run(stream: Stream, budget: Budget, table: Table) -> Any:
    """Return the value of the next pickle in ``stream``, and leave the stream after the pickle.

    Raises
    ------
    Refused
        If the stream has no pickle of protocol 2 to 5 here, the pickle is incomplete, or it calls
        a name of ``table`` in a way in which PyTorch and NumPy do not.
    """
    machine = _Machine(stream, budget, table)
    if stream.take(1) != pickle.PROTO:
        raise Refused("has no pickle of protocol 2 or later where one is needed")
    protocol = stream.take(1)[0]
    if not 2 <= protocol <= 5:
        raise Refused(f"is a pickle of protocol {protocol}, not 2 to 5")
    try:
        while True:
            budget.step()
            opcode = stream.take(1)
            if opcode == pickle.STOP:
                return machine.pop()
            handler = _HANDLERS.get(opcode)
            if handler is None:
                raise Refused(f"uses the pickle opcode {opcode!r}, which no checkpoint needs")
            handler(machine)
    except IndexError:
        raise Refused("is damaged: a pickle takes more from its stack than it has put") from None
    except UnicodeDecodeError:
        raise Refused("is damaged: it has a text that is not UTF-8") from None


class _Machine:
    """The state of one run: ``stack`` has the items since the last MARK, ``marks`` the earlier."""

    def __init__(self, stream: Stream, budget: Budget, table: Table) -> None:
        self.stream = stream
        self.budget = budget
        self.table = table
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        return self.stack.pop()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def since_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def container(self, kind: type) -> Any:
        """Return the container of this kind on the stack; for a record, a new container."""
        top = self.stack[-1]
        if isinstance(top, Record):
            return kind()
        if type(top) is not kind:
            raise Refused(f"is damaged: it needs a {kind.__name__}, not {_kind(top)}")
        return top

    def number(self, form: str) -> int:
        value: int = struct.unpack(form, self.stream.take(struct.calcsize(form)))[0]
        if value < 0 and form != "<i":
            raise Refused("is damaged: it declares a negative length")
        return value

    def data(self, form: str) -> bytes:
        return self.stream.take(self.number(form))


def _kind(value: Any) -> str:
    if isinstance(value, Record):
        return value.title
    return f"{value.module}.{value.name}" if isinstance(value, Global) else type(value).__name__


def _push(value: Any) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(value)


def _integer(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.number(form))


def _bytes(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.data(form))


def _text(form: str, encoding: str = "utf-8") -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.data(form).decode(encoding, "surrogatepass"))


def _float(machine: _Machine) -> None:
    machine.push(struct.unpack(">d", machine.stream.take(8))[0])


def _long(form: str) -> Callable[[_Machine], None]:
    def push(machine: _Machine) -> None:
        length = machine.number(form)
        if length > MAX_INT:
            raise Refused(f"has an integer of {length} bytes")
        machine.push(int.from_bytes(machine.stream.take(length), "little", signed=True))

    return push


def _tuple(count: int) -> Callable[[_Machine], None]:
    def push(machine: _Machine) -> None:
        items = [machine.pop() for _ in range(count)]
        machine.push(tuple(reversed(items)))

    return push


def _mark(machine: _Machine) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _pop(machine: _Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.since_mark()


def _append(machine: _Machine) -> None:
    item = machine.pop()
    machine.container(list).append(item)


def _appends(machine: _Machine) -> None:
    items = machine.since_mark()
    machine.container(list).extend(items)


def as_key(key: Any) -> Any:
    """Return ``key``, or a record that replaces it, as the key of a dict or member of a set.

    Containers and long integers are not hashed. Hashing nested tuples recurses, and a file can
    choose tuples and long integers whose hashes collide, so that a dict takes unbounded time. A
    record is hashed and compared by its identity.
    """
    plain = type(key) in (str, bytes, int, float, bool, type(None))
    if plain and not (type(key) is int and abs(key) >= 1 << 60):
        return key
    return Record(type(key).__name__, "builtins")


def _set_items(machine: _Machine, items: list[Any]) -> None:
    if len(items) % 2:
        raise Refused("is damaged: it has a key without a value")
    target = machine.container(dict)
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[as_key(key)] = value


def _setitem(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


def _dict(machine: _Machine) -> None:
    items = machine.since_mark()
    machine.push({})
    _set_items(machine, items)


def _additems(machine: _Machine) -> None:
    items = machine.since_mark()
    machine.container(set).update(map(as_key, items))


def _find(machine: _Machine, module: Any, name: Any) -> None:
    if type(module) is not str or type(name) is not str or max(len(module), len(name)) > MAX_NAME:
        raise Refused("is damaged: it has a global without a valid name")
    machine.push(machine.table.find(module, name))


def _global(machine: _Machine) -> None:
    module, name = machine.stream.line(), machine.stream.line()
    _find(machine, module.decode(), name.decode())


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    _find(machine, module, name)


def _call(machine: _Machine, target: Any, function: Callable[..., Any] | None, args: Any) -> None:
    if type(args) is not tuple:
        raise Refused(f"is damaged: it calls {_kind(target)} with {_kind(args)} as arguments")
    if isinstance(target, Record):
        machine.push(Record(target.class_name, target.module))
    elif function is None:
        raise Refused(f"is damaged: it calls {_kind(target)}, which cannot be called")
    else:
        machine.push(function(*args))


def _reduce(machine: _Machine) -> None:
    args, target = machine.pop(), machine.pop()
    _call(machine, target, target.call if isinstance(target, Global) else None, args)


def _new(machine: _Machine) -> None:
    args, target = machine.pop(), machine.pop()
    _call(machine, target, target.new if isinstance(target, Global) else None, args)


def _new_keywords(machine: _Machine) -> None:
    keywords = machine.pop()
    if type(keywords) is not dict or (keywords and not isinstance(machine.stack[-2], Record)):
        raise Refused(f"is damaged: it makes a {_kind(machine.stack[-2])} with keyword arguments")
    _new(machine)


def _build(machine: _Machine) -> None:
    state = machine.pop()
    machine.table.build(machine.stack[-1], state)


def _persistent(machine: _Machine) -> None:
    if machine.table.persistent is None:
        raise Refused("refers to a storage outside the pickle")
    machine.push(machine.table.persistent(machine.pop()))


def _put(form: str) -> Callable[[_Machine], None]:
    def put(machine: _Machine) -> None:
        machine.memo[machine.number(form)] = machine.stack[-1]

    return put


def _memoize(machine: _Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _get(form: str) -> Callable[[_Machine], None]:
    def get(machine: _Machine) -> None:
        key = machine.number(form)
        if key not in machine.memo:
            raise Refused(f"is damaged: its memo has no entry {key}")
        machine.push(machine.memo[key])

    return get


def _frame(machine: _Machine) -> None:
    if machine.number("<Q") > machine.stream.remaining:
        raise Refused("ends too early: a frame is longer than the file")


# Left out: text opcodes of protocol 0, classes of Python 2 (INST, OBJ), the extension registry, and
# buffers outside the stream.
_HANDLERS: dict[bytes, Callable[[_Machine], None]] = {
    pickle.MARK: _mark,
    pickle.POP: _pop,
    pickle.POP_MARK: lambda machine: machine.since_mark().clear(),
    pickle.DUP: lambda machine: machine.push(machine.stack[-1]),
    pickle.FRAME: _frame,
    pickle.NONE: _push(None),
    pickle.NEWTRUE: _push(True),
    pickle.NEWFALSE: _push(False),
    pickle.BININT: _integer("<i"),
    pickle.BININT1: _integer("<B"),
    pickle.BININT2: _integer("<H"),
    pickle.LONG1: _long("<B"),
    pickle.LONG4: _long("<I"),
    pickle.BINFLOAT: _float,
    # Python 2 wrote both text and bytes with these opcodes.
    pickle.SHORT_BINSTRING: _text("<B", "latin-1"),
    pickle.BINSTRING: _text("<I", "latin-1"),
    pickle.SHORT_BINUNICODE: _text("<B"),
    pickle.BINUNICODE: _text("<I"),
    pickle.BINUNICODE8: _text("<Q"),
    pickle.SHORT_BINBYTES: _bytes("<B"),
    pickle.BINBYTES: _bytes("<I"),
    pickle.BINBYTES8: _bytes("<Q"),
    pickle.BYTEARRAY8: _bytes("<Q"),
    pickle.EMPTY_TUPLE: _push(()),
    pickle.TUPLE: lambda machine: machine.push(tuple(machine.since_mark())),
    pickle.TUPLE1: _tuple(1),
    pickle.TUPLE2: _tuple(2),
    pickle.TUPLE3: _tuple(3),
    pickle.EMPTY_LIST: lambda machine: machine.push([]),
    pickle.LIST: lambda machine: machine.push(machine.since_mark()),
    pickle.APPEND: _append,
    pickle.APPENDS: _appends,
    pickle.EMPTY_DICT: lambda machine: machine.push({}),
    pickle.DICT: _dict,
    pickle.SETITEM: _setitem,
    pickle.SETITEMS: lambda machine: _set_items(machine, machine.since_mark()),
    pickle.EMPTY_SET: lambda machine: machine.push(set()),
    pickle.ADDITEMS: _additems,
    pickle.FROZENSET: lambda machine: machine.push(frozenset(map(as_key, machine.since_mark()))),
    pickle.GLOBAL: _global,
    pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: _reduce,
    pickle.NEWOBJ: _new,
    pickle.NEWOBJ_EX: _new_keywords,
    pickle.BUILD: _build,
    pickle.BINPERSID: _persistent,
    pickle.BINPUT: _put("<B"),
    pickle.LONG_BINPUT: _put("<I"),
    pickle.MEMOIZE: _memoize,
    pickle.BINGET: _get("<B"),
    pickle.LONG_BINGET: _get("<I"),
}
