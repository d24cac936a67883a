"""Which kind of checkpoint a file is, told from its bytes; names of files say nothing."""

from __future__ import annotations

import os
import re
import struct
from io import BufferedReader
from typing import Literal, TypeAlias

from fringe.checkpoints.archive import member_names
from fringe.checkpoints.stream import Refused

__all__ = ["Kind", "tell_kind"]

Kind: TypeAlias = Literal[
    "safetensors", "torchscript", "torch", "zip", "pickle", "old pickle", "gzip", "graph", "other"
]

MAX_HEADER = 8 << 20  # bytes, some 100 of each tensor; each becomes up to 25 in memory

# A dict, a list or an object in the protocols 0 and 1, which no first byte tells.
_OLD_PICKLE = re.compile(rb"\([dl]p\d+\n|[]}]q\x00|\(*c\w[\w.]*\n\w+\n")


def tell_kind(file: BufferedReader, size: int) -> Kind:
    """Return the kind of an open file of ``size`` bytes, and go back to its beginning.

    A safetensors file begins with the length of its header in 8 bytes, which may be those that any
    other format begins with. Its ninth byte is the brace of the header, which no other format has
    there behind a number that the file has room for. So this comes first.

    Raises
    ------
    Refused
        If it is a ZIP file that is damaged, or a safetensors file with a header as no network has.
    """
    start = file.read(256)
    file.seek(0)
    brace = start[8:9] == b"{"
    if brace and (header := struct.unpack("<Q", start[:8])[0]) <= size - 8:
        if header > MAX_HEADER:
            raise Refused(f"is a safetensors file whose header has more than {MAX_HEADER} bytes")
        return "safetensors"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(file)
    if start.startswith(b"\x80") and start[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return "pickle"
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if brace:
        return "safetensors"  # cut short
    if start.startswith(b"\x80"):
        return "pickle"  # of a protocol to come
    if _OLD_PICKLE.match(start) and _last_byte(file) == b".":
        return "old pickle"
    # A frozen graph begins with a node, which is field 1 of its message.
    return "graph" if start.startswith(b"\n") else "other"


def _zip_kind(file: BufferedReader) -> Kind:
    names = member_names(file)
    file.seek(0)
    if not any(name.endswith("/data.pkl") for name in names):
        return "zip"
    # Beside its data, an exported program has code and the constants of that code.
    return "torchscript" if any(name.endswith("/constants.pkl") for name in names) else "torch"


def _last_byte(file: BufferedReader) -> bytes:
    file.seek(-1, os.SEEK_END)
    last = file.read(1)
    file.seek(0)
    return last
