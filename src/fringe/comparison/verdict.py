"""The rule of the verdict: is a lower FID real?

B is compared with the baseline A. A number is *significant* if its 95 % interval does not contain
0. The rule uses the difference F(B) - F(A) in FID's network, its two parts (composition: class
histogram; within: the images within classes), and the judges, which are the controls that may
judge.

A judge *follows* if its difference is significant in the same direction as the part within classes,
and its relative change is at least half as large as the relative change within classes. Each change
is relative to the larger distance of both models. A judge *contradicts* if its difference is
significant in the opposite direction. A judge that moves significantly is evidence even without
power (`fringe.comparison.power`). A judge that does not follow is evidence only if it has power.
The first line that applies is the verdict.

1. `mixed`: both parts are significant and of opposite signs, the smaller part is at least a
   twentieth of the larger part, and no judge contradicts the part within classes.
2. `null space`: the difference is not significant, and a judge's difference is significant.
3. `too close to call`: the difference is not significant.
4. `class histogram`: the difference is below 0, the part within classes is not significantly below
   0, and composition is significantly below 0. Judges are ignored, because they may see the same
   classes in another way.
5. `null space`: a judge's difference is significant and opposite to the difference.
6. `worse`: the difference is above 0.
7. `too close to call`: neither part is significantly below 0.
8. `real`: a judge follows.
9. `no witness`: no judge has power.
10. `null space`: otherwise, because no judge follows.

If classes are not known, the part within classes is the whole difference. The factor of a half is a
convention. Two networks never change by the same share. If even the most favourable judge sees less
than half of a gain, most of the gain is in features that FID's network sees and the judges do not
see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fringe.scores.comparison import Composition, Difference, Estimate, VerdictWord

__all__ = ["FOLLOWS", "MATERIAL", "Judge", "Ruling", "relative_within", "rule"]

#: A judge follows if its relative change is at least this fraction of the change within classes.
FOLLOWS = 0.5

#: Two opposite parts are mixed if the smaller part is at least this fraction of the larger part.
MATERIAL = 0.05


class Judge(NamedTuple):
    """A control that may judge: its title, its difference, and whether it has power."""

    title: str
    difference: Difference
    has_power: bool = True


class Ruling(NamedTuple):
    """The verdict, and the judges that follow and contradict the part within classes."""

    word: VerdictWord
    following: list[Judge]
    contradicting: list[Judge]


def rule(
    difference: Difference, composition: Composition | None, judges: Sequence[Judge]
) -> Ruling:
    """Return the verdict on a model against the baseline, by the rule of this module.

    Parameters
    ----------
    difference : Difference
        The difference in FID's network.
    composition : Composition, optional
        The parts of the difference; None if classes are not known.
    judges : sequence of Judge
    """
    whole = difference.distance
    within = composition.within if composition else whole
    sign = within.sign or whole.sign
    share = relative_within(difference, composition)
    following = [judge for judge in judges if sign and _follows(judge, sign, share)]
    contradicting = [judge for judge in judges if sign and judge.difference.distance.sign == -sign]
    word = _word(whole, composition, judges, following, contradicting)
    return Ruling(word, following, contradicting)


def relative_within(difference: Difference, composition: Composition | None) -> float:
    """Return the part within classes relative to the larger distance of both models."""
    relative, whole = difference.relative.value, difference.distance.value
    if composition is None or whole == 0:
        return relative
    return relative * composition.within.value / whole


def _follows(judge: Judge, sign: int, share: float) -> bool:
    found = judge.difference
    return found.distance.sign == sign and abs(found.relative.value) >= FOLLOWS * abs(share)


def _word(
    whole: Estimate,
    composition: Composition | None,
    judges: Sequence[Judge],
    following: Sequence[Judge],
    contradicting: Sequence[Judge],
) -> VerdictWord:
    within = composition.within.sign if composition else whole.sign
    histogram = composition.composition.sign if composition else 0
    if composition and within and histogram == -within and not contradicting:
        sizes = sorted(abs(part.value) for part in (composition.within, composition.composition))
        if sizes[0] >= MATERIAL * sizes[1]:
            return "mixed"
    signs = {judge.difference.distance.sign for judge in judges} - {0}
    if whole.sign == 0:
        return "null space" if signs else "too close to call"
    if whole.sign < 0 and within >= 0 and histogram < 0:
        return "class histogram"
    if -whole.sign in signs:
        return "null space"
    if whole.sign > 0:
        return "worse"
    if within >= 0:
        return "too close to call"
    if following:
        return "real"
    return "null space" if any(judge.has_power for judge in judges) else "no witness"
