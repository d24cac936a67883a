"""Data sets and comparisons of data sets in a configuration."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from fringe.config.fields import (
    Count,
    CountOrAll,
    Distinct,
    Given,
    Inherits,
    List,
    NetworkText,
    Number,
    Numeral,
    PathText,
    Positive,
    ProseText,
    Section,
    Seed,
    Text,
    TitleText,
    WrittenAs,
)

__all__ = [
    "GRID",
    "Checks",
    "Classes",
    "Comparison",
    "Dataset",
    "Examples",
    "Grid",
    "PublishedDistance",
    "Sizes",
]

GRID = 5, 8  # rows and columns of Figure 11, as in the released code

SizeOrAll = Annotated[Annotated[Count, Numeral] | Annotated[Literal["all"], Text], WrittenAs]
Sizes = list[Annotated[list[SizeOrAll], Field(min_length=2, max_length=2)]]
ClassName = Annotated[Annotated[str, Text] | Annotated[int, Numeral], WrittenAs]
Classes = Annotated[
    Annotated[Positive, Numeral] | Annotated[Distinct[ClassName], Field(min_length=1), List],
    WrittenAs,
]
Index = Annotated[int, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Distance = Annotated[Number, Field(gt=0)]


class Checks(Section):
    """Numbers that the released code prints at its first step."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    loss: Given[Distance] = Field(
        default=None,
        description=(
            "Distance of all candidates from the real images in `network`, with the divisor of "
            "the released code (the sum of the weights minus one)."
        ),
    )
    distances: Given[dict[str, Distance]] = Field(
        default=None,
        description=(
            "The smallest distance of three draws with replacement, by network (`network` or a "
            "control)."
        ),
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the fault of a section without a key."""
        if not self.model_fields_set:
            yield "", "has no number to check; write `loss` or `distances`"


class PublishedDistance(Section):
    """A published distance of these generated images."""

    value: Distance = Field(description="The distance.")
    source: ProseText = Field(
        description="Where the distance is printed: authors, year, and table or figure."
    )
    std: Given[Annotated[Number, Field(ge=0)]] = Field(
        default=None, description="The number after ± in the publication."
    )
    n_real: Given[Count] = Field(
        default=None, description="Number of real images that the distance was measured with."
    )
    n_generated: Given[Count] = Field(
        default=None, description="Number of generated images that the distance was measured with."
    )
    differs: Given[ProseText] = Field(
        default=None,
        description=(
            "Differences of the published measurement, in words without a full stop. The report "
            "then says that the two numbers cannot be compared directly."
        ),
    )


class Shown(Section):
    """Generated images to show: a section with exactly one key."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the fault of a section without a key, or with several."""
        if len(self.model_fields_set) != 1:
            keys = " or ".join(f"`{key}`" for key in type(self).model_fields)
            yield "", f"must have exactly one key, {keys}; write one of them"


class Examples(Shown):
    """Generated images whose sensitivity is shown for each image."""

    images: Given[Annotated[Distinct[Index], Field(min_length=1)]] = Field(
        default=None,
        description="Indices of the images, from 0, within the first `sensitivity/images`.",
    )
    seeds: Given[Annotated[Distinct[Seed], Field(min_length=1)]] = Field(
        default=None,
        description=(
            "For generators: the first image of each seed, added to the other images as in the "
            "paper's released code."
        ),
    )


class Grid(Shown):
    """The images of Figure 11."""

    seed: Given[Annotated[int, Field(ge=0, le=2**32 - GRID[0] * GRID[1])]] = Field(
        default=None,
        description=(
            "For generators: the first image of each of 40 consecutive seeds from this seed on, "
            "added to the other images as in the paper's released code, whose grid starts at 100."
        ),
    )
    images: Given[Annotated[Distinct[Index], Field(min_length=1, max_length=40)]] = Field(
        default=None,
        description="Indices of the images, from 0, within the first `sensitivity/images`.",
    )


class Dataset(Section):
    """Real images, and generated images that are compared with them."""

    title: Annotated[TitleText, Inherits("")] = Field(
        description="The name in tables and figures; by default the key of the data set."
    )
    real: str = Field(description="Source of the real images.")
    generated: str = Field(
        description=(
            "Source of the generated candidates. The paper uses five times as many candidates as "
            "images in each measurement. If the candidates do not fill all bins, histogram "
            "matching uses more images: see `matching/limit`."
        )
    )
    snapshots: Distinct[str] = Field(
        default=[],
        description=(
            "Sources of training snapshots, in order (Figure 9). A single source may name the "
            "whole folder of a training. At least 3 snapshots, or none."
        ),
    )
    n_real: Annotated[CountOrAll, Inherits("evaluation/n_real")] = Field(
        description="Number of real images in each measurement, overriding `evaluation/n_real`."
    )
    n_generated: Annotated[CountOrAll, Inherits("evaluation/n_generated")] = Field(
        description=(
            "Number of generated images drawn for each measurement, overriding "
            "`evaluation/n_generated`."
        )
    )
    resample: bool = Field(
        default=True,
        description=(
            "Resample the candidates, and show the data set in tables and figures. If `false`, "
            "only random draws are measured, for `comparisons`."
        ),
    )
    alternatives: Distinct[NetworkText] = Field(
        default=[],
        description=(
            "Networks whose FID at random draws is shown next to the FID of `network`, such as "
            "other trainings of the same architecture (Figure 8b)."
        ),
    )
    checks: Given[Checks] = Field(
        default=None,
        description=(
            "Numbers that the released code prints at its first step, when all weights are equal. "
            "The page Self-check of the report compares them with ours."
        ),
    )
    published: Given[Annotated[dict[str, PublishedDistance], Field(min_length=1)]] = Field(
        default=None,
        description=(
            "Distances that others published for this generator, by network (`network` or a "
            "control). The verdict and the page of the run show them next to ours, with the "
            "deviation."
        ),
    )
    sizes: Annotated[Sizes, Inherits("evaluation/sizes")] = Field(
        description="Pairs of numbers of images for Figure 8a, overriding `evaluation/sizes`."
    )
    examples: Given[Examples] = Field(
        default=None,
        description=(
            "Generated images whose sensitivity is shown for each image (Figures 3, 13, 14 and "
            "S2); Figure 2 shows the first of them step by step. The default is the first six "
            "images."
        ),
    )
    grid: Given[Grid] = Field(
        default=None,
        description=(
            "The images of Figure 11, at most 5 rows of 8. The default is the first 40 images "
            "that have maps."
        ),
    )
    classes: Given[Classes] = Field(
        default=None, description="Classes of this data set, overriding `sensitivity/classes`."
    )
    region: Given[
        Annotated[
            Annotated[PathText, Text]
            | Annotated[list[Share], Field(min_length=4, max_length=4), List],
            WrittenAs,
        ]
    ] = Field(
        default=None,
        description=(
            "The part of every image that should matter, such as the face: a mask image (white is "
            "inside) or a box `[left, top, right, bottom]` as fractions of width and height. The "
            "report then says what share of FID's sensitivity is inside."
        ),
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the faults of keys that conflict with each other."""
        for key, value in (("checks", self.checks), ("published", self.published)):
            if value is not None and not self.resample:
                yield key, f"only for resampled data sets; remove `{key}` or `resample: false`"


Trainings = Annotated[
    Annotated[str, Text] | Annotated[Distinct[str], Field(min_length=1), List], WrittenAs
]


class Comparison(Section):
    """Generators with the same real images; a single generator is audited."""

    title: Annotated[TitleText, Inherits("")] = Field(
        description="Title of the figures; by default the key of the comparison."
    )
    generators: Annotated[dict[TitleText, Trainings], Field(min_length=1)] = Field(
        description=(
            "The data set of each generator, by the display name of the generator. All generators "
            "are compared with the first one. A single generator is audited. A list of data sets "
            "means several trainings of one generator, whose spread is included in the intervals. "
            "Figures 7 and 19 show comparisons of two generators, with the first training of "
            "each."
        )
    )
    held_out: Given[str] = Field(
        default=None,
        description=(
            "Source of other real images, which must not contain real images of the data sets. "
            "Their distance is the floor that distances are compared with. By default, the floor "
            "is the distance between two halves of the real images."
        ),
    )
    trained_with: Distinct[NetworkText] = Field(
        default=[],
        description=(
            "Networks that a generator was trained with. Distances in these networks are "
            "reported, but these networks do not judge. Networks of the same family or with the "
            "same labels do not judge either."
        ),
    )

    labels: Given[bool] = Field(
        default=None,
        description=(
            "Where the class of an image comes from. `true`: each source states the class, as a "
            "label or as the name of a folder (docs/formats.md). `false`: the class is the Top-1 "
            "class of `network` (or of `classifier`). By default, classes are labels if all "
            "sources are features that came with labels, and Top-1 classes otherwise. If there "
            "are neither labels nor logits, the class histogram is not examined."
        ),
    )

    @property
    def trainings(self) -> dict[str, list[str]]:
        """The data sets of each generator."""
        return {
            name: [found] if isinstance(found, str) else list(found)
            for name, found in self.generators.items()
        }

    @property
    def datasets(self) -> list[str]:
        """The data sets of all generators."""
        return [dataset for found in self.trainings.values() for dataset in found]

    @property
    def pair(self) -> dict[str, str]:
        """The first training of each generator if there are two generators; otherwise {}."""
        trainings = self.trainings
        return {name: found[0] for name, found in trainings.items()} if len(trainings) == 2 else {}

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the fault of a data set that is compared with itself."""
        for dataset, times in Counter(self.datasets).items():
            if times > 1:
                yield "generators", f"{dataset} occurs {times} times; name each data set once"
