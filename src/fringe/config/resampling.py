"""Matching, schemes and the optimization of weights in a configuration."""

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
            "The most images that matching looks at, the candidates included, as a multiple "
            "of the candidates. Where the candidates leave bins of the histogram short, a "
            "`generator` or `imitation` makes further images, and matching takes those that "
            "fit, until every bin is full (as in the paper) or this limit is reached; `1` for "
            "candidates only. Bins that stay short then are reported in Table 1, next to the "
            "FID of as many random images. Images of files cannot be made, so for these the "
            "candidates are the limit."
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
        description="Steps that are taken; 0 leaves the scheme out. The paper takes 100,000.",
    )
    learning_rate: Number = Field(
        default=10, gt=0, description="Step size. The paper takes 10, for 250,000 candidates."
    )
    merge: Number = Field(
        default=0.05,
        ge=0,
        le=0.5,
        description=(
            "As many steps are merged into one as change no log-weight by more than this; 0 "
            "merges none. The error of that is measured and is in the weights files."
        ),
    )


class Optimization(Section):
    """How weights are optimized."""

    method: Literal["auto", "reference"] = Field(
        default="auto",
        description="`auto` is ours; `reference` follows the released algorithm step by step.",
    )
    evaluations: Positive = Field(
        default=300,
        description=(
            "The most evaluations of objective and gradient. For `reference`, its steps; the "
            "paper took 100,000."
        ),
    )
    tolerance: Number = Field(
        default=0.001,
        gt=0,
        description=(
            "Stop when the proven gap to the best FID that any weights reach is below this "
            "share of the FID at equal weights (or of 20 times the best FID so far, if that "
            "is less)."
        ),
    )
    released: Released = Field(
        default=Released(),
        description=(
            "The weights of the paper's released code next to ours, in pre-logits, as the "
            "scheme `prelogits-released`: gradient descent on log-weights, stopped after "
            "`steps`, of which every 500th is judged by drawn images. It diverges where the "
            "step size is too large for the features; the run then ends with a message."
        ),
    )


class Convergence(Section):
    """The released optimization next to ours."""

    steps: Steps = Field(
        default=30,
        description=(
            "Steps of the released algorithm that are taken, beside four that are timed the "
            "released way; 0 for none. The paper takes 100,000. Each costs about as much as "
            "an evaluation of ours. With `optimization/released`, its steps are shown and no "
            "others are taken."
        ),
    )
    datasets: Given[Distinct[str]] = Field(
        default=None,
        description="Data sets to measure it on; the first that is resampled where left out.",
    )
