"""Public files by name: published reference statistics, generators and data sets.

``catalogue.yaml`` describes each file. A configuration names a file, for example, as
``published:edm/cifar10``. This module downloads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

import yaml

from fringe.errors import FringeError

__all__ = ["FOLDER", "PREFIX", "Published", "catalogue", "is_published", "published"]

#: Prefix of a text that names an entry instead of a path.
PREFIX = "published:"

#: Folder of the files, inside the folder of data.
FOLDER = "data/published"

_NEAREST = 3  # names that a message offers


@dataclass(frozen=True)
class Published:
    """A public file.

    Parameters
    ----------
    name : str
        ``<family>/<name>``.
    kinds : tuple of str
        Its content: ``"statistics"``, ``"generator"`` or ``"images"``; guided-diffusion's
        reference batches have ``"statistics"`` and ``"images"``.
    title : str
        Name of the data set.
    urls : tuple of str
        The publisher's address, then mirrors with the same bytes.
    found_in : str
        Public repository and path of the document or source file that contains the address.
    licence, protocol : str
        Licence of the file, and how its publisher measures numbers with it.
    networks : tuple of str
        Networks of the statistics.
    count : int, optional
        Number of images of the statistics.
    resolution : int, optional
        Width and height of the images, in pixels.
    size : str
        Size of the file in words; "" if unknown.
    sha256, md5 : str, optional
        Published hex digests; ``digest_in`` says where they were published.
    note : str
        A remark for users.
    """

    name: str
    kinds: tuple[str, ...]
    title: str
    urls: tuple[str, ...]
    found_in: str
    licence: str
    protocol: str
    networks: tuple[str, ...] = ()
    count: int | None = None
    resolution: int | None = None
    size: str = ""
    sha256: str | None = None
    md5: str | None = None
    digest_in: str = ""
    note: str = ""

    @property
    def path(self) -> str:
        """Path of the file inside the folder of data, with its publisher's suffix."""
        return f"{FOLDER}/{self.name}{_ending(self.urls[0])}"


def is_published(text: object) -> bool:
    """Return whether a value of a configuration names an entry, known or not.

    >>> is_published("published:edm/cifar10"), is_published("data/cifar10.npz")
    (True, False)
    """
    return isinstance(text, str) and text.startswith(PREFIX)


@cache
def catalogue() -> Mapping[str, Published]:
    """Return every entry by its name, in the order of the file.

    >>> catalogue()["edm/cifar10"].urls
    ('https://nvlabs-fi-cdn.nvidia.com/edm/fid-refs/cifar10-32x32.npz',)
    """
    text = files("fringe.sources").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return {
        f"{family}/{name}": _entry(f"{family}/{name}", {**about, **entry})
        for family, about in yaml.safe_load(text).items()
        for name, entry in about["entries"].items()
    }


def published(name: str, kind: str | None = None) -> Published:
    """Return the entry with a name, with or without the prefix ``published:``.

    Raises
    ------
    FringeError
        If there is no such entry (the message lists similar names), or it is not of ``kind``.

    >>> published("published:edm/cifar10").count
    50000
    """
    plain = name.removeprefix(PREFIX)
    known = catalogue()
    if plain not in known:
        fitting = [key for key in known if kind is None or kind in known[key].kinds]
        near = get_close_matches(plain, fitting, _NEAREST, 0.4)
        hint = f"the nearest are {', '.join(near)}; " if near else ""
        raise FringeError(
            f"{PREFIX}{plain}: the catalogue has no such name; {hint}`fringe fetch` lists all names"
        )
    entry = known[plain]
    if kind is not None and kind not in entry.kinds:
        raise FringeError(
            f"{PREFIX}{plain}: holds {' and '.join(map(_spoken, entry.kinds))}, but "
            f"{_spoken(kind)} must be named here; `fringe fetch` lists all names"
        )
    return entry


def _spoken(kind: str) -> str:
    """Return the name of a kind of entry in messages, with an article if it is singular."""
    return "a generator" if kind == "generator" else kind


def _entry(name: str, about: Mapping[str, Any]) -> Published:
    others = {key: about[key] for key in about if key not in ("address", "file", "entries")}
    lists = {key: tuple(others.pop(key, ())) for key in ("kinds", "networks", "mirrors")}
    urls = (f"{about['address']}{about['file']}", *lists.pop("mirrors"))
    values: dict[str, Any] = {"name": name, "urls": urls, **lists, **others}
    return Published(**values)


def _ending(url: str) -> str:
    """Return the suffix of a file's name, including ``.tar``.

    >>> _ending("https://a.org/cifar-10-binary.tar.gz"), _ending("https://a.org/target0.5.pkl")
    ('.tar.gz', '.pkl')
    """
    file = PurePosixPath(url)
    return f".tar{file.suffix}" if file.stem.endswith(".tar") else file.suffix
