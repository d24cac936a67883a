"""The headline of each verdict: a clause without numbers."""

from __future__ import annotations

from collections.abc import Mapping

from fringe.scores.comparison import Verdict, VerdictWord

__all__ = ["ANSWERS", "AUDITS", "BELOW_FLOOR", "headline"]

ANSWERS: Mapping[VerdictWord, str] = {
    "real": "{model} is better than {baseline}, and not only in its classes",
    "class histogram": "Only the class histogram of {model} is nearer; within classes, its images "
    "show no gain",
    "null space": "{network} and the controls do not agree",
    "mixed": "{model} is better in one part and worse in the other",
    "too close to call": "These images do not distinguish {model} from {baseline}",
    "worse": "{model} is worse than {baseline}",
    "no witness": "{model} has a lower distance, and there is no control that could confirm it",
}
"""Headlines of a model against the baseline, as templates."""

AUDITS: Mapping[VerdictWord, str] = {
    "real": "Most of this distance is in the images, not in their classes",
    "class histogram": "Most of this distance is class histogram",
    "too close to call": "About half of this distance may be class histogram",
    "no witness": "Classes are not known, so the class histogram is not examined",
}
"""Headlines of the model of an audit."""

BELOW_FLOOR = "The distance is not above its floor"
"""The headline of an audit that is too close to call because its distance is below the floor."""


def headline(verdict: Verdict, network: str) -> str:
    """Return the headline of a verdict; ``network`` is the title of FID's network.

    The headline of an audited model below its floor is `BELOW_FLOOR`. This function does not return
    it, because the word of the verdict does not identify this case.
    """
    if not verdict.baseline:
        return AUDITS[verdict.word]
    return ANSWERS[verdict.word].format(
        model=verdict.model, baseline=verdict.baseline, network=network
    )
