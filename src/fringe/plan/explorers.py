"""Which explorers the page of a run has, and how much each of them may show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fringe.config.model import Config
from fringe.plan import layout

__all__ = ["MOST_BYTES", "MOST_IMAGES", "MOST_SETS", "View", "view_of", "views"]

# Of all explorers of a run together. A browser stays fast with this number of images, and the page
# stays below 30 MB.
MOST_IMAGES = 10_000
MOST_BYTES = 10_000_000

# A comparison of more models has no explorer: it could show fewer than 100 images of each.
MOST_SETS = 100


@dataclass(frozen=True)
class View:
    """An explorer of a run.

    Parameters
    ----------
    kind : str
        What it is of.
    name : str
        Of the data set or comparison.
    images : int
        That it shows of each set of generated images at most, and twice as many as real ones.
    sprite_bytes : int
        That all its images may have together, as they are in the page.
    """

    kind: Literal["dataset", "comparison"]
    name: str
    images: int
    sprite_bytes: int

    @property
    def place(self) -> str:
        """The place of its file."""
        return layout.explorer(self.kind, self.name)


def views(config: Config) -> list[View]:
    """Return the explorers of a run: those of data sets that are resampled, then comparisons.

    A comparison has one if a source of its generated images holds images. Features of another tool
    have none that could be shown. Each explorer may show the same number of images, and two of each
    set in any case.
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
            # Half as many real images as generated ones.
            max(2, min(config.page.images, int(MOST_IMAGES / len(sets) / (count + 0.5)))),
            MOST_BYTES // len(sets),
        )
        for (kind, name), count in sets.items()
    ]


def view_of(config: Config, kind: Literal["dataset", "comparison"], name: str) -> View:
    """Return the explorer of a data set or comparison that has one."""
    (found,) = [one for one in views(config) if (one.kind, one.name) == (kind, name)]
    return found
