"""Files that compare the first numbers that the released code prints with ours, as JSON."""

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
    """A number that the released code prints, and our number.

    Parameters
    ----------
    name : str
        ``loss``, or the network of a distance.
    published, value : float
        The released number and our number.
    std : float
        Standard deviation of our draws; 0 for the loss, which uses no draws.
    draws : int
        Number of draws; 0 for the loss.
    tolerance : float
        The largest deviation with which the check passes.
    reason : str
        The reason for this tolerance.
    n_real, n_candidates, n_drawn, seed : int
        Numbers of images (for the loss, ``n_drawn`` is the number of all candidates), and the seed
        of the draws.
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
    """Return the checks that `write_checks` wrote.

    Raises
    ------
    DamagedFileError
        If the file is missing, is truncated or has another content.
    """
    try:
        return [Check(**one) for one in parse_json(read_text(path))]
    except (OSError, ValueError, TypeError) as error:
        raise DamagedFileError(
            f"{path}: missing or damaged ({error}); delete it and run again to create it", path
        ) from error
