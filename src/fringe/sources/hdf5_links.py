"""Find datasets in an HDF5 file without leaving the file.

HDF5 follows all links: a soft link through an external link returns data of another file, which the
fingerprint would not cover, and a link to a named pipe waits forever. Here every link on the path
to a dataset is checked before it is followed.
"""

from collections import deque
from collections.abc import Iterator

import h5py

from fringe.errors import FringeError

__all__ = ["dataset_at", "datasets"]

_SOFT_LINKS = 16  # to follow in a row, as many as HDF5 follows


def dataset_at(file: h5py.File, path: str, name: str) -> h5py.Dataset | None:
    """Return the dataset at a path in a file; None if there is no dataset.

    Parameters
    ----------
    file : h5py.File
        The file.
    path : str
        Names of groups and of the dataset, separated by slashes.
    name : str
        Name of the file in messages.

    Raises
    ------
    FringeError
        If the dataset, or a part of it, is in another file.
    """
    found = _followed(file, path, name)
    if not isinstance(found, h5py.Dataset):
        return None
    is_here = h5py.h5o.get_info(found.id).fileno == h5py.h5o.get_info(file.id).fileno
    if found.is_virtual or found.external or not is_here:
        raise _elsewhere(name, path)
    return found


def datasets(file: h5py.File, most: int) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield path and dataset of each dataset in a file, once; links are not followed.

    Parameters
    ----------
    file : h5py.File
        The file.
    most : int
        Most groups and datasets to check.

    Raises
    ------
    OverflowError
        If there are more groups and datasets.
    """
    left = deque([("", file["/"])])
    seen = {h5py.h5o.get_info(file["/"].id).addr}
    while left:
        begin, group = left.popleft()
        for link in group.id:  # as bytes, which may not be text
            if b"/" in link or group.id.links.get_info(link).type != h5py.h5l.TYPE_HARD:
                continue
            item = group[link]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > most:
                raise OverflowError
            path = begin + link.decode("utf-8", "surrogateescape")
            if isinstance(item, h5py.Group):
                left.append((f"{path}/", item))
            elif isinstance(item, h5py.Dataset):
                yield path, item


def _followed(file: h5py.File, path: str, name: str) -> object:
    """Return the object at a path; follow only soft links, which stay in this file."""
    here = file["/"]
    left = deque(path.split("/"))
    links = 0
    while left:
        link = left.popleft().encode("utf-8", "surrogateescape")
        if link in {b"", b"."}:
            continue
        if not isinstance(here, h5py.Group) or not here.id.links.exists(link):
            return None
        kind = here.id.links.get_info(link).type
        if kind == h5py.h5l.TYPE_HARD:
            here = here[link]
        elif kind == h5py.h5l.TYPE_SOFT:
            links += 1
            if links > _SOFT_LINKS:
                raise FringeError(
                    f"{name}: its `{path}` is a link in an endless chain of links; create the "
                    "file again"
                )
            target = here.id.links.get_val(link).decode("utf-8", "surrogateescape")
            here = file["/"] if target.startswith("/") else here
            left.extendleft(reversed(target.split("/")))
        else:
            raise _elsewhere(name, path)
    return here


def _elsewhere(name: str, path: str) -> FringeError:
    return FringeError(f"{name}: its `{path}` is in other files; copy it into one file (h5repack)")
