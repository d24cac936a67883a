"""How large what a file holds may be, checked where headers say it and before it is decoded."""

from dataclasses import dataclass

from fringe.errors import FringeError

__all__ = ["LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds of what is decoded at once, which bound memory: a file may claim any size.

    They change no pixel, and so no fingerprint.

    Attributes
    ----------
    pixels : int
        Of one image, as it is stored. By default 2**26, 8192 x 8192: more than cameras make, and
        so few that decoding takes 1.3 GB at most, 20 bytes for each pixel.
    bytes : int
        Of one encoded image, one group of rows of a Parquet file, or one chunk of an HDF5 file, as
        they are unpacked. By default 1 GiB.
    """

    pixels: int = 1 << 26
    bytes: int = 1 << 30

    def check_pixels(self, label: str, width: int, height: int) -> None:
        """Raise if an image has more pixels than it may have.

        Parameters
        ----------
        label : str
            What messages call the image.
        width, height : int
            As its header says.

        Raises
        ------
        FringeError
            If so.

        Examples
        --------
        >>> Limits(pixels=100).check_pixels("a.png", 20, 10)
        Traceback (most recent call last):
        fringe.errors.FringeError: a.png: has 20 x 10 pixels, more than the 100 that \
`limits/pixels` allows; remove it, make it smaller, or raise that limit
        """
        if width * height > self.pixels:
            raise FringeError(
                f"{label}: has {width} x {height} pixels, more than the {self.pixels:,} that "
                "`limits/pixels` allows; remove it, make it smaller, or raise that limit"
            )

    def check_bytes(self, label: str, size: int, what: str = "it") -> None:
        """Raise if what is read at once has more bytes than it may have.

        Parameters
        ----------
        label : str
            What messages call the file, or the image.
        size : int
            As the file says, unpacked.
        what : str
            What is that large, if not all that ``label`` names: ``row group 3``.

        Raises
        ------
        FringeError
            If so.
        """
        if size > self.bytes:
            raise FringeError(
                f"{label}: {what} has {size:,} bytes, more than the {self.bytes:,} that "
                "`limits/bytes` allows; if it should not be that large, it is damaged: replace or "
                "remove it; otherwise raise that limit"
            )


#: What holds where nothing else is asked for.
LIMITS = Limits()
