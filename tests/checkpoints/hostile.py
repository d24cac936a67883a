"""Hostile and damaged files, with the reason that each error message must state."""

import itertools
import pickle
import struct
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tests.checkpoints.assembly import (
    call,
    floats,
    legacy,
    name,
    nested,
    reference,
    saved,
    scripted,
    stack_name,
    tensor,
    value,
    whole,
    zipped,
)
from tests.checkpoints.samples import write_fastgan, write_stylegan, write_torchscript

HUGE = 1 << 62

# File -> content, and part of the message of at least one reader.
Cases = dict[str, tuple[bytes, str]]


def good_files(folder: Path) -> list[Path]:
    """Write one small file of every kind into a new folder."""
    folder.mkdir()
    write_stylegan(folder / "stylegan.pkl")
    write_stylegan(folder / "stylegan2.pkl", protocol=2)
    write_fastgan(folder / "fastgan.pkl", protocol=5)
    others = {"where": Path("a"), "seen": Counter(a=1), "table": {(1, 2): np.array(["a"])}}
    optimizer = torch.optim.Adam(torch.nn.Linear(1, 1).parameters())
    write_stylegan(folder / "own.pkl", 5, others={**others, "optimizer": optimizer})
    write_torchscript(folder / "script.pt")
    state = {"model": {"a": torch.randn(3, 2).t(), "b": torch.arange(4).half()}, "epoch": 3}
    torch.save(state, folder / "zip.pt")
    torch.save(state, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    save_file({"a": torch.ones(3), "b": torch.ones(2, 2).bfloat16()}, folder / "a.safetensors")
    return sorted(folder.iterdir())


CALLS = {
    "os.system": ("touch executed",),
    "posix.system": ("touch executed",),
    "builtins.eval": ("open('executed', 'w')",),
    "builtins.exec": ("open('executed', 'w')",),
    "__builtin__.eval": ("open('executed', 'w')",),
    "builtins.compile": ("1", "a", "exec"),
    "builtins.getattr": ("", "join"),
    "builtins.__import__": ("antigravity",),
    "builtins.open": ("executed", "w"),
    "builtins.globals": (),
    "builtins.print": ("executed",),
    "operator.attrgetter": ("system",),
    "operator.methodcaller": ("system", "touch executed"),
    "subprocess.Popen": (["touch", "executed"],),
    "subprocess.check_output": (["touch", "executed"],),
    "functools.partial": (),
    "importlib.import_module": ("antigravity",),
    "runpy.run_path": ("executed",),
    "pickle.loads": (b"cos\nsystem\n(S'touch executed'\ntR.",),
    "_pickle.loads": (b"cos\nsystem\n(S'touch executed'\ntR.",),
    "marshal.loads": (b"",),
    "types.CodeType": (),
    "types.FunctionType": (),
    "code.interact": (),
    "pty.spawn": ("sh",),
    "shutil.rmtree": ("executed",),
    "socket.create_connection": (("localhost", 1),),
    "webbrowser.open": ("file:///executed",),
    "ctypes.CDLL": ("libc.so.6",),
    "copyreg._reconstructor": (),
    "numpy.load": ("executed",),
    "numpy.fromfile": ("executed",),
    "numpy.f2py.crackfortran.getlincoef": ("open('executed', 'w')",),
    "torch.load": ("executed",),
    "torch.jit.load": ("executed",),
    "torch.hub.load": ("executed", "a"),
    "torch.storage.torch.load": ("executed",),
    "torch.storage.UntypedStorage.from_file": ("executed", True, 8),
    "torch.serialization.load": ("executed",),
    "torch._utils.sys.exit": (),
    "torch._utils._import_dotted_name": ("os.system",),
    "torch._utils._rebuild_qtensor": (),
    "torch._tensor._rebuild_from_type_v2": (),
    "torch.nn.modules.os.system": ("touch executed",),
    "torch.utils._pytree.importlib.import_module": ("antigravity",),
    "torch.distributed.rpc.rpc_sync": (),
    "torch_utils.persistence.import_hook": (),
    "dnnlib.util.call_func_by_name": (),
    "dill._dill._create_code": (),
    "dnnlib.tflib.network.Network": (),
}


def split_everywhere(dotted: str) -> list[tuple[str, str]]:
    """Return module and attribute for every dot at which a name can be divided."""
    parts = dotted.split(".")
    return [(".".join(parts[:i]), ".".join(parts[i:])) for i in range(1, len(parts))]


def containers(body: bytes) -> dict[str, bytes]:
    """Return a file of every kind with the object; the nested file has it in place of a storage."""
    return {
        "plain.pkl": whole(body),
        "state.pkl": whole(b"}" + value("a") + body + b"s"),
        "legacy.pt": legacy(body),
        "nested.pkl": whole(nested(legacy(body))),
        "magic.pkl": whole(nested(whole(body))),
        "keys.pt": legacy(b"}")[: -len(pickle.dumps([], 2))] + whole(body),
        "zip.pt": saved(body),
        "script.pt": scripted(body),
    }


def calls() -> Cases:
    """Return files that call functions of Python, in every container."""
    cases: Cases = {}
    for number, (dotted, arguments) in enumerate(CALLS.items()):
        for at, (module, attribute) in enumerate(split_everywhere(dotted)):
            named = stack_name(module, attribute) + value(arguments)
            first, *others = [call(module, attribute, *arguments), named + b"R", named + b"\x81"]
            for file, content in containers(first).items():
                cases[f"{number}-{at}-{file}"] = content, dotted
            for how, body in enumerate(others):
                # Use one container for each, in turn.
                files = list(containers(body).items())
                file, content = files[(number + at + how) % len(files)]
                cases[f"{number}-{at}-{how}-{file}"] = content, dotted
    return cases


RECORD = name("torch.nn.modules.linear", "Linear") + b")\x81"
ENDLESS = {
    "BINUNICODE8": b"\x8d" + struct.pack("<Q", HUGE),
    "BINBYTES8": b"\x8e" + struct.pack("<Q", HUGE),
    "BYTEARRAY8": b"\x96" + struct.pack("<Q", HUGE),
    "BINBYTES": b"B" + struct.pack("<I", 2**32 - 1),
    "BINUNICODE": b"X" + struct.pack("<I", 2**32 - 1),
    "BINSTRING": b"T" + struct.pack("<I", 2**31 - 1),
    "FRAME": b"\x95" + struct.pack("<Q", HUGE) + b"N",
    "LONG4": b"\x8b" + struct.pack("<I", 2**31 - 1),
    "LONG1": b"\x8a\xff" + bytes(255),
}
# Pickle body -> part of the reason that at least one reader must state.
BODIES: dict[str, tuple[bytes, str]] = {
    **{f"declared {key}": (body, "") for key, body in ENDLESS.items()},
    "opcode INST": (b"(ios\nsystem\n", "opcode"),
    "opcode OBJ": (b"(" + name("collections", "OrderedDict") + b"o", "opcode"),
    "opcode EXT1": (b"\x82\x01", "opcode"),
    "opcode EXT4": (b"\x84\xff\xff\xff\x7f", "opcode"),
    "opcode PERSID": (b"Pstorage\n", "opcode"),
    "opcode INT": (b"I" + b"9" * 10_000 + b"\n", "opcode"),
    "opcode LONG": (b"L" + b"9" * 100_000 + b"L\n", "opcode"),
    "opcode STRING": (b"S'a'\n", "opcode"),
    "opcode UNICODE": (b"Va\n", "opcode"),
    "opcode FLOAT": (b"F1e999999\n", "opcode"),
    "opcode GET": (b"g" + b"9" * 100_000 + b"\n", "opcode"),
    "opcode PUT": (b"Np99999999999999\n", "opcode"),
    "opcode NEXT_BUFFER": (b"\x97", "opcode"),
    "opcode 0xff": (b"\xff", "opcode"),
    "nothing on the stack": (b"", "stack"),
    "nothing below a mark": (b"N(a", "stack"),
    "no mark": (b"Nt", "stack"),
    "missing memo entry": (b"h\x05", "memo"),
    "items of a list": (b"]" + value("a") + b"Ns", "needs a dict"),
    "append to a tuple": (b")Na", "needs a list"),
    "key without value": (b"}(Nu", "without a value"),
    "list in itself": (b"]qch\x63a", "list that contains itself"),
    "dict in itself": (b"}qc" + value("a") + b"hcs", "dict that contains itself"),
    "tuple in itself": (b"]qchc\x85qdahd", "contains itself"),
    "lists around a tuple": (b"]qchc\x85\x85\x85a", "contains itself"),
    "deep lists": (b"]" * 100_000 + b"a" * 99_999, "deep"),
    "deep tuples": (b")" + b"\x85" * 20_000, "deep"),
    "deep dicts": (b"}K\x00" * 20_000 + b"N" + b"s" * 20_000, "deep"),
    "deep marked lists": (b"(" * 20_000 + b"l" * 20_000, "deep"),
    "deep records": ((RECORD + b"}" + value("a")) * 3000 + b"N" + b"sb" * 3000, "deep"),
    "deep marks": (b"(" * 20_000, "stack"),
    "attributes of a list": (b"]}b", "attributes of a list"),
    "attributes of a function": (name("torch._utils", "_rebuild_parameter") + b"}b", "Global"),
    "attributes of a text": (value("a") + b"}b", "attributes of a str"),
    "attributes of a dtype": (name("torch", "float32") + b"}b", "attributes of a dtype"),
    "attributes twice": (RECORD + value({"a": 1}) + b"b" + value({"b": 1}) + b"b", "twice"),
    "keywords of a dict": (
        name("collections", "OrderedDict") + b")" + value({"a": 1}) + b"\x92",
        "keyword",
    ),
    "call of a storage": (name("torch", "FloatStorage") + b")R", "cannot be called"),
    "call of a text": (value("os.system") + value(("a",)) + b"R", "cannot be called"),
    "call of a record with a list": (RECORD + b"]R", "as arguments"),
    "call with a list": (name("torch", "Size") + b"]R", "as arguments"),
    "global of a number": (b"K\x01K\x02\x93", "valid name"),
    "global of a long name": (value("a" * 5000) + value("b") + b"\x93", "valid name"),
    "global without an end": (b"cos", "line"),
    "global of bad text": (b"c\xff\xfe\nx\n", "UTF-8"),
    "text of bad bytes": (b"\x8c\x02\xff\xfe", "UTF-8"),
    "bytearray of a length": (call("builtins", "bytearray", 1 << 40), "bytearray"),
    "bytes of a length": (call("builtins", "bytes", 1 << 40), "too few or too many"),
    "list of a text": (call("builtins", "list", "x" * 100), "items"),
    "dict of no pairs": (call("collections", "OrderedDict", [1, 2]), "pairs"),
    "encoding": (call("_codecs", "encode", "a", "zlib"), "bytes"),
    "encoding beyond": (call("_codecs", "encode", "\u1234", "latin1"), "255"),
    "persistent of a list": (
        call("torch_utils.persistence", "_reconstruct_persistent_obj", []),
        "persistent",
    ),
    "persistent of a function": (
        call("torch_utils.persistence", "_reconstruct_persistent_obj", {"type": "module"}),
        "persistent",
    ),
    "persistent without state": (
        call(
            "torch_utils.persistence",
            "_reconstruct_persistent_obj",
            {"type": "class", "class_name": "A", "state": None},
        ),
        "attributes",
    ),
    "device of a list": (call("torch", "device", [], []), "device"),
    # A list of 1000 items, copied 3000 times in 5 bytes each.
    "many copies": (
        value([None] * 1000) + (b"\x85qc0" + name("builtins", "tuple") + b"qd0") + b"hdhcR" * 3000,
        "steps",
    ),
    "many steps": (b"N0" * 1_100_000, "steps"),
}


LINEAR = name("torch.nn.modules.linear", "Linear")
PARTS = value("_buffers") + b"}" + value("_modules") + b"}" + value("_parameters")
# Pickle body -> part of the reason that read_state must state; read_pickle returns records.
INERT: dict[str, tuple[bytes, str]] = {
    "list as key": (b"}]Ns", "builtins.list"),
    "dict as key": (b"}}Ns", "builtins.dict"),
    "tuple as key": (b"})Ns", "builtins.tuple"),
    "deep tuple as key": (b"}" + b")" + b"\x85" * 20_000 + b"Ns", "builtins.tuple"),
    "record as key": (b"}" + RECORD + b"Ns", "builtins.Record"),
    "long integer as key": (b"}" + value(1 << 200) + b"Ns", "builtins.int"),
    "list in a set": (b"\x8f(]\x90", "contains a set"),
    "set in a frozenset": (b"(\x8f\x91", "contains a frozenset"),
    "append to a record": (RECORD + b"Na", "modules.linear.Linear"),
    "items of a record": (RECORD + value("a") + b"Ns", "modules.linear.Linear"),
    "members of a record": (RECORD + b"(]}\x90", "modules.linear.Linear"),
    "attributes of a class": (LINEAR + b"}b", "modules.linear.Linear"),
    "attributes without names": (RECORD + b"}NNsb", "modules.linear.Linear"),
    "attributes of slots": (RECORD + b"}}\x86b", "modules.linear.Linear"),
    "attributes by a text": (RECORD + value("__setstate__") + b"b", "modules.linear.Linear"),
    "attribute of itself": (RECORD + b"qc}" + value("a") + b"hcsb", "modules.linear.Linear"),
    "arguments of a class": (LINEAR + value((1, 2)) + b"\x81", "modules.linear.Linear"),
    "keywords of a class": (LINEAR + b")" + value({"a": 1}) + b"\x92", "modules.linear.Linear"),
    "call of a class": (LINEAR + b")R", "modules.linear.Linear"),
    "call of a record": (RECORD + b")R", "modules.linear.Linear"),
    "new of a record": (RECORD + b")\x81", "modules.linear.Linear"),
    "chain of calls": (RECORD + b")R" * 100_000, "modules.linear.Linear"),
    "records in arguments": (
        LINEAR + b"qc" + b"hc" * 40_000 + b"N" + b"\x85R" * 40_000,
        "modules.linear.Linear",
    ),
    "many records": (LINEAR + b"qc0](" + b"hc)R" * 60_000 + b"e", "contains a list"),
    "remembered far away": (RECORD + b"r\xff\xff\xff\xff", "modules.linear.Linear"),
    "name with a blank": (call("torch._utils", "_rebuild_tensor_v2 ", 0), "_rebuild_tensor_v2 "),
    "name divided elsewhere": (
        stack_name("torch", "_utils._rebuild_tensor_v2") + b")R",
        "torch._utils._rebuild_tensor_v2",
    ),
    "name without an end": (stack_name("collections.OrderedDict", "") + b")R", "OrderedDict."),
    "name of colours": (stack_name("os\x1b[31m", "system\n") + b")R", r"os\x1b[31m.system\n"),
    "class of tensors": (
        b"}" + value("a") + name("torch", "Tensor") + value(({"data": b"1234"},)) + b"Rs",
        "'torch.Tensor' in place of tensor 'a'",
    ),
    "parameter of a record": (
        b"}"
        + value("a")
        + name("torch._utils", "_rebuild_parameter")
        + b"("
        + RECORD
        + b"\x89}tRs",
        "modules.linear.Linear",
    ),
    "module of records": (
        RECORD + b"}(" + PARTS + b"}" + value("w") + RECORD + b"sub",
        "in place of tensor 'w'",
    ),
    "module of itself": (
        RECORD + b"qc}(" + PARTS + b"}" + value("w") + b"hcsub",
        "in place of tensor 'w'",
    ),
    "many modules": (
        RECORD + b"}(" + PARTS + b"}ubqc0](" + b"hc" * 60_000 + b"e",
        "contains a list",
    ),
}


def inert() -> Cases:
    """Return pickles of unknown objects, and of objects in place of plain values."""
    cases: Cases = {}
    for key, (body, reason) in INERT.items():
        for file, content in containers(body).items():
            if file == "plain.pkl" or len(body) < 10_000:
                cases[f"{key}-{file}"] = content, reason if file == "plain.pkl" else ""
    return cases


def bodies() -> Cases:
    """Return pickles that build objects that no checkpoint needs."""
    cases: Cases = {}
    for key, (body, reason) in BODIES.items():
        for file, content in containers(body).items():
            if file == "plain.pkl":
                cases[f"{key}-{file}"] = content, reason
            elif len(body) < 10_000:
                cases[f"{key}-{file}"] = content, ""
    return cases


def numpy_dtype(code: Any, order: Any = "<") -> bytes:
    state = value((3, order, None, None, None, -1, -1, 0))
    return call("numpy", "dtype", code, False, True) + state + b"b"


def numpy_scalar(dtype: bytes, data: bytes) -> bytes:
    return name("numpy.core.multiarray", "scalar") + b"(" + dtype + data + b"tR"


def numpy_array(shape: Any, dtype: bytes, data: bytes) -> bytes:
    made = call("numpy.core.multiarray", "_reconstruct", 0, 0)
    return made + b"(K\x01" + value(shape) + dtype + b"\x89" + data + b"tb"


def short(data: bytes) -> bytes:
    return b"C" + bytes([len(data)]) + data


NUMBERS: dict[str, tuple[bytes, str]] = {
    "scalar huge": (numpy_scalar(numpy_dtype("f4"), short(bytes(8))), "longer or shorter"),
    "scalar code": (numpy_scalar(numpy_dtype([1]), short(bytes(4))), "name or byte order"),
    "scalar order": (numpy_scalar(numpy_dtype("f4", ","), short(bytes(4))), "byte order"),
    "scalar text data": (numpy_scalar(numpy_dtype("f4"), value("\u1234" * 4)), "without bytes"),
    "scalar of a dict": (numpy_scalar(b"}", short(b"")), "without a dtype"),
    "array shape": (numpy_array((2,), numpy_dtype("f4"), short(bytes(4))), "its shape"),
    "array huge": (numpy_array((1 << 59, 1 << 59, 0), numpy_dtype("f4"), short(b"")), "impossible"),
    "array negative": (numpy_array((-1, -1), numpy_dtype("f4"), short(bytes(4))), "size"),
    "array list": (numpy_array([1], numpy_dtype("f4"), b"]"), "size"),
}


INERT |= {
    "scalar object": (numpy_scalar(numpy_dtype("O8", "|"), short(bytes(8))), "numpy.generic"),
    "scalar text": (numpy_scalar(numpy_dtype("U1"), short(bytes(4))), "numpy.generic"),
    "scalar structure": (numpy_scalar(numpy_dtype("V8", "|"), short(bytes(8))), "numpy.generic"),
    "scalar of a record": (numpy_scalar(RECORD, short(bytes(8))), "numpy.generic"),
    "array objects": (numpy_array((1,), numpy_dtype("O8", "|"), b"]"), "numpy.ndarray"),
    "array of a record": (numpy_array((1 << 80,), RECORD, b"]"), "numpy.ndarray"),
}


def numbers() -> Cases:
    """Return damaged NumPy values."""
    return {f"{key}.pkl": (whole(body), reason) for key, (body, reason) in NUMBERS.items()}


TENSORS: dict[str, tuple[Any, Any, Any, str]] = {
    "beyond": (0, (5,), (1,), "beyond"),
    "beyond by offset": (4, (1,), (1,), "beyond"),
    "beyond by stride": (0, (2,), (4,), "beyond"),
    "beyond by much": (0, (HUGE,), (1,), ""),
    "overflowing": (0, (1 << 32, 1 << 32), (0, 0), "impossible"),
    "expanded": (0, (1 << 40,), (0,), "far larger"),
    "expanded empty": (0, (0, 1 << 59, 1 << 59), (0, 0, 0), "impossible"),
    "negative offset": (-1, (1,), (1,), "size and stride"),
    "negative size": (0, (-4,), (1,), "size and stride"),
    "negative stride": (3, (2,), (-1,), "size and stride"),
    "huge offset": (1 << 400, (1,), (1,), ""),
    "unequal lengths": (0, (1, 1), (1,), "size and stride"),
    "stride of one element": (0, (1,), (1 << 100,), "size and stride"),
    "stride of none": (0, (0, 1), (1 << 70, 1), "size and stride"),
    "size of floats": (0, (1.0,), (1,), "size and stride"),
    "size of booleans": (0, (True,), (1,), "size and stride"),
    "size list": (0, [1], (1,), "size and stride"),
    "size number": (0, 3, (1,), "size and stride"),
    "many dimensions": (0, (1,) * 100, (1,) * 100, "size and stride"),
}
STORAGES: dict[str, tuple[bytes, str]] = {
    "huge": (reference(1 << 60), "larger than the file"),
    "negative": (reference(-1), "not a number"),
    "float": (reference(4.0), "not a number"),
    "other length": (reference(3), "length"),
    "longer": (reference(5), "length"),
    "no text": (reference(4, key=3), "without a key"),
    "elsewhere": (reference(4, key="../../etc/passwd"), "missing"),
    "no storage": (b"(" + value("module") + b"NNNNNtQ", "not a storage"),
    "no tuple": (value("storage") + b"Q", "not a storage"),
    "short": (b"(" + value("storage") + b"tQ", "without a key"),
    "no type": (b"(" + b"".join(map(value, ("storage", "f", "0", "cpu", 4))) + b"tQ", "type"),
    "long": (
        b"(" + b"".join(map(value, ("storage", "f", "0", "cpu", 4, 5, 6))) + b"tQ",
        "without a key",
    ),
    "other type": (reference(4, "QInt8Storage"), "torch.QInt8Storage"),
    "class": (b"(" + value("module") + RECORD + b"NNtQ", "not a storage"),
    "none": (b"N", "without a storage"),
}


def tensors() -> Cases:
    """Return tensors that extend beyond their storage, for every kind of file."""
    cases: Cases = {}

    def add(key: str, storage: bytes, *layout: Any, reason: str) -> None:
        state = b"}" + value("a") + tensor(storage, *layout) + b"s"
        cases[f"{key}.zip.pt"] = saved(state), reason
        cases[f"{key}.legacy.pt"] = legacy(state, ("0", floats(4))), ""

    for key, (*layout, reason) in TENSORS.items():
        add(key, reference(4), *layout, reason=reason)
        inner = nested(legacy(reference(4), ("0", floats(4))))
        cases[f"{key}.pkl"] = whole(b"}" + value("a") + tensor(inner, *layout) + b"s"), reason
    for key, (storage, reason) in STORAGES.items():
        add(f"storage {key}", storage, 0, (4,), (1,), reason=reason)
    for key, other in ("types", reference(4, "IntStorage")), ("lengths", reference(2)):
        both = tensor(reference(4), 0, (4,), (1,)) + tensor(other, 0, (2,), (1,)) + b"\x86"
        cases[f"two {key}.zip.pt"] = saved(both), "two types or lengths"
        cases[f"two {key}.legacy.pt"] = legacy(both, ("0", floats(4))), "two types or lengths"
    return cases


def nests() -> Cases:
    """Return nested storages that are incomplete or contain other objects than a storage."""
    good = legacy(reference(4), ("0", floats(4)))
    bodies = {
        "nothing": (nested(b""), "ends too early"),
        "zip": (nested(saved(reference(4))), "no pickle"),
        "tensor": (nested(legacy(tensor(reference(4), 0, (4,), (1,)), ("0", floats(4)))), "names"),
        "number": (nested(legacy(b"K\x01")), "in place of a nested storage"),
        "nested again": (nested(legacy(nested(good))), "torch.storage._load_from_bytes"),
        "no bytes": (call("torch.storage", "_load_from_bytes", "text"), "without bytes"),
        "unlisted": (nested(legacy(reference(4), keys=[])), "missing"),
        "listed twice": (
            nested(legacy(reference(4), ("0", floats(4)), ("0", floats(4)))),
            "list of storages",
        ),
        "other listed": (nested(legacy(reference(4), ("1", floats(4)))), "list of storages"),
        "list of lists": (nested(legacy(reference(4), keys=[[]])), "list of storages"),
        "another length": (
            nested(legacy(reference(4), ("0", floats(3)))),
            "does not have the length",
        ),
        "negative length": (
            nested(legacy(reference(4), ("0", struct.pack("<q", -4) + bytes(16)))),
            "does not have the length",
        ),
        "view": (nested(legacy(reference(4), view=("1", 0, 2))), "part of"),
        "short": (nested(good[:-1]), "ends too early"),
        "bare": (nested(good), "does not belong to a tensor"),
        # The bytes of one storage, kept in the memo and made into many storages.
        "repeated": (
            short(good)
            + b"\x85qc0"
            + name("torch.storage", "_load_from_bytes")
            + b"qd0"
            + b"hdhcR" * 100,
            "larger than the file",
        ),
    }
    return {f"{key}.pkl": (whole(body), reason) for key, (body, reason) in bodies.items()}


def doubled(count: int) -> bytes:
    """Return a list that names 2 ** ``count`` empty lists in a few bytes each."""
    numbers = [struct.pack("<I", number) for number in range(count)]
    steps = [
        b"](" + 2 * (b"j" + before) + b"er" + this for before, this in itertools.pairwise(numbers)
    ]
    return b"]r" + numbers[0] + b"".join(steps)


def module(modules: bytes) -> bytes:
    """Return a module whose ``_modules`` are made by the opcodes ``modules``."""
    parts = value("_parameters") + b"}" + value("_buffers") + b"}" + value("_modules") + modules
    return RECORD + b"}(" + parts + b"ub"


def shared_values() -> dict[str, bytes]:
    """Return files whose values are shared, so that a walk of every path would not end."""
    modules = module(b"}") + b"qc0"
    for _ in range(60):
        modules += module(b"}(" + value("a") + b"hc" + value("b") + b"hcu") + b"qc0"
    parts = value("_parameters") + b"}" + value("_buffers") + b"}"
    loop = RECORD + b"qc}(" + parts + value("_modules") + b"}" + value("a") + b"hcsub"
    weight = tensor(reference(1 << 16), 0, (1 << 16,), (1,))
    weights = b"}(" + b"".join(value(str(number)) + weight for number in range(100)) + b"u"
    return {
        "lists.pkl": whole(doubled(300)),
        "modules.pkl": whole(modules + b"hc"),
        "loop.pkl": whole(loop),
        "tensors.pt": saved(weights, 1 << 16),
    }


def zips() -> Cases:
    """Return zip files that unpack to far more bytes, or that torch.save did not write."""
    state = b"}" + value("a") + tensor(reference(1 << 22), 0, (1 << 22,), (1,)) + b"s"
    small = b"}" + value("a") + tensor(reference(4), 0, (4,), (1,)) + b"s"
    deflated = zipfile.ZIP_DEFLATED
    bomb = zipped({"a/data.pkl": whole(b" " * (100 << 20))}, deflated)
    numbers = zipped({"a/data.pkl": whole(state, 2), "a/data/0": bytes(4 << 22)}, deflated)
    two = zipped({"a/data.pkl": whole(small), "b/data.pkl": whole(small)})
    encrypted = bytearray(saved(small))
    for at in encrypted.index(b"PK\x01\x02") + 8, 6:  # flags in the directory and the member
        encrypted[at] |= 1
    corrupt = bytearray(saved(small))
    corrupt[corrupt.index(bytes(16)) + 1] = 1
    lzma = zipped({"a/data.pkl": whole(small), "a/data/0": bytes(16)}, zipfile.ZIP_LZMA)
    return {
        "pickle.pt": (bomb, "more than"),
        "numbers.pt": (numbers, "larger than the file"),
        "two.pt": (two, "neither torch.save nor TorchScript"),
        "photos.zip": (zipped({"img0.png": b"x", "dataset.json": b"{}"}), "neither torch.save"),
        "empty.zip": (zipped({}), "neither torch.save"),
        "encrypted.pt": (bytes(encrypted), "zip file"),
        "corrupt.pt": (bytes(corrupt), "CRC"),
        "lzma.pt": (lzma, "neither stored nor compressed with Deflate"),
        "short.pt": (saved(small)[:-30], "zip file"),
        "missing.pt": (zipped({"a/data.pkl": whole(small)}), "missing"),
    }


def safetensors(header: str, data: bytes = b"", length: int | None = None) -> bytes:
    size = len(header) if length is None else length
    return struct.pack("<Q", size) + header.encode() + data


def others() -> Cases:
    """Return files that are not checkpoints, or only resemble checkpoints."""
    entry = '{"a": {"dtype": "F32", "shape": [%s], "data_offsets": [%d, %d]}}'
    files = {
        "empty.pkl": b"",
        "text.pkl": b"a text\n",
        "nan.pkl": b"NaN",
        "one.pkl": b"\x80",
        "zeros.pkl": bytes(1000),
        "image.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "page.html": b"<html>Quota exceeded</html>",
        "protocol0.pkl": b"cos\nsystem\n(S'touch executed'\ntR.",
        "protocol1.pkl": pickle.dumps({"a": 1}, 1),
        "protocol6.pkl": whole(b"N", 6),
        "protocol255.pkl": whole(b"N", 255),
        "zip.pt": b"PK\x03\x04",
        "tar.pt": b"storages" + bytes(504) + pickle.dumps(3),
        "long.safetensors": safetensors("{", length=HUGE),
        "json.safetensors": safetensors("{not json}"),
        "deep.safetensors": safetensors('{"a":' * 100_000),
        "beyond.safetensors": safetensors(entry % ("4", 0, 16), bytes(8)),
        "shape.safetensors": safetensors(entry % ("5", 0, 16), bytes(16)),
        "negative.safetensors": safetensors(entry % ("4", 16, 0), bytes(16)),
        "huge.safetensors": safetensors(entry % (HUGE, 0, 16), bytes(16)),
    }
    return {file: (content, "") for file, content in files.items()}


def cut() -> Cases:
    """Return good files cut short at many positions."""
    cases: Cases = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in good_files(Path(folder, "good")):
            content = path.read_bytes()
            for part in range(60):
                cases[f"{part}-{path.name}"] = content[: len(content) * part // 60], ""
            for count in *range(12), -1:
                cases[f"first {count}-{path.name}"] = content[:count], ""
    return cases


INERT_GROUPS: dict[str, Callable[[], Cases]] = {"calls": calls, "inert": inert}
GROUPS: dict[str, Callable[[], Cases]] = {
    "bodies": bodies,
    "numbers": numbers,
    "tensors": tensors,
    "nests": nests,
    "zips": zips,
    "others": others,
    "cut": cut,
}
