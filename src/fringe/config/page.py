"""Section `page` of a configuration."""

from typing import Annotated

from pydantic import Field

from fringe.config.fields import Section

__all__ = ["Page"]


class Page(Section):
    """Content of the run's page."""

    exhibits: bool = Field(
        default=True,
        description=(
            "Show the tables and figures of the run. `fringe compare` and `fringe audit` make no "
            "tables and figures, and set `false`."
        ),
    )
    images: Annotated[int, Field(ge=2, le=10_000)] = Field(
        default=1000,
        description=(
            "Number of images that the explorer shows of each set of generated images; it shows "
            "twice as many real images. One half is a random sample, and the other half has the "
            "largest weights or the largest influence on FID. All explorers of a run show at most "
            "10,000 images together. Each explorer gets an equal share, so a run with many data "
            "sets shows fewer images of each."
        ),
    )
    thumbnail: Annotated[int, Field(ge=16, le=256)] = Field(
        default=64,
        description=(
            "Width and height of an image in the explorer, in pixels. Smaller images keep their "
            "size. All explorers of a run have 10 MB for images, which determines the quality of "
            "the images."
        ),
    )
