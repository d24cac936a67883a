"""Keys of an LMDB environment whose values are not images of the data set."""

import re
import sys
from collections.abc import Iterator
from itertools import takewhile

from fringe.errors import FringeError
from fringe.sources.decoding import size_of
from fringe.sources.limits import Limits
from fringe.sources.lmdb_tree import Tree

__all__ = ["bookkeeping", "first_of_sizes", "is_image", "size_in", "text"]

#: Keys of the notes of tools: number and names of images, and other information. Keys in double
#: underscores, such as ``__len__``, are such keys, too.
BOOKKEEPING = (
    *(b"classes", b"count", b"dataset_info", b"header", b"header_entries", b"info", b"keys"),
    *(b"labels", b"len", b"length", b"_metadata", b"meta", b"meta-info", b"meta_info", b"metadata"),
    *(b"nSamples", b"n_samples", b"num-examples", b"num-images", b"num-samples", b"num_examples"),
    *(b"num_images", b"num_samples", b"resolution", b"shape", b"size", b"total"),
)
_DUNDER = re.compile(rb"__.+__", re.DOTALL)
_SIZED = re.compile(rb"([1-9][0-9]*)-")  # 256-00000: an image, and its size in pixels
_ANY_SIZE = Limits(pixels=sys.maxsize, bytes=sys.maxsize)
SIZES = 20  # more numbers before the hyphen are not sizes


def text(key: bytes) -> str:
    """Return a key as text for messages and patterns."""
    return key.decode(errors="backslashreplace")


def is_image(value: bytes) -> bool:
    """Return whether a value begins like an image."""
    try:
        size_of(value, "", limits=_ANY_SIZE)
    except FringeError:
        return False
    return True


def bookkeeping(tree: Tree) -> Iterator[bytes]:
    """Yield the known keys of notes whose values are not images."""

    def is_note(key: bytes) -> bool:
        value = tree.get(key)
        return value is not None and not is_image(value)

    yield from filter(is_note, BOOKKEEPING)
    for key in takewhile(lambda key: key.startswith(b"__"), tree.keys(b"__")):
        if _DUNDER.fullmatch(key) and is_note(key):
            yield key


def size_in(key: bytes) -> tuple[int, bytes] | None:
    """Return the number that a key such as ``256-00000`` begins with, and the key."""
    match = _SIZED.match(key)
    return None if match is None else (int(match[1]), key)


def first_of_sizes(tree: Tree) -> dict[int, bytes]:
    """Return the first key with each number of `size_in`, if keys begin with few numbers."""
    found: dict[int, bytes] = {}
    key = next(tree.keys(), None)
    while key is not None and len(found) < SIZES:
        sized = size_in(key)
        if sized is None:
            break
        found[sized[0]] = sized[1]
        key = next(tree.keys(b"%d." % sized[0]), None)  # after all keys of this number
    return found
