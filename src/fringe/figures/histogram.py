"""Figure 4a: how often each ImageNet class is the classifier's Top-1 class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from fringe.errors import FringeError
from fringe.figures.style import (
    Style,
    add_body,
    add_heading,
    add_note,
    new_figure,
    read_style,
    styled,
)
from fringe.scores.titles import title_of

__all__ = ["top1_histogram"]

_LONGEST = 32  # letters of a class name


def top1_histogram(
    real_classes: ArrayLike,
    generated_classes: ArrayLike,
    class_names: Sequence[str] | None,
    *,
    title: str,
    network: str = "",
    simulated: bool = False,
    top: int = 25,
    style: Mapping[str, Any] | Style | None = None,
) -> Figure:
    """Return Figure 4a: the Top-1 classes of real and generated images, side by side.

    Parameters
    ----------
    real_classes, generated_classes : (n,) and (m,) integers
        The class with the highest logit, for each image.
    class_names : sequence of C names, optional
        Names by class number; without names the numbers are shown.
    title, network : str
        Display names of the dataset and of the classifier.
    top : int
        How many classes to show, the most frequent among real images first. Among equally frequent
        classes, the class that is more frequent among generated images comes first, then the class
        with the lower number.

    Raises
    ------
    FringeError
        If an array is empty, not integer, or contains a class without a name.
    """
    real, generated = _classes(real_classes, "real"), _classes(generated_classes, "generated")
    count = max(int(real.max()), int(generated.max())) + 1
    if class_names is not None and count > len(class_names):
        raise FringeError(
            f"top-1 histogram: class {count - 1} has no name, {len(class_names)} names are given; "
            "give the class names of the network that computed the logits"
        )
    if top < 1:
        raise FringeError(f"top-1 histogram: top is {top}; show at least one class")
    real_counts = np.bincount(real, minlength=count)
    generated_counts = np.bincount(generated, minlength=count)
    order = np.lexsort((np.arange(count), -generated_counts, -real_counts))
    shown = [int(c) for c in order[:top] if real_counts[c] + generated_counts[c] > 0]
    shares = [100 * real_counts / len(real), 100 * generated_counts / len(generated)]
    look = read_style(style)
    with styled(look):
        figure = new_figure(look, 1.7 + 0.026 * look.font_size * max(len(shown), 4))
        body = add_body(figure)
        axes = body.add_subplot()
        places = np.arange(len(shown))
        groups = (
            (f"real ({len(real):,} images)", shares[0], look.colors[0], -0.2),
            (f"generated ({len(generated):,} images)", shares[1], look.colors[1], 0.2),
        )
        for label, share, color, offset in groups:
            axes.barh(places + offset, share[shown], 0.4, label=label, color=color)
        axes.set_yticks(places, [_name(class_names, c) for c in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_xlabel("share of images (%)")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        body.legend(loc="outside upper center", ncols=2)
        by = f" ({title_of({}, network)})" if network else ""
        add_heading(figure, f"{title}: Top-1 ImageNet classes{by}", look)
        others = int(np.count_nonzero(real_counts + generated_counts)) - len(shown)
        rest = [float(100 - share[shown].sum()) for share in shares]
        note = (
            f"The {len(shown)} classes most frequent among real images. "
            f"{others} other classes contain {abs(rest[0]):.1f}% of the real and "
            f"{abs(rest[1]):.1f}% of the generated images."
            if others
            else f"No other class occurs (classes shown: {len(shown)})."
        )
        add_note(figure, note, look, simulated=simulated)
    return figure


def _classes(values: ArrayLike, kind: str) -> NDArray[np.int64]:
    classes = np.asarray(values)
    if classes.ndim != 1 or not classes.size or classes.dtype.kind not in "iu" or classes.min() < 0:
        raise FringeError(
            f"top-1 histogram: {kind} classes are {classes.dtype} of shape {classes.shape}; "
            "give one non-negative integer for each image"
        )
    return classes.astype(np.int64)


def _name(names: Sequence[str] | None, number: int) -> str:
    """Return the first of a class's synonyms, shortened if it is very long."""
    name = f"class {number}" if names is None else names[number].split(",")[0].strip()
    name = name.replace("_", " ") or f"class {number}"
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1].rstrip() + "…"
