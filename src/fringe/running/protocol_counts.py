"""Numbers of images that a protocol uses, given the numbers that are available."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fringe.errors import FringeError
from fringe.scores.named_protocols import named_protocol

__all__ = ["Counts"]


@dataclass(frozen=True)
class Counts:
    """Numbers of images that a protocol uses.

    Attributes
    ----------
    protocol : str, optional
        Name of the protocol, or None without a protocol.
    real, generated : int, optional
        Numbers of images; None means all images.
    most : bool
        Whether the numbers are maxima, so that fewer available images also follow the protocol.
    """

    protocol: str | None = None
    real: int | None = None
    generated: int | None = None
    most: bool = False

    @classmethod
    def of(cls, name: str | None) -> "Counts":
        """Return the counts of the protocol ``name``, or empty counts for None."""
        if name is None:
            return cls()
        about = named_protocol(name)
        asked = {
            side: None if (count := about.defaults["evaluation"][f"n_{side}"]) == "all" else count
            for side in ("real", "generated")
        }
        return cls(name, asked["real"], asked["generated"], all(one.most for one in about.numbers))

    def count(self, side: str, have: Mapping[Any, int], option: str) -> int | None:
        """Return the number of images to use of each file, or None if the protocol sets none.

        Parameters
        ----------
        side : {"real", "generated"}
            Which images the files contain.
        have : mapping
            The number of images in each file.
        option : str
            The command-line option that sets another number, for the message.

        Raises
        ------
        FringeError
            If a file has fewer images than the protocol requires.

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
                    f"{path}: has {count:,} images, but protocol {self.protocol} requires "
                    f"{wanted:,}; add images, or use {option} {count}, which is reported as a "
                    "deviation"
                )
        return wanted
