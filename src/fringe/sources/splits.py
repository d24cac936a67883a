"""Training, validation and test parts of one data set, which are not merged by accident.

A split is known by a word in a name: ``train``, ``training``, ``test``, ``val``, ``validation``,
``dev``, ``eval``, ... It must be a word of its own: ``train-00000.tar``, ``val2017`` and ``trainA``
have one, ``trains`` has none.
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
    """Raise if images are in folders side by side whose names differ in their split only.

    So ``train/`` and ``test/`` are refused, and ``bird-train/`` and ``bird-test/``, but not the
    classes ``bullet-train/`` and ``test-tube/``. Splits that patterns of ``select`` name are meant,
    and all are with ``select: "*"``.

    Parameters
    ----------
    children : mapping of str to iterable of str
        The names of the folders directly in each folder, in which images are.
    names : sequence of str
        All images.
    place : str
        What messages call the set.
    choice : Choice
        Which images were asked for.

    Raises
    ------
    FringeError
        Naming the splits, how many images they have, and what to ask for.
    """
    asked = _splits_in(choice.select)
    for parent, folders in children.items():
        alike: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
        for folder in sorted(folders):
            found = words(folder)
            split = next((word for word in found if word in _SPLITS), None)
            if split is not None:
                rest = tuple("" if word == split else word for word in found)
                alike[rest].setdefault(_SPLITS[split], folder)
        for splits in alike.values():
            if len(splits) > 1 and not splits.keys() <= asked:
                raise _merged(parent, splits, names, place)


def _merged(
    parent: str, splits: Mapping[str, str], names: Sequence[str], place: str
) -> FringeError:
    """Return the error of several splits in ``parent``, each with the name of its folder."""
    told = ", ".join(
        f"{sum(name.startswith(f'{parent}{folder}/') for name in names):,} in {parent}{folder}/"
        for folder in splits.values()
    )
    patterns = {
        split: f'"{"*/" if parent else ""}{pattern_of(one)}/*"' for split, one in splits.items()
    }
    one = patterns.get("train", min(patterns.values()))
    return FringeError(
        f"{place}: holds images of several splits, {told}; say which count, as in `select: {one}`, "
        f"or `select: [{', '.join(patterns.values())}]` for all of them"
    )


def refuse_merged_shards(shards: Sequence[Path], path: str) -> None:
    """Raise if names of shards hold several splits that ``path`` does not name.

    ``path`` is their folder, or the pattern that found them. ``{train,test}-*.tar`` names two
    splits and so takes both, ``*.tar`` names none.

    Raises
    ------
    FringeError
        Naming the splits, how many shards they have, and what to ask for.
    """
    held: dict[str, list[str]] = defaultdict(list)  # names of shards by their split
    common = os.path.commonpath([shard.parent for shard in shards]) if shards else ""
    for shard in shards:
        name = os.path.relpath(shard, common)
        split = next((word for word in words(name) if word in _SPLITS), None)
        if split is not None:
            held[_SPLITS[split]].append(name)
    magic = re.search(r"[][{*?]", path)
    asked = path[path.rfind("/", 0, magic.start()) + 1 :] if magic else ""
    if len(held) < 2 or held.keys() <= _splits_in([asked]):
        return
    told = ", ".join(
        f"{len(names):,} of {split} ({names[0]}{', ...' if len(names) > 1 else ''})"
        for split, names in held.items()
    )
    begins = {split: _beginning(names[0]) for split, names in held.items()}
    one = begins.get("train", next(iter(begins.values())))
    suffix = shards[0].suffix
    raise FringeError(
        f"{path}: holds shards of several splits, {told}; give the path of one, such as "
        f"{common}/{one}*{suffix}, or {common}/{{{','.join(begins.values())}}}*{suffix} for all of "
        "them"
    )


def _beginning(name: str) -> str:
    """Return ``name`` up to its split, and to the end of the folder that is named so."""
    split = next(word for word in words(name) if word in _SPLITS)
    end = name.lower().index(split) + len(split)
    slash = name.find("/", end)
    return name[: slash + 1] if slash >= 0 else name[:end]


def _splits_in(texts: Iterable[str]) -> set[str]:
    return {_SPLITS[word] for text in texts for word in words(text) if word in _SPLITS}
