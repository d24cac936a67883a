"""How many images a protocol takes, of those that somebody has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fringe.errors import FringeError
from fringe.scores.named_protocols import named_protocol

__all__ = ["Counts"]


@dataclass(frozen=True)
class Counts:
    """The counts of a protocol; None: all images, or no protocol is named.

    Attributes
    ----------
    protocol : str, optional
    real, generated : int, optional
    most : bool
        Whether fewer images are as good where there are no more.
    """

    protocol: str | None = None
    real: int | None = None
    generated: int | None = None
    most: bool = False

    @classmethod
    def of(cls, name: str | None) -> "Counts":
        """Return the counts of a protocol, or of none."""
        if name is None:
            return cls()
        about = named_protocol(name)
        asked = {
            side: None if (count := about.defaults["evaluation"][f"n_{side}"]) == "all" else count
            for side in ("real", "generated")
        }
        return cls(name, asked["real"], asked["generated"], all(one.most for one in about.numbers))

    def count(self, side: str, have: Mapping[Any, int], option: str) -> int | None:
        """Return how many images of each set are taken; None: as many as without a protocol.

        Parameters
        ----------
        side : {"real", "generated"}
        have : mapping
            How many images each file has.
        option : str
            That asks for another count.

        Raises
        ------
        FringeError
            If a file has fewer images than the protocol takes.

        Examples
        --------
        >>> Counts.of("adm").count("generated", {"a.zip": 60_000}, "--count")
        50000
        """
        wanted = self.real if side == "real" else self.generated
        if wanted is None:
            return None
        if self.most:
            return min(wanted, *have.values())
        for path, count in have.items():
            if count < wanted:
                raise FringeError(
                    f"{path}: has {count:,} images, and protocol {self.protocol} takes {wanted:,}; "
                    f"give as many, or say {option} {count}, which is then told as a deviation"
                )
        return wanted
