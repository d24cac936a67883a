"""Detect several pictures of one sample, of which only one is an image of the data set.

Masks, depth maps, thumbnails and other forms of an image have suffixes of images, too. Names show
which image they belong to:

* In a tar, by the rules of WebDataset: files whose paths are equal up to the first dot of the name,
  such as ``0001.jpg`` and ``0001.mask.png``, are one sample.
* In a folder or a ZIP: files in one folder that differ only in their suffix (``0001.jpg``,
  ``0001.png``), or in a word for a mask or similar at either end of the name (``0001.png``,
  ``0001_mask.png``, or ``rgb_1.png``, ``depth_1.png``). ``a.1.png`` and ``a.2.png`` are two
  samples, and so are ``gas_mask_1.png`` and ``gas_mask_2.png`` if there is no ``gas.png``.
* A whole folder (``masks/``, ``thumbnails128x128/``) whose name contains such a word, if a sibling
  folder is called ``images``, ``rgb`` or similar, or if at least half of its images have a namesake
  outside it. Classes ``mask/`` and ``hat/`` with different names are therefore allowed. Folders
  are also classes if there are more than a few (`FEW`), or if three other folders share the names
  of such a folder, for example because each class counts from 1.
* Folders whose names differ only in a size (``256x256/``, ``512x512/``), if they share half of the
  names.

Pictures in folders with other names (``left/``, ``right/``) cannot be distinguished from classes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from fringe.errors import FringeError
from fringe.sources.patterns import pattern_of
from fringe.sources.suffixes import folders_of, suffix_of, words

__all__ = ["refuse_companion_folders", "refuse_companions"]

# Words for pictures that belong to an image.
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
# Words for the image itself.
_IMAGES = frozenset(
    {
        *("image", "images", "img", "imgs", "photo", "photos", "picture", "pictures"),
        *("rgb", "color", "colour", "jpg", "jpeg"),
    }
)
_SIZES = {2**power for power in range(4, 14)}  # pixels
CLASSES = 3  # a folder is a class if this many folders share its names
FEW = 10  # more sibling folders are classes, even with such names
MANY = 100  # more sibling folders are not sizes
NAMED = 3  # pictures that a message names
LONGEST = 255  # letters of a name to check: names of files are not longer
_WORD = "|".join(sorted(_COMPANIONS | _IMAGES, key=len, reverse=True))
_ENDS = re.compile(rf"(.+?)[ _.-]+({_WORD})(?:[ _.-]*\d+)?", re.IGNORECASE)
_BEGINS = re.compile(rf"({_WORD})[ _.-]*(|[ _.-].+|\d.*)", re.IGNORECASE)
# Each word of a companion contains one of these.
_ROOTS = [word for word in _COMPANIONS if not any(o in word for o in _COMPANIONS - {word})]


def refuse_companions(names: Sequence[str], place: str, *, webdataset: bool = False) -> None:
    """Raise if names in one folder belong to several pictures of one sample.

    Parameters
    ----------
    names : sequence of str
        Paths of images.
    place : str
        Name of the data set in messages.
    webdataset : bool
        Whether names are one sample if they are equal up to their first dot, not their last.

    Raises
    ------
    FringeError
        The message names a sample, the number of such samples, and settings to use.
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
    """Raise if a folder contains masks or similar of the images in a sibling folder.

    Parameters
    ----------
    children : mapping of str to collection of str
        For each folder, the names of its direct subfolders that contain images. The path of a
        folder ends in a slash; the path of the outermost folder is empty.
    names : sequence of str
        Names of all images.
    place : str
        Name of the data set in messages.

    Raises
    ------
    FringeError
        The message names the folders, the number of images in the first, and settings to use.
    """
    found = {}
    for parent, folders in children.items():
        further = {folder for folder in folders if _is_companion(folder)} | _smaller(folders)
        if further:
            found[parent] = further
    if not found:
        return
    held: dict[str, list[str]] = {parent: [] for parent in found}  # relative paths of images
    for name in names:
        for folder in folders_of(name):
            if folder in held:
                held[folder].append(name[len(folder) :])
    for parent, further in found.items():
        images = [name for name in children[parent] if name not in further and _is_images(name)]
        if len(children[parent]) > FEW:
            images = []
        for folder in sorted(further):
            mine = [rest for rest in held[parent] if rest.startswith(f"{folder}/")]
            if images and _is_companion(folder):
                other: str | None = f"{min(images)}/"
            else:
                other = _namesakes(mine, held[parent], further)
            if other is not None:
                what = "image" if len(mine) == 1 else f"{len(mine):,} images"
                pattern = f"{'*/' if parent else ''}{pattern_of(folder)}/*"
                where = f"in {parent}{other}" if parent or other else "outside it"
                raise FringeError(
                    f"{place}: the {what} in {parent}{folder}/ may be masks, thumbnails or other "
                    f"pictures of the images {where}; leave them out with "
                    f'`ignore: "{pattern}"`, or set `select: "*"` if each of them is an image of '
                    "the data set"
                )


def _namesakes(mine: Sequence[str], names: Sequence[str], further: set[str]) -> str | None:
    """Return a folder with namesakes of at least half of the images ``mine``; None otherwise.

    Also None if at least `CLASSES` folders have such namesakes: then their images are only
    numbered the same way.
    """
    elsewhere: dict[str, set[str]] = defaultdict(set)
    for name in names:
        folder, slash, rest = name.rpartition("/")[0].partition("/")[0], "/" in name, name
        if folder not in further:
            rest = name[len(folder) + 1 :] if slash else name
            key = _sample(rest[: rest.rfind(".")])[0]
            elsewhere[key].add(f"{folder}/" if slash else "")
    found: Counter[str] = Counter()  # number of namesakes in each folder
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
    """Return all but the largest of folders whose names differ only in a size."""
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
    """Return the stem of an image and its companions, and whether this is a companion."""
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
    several = sum(len(members) > 1 for members in groups.values()) - 1
    others = f", like {several:,} more" if several else ""
    more = f" and {len(group) - NAMED:,} more" if len(group) > NAMED else ""
    if more and webdataset:
        more += ", all with the same name up to the first dot"
    raise FringeError(
        f"{place}: one sample has several pictures ({' and '.join(group[:NAMED])}{more}){others}; "
        f'select the images with {_advice(key, group)}, or set `select: "*"` if each of them is an '
        "image of the data set"
    )


def _advice(key: str, group: Sequence[str]) -> str:
    """Return a setting that selects only the first of a group, if patterns can do so."""
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
