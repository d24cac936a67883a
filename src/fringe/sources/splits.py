"""Training, validation and test parts of one data set, which must not be merged by accident.

A split is identified by a word in a name: ``train``, ``training``, ``test``, ``val``,
``validation``, ``dev``, ``eval``, ... It must be a separate word: ``train-00000.tar``, ``val2017``
and ``trainA`` contain one, ``trains`` does not.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fringe.errors import FringeError
from fringe.sources.patterns import Choice, pattern_of
from fringe.sources.suffixes import words

__all__ = ["refuse_merged_folders", "refuse_merged_shards"]

_SPLITS = {
    **dict.fromkeys(("train", "training", "trainset"), "train"),
    **dict.fromkeys(("test", "testing", "testset"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "valset"), "validation"),
    **dict.fromkeys(("eval", "evaluation"), "evaluation"),
    **{word: word for word in ("trainval", "dev", "devel")},
}


def refuse_merged_folders(
    children: Mapping[str, Iterable[str]], names: Sequence[str], place: str, choice: Choice
) -> None:
    """Raise if images are in sibling folders whose names differ only in their split.

    ``train/`` and ``test/`` are refused, and ``bird-train/`` and ``bird-test/``, but not the
    classes ``bullet-train/`` and ``test-tube/``. Splits that patterns of ``select`` name are
    allowed, and ``select: "*"`` allows all.

    Parameters
    ----------
    children : mapping of str to iterable of str
        For each folder, the names of its direct subfolders that contain images.
    names : sequence of str
        Names of all images.
    place : str
        Name of the data set in messages.
    choice : Choice
        Selects the images.

    Raises
    ------
    FringeError
        The message names the splits, their numbers of images, and patterns to use.
    """
    named = _splits_in(choice.select)
    for parent, folders in children.items():
        alike: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
        for folder in sorted(folders):
            found = words(folder)
            split = next((word for word in found if word in _SPLITS), None)
            if split is not None:
                rest = tuple("" if word == split else word for word in found)
                alike[rest].setdefault(_SPLITS[split], folder)
        for splits in alike.values():
            if len(splits) > 1 and not splits.keys() <= named:
                raise _merged(parent, splits, names, place)


def _merged(
    parent: str, splits: Mapping[str, str], names: Sequence[str], place: str
) -> FringeError:
    """Return the error for several splits in ``parent``, given as split: name of its folder."""
    counts = ", ".join(
        f"{sum(name.startswith(f'{parent}{folder}/') for name in names):,} in {parent}{folder}/"
        for folder in splits.values()
    )
    patterns = {
        split: f'"{"*/" if parent else ""}{pattern_of(folder)}/*"'
        for split, folder in splits.items()
    }
    example = patterns.get("train", min(patterns.values()))
    return FringeError(
        f"{place}: holds images of several splits, {counts}; say which ones to use, such as "
        f"`select: {example}`, or `select: [{', '.join(patterns.values())}]` for all of them"
    )


def refuse_merged_shards(shards: Sequence[Path], path: str) -> None:
    """Raise if the names of shards contain several splits that ``path`` does not name.

    ``path`` is their folder, or the pattern that matched them. ``{train,test}-*.tar`` names two
    splits and therefore allows both, ``*.tar`` names none.

    Raises
    ------
    FringeError
        The message names the splits, their numbers of shards, and paths to use.
    """
    held: dict[str, list[str]] = defaultdict(list)  # names of shards by their split
    common = os.path.commonpath([shard.parent for shard in shards]) if shards else ""
    for shard in shards:
        name = os.path.relpath(shard, common)
        split = next((word for word in words(name) if word in _SPLITS), None)
        if split is not None:
            held[_SPLITS[split]].append(name)
    magic = re.search(r"[][{*?]", path)
    named = path[path.rfind("/", 0, magic.start()) + 1 :] if magic else ""
    if len(held) < 2 or held.keys() <= _splits_in([named]):
        return
    counts = ", ".join(
        f"{len(names):,} of {split} ({names[0]}{', ...' if len(names) > 1 else ''})"
        for split, names in held.items()
    )
    begins = {split: _beginning(names[0]) for split, names in held.items()}
    example = begins.get("train", next(iter(begins.values())))
    suffix = shards[0].suffix
    raise FringeError(
        f"{path}: holds shards of several splits, {counts}; give the path of one split, such as "
        f"{common}/{example}*{suffix}, or {common}/{{{','.join(begins.values())}}}*{suffix} for "
        "all of them"
    )


def _beginning(name: str) -> str:
    """Return ``name`` up to the end of its split, or of the folder whose name has the split."""
    split = next(word for word in words(name) if word in _SPLITS)
    end = name.lower().index(split) + len(split)
    slash = name.find("/", end)
    return name[: slash + 1] if slash >= 0 else name[:end]


def _splits_in(texts: Iterable[str]) -> set[str]:
    return {_SPLITS[word] for text in texts for word in words(text) if word in _SPLITS}
