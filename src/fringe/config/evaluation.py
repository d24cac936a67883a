"""How distances are measured: sampling, repeats and metrics in a configuration."""

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
    """How many draws are measured."""

    table1: Repetitions = Field(default=5, description="Repeats behind Table 1.")
    table2: Repetitions = Field(default=10, description="Repeats behind Table 2.")
    table3: Repetitions = Field(default=10, description="Repeats behind Table 3.")
    sweep: Repetitions = Field(default=3, description="Repeats behind Figures 6 and 18.")
    sizes: Repetitions = Field(default=10, description="Repeats behind Figure 8a.")
    recall: Repetitions = Field(default=1, description="Repeats of recall in Figures 7 and 19.")
    metrics: Repetitions = Field(default=3, description="Repeats of `evaluation/metrics`.")


class PrecisionRecall(Section):
    """Improved precision and recall."""

    network: NetworkText = Field(
        default="vgg16",
        description=(
            "Network in whose features manifolds are estimated: `vgg16` is torchvision's "
            "training, `vgg16-nvidia` that of the code of the method's authors."
        ),
    )
    k: Positive = Field(
        default=3, description="Nearest neighbour that gives each image its radius."
    )
    dtype: Literal["float16", "float32", "float64"] = Field(
        default="float32",
        description="`float16` rounds features and radii as the released code does.",
    )


MetricText = Annotated[str, Fits(f"({'|'.join(ASKED)})", f"a metric; known are {', '.join(ASKED)}")]

Factor = Annotated[Number, Field(gt=0)]


class Evaluation(Section):
    """How distances are measured."""

    n_real: CountOrAll = Field(
        default=50_000,
        description=(
            "Real images in each measurement, or `all` of the source; the `order` of the source "
            "says which."
        ),
    )
    n_generated: CountOrAll = Field(
        default=50_000,
        description="Generated images drawn for each measurement, or `all` candidates.",
    )
    sampling: Literal["with_replacement", "systematic", "without_replacement"] = Field(
        default="with_replacement",
        description=(
            "How images are drawn with optimized weights. `with_replacement`: as published. "
            "`systematic`: as often on average, each image that often rounded up or down, so "
            "that distances vary less and FID comes out lower than published. "
            "`without_replacement`: none twice, which pulls the draws towards equal weights. "
            "Weights are chosen by images drawn with replacement, whatever this says."
        ),
    )
    repeats: Repeats = Field(
        default=Repeats(),
        description="How many times each measurement is repeated with a fresh draw.",
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
            "Metrics of a table of their own, for FID's network and every control. Known are "
            f"{', '.join(ASKED)}; docs/metrics.md defines them. A network that does not give what "
            "a metric needs is left out of it."
        ),
    )
    metric_schemes: Annotated[Distinct[str], Field(min_length=1)] = Field(
        default=["random", "matched", "prelogits"],
        description=(
            "The schemes of whose draws `metrics` are measured. Of a data set that is not "
            "resampled, there is only `random`."
        ),
    )
    kid_subsets: Positive = Field(default=100, description="Subsets of the released KID.")
    kid_subset_size: Count = Field(
        default=1000, description="Images in each subset of the released KID."
    )
    kid_exact: bool = Field(
        default=True,
        description=(
            "Measure the exact unbiased KID over all pairs too; its cost grows with the "
            "square of the counts."
        ),
    )
    power_images: Annotated[int, Field(ge=2)] = Field(
        default=1000,
        description=(
            "Real images that are blurred, noised, compressed and warped, to tell what a control "
            "of `comparisons` would have seen; all if there are fewer. Each passes through the "
            "control 12 times."
        ),
    )
    fid_infinity: Literal["balanced", "reference"] = Field(
        default="balanced",
        description=(
            "How FID is extrapolated to infinitely many generated images (Figure 8a). "
            "`balanced`: a line through blocks, pairs of blocks and all images; `reference`: "
            "through 15 random subsets, as the released code of Chong and Forsyth (2020)."
        ),
    )
    gamma_factors: Annotated[Distinct[Factor], Field(min_length=1), Contains(1)] = Field(
        default=[0.125, 0.25, 0.5, 1, 2, 4, 8],
        description=(
            "RBF-KID is measured at each factor times 1/D; 1 is the paper's and must be there."
        ),
    )
    sizes: Sizes = Field(
        default=[],
        description=(
            "Pairs of counts, real and generated, for Figure 8a; `all` stands for every image "
            "of the source."
        ),
    )
