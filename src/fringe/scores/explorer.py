"""Some images of a data set or comparison, and what is known of each, for the explorer of a page.

HDF5 files, one for each data set that is resampled and for each comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassTable", "Explorer", "Sprites"]


@dataclass(frozen=True, eq=False)
class Sprites:
    """Thumbnails in a few pictures: thumbnail i lies in picture i // (rows * columns).

    Attributes
    ----------
    pictures : sequence of bytes
        WebP files, each of ``rows`` x ``columns`` thumbnails, row by row; the last one may be
        lower.
    size : int
        Width and height of a thumbnail in pixels.
    """

    pictures: Sequence[bytes]
    size: int
    rows: int
    columns: int


@dataclass(frozen=True, eq=False)
class ClassTable:
    """The classes that real images or a model have, C of them.

    Attributes
    ----------
    numbers : int32 array (C,)
        The number of each class in its network, or of the label.
    names : sequence of C str
    shares : float64 array (C, 1 + M)
        Part of the real images, and of each model's images.
    contributions : float64 array (C,)
        First-order share of the class in the difference "last model less first model" of FID, in
        units of FID; of all images of each, not only those that are shown. NaN where there is one
        model.
    """

    numbers: NDArray[np.int32]
    names: Sequence[str]
    shares: NDArray[np.float64]
    contributions: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Explorer:
    """Images of several groups, n in all, and M models.

    A model is a way to draw images (a data set: at random, Top-1 matched, with optimized weights)
    or a generator (a comparison). A group is a set of images: the real ones, or those of a
    generator.

    Attributes
    ----------
    groups : sequence of str
        Titles, the real images first.
    models : sequence of str
        Titles, M of them.
    group : int8 array (n,)
        Of each image, its place in ``groups``.
    index : int64 array (n,)
        Its number in its source.
    sampled : bool array (n,)
        Whether it is one of the first images of its source, which are a random sample. The others
        were chosen because their weight or influence is extreme.
    classes : int32 array (n, 3) or None
        Places in ``class_table.names`` of the three most probable classes, -1 where there are
        fewer; None where no classes are known.
    probabilities : float32 array (n, 3) or None
    weight : float32 array (n,)
        How often the optimized weights draw the image, as a multiple of equal weights; NaN of
        real images and where there are no weights.
    influence : float32 array (n, M)
        How much FID of each model changes if the image is added to it once, to first order: psi
        over the model's count (`fringe.metrics.influence`). A real image: if it is added to the
        real ones.
    nearest : float32 array (n,)
        Distance in the features of FID's network to the nearest other real image.
    maps : uint8 array (n, h, w) or None
        Sensitivity maps, 0 to 255 from the least to the largest value of the map; all 0 where the
        image has none.
    map_ranges : float32 array (n, 2) or None
        The values that 0 and 255 stand for; NaN where the image has no map.
    sprites : Sprites
    class_table : ClassTable or None
    network : str
        Title of FID's network.
    counts : sequence of str
        What the numbers are of, in words, such as "influence: 2,000 images drawn at random".
    seed : int
    """

    groups: Sequence[str]
    models: Sequence[str]
    group: NDArray[np.int8]
    index: NDArray[np.int64]
    sampled: NDArray[np.bool_]
    classes: NDArray[np.int32] | None
    probabilities: NDArray[np.float32] | None
    weight: NDArray[np.float32]
    influence: NDArray[np.float32]
    nearest: NDArray[np.float32]
    maps: NDArray[np.uint8] | None
    map_ranges: NDArray[np.float32] | None
    sprites: Sprites
    class_table: ClassTable | None
    network: str
    counts: Sequence[str]
    seed: int
