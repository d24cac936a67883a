"""Explorers on the page of a run, and how many images and bytes each may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fringe.config.model import Config
from fringe.plan import layout

__all__ = ["MOST_BYTES", "MOST_IMAGES", "MOST_SETS", "View", "view_of", "views"]

# Limits for all explorers of a run together. With them, a browser stays fast and the page is
# smaller than 30 MB.
MOST_IMAGES = 10_000
MOST_BYTES = 10_000_000

# A comparison of more models has no explorer, because it could show only few images of each model.
MOST_SETS = 100


@dataclass(frozen=True)
class View:
    """An explorer of a run.

    Parameters
    ----------
    kind : {"dataset", "comparison"}
        What the explorer shows.
    name : str
        Name of the data set or comparison.
    images : int
        Largest number of images of each set of generated images, which is twice the largest number
        of real images.
    sprite_bytes : int
        Largest size of all images together, as embedded in the page.
    """

    kind: Literal["dataset", "comparison"]
    name: str
    images: int
    sprite_bytes: int

    @property
    def place(self) -> str:
        """The place of the explorer's file."""
        return layout.explorer(self.kind, self.name)


def views(config: Config) -> list[View]:
    """Return the explorers of a run: first of resampled data sets, then of comparisons.

    A comparison has an explorer if a source of its generated images has images; features of another
    tool have no images to show. All explorers may show the same number of images, and at least two
    images of each set.
    """
    sets: dict[tuple[Literal["dataset", "comparison"], str], int] = {
        ("dataset", name): 1 for name, dataset in config.datasets.items() if dataset.resample
    }
    for name, comparison in config.comparisons.items():
        firsts = [config.datasets[made[0]].generated for made in comparison.trainings.values()]
        shown = any(config.sources[source].has_images for source in firsts)
        if shown and len(firsts) <= MOST_SETS:
            sets["comparison", name] = len(firsts)
    return [
        View(
            kind,
            name,
            # Half as many real images as generated images.
            max(2, min(config.page.images, int(MOST_IMAGES / len(sets) / (count + 0.5)))),
            MOST_BYTES // len(sets),
        )
        for (kind, name), count in sets.items()
    ]


def view_of(config: Config, kind: Literal["dataset", "comparison"], name: str) -> View:
    """Return the explorer of a data set or comparison."""
    (found,) = [one for one in views(config) if (one.kind, one.name) == (kind, name)]
    return found
