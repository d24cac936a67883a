"""The numbers that the released code prints first, next to ours: one JSON file for a data set."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from fringe.errors import DamagedFileError
from fringe.files.atomic import atomic_path
from fringe.files.parsing import parse_json
from fringe.files.regular import read_text

__all__ = ["Check", "read_checks", "write_checks"]


@dataclass(frozen=True)
class Check:
    """A number that the released code prints, and ours.

    Parameters
    ----------
    name : str
        ``loss``, or the network in whose features a distance is.
    published, value : float
        The released number and ours.
    std : float
        Standard deviation of our draws; 0 for the loss, which is not drawn.
    draws : int
        How many; 0 for the loss.
    tolerance : float
        The largest deviation with which the check passes.
    reason : str
        Why it is so large.
    n_real, n_candidates, n_drawn, seed : int
        Counts behind the number (of the loss ``n_drawn`` is all candidates), and the draws' seed.
    """

    name: str
    published: float
    value: float
    std: float
    draws: int
    tolerance: float
    reason: str
    n_real: int
    n_candidates: int
    n_drawn: int
    seed: int

    @property
    def passes(self) -> bool:
        """Whether the deviation is within the tolerance."""
        return abs(self.value - self.published) <= self.tolerance


def write_checks(path: str | os.PathLike[str], checks: Sequence[Check]) -> None:
    """Write the checks of one data set as JSON."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps([asdict(one) for one in checks], indent=1), "utf-8")


def read_checks(path: str | os.PathLike[str]) -> list[Check]:
    """Read what `write_checks` wrote.

    Raises
    ------
    DamagedFileError
        If the file is missing, cut short or holds something else.
    """
    try:
        return [Check(**one) for one in parse_json(read_text(path))]
    except (OSError, ValueError, TypeError) as error:
        raise DamagedFileError(
            f"{path}: missing or damaged ({error}); delete it and run again, which makes it", path
        ) from error
