"""Bounds of sizes in files, checked in headers before anything is decoded."""

from dataclasses import dataclass

from fringe.errors import FringeError

__all__ = ["LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Limits on the size of decoded data. They bound memory: a file may claim any size.

    They do not change pixels, and therefore not fingerprints.

    Attributes
    ----------
    pixels : int
        Pixels of one stored image. By default 2**26, 8192 x 8192: more than cameras make, and
        decoding takes at most 1.3 GB, 20 bytes per pixel.
    bytes : int
        Unpacked bytes of one encoded image, one group of rows of a Parquet file, or one chunk of an
        HDF5 file. By default 1 GiB.

    Examples
    --------
    >>> Limits(pixels=1 << 28)
    Limits(pixels=268435456, bytes=1073741824)
    """

    pixels: int = 1 << 26
    bytes: int = 1 << 30

    def check_pixels(self, label: str, width: int, height: int) -> None:
        """Raise if an image has more pixels than allowed.

        Parameters
        ----------
        label : str
            Name of the image in messages.
        width, height : int
            Size in its header.

        Raises
        ------
        FringeError
            If width x height exceeds ``pixels``.

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
        """Raise if one piece of data has more bytes than allowed.

        Parameters
        ----------
        label : str
            Name of the file or image in messages.
        size : int
            Unpacked size that the file states.
        what : str
            The piece of data, if it is not all of ``label``: for example ``row group 3``.

        Raises
        ------
        FringeError
            If ``size`` exceeds ``bytes``.
        """
        if size > self.bytes:
            raise FringeError(
                f"{label}: {what} has {size:,} bytes, more than the {self.bytes:,} that "
                "`limits/bytes` allows; if it should be smaller, the file is damaged: replace or "
                "remove it; otherwise raise that limit"
            )


#: The default limits.
LIMITS = Limits()
