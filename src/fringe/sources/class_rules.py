"""Which class a conditional generator is asked for, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.seeds import random_stream

__all__ = ["DRAWN", "RULES", "ClassRule", "RealClasses", "drawn"]

#: Rules by which each image gets a class, in place of one class for all.
RULES = ("balanced", "dataset", "uniform")

#: Those whose classes depend on how many classes the generator has.
DRAWN = ("balanced", "uniform")


def drawn(seed: int, what: str, rows: npt.NDArray[np.integer], below: int) -> npt.NDArray[np.int64]:
    """Return a number from 0 to ``below`` - 1 for each row, of a stream of its own.

    Examples
    --------
    >>> import numpy as np
    >>> bool(drawn(0, "label", np.array([7, 3]), 10)[1] == drawn(0, "label", np.array([3]), 10)[0])
    True
    """
    numbers = [random_stream(seed, what, int(row)).integers(below) for row in rows]
    return np.array(numbers, np.int64)


class RealClasses(NamedTuple):
    """How often real images have each class, which ``label: dataset`` follows.

    Attributes
    ----------
    counts : int array (n_classes,)
        How many real images each class has, from class 0 to the last.
    numbered : bool
        Whether files state these numbers. Otherwise they are places among the sorted names of
        folders, and a generator must have just as many classes.
    """

    counts: npt.NDArray[np.int64]
    numbered: bool


class ClassRule:
    """The classes that the images of a generator are asked for.

    The class of image i depends on nothing but i and what is given here, so more images do not
    change those before them.

    Parameters
    ----------
    name : str
        What messages call the generator.
    seed : int
        Of classes that are drawn.
    label : int, "balanced", "dataset", "uniform" or None
        A class for all images, or a rule. "balanced" gives image i class i modulo the number of
        classes: of k times as many images as classes, each class has exactly k, as published FIDs
        of class-conditional models on ImageNet take them (VAR, MAR, RAE: 50 images of each of 1,000
        classes); of any other number, classes differ by one image at most. "uniform" draws a class
        for each image, all alike, as EDM and ADM do. "dataset" draws the class of one of the real
        images. None: images have no class.
    real : RealClasses, optional
        How often real images have each class; only for the label "dataset", and needed for it.

    Raises
    ------
    FringeError
        If there is no such rule, or ``real`` does not go with it.

    Examples
    --------
    >>> import numpy as np
    >>> ClassRule("G", 0, "balanced").of(np.array([0, 4, 13]), n_classes=10)
    array([0, 4, 3])
    """

    def __init__(
        self, name: str, seed: int, label: int | str | None, real: RealClasses | None = None
    ) -> None:
        """Compare what is given with each other."""
        if isinstance(label, str) and label not in RULES:
            raise FringeError(
                f"{name}: label is {label!r}; it must be a class, or one of {', '.join(RULES)}"
            )
        if (label == "dataset") != (real is not None):
            raise FringeError(
                f"{name}: label is {label!r}, and the label 'dataset' needs labels of real images, "
                "which no other label takes; give both or neither"
            )
        self.name, self.seed, self.label, self.real = name, seed, label, real

    @property
    def counts(self) -> list[int] | None:
        """How many real images each class has, for the label "dataset"; None for any other."""
        return None if self.real is None else [int(count) for count in self.real.counts]

    def check(self, n_classes: int) -> None:
        """Compare the rule with the number of a generator's classes, 0 for an unconditional one.

        Raises
        ------
        FringeError
            If a conditional generator has no rule, an unconditional one has a rule, or classes that
            are asked for are not among its classes.
        """
        label = self.label
        if n_classes and label is None:
            raise FringeError(
                f"{self.name}: is conditional on {n_classes} classes; set `label` to one of them, "
                "to `balanced` or `uniform`, or to `dataset`, the frequencies of the labels of "
                "real images"
            )
        if label is not None and not n_classes:
            raise FringeError(f"{self.name}: is not conditional; leave out `label` ({label})")
        if isinstance(label, int) and not 0 <= label < n_classes:
            raise FringeError(
                f"{self.name}: has classes 0 to {n_classes - 1}; `label` is {label}: name one"
            )
        if self.real is None:
            return
        if len(self.real.counts) > n_classes:
            raise FringeError(
                f"{self.name}: has classes 0 to {n_classes - 1}, but the labels of the real "
                f"images, which `label: dataset` follows, go up to {len(self.real.counts) - 1}; "
                "correct them, or take a generator of these classes"
            )
        if not self.real.numbered and len(self.real.counts) != n_classes:
            raise FringeError(
                f"{self.name}: has {n_classes} classes, but the real images, whose classes "
                f"`label: dataset` follows, lie in folders of {len(self.real.counts)} classes, "
                "whose numbers are their places among the sorted names; give a folder for each "
                "class, or labels in `dataset.json`"
            )

    def of(
        self, rows: Sequence[int] | npt.NDArray[np.integer], n_classes: int
    ) -> npt.NDArray[np.int64] | None:
        """Return the class of each image at ``rows``, int64 (n,); None without classes.

        ``n_classes`` is needed only by rules in ``DRAWN``.
        """
        wanted: npt.NDArray[np.int64] = np.asarray(rows, np.int64)
        if self.label is None:
            return None
        if isinstance(self.label, int):
            return np.full(len(wanted), self.label, np.int64)
        if self.label == "balanced":
            return wanted % n_classes
        if self.real is None:
            return drawn(self.seed, "label", wanted, n_classes)
        ends = np.cumsum(self.real.counts)  # of the real images of each class, sorted by class
        places = drawn(self.seed, "label", wanted, int(ends[-1]))
        return np.searchsorted(ends, places, side="right").astype(np.int64)
