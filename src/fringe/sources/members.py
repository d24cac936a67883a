"""Select the images of a data set among the files of a folder, a ZIP or a tar.

Ambiguous files would silently change the set. They are refused until the configuration selects the
images: images that are not read (`fringe.sources.suffixes.UNREAD`), several pictures of one sample
(`fringe.sources.samples`), and several splits (`fringe.sources.splits`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from fringe.errors import FringeError
from fringe.sources.patterns import ALL, Choice
from fringe.sources.samples import refuse_companion_folders, refuse_companions
from fringe.sources.splits import refuse_merged_folders
from fringe.sources.suffixes import UNREAD, folders_of, suffix_of, suffixes

__all__ = ["choose", "chosen", "left_out", "no_images", "refuse_merged"]

_HOLDERS = frozenset({".zip", ".tar", ".parquet", ".npz", ".h5", ".hdf5", ".mdb"})


def choose(names: Sequence[str], place: str, choice: Choice) -> list[str]:
    """Return the sorted ``names`` of the images of a folder or a ZIP.

    Parameters
    ----------
    names : sequence of str
        Relative paths, with forward slashes, of all files that `is_picture_name` accepts.
    place : str
        Name of the data set in messages.
    choice : Choice
        Selects the images.

    Raises
    ------
    FringeError
        If ``choice`` leaves none or one of its patterns fits none, or if the remaining files
        contain images that are not read, several pictures of one sample, or several splits.
    """
    taken = sorted(chosen(names, place, choice))
    choice.refuse_idle(names, place)
    if not choice.everything:
        refuse_companions(taken, place)
    refuse_merged(taken, place, choice)
    return taken


def chosen(names: Sequence[str], place: str, choice: Choice) -> list[str]:
    """Return the ``names`` of the images of the data set, in their order.

    Parameters
    ----------
    names, place, choice
        As for `choose`.

    Raises
    ------
    FringeError
        If a selected image has the suffix of a format that is not read.
    """
    taken = list(filter(choice.takes, names)) if choice != ALL else list(names)
    unread = [name for name in taken if suffix_of(name) in UNREAD]
    if unread:
        kinds = ", ".join(sorted({f'"*{suffix_of(name)}"' for name in unread}))
        which = "file that is an image" if len(unread) == 1 else "files that are images"
        raise FringeError(
            f"{place}: holds {len(unread):,} {which} of a kind that is not read, "
            f"{suffixes(unread)} (first: {min(unread)}); convert or remove them, or leave them out "
            f"with `ignore: [{kinds}]`"
        )
    return taken


def refuse_merged(names: Sequence[str], place: str, choice: Choice) -> None:
    """Raise if folders hold several splits, or one folder holds masks or similar of another.

    Raises
    ------
    FringeError
        The message names the folders, and patterns to use.
    """
    if choice.everything:
        return
    children = _children(names)
    refuse_merged_folders(children, names, place, choice)
    refuse_companion_folders(children, names, place)


def left_out(names: Sequence[str], taken: Sequence[str]) -> str:
    """Return counts, by suffix, of images ``names`` that were not ``taken``; "" if all were."""
    return suffixes(set(names) - set(taken)) if len(taken) < len(names) else ""


def no_images(place: str, files: Collection[str], *, packed: bool) -> FringeError:
    """Return the error for a set without images, which describes its other ``files``.

    ``packed``: whether the set is an archive.
    """
    number = "1 file" if len(files) == 1 else f"{len(files):,} files"
    held = f", but {number} ({suffixes(files)})" if files else ""
    inner = min((name for name in files if suffix_of(name) in _HOLDERS), default=None)
    advice = (
        f"; unpack {inner}, which may hold images"
        if packed
        else f"; {inner} may hold images: give that path"
    )
    return FringeError(
        f"{place}: holds no image{held}; images are recognized by their suffix (.png, .jpg, .webp, "
        f"...){'' if inner is None else advice}"
    )


def _children(names: Iterable[str]) -> dict[str, set[str]]:
    """Return, for each folder (`folders_of`), the names of its subfolders that contain images."""
    children: dict[str, set[str]] = defaultdict(set)
    for folder in {name[: name.rfind("/") + 1] for name in names}:
        for outer, inner in pairwise(folders_of(folder)):
            children[outer].add(inner[len(outer) : -1])
    return children
