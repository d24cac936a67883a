"""Several pictures of one sample, of which a data set of images has one.

Masks, depth maps, thumbnails and other forms of an image are images, too, as far as suffixes tell.
What they belong to is told by names:

* In a tar, as WebDataset has it: files whose paths are the same up to the first dot of the name,
  such as ``0001.jpg`` and ``0001.mask.png``, are one sample.
* In a folder or a ZIP, files in one folder that differ in their suffix only (``0001.jpg``,
  ``0001.png``), or in a word for a mask and the like at either end of the name (``0001.png``,
  ``0001_mask.png``, or ``rgb_1.png``, ``depth_1.png``). So ``a.1.png`` and ``a.2.png`` are two
  samples, and so are ``gas_mask_1.png`` and ``gas_mask_2.png`` where there is no ``gas.png``.
* A whole folder (``masks/``, ``thumbnails128x128/``) that has such a word in its name, where a
  folder beside it is called ``images``, ``rgb`` or the like, or where at least half of its images
  have a namesake beside it. So classes ``mask/`` and ``hat/`` with names of their own are fine.
  Folders are classes, too, where there are more than a few (`FEW`), or where three others share
  the names of such a folder, as where each class counts from 1.
* Folders whose names differ in a size only (``256x256/``, ``512x512/``), if they share half of the
  names.

Pictures in folders that are called otherwise (``left/``, ``right/``) cannot be told from classes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from fringe.errors import FringeError
from fringe.sources.patterns import pattern_of
from fringe.sources.suffixes import folders_of, suffix_of, words

__all__ = ["refuse_companion_folders", "refuse_companions"]

# Of pictures that go with an image.
_COMPANIONS = frozenset(
    {
        *("mask", "masks", "matte", "mattes", "trimap", "trimaps", "superpixels", "parsing"),
        *("seg", "segs", "segm", "segmap", "segmaps", "segmentation", "segmentations", "panoptic"),
        *("label", "labels", "labelmap", "labelmaps", "gt", "groundtruth"),
        *("anno", "annos", "annot", "annots", "annotation", "annotations"),
        *("depth", "depths", "disparity", "disparities", "normals", "heatmap", "heatmaps"),
        *("saliency", "thumb", "thumbs", "thumbnail", "thumbnails"),
        *("conditioning", "canny", "lowres", "lr"),
    }
)
# Of the image itself, beside them.
_IMAGES = frozenset(
    {
        *("image", "images", "img", "imgs", "photo", "photos", "picture", "pictures"),
        *("rgb", "color", "colour", "jpg", "jpeg"),
    }
)
_SIZES = {2**power for power in range(4, 14)}  # pixels
CLASSES = 3  # folders that share the names of another are classes, and so is that one
FEW = 10  # more folders side by side are classes, whatever one of them is called
MANY = 100  # more folders side by side are not sizes
NAMED = 3  # pictures that a message names
LONGEST = 255  # letters of a name that is looked at: that of a file has no more
_WORD = "|".join(sorted(_COMPANIONS | _IMAGES, key=len, reverse=True))
_ENDS = re.compile(rf"(.+?)[ _.-]+({_WORD})(?:[ _.-]*\d+)?", re.IGNORECASE)
_BEGINS = re.compile(rf"({_WORD})[ _.-]*(|[ _.-].+|\d.*)", re.IGNORECASE)
# No word of a companion is without one of these.
_ROOTS = [word for word in _COMPANIONS if not any(o in word for o in _COMPANIONS - {word})]


def refuse_companions(names: Sequence[str], place: str, *, webdataset: bool = False) -> None:
    """Raise if names in one folder are those of several pictures of one sample.

    Parameters
    ----------
    names : sequence of str
        Paths of images.
    place : str
        What messages call the set.
    webdataset : bool
        Whether names that are the same up to their first dot are one sample, not up to their last.

    Raises
    ------
    FringeError
        Naming such a sample, how many there are, and what to ask for.
    """
    if webdataset:
        keys = [name[: name.find(".", name.rfind("/") + 1)] for name in names]
    else:
        keys = [name[: name.rfind(".")] for name in names]
    _refuse_groups(keys, names, place, webdataset)
    text = "\0".join(names).lower()
    if any(root in text for root in _ROOTS):
        samples = [(*_sample(name[: name.rfind(".")]), name) for name in names]
        with_companions = {key for key, is_companion, _ in samples if is_companion}
        with_images = {key for key, is_companion, _ in samples if not is_companion}
        samples = [sample for sample in samples if sample[0] in with_companions & with_images]
        _refuse_groups([key for key, *_ in samples], [name for *_, name in samples], place)


def refuse_companion_folders(
    children: Mapping[str, Collection[str]], names: Sequence[str], place: str
) -> None:
    """Raise if a folder holds masks and the like of the images in a folder beside it.

    Parameters
    ----------
    children : mapping of str to collection of str
        The names of the folders directly in each folder, in which images are; a folder's path ends
        in a slash, that of the outermost is empty.
    names : sequence of str
        All images.
    place : str
        What messages call the set.

    Raises
    ------
    FringeError
        Naming the folders, how many images the first has, and what to ask for.
    """
    found = {}
    for parent, folders in children.items():
        further = {folder for folder in folders if _is_companion(folder)} | _smaller(folders)
        if further:
            found[parent] = further
    if not found:
        return
    held: dict[str, list[str]] = {parent: [] for parent in found}  # paths of images, from there on
    for name in names:
        for folder in folders_of(name):
            if folder in held:
                held[folder].append(name[len(folder) :])
    for parent, further in found.items():
        images = [one for one in children[parent] if one not in further and _is_images(one)]
        if len(children[parent]) > FEW:
            images = []
        for folder in sorted(further):
            mine = [rest for rest in held[parent] if rest.startswith(f"{folder}/")]
            if images and _is_companion(folder):
                beside: str | None = f"{min(images)}/"
            else:
                beside = _namesakes(mine, held[parent], further)
            if beside is not None:
                what = "image" if len(mine) == 1 else f"{len(mine):,} images"
                pattern = f"{'*/' if parent else ''}{pattern_of(folder)}/*"
                raise FringeError(
                    f"{place}: the {what} in {parent}{folder}/ may be masks, thumbnails or other "
                    f"pictures of those in {parent}{beside}; leave them out with "
                    f'`ignore: "{pattern}"`, or set `select: "*"` if each of them is an image of '
                    "the data set"
                )


def _namesakes(mine: Sequence[str], names: Sequence[str], further: set[str]) -> str | None:
    """Return a folder that holds namesakes of half of the images ``mine``; None if none does.

    Where `CLASSES` folders do, their images are only numbered alike: None, too.
    """
    elsewhere: dict[str, set[str]] = defaultdict(set)
    for name in names:
        folder, slash, rest = name.rpartition("/")[0].partition("/")[0], "/" in name, name
        if folder not in further:
            rest = name[len(folder) + 1 :] if slash else name
            key = _sample(rest[: rest.rfind(".")])[0]
            elsewhere[key].add(f"{folder}/" if slash else "")
    found: Counter[str] = Counter()  # how many namesakes each folder holds
    matched = 0
    for name in mine:
        rest = name.partition("/")[2]
        key = _sample(rest[: rest.rfind(".")])[0]
        if key in elsewhere:
            matched += 1
            found.update(elsewhere[key])
    if not matched or 2 * matched < len(mine):
        return None
    if sum(2 * count >= len(mine) for count in found.values()) >= CLASSES:
        return None
    return min(found)


def _is_companion(folder: str) -> bool:
    return not _COMPANIONS.isdisjoint(words(folder))


def _smaller(folders: Collection[str]) -> set[str]:
    """Return all but the largest of folders whose names differ in a size only."""
    alike: dict[tuple[str, ...], dict[int, str]] = defaultdict(dict)
    for folder in folders if len(folders) <= MANY else ():
        if number := re.search("[0-9]+", folder):
            alike[tuple(words(folder))][int(number[0])] = folder
    return {
        folder
        for group in alike.values()
        if group.keys() <= _SIZES
        for size, folder in group.items()
        if size < max(group)
    }


def _is_images(folder: str) -> bool:
    return not _IMAGES.isdisjoint(words(folder))


def _sample(stem: str) -> tuple[str, bool]:
    """Return what a path without its suffix shares with its companions, and whether it is one."""
    folder, slash, name = stem.rpartition("/")
    if len(name) > LONGEST:
        return stem, False
    if found := _ENDS.fullmatch(name):
        key, word = found.groups()
    elif found := _BEGINS.fullmatch(name):
        word, rest = found.groups()
        key = rest.lstrip(" _.-")
    else:
        return stem, False
    return f"{folder}{slash}{key}", word.lower() in _COMPANIONS


def _refuse_groups(
    keys: Sequence[str], names: Sequence[str], place: str, webdataset: bool = False
) -> None:
    """Raise if two names have the same key."""
    if len(set(keys)) == len(keys):
        return
    groups = defaultdict(list)
    for key, name in zip(keys, names, strict=True):
        groups[key].append(name)
    key, group = next((key, group) for key, group in groups.items() if len(group) > 1)
    group = sorted(group, key=lambda name: (_sample(name[: name.rfind(".")])[1], name))
    several = sum(len(one) > 1 for one in groups.values()) - 1
    others = f", like {several:,} more" if several else ""
    more = f" and {len(group) - NAMED:,} more" if len(group) > NAMED else ""
    if more and webdataset:
        more += ", all of one name up to the first dot"
    raise FringeError(
        f"{place}: one sample has several pictures ({' and '.join(group[:NAMED])}{more}){others}; "
        f'say which count with {_advice(key, group)}, or set `select: "*"` if each of them is an '
        "image of the data set"
    )


def _advice(key: str, group: Sequence[str]) -> str:
    """Return the setting with which only the first of a group counts, if patterns can tell."""
    suffix = suffix_of(group[0])
    if not any(name.lower().endswith(suffix) for name in group[1:]):
        return f'`select: "*{suffix}"`'
    if len(group) > NAMED:
        return "`select`"
    key = key.rpartition("/")[2]
    patterns = []
    for name in group[1:]:
        name = name.rpartition("/")[2]
        begin, _, end = name.partition(key) if key else ("", "", name)
        pattern = f"{pattern_of(begin)}*" if begin else f"*{pattern_of(end)}"
        patterns.append(f'"{pattern}"')
    listed = ", ".join(patterns)
    return f"`ignore: {listed}`" if len(patterns) == 1 else f"`ignore: [{listed}]`"
