"""Finding datasets in an HDF5 file without leaving it.

HDF5 follows links wherever they lead: a soft link through an external one gives the data of another
file, which no fingerprint would see, and a link to a named pipe waits for ever. Here every link on
the way to a dataset is looked at before it is followed.
"""

from collections import deque
from collections.abc import Iterator

import h5py

from fringe.errors import FringeError

__all__ = ["dataset_at", "datasets"]

_SOFT_LINKS = 16  # that are followed one after the other; HDF5 follows as many


def dataset_at(file: h5py.File, path: str, name: str) -> h5py.Dataset | None:
    """Return the dataset at a path in a file; None if there is none.

    Parameters
    ----------
    file : h5py.File
        The file.
    path : str
        Names of groups and of the dataset, with slashes between them.
    name : str
        What messages call the file.

    Raises
    ------
    FringeError
        If the dataset, or a part of it, lies in another file.
    """
    found = _followed(file, path, name)
    if not isinstance(found, h5py.Dataset):
        return None
    is_here = h5py.h5o.get_info(found.id).fileno == h5py.h5o.get_info(file.id).fileno
    if found.is_virtual or found.external or not is_here:
        raise _elsewhere(name, path)
    return found


def datasets(file: h5py.File, most: int) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the datasets of a file, and their paths, each once; links are not followed.

    Parameters
    ----------
    file : h5py.File
        The file.
    most : int
        How many groups and datasets are looked at.

    Raises
    ------
    OverflowError
        If there are more.
    """
    left = deque([("", file["/"])])
    seen = {h5py.h5o.get_info(file["/"].id).addr}
    while left:
        begin, group = left.popleft()
        for link in group.id:  # as bytes, which may be no text
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
    """Return what is at a path, one name at a time, through soft links of this file only."""
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
                    f"{name}: its `{path}` is a link that leads to links without end; make the "
                    "file again"
                )
            target = here.id.links.get_val(link).decode("utf-8", "surrogateescape")
            here = file["/"] if target.startswith("/") else here
            left.extendleft(reversed(target.split("/")))
        else:
            raise _elsewhere(name, path)
    return here


def _elsewhere(name: str, path: str) -> FringeError:
    return FringeError(
        f"{name}: its `{path}` lies in other files; copy it into one file (h5repack)"
    )
