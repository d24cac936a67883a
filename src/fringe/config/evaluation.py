"""Section `evaluation` of a configuration: sampling, repeats and metrics."""

from typing import Annotated, Literal

from pydantic import Field

from fringe.config.datasets import Sizes
from fringe.config.fields import (
    Contains,
    Count,
    CountOrAll,
    Distinct,
    Fits,
    NetworkText,
    Number,
    Positive,
    Section,
)
from fringe.scores.asked_metrics import ASKED

__all__ = ["Evaluation", "PrecisionRecall", "Repeats"]

Repetitions = Annotated[int, Field(ge=1, le=10_000)]


class Repeats(Section):
    """Numbers of repeats of measurements."""

    table1: Repetitions = Field(default=5, description="Repeats for Table 1.")
    table2: Repetitions = Field(default=10, description="Repeats for Table 2.")
    table3: Repetitions = Field(default=10, description="Repeats for Table 3.")
    sweep: Repetitions = Field(default=3, description="Repeats for Figures 6 and 18.")
    sizes: Repetitions = Field(default=10, description="Repeats for Figure 8a.")
    recall: Repetitions = Field(default=1, description="Repeats of recall in Figures 7 and 19.")
    metrics: Repetitions = Field(default=3, description="Repeats of `evaluation/metrics`.")


class PrecisionRecall(Section):
    """Improved precision and recall."""

    network: NetworkText = Field(
        default="vgg16",
        description=(
            "The network in which manifolds are estimated: `vgg16` has the weights of "
            "torchvision, `vgg16-nvidia` the weights that the code of the method's authors uses."
        ),
    )
    k: Positive = Field(
        default=3, description="The nearest neighbour that defines the radius of each image."
    )
    dtype: Literal["float16", "float32", "float64"] = Field(
        default="float32",
        description="`float16` rounds features and radii as in the released code.",
    )


MetricText = Annotated[str, Fits(f"({'|'.join(ASKED)})", f"a metric; known are {', '.join(ASKED)}")]

Factor = Annotated[Number, Field(gt=0)]


class Evaluation(Section):
    """How distances are measured."""

    n_real: CountOrAll = Field(
        default=50_000,
        description=(
            "Number of real images in each measurement, or `all` images of the source. The "
            "`order` of the source decides which images are used."
        ),
    )
    n_generated: CountOrAll = Field(
        default=50_000,
        description="Number of generated images drawn for each measurement, or `all` candidates.",
    )
    sampling: Literal["with_replacement", "systematic", "without_replacement"] = Field(
        default="with_replacement",
        description=(
            "How images are drawn with optimized weights. `with_replacement`: as published. "
            "`systematic`: each image is drawn as often as its weight says, rounded up or down; "
            "distances vary less, and FID is lower than published. `without_replacement`: no "
            "image is drawn twice, which makes the draws more like draws with equal weights. The "
            "weights themselves are always chosen with images drawn with replacement."
        ),
    )
    repeats: Repeats = Field(
        default=Repeats(),
        description="Number of repeats of each measurement; each repeat draws new images.",
    )
    precision_recall: PrecisionRecall = Field(
        default=PrecisionRecall(),
        description=(
            "Improved precision and recall (Kynkäänniemi et al. 2019), measured for `comparisons`."
        ),
    )
    metrics: Distinct[MetricText] = Field(
        default=[],
        description=(
            "Metrics of a separate table, for FID's network and every control. The metrics are "
            f"{', '.join(ASKED)}; docs/metrics.md defines them. A metric is omitted for a network "
            "that does not provide the input of the metric."
        ),
    )
    metric_schemes: Annotated[Distinct[str], Field(min_length=1)] = Field(
        default=["random", "matched", "prelogits"],
        description=(
            "The schemes in which `metrics` are measured. A data set that is not resampled has "
            "only `random`."
        ),
    )
    kid_subsets: Positive = Field(default=100, description="Number of subsets of the released KID.")
    kid_subset_size: Count = Field(
        default=1000, description="Number of images in each subset of the released KID."
    )
    kid_exact: bool = Field(
        default=True,
        description=(
            "Also measure the exact unbiased KID over all pairs. Its cost grows with the square "
            "of the numbers of images."
        ),
    )
    power_images: Annotated[int, Field(ge=2)] = Field(
        default=1000,
        description=(
            "Number of real images that are blurred, noised, compressed and warped to measure "
            "which distortions a control of `comparisons` would have seen; all images if there "
            "are fewer. Each image passes through the control 12 times."
        ),
    )
    fid_infinity: Literal["balanced", "reference"] = Field(
        default="balanced",
        description=(
            "How FID is extrapolated to infinitely many generated images (Figure 8a). `balanced`: "
            "a line through blocks, pairs of blocks and all images. `reference`: a line through "
            "15 random subsets, as in the released code of Chong and Forsyth (2020)."
        ),
    )
    gamma_factors: Annotated[Distinct[Factor], Field(min_length=1), Contains(1)] = Field(
        default=[0.125, 0.25, 0.5, 1, 2, 4, 8],
        description=(
            "RBF-KID is measured with gamma at each factor times 1/D. The list must contain 1, "
            "the factor of the paper."
        ),
    )
    sizes: Sizes = Field(
        default=[],
        description=(
            "Pairs of numbers of real and generated images for Figure 8a; `all` means all images "
            "of the source."
        ),
    )
