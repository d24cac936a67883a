"""What FID looks at in each image, in a configuration."""

from typing import Annotated

from pydantic import Field

from fringe.config.datasets import Classes
from fringe.config.fields import Count, Distinct, Given, NetworkText, Number, Section

__all__ = ["Noise", "Sensitivity"]


class Noise(Section):
    """Noise in parts of images."""

    scales: Distinct[Annotated[Number, Field(gt=0, le=1)]] = Field(
        default=[0.01, 0.02, 0.05, 0.1, 0.2],
        description=(
            "Standard deviations of the noise, in shares of the range of grey levels; `[]` "
            "for none."
        ),
    )
    images: Given[Count] = Field(
        default=None,
        description=(
            "Images in each measurement; the first 5,000 of those that have maps where left out."
        ),
    )


class Sensitivity(Section):
    """What FID looks at in each image."""

    datasets: Given[Distinct[str]] = Field(
        default=None,
        description=(
            "Data sets that are asked for; all that are resampled where left out and "
            "`network` can tell; `[]` for none."
        ),
    )
    networks: Distinct[NetworkText] = Field(
        default=[],
        description="Controls that are asked the same question, beside `network` (Figure S2).",
    )
    images: Given[Annotated[int, Field(ge=3)]] = Field(
        default=None,
        description=(
            "How many generated images, the first so many of the source, make up the FID and "
            "have maps; a data set's `n_generated` where left out."
        ),
    )
    classes: Classes = Field(
        default=8,
        description=(
            "Top-1 classes whose mean images and maps are shown (Figures 4b, 12 and 15): how "
            "many of the most frequent ones, or a list of names (`bow tie`) or numbers "
            "(columns of the logits of `network`, from 0). Figure 4b shows the first three, "
            "Figure 15 the first four."
        ),
    )
    noise: Noise = Field(
        default=Noise(),
        description=(
            "Noise in the half of each image that matters to FID, in the other, and in both "
            "(Figure 10)."
        ),
    )
