"""Sections `matching`, `schemes`, `optimization` and `convergence` of a configuration."""

from typing import Annotated, Literal

from pydantic import Field

from fringe.config.fields import Distinct, Given, Number, Positive, Section

__all__ = ["Convergence", "Matching", "Optimization", "Released", "Schemes"]

SWEEP = [1, 2, 5, 10, 20, 50, 100, 200, 500]

Steps = Annotated[int, Field(ge=0)]


class Matching(Section):
    """How Top-1 class histograms are matched."""

    limit: Number = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description=(
            "Maximum number of images that matching uses, including the candidates, as a multiple "
            "of the number of candidates. If the candidates do not fill all bins of the "
            "histogram, a `generator` or `imitation` makes more images, and matching uses the "
            "images that fit, until every bin is full (as in the paper) or this limit is reached. "
            "`1` means only the candidates. Table 1 reports bins that are not full, next to the "
            "FID of the same number of random images. Sources of files cannot make more images, "
            "so the candidates are the limit for them."
        ),
    )


class Schemes(Section):
    """Sampling schemes of the Top-N and Middle-N sweeps."""

    top: Distinct[Positive] = Field(
        default=SWEEP, description="N of the Top-N indicators in Figures 6 and 18."
    )
    middle: Distinct[Positive] = Field(
        default=SWEEP, description="N of the Middle-N indicators in Figures 6 and 18."
    )


class Released(Section):
    """The weights of the paper's released code."""

    steps: Steps = Field(
        default=0,
        description="Number of steps; 0 omits the scheme. The paper uses 100,000.",
    )
    learning_rate: Number = Field(
        default=10, gt=0, description="Step size. The paper uses 10, for 250,000 candidates."
    )
    merge: Number = Field(
        default=0.05,
        ge=0,
        le=0.5,
        description=(
            "Consecutive steps are merged into one step as long as no log-weight changes by more "
            "than this number; 0 merges no steps. The error of merging is measured and stored in "
            "the files of sampling weights."
        ),
    )


class Optimization(Section):
    """How weights are optimized."""

    method: Literal["auto", "reference"] = Field(
        default="auto",
        description=(
            "`auto` is our algorithm; `reference` follows the released algorithm step by step."
        ),
    )
    evaluations: Positive = Field(
        default=300,
        description=(
            "Maximum number of evaluations of the objective and its gradient. For `reference`, "
            "the number of steps; the paper used 100,000."
        ),
    )
    tolerance: Number = Field(
        default=0.001,
        gt=0,
        description=(
            "Stop when the proven gap to the best FID that any weights reach is below this "
            "fraction of the FID at equal weights (or of 20 times the best FID so far, if that is "
            "smaller)."
        ),
    )
    released: Released = Field(
        default=Released(),
        description=(
            "The weights of the paper's released code for comparison with ours, in pre-logits, as "
            "the scheme `prelogits-released`: gradient descent on log-weights, stopped after "
            "`steps`. Every 500th step is evaluated with drawn images. The descent diverges if "
            "the step size is too large for the features; the run then ends with a message."
        ),
    )


class Convergence(Section):
    """The released optimization, compared with ours."""

    steps: Steps = Field(
        default=30,
        description=(
            "Number of steps of the released algorithm, in addition to four steps whose time is "
            "measured as in the released code; 0 for none. The paper uses 100,000. Each step "
            "costs about as much as an evaluation of our algorithm. With `optimization/released`, "
            "the steps of that section are shown instead."
        ),
    )
    datasets: Given[Distinct[str]] = Field(
        default=None,
        description=(
            "Data sets on which convergence is measured; by default the first resampled data set."
        ),
    )
