"""Pickles assembled opcode by opcode, and the kinds of files that contain pickles."""

import io
import pickle
import pickletools
import struct
import zipfile
from typing import Any

MAGIC = 0x1950A86A20F9469CFC6C


def value(plain: Any) -> bytes:
    """Return the opcodes that push a plain value; they use memo entries below 99, if any."""
    return pickletools.optimize(pickle.dumps(plain, 2))[2:-1]


def name(module: str, attribute: str) -> bytes:
    """Return the opcodes that push a global, as protocol 2 writes them."""
    return f"c{module}\n{attribute}\n".encode()


def stack_name(module: Any, attribute: Any) -> bytes:
    """Return the opcodes that push a global, as protocol 4 writes them."""
    return value(module) + value(attribute) + pickle.STACK_GLOBAL


def call(module: str, attribute: str, *arguments: Any) -> bytes:
    """Return the opcodes that call a global."""
    return name(module, attribute) + value(arguments) + pickle.REDUCE


def whole(body: bytes, protocol: int = 4) -> bytes:
    """Return a pickle."""
    return pickle.PROTO + bytes([protocol]) + body + pickle.STOP


def reference(count: Any, kind: str = "FloatStorage", key: Any = "0") -> bytes:
    """Return the opcodes that push a storage by its persistent id."""
    parts = value("storage") + name("torch", kind) + value(key) + value("cpu") + value(count)
    return b"(" + parts + b"tQ"


def legacy(
    body: bytes, *storages: tuple[str, bytes], keys: list[Any] | None = None, view: Any = None
) -> bytes:
    """Return a legacy torch.save file whose object is made by ``body``.

    Its persistent ids end with ``view``: the part of another storage that the storage is.
    """
    system = {"protocol_version": 1001, "little_endian": True}
    parts = [pickle.dumps(part, 2) for part in (MAGIC, 1001, system)]
    parts += [whole(body.replace(b"tQ", value(view) + b"tQ"), 2)]
    parts += [pickle.dumps([key for key, _ in storages] if keys is None else keys, 2)]
    return b"".join(parts) + b"".join(data for _, data in storages)


def tensor(storage: bytes, offset: Any, size: Any, stride: Any) -> bytes:
    """Return the opcodes that push a tensor."""
    parts = storage + value(offset) + value(size) + value(stride) + value(False) + b"}"
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + parts + b"tR"


def nested(data: bytes) -> bytes:
    """Return the opcodes that push a storage from its bytes."""
    length = struct.pack("<I", len(data))
    loader = name("torch.storage", "_load_from_bytes")
    return loader + pickle.BINBYTES + length + data + b"\x85R"


def floats(count: int) -> bytes:
    """Return the bytes of a storage of ``count`` zeros, as they follow the list of storages."""
    return struct.pack("<q", count) + bytes(4 * count)


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return buffer.getvalue()


def saved(body: bytes, numbers: int = 4, **members: bytes) -> bytes:
    """Return a torch.save zip file whose object is made by ``body``, with one storage."""
    parts = {"data.pkl": whole(body, 2), "version": b"3\n", "data/0": bytes(4 * numbers)}
    return zipped({f"a/{member}": data for member, data in (parts | members).items()})


def scripted(body: bytes, numbers: int = 4) -> bytes:
    """Return a TorchScript archive whose module is made by ``body``, with one storage."""
    return saved(body, numbers, **{"constants.pkl": whole(b")"), "code/__torch__.py": b"x"})
