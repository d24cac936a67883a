"""Detect the kind of a checkpoint file from its bytes; names of files are ignored."""

from __future__ import annotations

import os
import re
import struct
from io import BufferedReader
from typing import Literal, TypeAlias

from fringe.checkpoints.archive import member_names
from fringe.checkpoints.stream import Refused

__all__ = ["Kind", "detect_kind"]

Kind: TypeAlias = Literal[
    "safetensors", "torchscript", "torch", "zip", "pickle", "old pickle", "gzip", "graph", "other"
]

MAX_HEADER = 8 << 20  # bytes, about 100 for each tensor; a byte takes up to 25 bytes of memory

# A dict, a list or an object in protocols 0 and 1, which have no characteristic first byte.
_OLD_PICKLE = re.compile(rb"\([dl]p\d+\n|[]}]q\x00|\(*c\w[\w.]*\n\w+\n")


def detect_kind(file: BufferedReader, size: int) -> Kind:
    """Return the kind of an open file of ``size`` bytes, and seek to its beginning.

    A safetensors file begins with the length of its header in 8 bytes. These 8 bytes may equal the
    first bytes of any other format. The ninth byte is the opening brace of the header. No other
    format has a brace there after a number that is smaller than the file, so safetensors is
    checked first.

    Raises
    ------
    Refused
        If the file is a damaged ZIP file, or a safetensors file whose header is larger than that
        of any network.
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
        return "pickle"  # of a future protocol
    if _OLD_PICKLE.match(start) and _last_byte(file) == b".":
        return "old pickle"
    # A frozen graph begins with a node, which is field 1 of its message.
    return "graph" if start.startswith(b"\n") else "other"


def _zip_kind(file: BufferedReader) -> Kind:
    names = member_names(file)
    file.seek(0)
    if not any(name.endswith("/data.pkl") for name in names):
        return "zip"
    # An exported program contains its data, its code and the constants of the code.
    return "torchscript" if any(name.endswith("/constants.pkl") for name in names) else "torch"


def _last_byte(file: BufferedReader) -> bytes:
    file.seek(-1, os.SEEK_END)
    last = file.read(1)
    file.seek(0)
    return last
