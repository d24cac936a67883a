"""The class requested from a conditional generator for each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.seeds import random_stream

__all__ = ["DRAWN", "RULES", "ClassRule", "RealClasses", "drawn"]

#: Rules that give each image a class, instead of one class for all images.
RULES = ("balanced", "dataset", "uniform")

#: Rules whose classes depend on the generator's number of classes.
DRAWN = ("balanced", "uniform")


def drawn(seed: int, what: str, rows: npt.NDArray[np.integer], below: int) -> npt.NDArray[np.int64]:
    """Draw a number from 0 to ``below`` - 1 for each row, from a separate random stream.

    Examples
    --------
    >>> import numpy as np
    >>> bool(drawn(0, "label", np.array([7, 3]), 10)[1] == drawn(0, "label", np.array([3]), 10)[0])
    True
    """
    numbers = [random_stream(seed, what, int(row)).integers(below) for row in rows]
    return np.array(numbers, np.int64)


class RealClasses(NamedTuple):
    """Frequencies of the classes of real images, for ``label: dataset``.

    Attributes
    ----------
    counts : int array (n_classes,)
        Number of real images of each class, from class 0 to the last.
    numbered : bool
        Whether files state the class numbers. Otherwise the numbers are positions among the sorted
        names of folders, and a generator must have exactly as many classes.
    """

    counts: npt.NDArray[np.int64]
    numbered: bool


class ClassRule:
    """The classes requested for the images of a generator.

    The class of image i depends only on i and on these parameters, so more images do not change the
    images before them.

    Parameters
    ----------
    name : str
        Name of the generator in messages.
    seed : int
        Seed of drawn classes.
    label : int, "balanced", "dataset", "uniform" or None
        A class for all images, or a rule. "balanced" gives image i class i modulo the number of
        classes. If there are k times as many images as classes, each class has exactly k images, as
        in published FIDs of class-conditional models on ImageNet (VAR, MAR, RAE: 50 images of each
        of 1,000 classes). Otherwise, the numbers of images per class differ by at most one.
        "uniform" draws a class for each image with equal probabilities, like EDM and ADM. "dataset"
        draws the class of a random real image. None: images have no class.
    real : RealClasses, optional
        Frequencies of the classes of real images; only for the label "dataset", which needs it.

    Raises
    ------
    FringeError
        If the rule does not exist, or ``real`` does not match it.

    Examples
    --------
    >>> import numpy as np
    >>> ClassRule("G", 0, "balanced").of(np.array([0, 4, 13]), n_classes=10)
    array([0, 4, 3])
    """

    def __init__(
        self, name: str, seed: int, label: int | str | None, real: RealClasses | None = None
    ) -> None:
        """Check the parameters."""
        if isinstance(label, str) and label not in RULES:
            raise FringeError(
                f"{name}: label is {label!r}; it must be a class, or one of {', '.join(RULES)}"
            )
        if (label == "dataset") != (real is not None):
            raise FringeError(
                f"{name}: label is {label!r}, but only the label 'dataset' uses labels of real "
                "images, and it needs them; give both or neither"
            )
        self.name, self.seed, self.label, self.real = name, seed, label, real

    @property
    def counts(self) -> list[int] | None:
        """Number of real images of each class for the label "dataset", otherwise None."""
        return None if self.real is None else [int(count) for count in self.real.counts]

    def check(self, n_classes: int) -> None:
        """Check the rule against a generator's number of classes (0: unconditional).

        Raises
        ------
        FringeError
            If a conditional generator has no rule, an unconditional generator has a rule, or a
            requested class is not one of the generator's classes.
        """
        label = self.label
        if n_classes and label is None:
            raise FringeError(
                f"{self.name}: is conditional on {n_classes} classes; set `label` to one of them, "
                "to `balanced` or `uniform`, or to `dataset` for the frequencies of labels of "
                "real images"
            )
        if label is not None and not n_classes:
            raise FringeError(f"{self.name}: is not conditional; remove `label` ({label})")
        if isinstance(label, int) and not 0 <= label < n_classes:
            raise FringeError(
                f"{self.name}: has classes 0 to {n_classes - 1}, but `label` is {label}; name one "
                "of them"
            )
        if self.real is None:
            return
        if len(self.real.counts) > n_classes:
            raise FringeError(
                f"{self.name}: has classes 0 to {n_classes - 1}, but the labels of the real "
                f"images, which `label: dataset` follows, go up to {len(self.real.counts) - 1}; "
                "correct them, or use a generator of these classes"
            )
        if not self.real.numbered and len(self.real.counts) != n_classes:
            raise FringeError(
                f"{self.name}: has {n_classes} classes, but the real images, whose classes "
                f"`label: dataset` follows, are in folders of {len(self.real.counts)} classes, "
                "numbered in the order of their names; give a folder for each "
                "class, or labels in `dataset.json`"
            )

    def of(
        self, rows: Sequence[int] | npt.NDArray[np.integer], n_classes: int
    ) -> npt.NDArray[np.int64] | None:
        """Return the class of each image at ``rows``, int64 (n,); None without classes.

        Only the rules in ``DRAWN`` use ``n_classes``.
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
