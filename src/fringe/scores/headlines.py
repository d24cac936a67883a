"""What each word of a verdict says, as a clause without numbers."""

from __future__ import annotations

from collections.abc import Mapping

from fringe.scores.comparison import Verdict, VerdictWord

__all__ = ["ANSWERS", "AUDITS", "BELOW_FLOOR", "headline"]

ANSWERS: Mapping[VerdictWord, str] = {
    "real": "{model} is better than {baseline}, and not only in its classes",
    "class histogram": "{model} is nearer only in its class histogram; within classes, its images "
    "show no gain",
    "null space": "{network} and the controls do not say the same",
    "mixed": "{model} is better in one part and worse in the other",
    "too close to call": "These images do not tell {model} and {baseline} apart",
    "worse": "{model} is worse than {baseline}",
    "no witness": "{model} has a lower distance, and there is no control that could confirm it",
}
"""Of a model against the baseline, to be filled in."""

AUDITS: Mapping[VerdictWord, str] = {
    "real": "Most of this distance is in the images, not in their classes",
    "class histogram": "Most of this distance is class histogram",
    "too close to call": "About half of this distance may be class histogram",
    "no witness": "Classes are not known, so the class histogram has no part",
}
"""Of the only model of an audit."""

BELOW_FLOOR = "The distance is not above its floor"
"""Of an audit that is too close to call for that reason."""


def headline(verdict: Verdict, network: str) -> str:
    """Return the clause that a verdict begins with; ``network`` is the title of FID's network.

    The verdict on a model that is not above its floor is `BELOW_FLOOR`, which the word does not
    tell.
    """
    if not verdict.baseline:
        return AUDITS[verdict.word]
    return ANSWERS[verdict.word].format(
        model=verdict.model, baseline=verdict.baseline, network=network
    )
