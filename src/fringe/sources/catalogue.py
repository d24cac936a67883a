"""Public files by name: reference statistics, generators and data sets that others published.

``catalogue.yaml`` holds what is known of each. A configuration names one, for example as
``published:edm/cifar10``. Nothing is fetched here.
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

#: How a text begins that names an entry in the place of a path.
PREFIX = "published:"

#: Where its file is put, in the folder of data.
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
        What it holds: ``"statistics"``, ``"generator"`` or ``"images"``; of guided-diffusion's
        reference batches the first and the last.
    title : str
        Of what data set.
    urls : tuple of str
        The publisher's address, then mirrors with the same bytes.
    found_in : str
        Public repository and path of the document or source file that has the address.
    licence, protocol : str
        Of the file; and how numbers are measured with it, as far as its publisher says.
    networks : tuple of str
        The networks whose features statistics are of.
    count : int, optional
        Number of images that statistics are of.
    resolution : int, optional
        Width and height of the images, in pixels.
    size : str
        Of the file in words; "" where unknown.
    sha256, md5 : str, optional
        Hex digests that somebody has published, and ``digest_in`` where.
    note : str
        What a user must know.
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
        """Where the file is put, in the folder of data: with the ending that its publisher gave."""
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
    """Return the entry of a name, with or without ``published:`` before it.

    Raises
    ------
    FringeError
        If there is none, with the nearest names; or if it holds nothing of ``kind``.

    >>> published("published:edm/cifar10").count
    50000
    """
    plain = name.removeprefix(PREFIX)
    known = catalogue()
    if plain not in known:
        fitting = [one for one in known if kind is None or kind in known[one].kinds]
        near = get_close_matches(plain, fitting, _NEAREST, 0.4)
        hint = f"the nearest are {', '.join(near)}; " if near else ""
        raise FringeError(
            f"{PREFIX}{plain}: the catalogue has no such name; {hint}`fringe fetch` lists all"
        )
    entry = known[plain]
    if kind is not None and kind not in entry.kinds:
        raise FringeError(
            f"{PREFIX}{plain}: holds {' and '.join(map(_spoken, entry.kinds))}, and "
            f"{_spoken(kind)} must be named here; `fringe fetch` lists all"
        )
    return entry


def _spoken(kind: str) -> str:
    """Return what messages call a kind of entry: only a generator is one thing."""
    return "a generator" if kind == "generator" else kind


def _entry(name: str, about: Mapping[str, Any]) -> Published:
    others = {key: about[key] for key in about if key not in ("address", "file", "entries")}
    lists = {key: tuple(others.pop(key, ())) for key in ("kinds", "networks", "mirrors")}
    urls = (f"{about['address']}{about['file']}", *lists.pop("mirrors"))
    values: dict[str, Any] = {"name": name, "urls": urls, **lists, **others}
    return Published(**values)


def _ending(url: str) -> str:
    """Return what follows the stem of a file's name.

    >>> _ending("https://a.org/cifar-10-binary.tar.gz"), _ending("https://a.org/target0.5.pkl")
    ('.tar.gz', '.pkl')
    """
    file = PurePosixPath(url)
    return f".tar{file.suffix}" if file.stem.endswith(".tar") else file.suffix
