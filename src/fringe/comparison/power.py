"""What a control would have seen: a statement about distortions, from measured rows.

A control that does not move while FID falls says something only if it would have moved for a
difference that people see. So the control is shown real images that are distorted on purpose
(`fringe.comparison.measure_power`), and its distances are told in units of its own floor: the
distance that two sets of real images have by luck.

The rule
--------
A dose of a distortion is *seen* if it moves the distance by at least the floor, and so does each
larger dose of the same kind. A control *has power* if it sees the visible dose of every kind.

* At least the floor: if two sets of real images differ as much by luck, nobody can tell from the
  distance whether it comes from a flaw or from luck.
* Every kind: nobody knows beforehand which flaw one generator has and the other has not. A control
  that is blind to one kind of visible flaw may miss just that one, so the fact that it did not move
  says nothing.
* The visible dose: a flaw that people do not see does not make a generator better or worse.

If a control without power moves significantly, that is evidence as any other. If it does not move,
that says nothing: it is not a witness then. The floor falls as the number of real images grows. So
a control without power may have power with more images.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fringe.errors import FringeError
from fringe.scores.comparison import DoseSeen, Result
from fringe.sources.distortions import DISTORTIONS, DOSES, LOOKED_AT, Dose, Kind

__all__ = ["Power", "power_of"]

JUDGED: Dose = "visible"
SEEN = 1.0  # times the floor

PHRASES: dict[Kind, str] = {
    "blur": "a blur of {:g} pixels",
    "noise": "noise of {:g} grey levels",
    "jpeg": "JPEG compression of quality {:g}",
    "warp": "a warp of {:g} pixels",
}


class Power(Result):
    """What a control sees of distorted real images.

    Attributes
    ----------
    doses : list of DoseSeen
        How far each dose of each distortion moves the distance, in units of the floor.
    floor : float
        The distance between two sets of real images that the ratios are in units of.
    n : int
        How many images were distorted.
    n_floor : int or None
        How many images each of the two sets has; None if the floor was given.
    sees : str
        The smallest dose that the control sees of each kind, in words.
    has_power : bool
        Whether it says something if the control does not move.
    """

    doses: list[DoseSeen]
    floor: float
    n: int
    n_floor: int | None
    sees: str
    has_power: bool


def power_of(rows: pd.DataFrame, floor: float | None = None) -> Power:
    """Return what a control sees, by the rule of this module.

    Parameters
    ----------
    rows : DataFrame
        Of one source and network, as `fringe.scores.power.read_power` returns them.
    floor : float, optional
        The floor of a comparison, such as the distance of held-out real images; by default the one
        that was measured with the rows.

    Raises
    ------
    FringeError
        If the floor is not a positive number.

    Examples
    --------
    >>> power_of(read_power("results/mine/power/real/clip.csv")).sees  # doctest: +SKIP
    'would have seen a blur of 0.7 pixels, ... and a warp of 0.5 pixels'
    """
    first = rows.iloc[0]
    unit = float(first["floor"]) if floor is None else float(floor)
    if not 0 < unit < float("inf"):
        raise FringeError(
            f"{first['network']}: the distance between two sets of real images is {unit}, so "
            "nothing can be told in units of it; give a network whose features differ between "
            "images, and real images that differ"
        )
    doses = {kind: _doses(rows, kind, unit) for kind in DISTORTIONS}
    seen = {kind: _seen(some) for kind, some in doses.items()}
    return Power(
        doses=[dose for some in doses.values() for dose in some],
        floor=unit,
        n=int(first["n"]),
        n_floor=int(first["n_floor"]) if floor is None else None,
        sees=_sees(seen, int(first["resolution"])),
        has_power=all(any(one.dose == JUDGED for one in some) for some in seen.values()),
    )


def _doses(rows: pd.DataFrame, kind: Kind, floor: float) -> list[DoseSeen]:
    """Return all doses of one kind, the smallest first."""
    found = []
    for dose in DOSES:
        row = rows[(rows["distortion"] == kind) & (rows["dose"] == dose)].iloc[0]
        found.append(
            DoseSeen(
                distortion=kind,
                dose=dose,
                amount=float(row["amount"]),
                unit=str(row["unit"]),
                ratio=max(0.0, float(row["distance"] - row["luck"])) / floor,
            )
        )
    return found


def _seen(doses: Sequence[DoseSeen]) -> list[DoseSeen]:
    """Return the doses of one kind that are seen, as all larger doses are."""
    seen: list[DoseSeen] = []
    for dose in reversed(doses):
        if dose.ratio < SEEN:
            break
        seen.insert(0, dose)
    return seen


def _sees(seen: dict[Kind, list[DoseSeen]], resolution: int) -> str:
    """Return in words the smallest dose that is seen of each kind, and which kinds are not seen."""
    smallest = [PHRASES[kind].format(some[0].amount) for kind, some in seen.items() if some]
    missed = [
        PHRASES[kind].format(DISTORTIONS[kind].amounts[-1])
        for kind, some in seen.items()
        if not some
    ]
    told = [f"would have seen {_joined(smallest, 'and')}"] if smallest else []
    if missed:
        told.append(f"{'but not' if told else 'would not have seen'} {_joined(missed, 'or')}")
    if resolution > LOOKED_AT:
        told.append(f"in images reduced to {LOOKED_AT} pixels")
    return ", ".join(told)


def _joined(parts: Sequence[str], last: str) -> str:
    """Return parts as a list in a sentence."""
    *others, end = parts
    return f"{', '.join(others)} {last} {end}" if others else end
