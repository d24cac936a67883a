"""Section `sensitivity` of a configuration."""

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
            "Standard deviations of the noise, as fractions of the range of grey levels; `[]` for "
            "none."
        ),
    )
    images: Given[Count] = Field(
        default=None,
        description=(
            "Images in each measurement; by default the first 5,000 images that have maps."
        ),
    )


class Sensitivity(Section):
    """The parts of images that FID depends on."""

    datasets: Given[Distinct[str]] = Field(
        default=None,
        description=(
            "Data sets with sensitivity maps. By default, all resampled data sets if `network` "
            "supports maps; `[]` for none."
        ),
    )
    networks: Distinct[NetworkText] = Field(
        default=[],
        description="Controls with sensitivity maps, in addition to `network` (Figure S2).",
    )
    images: Given[Annotated[int, Field(ge=3)]] = Field(
        default=None,
        description=(
            "Number of generated images, from the first image of the source, that make up the FID "
            "and have maps. The default is the data set's `n_generated`."
        ),
    )
    classes: Classes = Field(
        default=8,
        description=(
            "Top-1 classes whose mean images and maps are shown (Figures 4b, 12 and 15): the "
            "number of most frequent classes, or a list of names (`bow tie`) or numbers (columns "
            "of the logits of `network`, from 0). Figure 4b shows the first three classes, Figure "
            "15 the first four."
        ),
    )
    noise: Noise = Field(
        default=Noise(),
        description=(
            "Noise in the half of each image that is important for FID, in the other half, and "
            "everywhere (Figure 10)."
        ),
    )
