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

GRID = 5, 8  # rows and columns of Figure 11, as of the released code's

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
            "Distance of all candidates from the real images in `network`, with the divisor "
            "of the released code (one less than the sum of the weights)."
        ),
    )
    distances: Given[dict[str, Distance]] = Field(
        default=None,
        description=(
            "The smallest distance of three draws with replacement, by network (`network` or "
            "a control)."
        ),
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the fault of a section without a key."""
        if not self.model_fields_set:
            yield "", "name a number that is checked: `loss` or `distances`"


class PublishedDistance(Section):
    """A distance that others published of these generated images."""

    value: Distance = Field(description="The distance.")
    source: ProseText = Field(
        description="Where it is printed: authors, year, and table or figure."
    )
    std: Given[Annotated[Number, Field(ge=0)]] = Field(
        default=None, description="What is printed behind ±."
    )
    n_real: Given[Count] = Field(default=None, description="Number of real images behind it.")
    n_generated: Given[Count] = Field(
        default=None, description="Number of generated images behind it."
    )
    differs: Given[ProseText] = Field(
        default=None,
        description=(
            "What was measured otherwise there, in words without a full stop; the report then says "
            "that the two numbers do not compare as they are."
        ),
    )


class Shown(Section):
    """Generated images that are shown: a section with one of its keys."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the fault of a section without a key, or with several."""
        if len(self.model_fields_set) != 1:
            keys = " or ".join(f"`{key}`" for key in type(self).model_fields)
            yield "", f"name the images by one key, {keys}"


class Examples(Shown):
    """Generated images whose sensitivity is shown one by one."""

    images: Given[Annotated[Distinct[Index], Field(min_length=1)]] = Field(
        default=None, description="Their indices, from 0, within the first `sensitivity/images`."
    )
    seeds: Given[Annotated[Distinct[Seed], Field(min_length=1)]] = Field(
        default=None,
        description=(
            "For generators: of each seed the first image that it makes, added to the others "
            "as in the paper's released code."
        ),
    )


class Grid(Shown):
    """The images of Figure 11."""

    seed: Given[Annotated[int, Field(ge=0, le=2**32 - GRID[0] * GRID[1])]] = Field(
        default=None,
        description=(
            "For generators: the first image of each of 40 seeds from this one on, added to "
            "the others as in the paper's released code, whose grid starts at 100."
        ),
    )
    images: Given[Annotated[Distinct[Index], Field(min_length=1, max_length=40)]] = Field(
        default=None, description="Their indices, from 0, within the first `sensitivity/images`."
    )


class Dataset(Section):
    """Real images, and generated ones that are compared with these."""

    title: Annotated[TitleText, Inherits("")] = Field(
        description="The name in tables and figures; the dataset's key where left out."
    )
    real: str = Field(description="Source of the real images.")
    generated: str = Field(
        description=(
            "Source of the generated candidates (the paper takes five times as many as each "
            "measurement). Where these cannot fill every bin, histogram matching draws on: "
            "see `matching/limit`."
        )
    )
    snapshots: Distinct[str] = Field(
        default=[],
        description=(
            "Sources that stand for training snapshots, in order (Figure 9); one source may "
            "name the whole folder of a training. At least 3 snapshots, or none."
        ),
    )
    n_real: Annotated[CountOrAll, Inherits("evaluation/n_real")] = Field(
        description="Real images in each measurement, overriding `evaluation/n_real`."
    )
    n_generated: Annotated[CountOrAll, Inherits("evaluation/n_generated")] = Field(
        description=(
            "Generated images drawn for each measurement, overriding `evaluation/n_generated`."
        )
    )
    resample: bool = Field(
        default=True,
        description=(
            "Resample the candidates, and show the data set in tables and figures. Otherwise "
            "only random draws are measured, for `comparisons`."
        ),
    )
    alternatives: Distinct[NetworkText] = Field(
        default=[],
        description=(
            "Networks whose FID at random draws is shown beside that of `network`, such as "
            "other trainings of it (Figure 8b)."
        ),
    )
    checks: Given[Checks] = Field(
        default=None,
        description=(
            "Numbers that the released code prints at its first step, where all weights are "
            "equal. The page Self-check of the report sets ours beside them."
        ),
    )
    published: Given[Annotated[dict[str, PublishedDistance], Field(min_length=1)]] = Field(
        default=None,
        description=(
            "Distances that others published of this generator, by network (`network` or a "
            "control). The verdict and the page of the run set ours next to them, with the "
            "deviation."
        ),
    )
    sizes: Annotated[Sizes, Inherits("evaluation/sizes")] = Field(
        description="Pairs of counts for Figure 8a, overriding `evaluation/sizes`."
    )
    examples: Given[Examples] = Field(
        default=None,
        description=(
            "Generated images whose sensitivity is shown one by one (Figures 3, 13, 14 and "
            "S2), the first of them step by step (Figure 2); the first six where left out."
        ),
    )
    grid: Given[Grid] = Field(
        default=None,
        description=(
            "The images of Figure 11, 5 rows of 8 at most; the first 40 that have maps where "
            "left out."
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
            "The part of every image that should matter, such as the face: a mask image "
            "(white is inside) or a box `[left, top, right, bottom]` in shares of width and "
            "height. The report then says what share of FID's sensitivity falls inside."
        ),
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the faults of keys that do not go together."""
        if self.checks is not None and not self.resample:
            yield "checks", "only of data sets that are resampled; drop one of the two"
        if self.published is not None and not self.resample:
            yield "published", "only of data sets that are resampled; drop one of the two"


Trainings = Annotated[
    Annotated[str, Text] | Annotated[Distinct[str], Field(min_length=1), List], WrittenAs
]


class Comparison(Section):
    """Generators of the same real images; one of them only is audited."""

    title: Annotated[TitleText, Inherits("")] = Field(
        description="Heading of the figures; the comparison's key where left out."
    )
    generators: Annotated[dict[TitleText, Trainings], Field(min_length=1)] = Field(
        description=(
            "Data set by the generator's name as it is to be shown. The others are compared with "
            "the first one; a single generator is audited. A list of data sets stands for several "
            "trainings of one generator, whose spread enters the intervals. Figures 7 and 19 show "
            "comparisons of two generators, of each the first training."
        )
    )
    held_out: Given[str] = Field(
        default=None,
        description=(
            "Source of further real images, none of which is in the data sets' real images: their "
            "distance is the floor that distances are compared with. Without it, the floor is the "
            "distance between two halves of the real images."
        ),
    )
    trained_with: Distinct[NetworkText] = Field(
        default=[],
        description=(
            "Networks that a generator was trained with. They are reported and do not judge, and "
            "neither do networks of their family or with the same labels."
        ),
    )

    labels: Given[bool] = Field(
        default=None,
        description=(
            "Where the class of an image comes from. `true`: each source states it, as a label or "
            "by a folder of the name of the class (docs/formats.md); `false`: it is the Top-1 "
            "class of `network`. If left out, classes are labels where all sources are features "
            "that came with labels, and Top-1 classes otherwise. Where there are neither labels "
            "nor logits, nothing is said of the class histogram."
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
        """The first training of each generator where there are two, for figures; otherwise {}."""
        trainings = self.trainings
        return {name: found[0] for name, found in trainings.items()} if len(trainings) == 2 else {}

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the fault of a data set that is compared with itself."""
        for dataset, times in Counter(self.datasets).items():
            if times > 1:
                yield "generators", f"{dataset} stands there {times} times; name each data set once"
