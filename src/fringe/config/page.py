"""The page of a run, in a configuration."""

from typing import Annotated

from pydantic import Field

from fringe.config.fields import Section

__all__ = ["Page"]


class Page(Section):
    """What the page of a run shows."""

    exhibits: bool = Field(
        default=True,
        description=(
            "Show the tables and figures of the run. `fringe compare` and `fringe audit` make "
            "none, and say `false`."
        ),
    )
    images: Annotated[int, Field(ge=2, le=10_000)] = Field(
        default=1000,
        description=(
            "Images that the explorer shows of each set of generated images, and twice as many as "
            "real ones: one half is a random sample, the others have the largest weights or "
            "the largest influence on FID. All explorers of a run show 10,000 images together at "
            "most, each an equal part of these, so a run with many data sets shows fewer of each."
        ),
    )
    thumbnail: Annotated[int, Field(ge=16, le=256)] = Field(
        default=64,
        description=(
            "Width and height in pixels of an image in the explorer. Images that are smaller keep "
            "their size. All explorers of a run have 10 MB for images, by which their quality is "
            "chosen."
        ),
    )
