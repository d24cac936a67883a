"""The power of a control: which distortions of real images the control sees.

A control that does not move while FID falls is evidence only if the control would have moved for a
difference that people see. Therefore the control is tested with real images that are distorted on
purpose (`fringe.comparison.measure_power`). Its distances are expressed in units of its own floor,
the distance that two sets of real images have by luck.

The rule
--------
A dose of a distortion is *seen* if this dose and each larger dose of the same kind move the
distance by at least the floor. A control *has power* if it sees the visible dose of every kind.

* At least the floor: if two sets of real images differ as much by luck, the distance does not show
  whether a flaw or luck is the cause.
* Every kind: it is not known in advance which flaw one generator has and the other generator does
  not have. A control that is blind to one kind of visible flaw may miss exactly this flaw, so the
  fact that the control did not move is not evidence.
* The visible dose: a flaw that people do not see does not make a generator better or worse.

If a control without power moves significantly, that is evidence, as for any other control. If
a control without power does not move, that is not evidence. The floor falls as the number of real
images grows, so a control without power may have power with more images.
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
    """The distortions of real images that a control sees.

    Attributes
    ----------
    doses : list of DoseSeen
        How far each dose of each distortion moves the distance, in units of the floor.
    floor : float
        The distance between two sets of real images, the unit of the ratios.
    n : int
        Number of images that were distorted.
    n_floor : int or None
        Number of images in each of the two sets; None if the floor was given.
    sees : str
        The smallest dose of each kind that the control sees, in words.
    has_power : bool
        True if it is evidence when the control does not move.
    """

    doses: list[DoseSeen]
    floor: float
    n: int
    n_floor: int | None
    sees: str
    has_power: bool


def power_of(rows: pd.DataFrame, floor: float | None = None) -> Power:
    """Return the distortions that a control sees, by the rule of this module.

    Parameters
    ----------
    rows : DataFrame
        Rows of one source and network, as `measure_power` measures them and
        `fringe.scores.power.read_power` reads them.
    floor : float, optional
        The floor of a comparison, such as the distance of held-out real images. By default, the
        floor that was measured with the rows.

    Raises
    ------
    FringeError
        If the floor is not a positive number.

    Examples
    --------
    >>> import pandas as pd
    >>> from fringe.sources.distortions import DISTORTIONS, DOSES
    >>> rows = pd.DataFrame(
    ...     {"network": "clip", "distortion": kind, "dose": dose, "amount": amount, "unit": "",
    ...      "distance": 5.0, "luck": 0.5, "floor": 4.0, "n": 100, "n_floor": 500,
    ...      "resolution": 256, "seed": 0}
    ...     for kind in DISTORTIONS for dose, amount in zip(DOSES, DISTORTIONS[kind].amounts)
    ... )
    >>> power = power_of(rows)
    >>> power.has_power, power.doses[0].ratio
    (True, 1.125)
    >>> power_of(rows, floor=6.0).has_power
    False

    For the rows of a run::

        power_of(read_power("results/mine/power/real/clip.csv")).sees
        # 'would have seen a blur of 0.7 pixels, ... and a warp of 0.5 pixels'
    """
    first = rows.iloc[0]
    unit = float(first["floor"]) if floor is None else float(floor)
    if not 0 < unit < float("inf"):
        raise FringeError(
            f"{first['network']}: the distance between two sets of real images is {unit}, which "
            "cannot be used as a unit; give a network whose features differ between images, and "
            "real images that differ"
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
    """Return all doses of one kind, smallest first."""
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
    """Return the doses of one kind that are seen: each larger dose is seen, too."""
    seen: list[DoseSeen] = []
    for dose in reversed(doses):
        if dose.ratio < SEEN:
            break
        seen.insert(0, dose)
    return seen


def _sees(seen: dict[Kind, list[DoseSeen]], resolution: int) -> str:
    """Describe the smallest dose of each kind that is seen, and the kinds that are not seen."""
    smallest = [PHRASES[kind].format(some[0].amount) for kind, some in seen.items() if some]
    missed = [
        PHRASES[kind].format(DISTORTIONS[kind].amounts[-1])
        for kind, some in seen.items()
        if not some
    ]
    phrases = [f"would have seen {_joined(smallest, 'and')}"] if smallest else []
    if missed:
        phrases.append(f"{'but not' if phrases else 'would not have seen'} {_joined(missed, 'or')}")
    if resolution > LOOKED_AT:
        phrases.append(f"in images reduced to {LOOKED_AT} pixels")
    return ", ".join(phrases)


def _joined(parts: Sequence[str], last: str) -> str:
    """Join parts to an enumeration with commas and the word ``last``."""
    *others, end = parts
    return f"{', '.join(others)} {last} {end}" if others else end
