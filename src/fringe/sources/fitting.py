"""How images of any size are brought to one, as StyleGAN's dataset tool does it."""

import re
from dataclasses import dataclass

from PIL import Image

from fringe.errors import FringeError

__all__ = ["FILTERS", "Fit", "fit_from_options"]

#: Pillow's filters, antialiased, by the names of the dataset tool's ``--resize-filter``.
FILTERS = {"box": Image.Resampling.BOX, "lanczos": Image.Resampling.LANCZOS}


@dataclass(frozen=True)
class Fit:
    """Crop an image and resize it to a square. **This changes FID**, as any resizing does.

    Sets that are compared must have gone through the same: the filter alone moved the FID of one
    published FFHQ generator at 256 pixels from 4.3 (box) to 5.3 (Lanczos).

    Parameters
    ----------
    size : int
        Height and width of the result, pixels.
    height : int, optional
        None: the centred square of the image is resized (``center-crop`` of the dataset tool).
        A number: the wide crop (``center-crop-wide``). Of an image of w x h pixels, the middle
        ``round(size * h / w)`` rows are resized to ``size`` x ``height``, and black bars above
        and below fill up the square. Images narrower than ``size``, or with fewer such rows than
        ``height``, are not taken. The rows are counted in the image as it is, not as scaled, so
        an image wider than ``size`` is cut to fewer rows than its proportions ask for and comes
        out stretched: so are the sets that were made with that tool.
    filter : {"lanczos", "box"}
        How pixels are averaged.
    """

    size: int
    height: int | None = None
    filter: str = "lanczos"

    @property
    def identity(self) -> int | tuple[int, int | None, str]:
        """What a fingerprint holds of this: the size alone, unless another value is set."""
        if self.height is None and self.filter == "lanczos":
            return self.size
        return self.size, self.height, self.filter

    def takes(self, width: int, height: int) -> bool:
        """Tell whether an image of ``width`` x ``height`` pixels is large enough."""
        if self.height is None:
            return True
        return width >= self.size and self._rows(width, height) >= self.height

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return ``image``, which must be large enough, cropped and resized."""
        return self._square(image) if self.height is None else self._wide(image, self.height)

    def _square(self, image: Image.Image) -> Image.Image:
        width, height = image.size
        if width == height == self.size:
            return image
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        box = (left, top, left + side, top + side)
        # Cropped first: with `box` the filter would reach pixels beyond the square.
        return image.crop(box).resize((self.size, self.size), FILTERS[self.filter])

    def _wide(self, image: Image.Image, height: int) -> Image.Image:
        rows = self._rows(*image.size)
        top = (image.height - rows) // 2
        middle = image.crop((0, top, image.width, top + rows))
        square = Image.new("RGB", (self.size, self.size))
        resized = middle.resize((self.size, height), FILTERS[self.filter])
        square.paste(resized, (0, (self.size - height) // 2))
        return square

    def _rows(self, width: int, height: int) -> int:
        return round(self.size * height / width)


def fit_from_options(name: str, resolution: int | None, crop: str, filter: str) -> Fit | None:
    """Return what the options of `fringe.sources.open_source` ask for; None: images as they are.

    Raises
    ------
    FringeError
        If a value is not allowed, or one has no effect beside the others.
    """
    if resolution is not None and resolution < 1:
        raise FringeError(f"{name}: resolution is {resolution}; it must be at least 1 pixel")
    if filter not in FILTERS:
        raise FringeError(f"{name}: filter is {filter!r}; it must be lanczos or box")
    if crop == "center":
        if resolution is None and filter != "lanczos":
            raise FringeError(
                f"{name}: filter is {filter}, but nothing is resized; set `resolution` too"
            )
        return None if resolution is None else Fit(resolution, filter=filter)
    match = re.fullmatch(r"wide ([1-9]\d{0,5})x([1-9]\d{0,5})", crop)
    if match is None:
        raise FringeError(
            f"{name}: crop is {crop!r}; it must be `center`, or `wide WxH` with a width and a "
            "height in pixels, as in `wide 512x384`"
        )
    width, height = int(match[1]), int(match[2])
    if height > width:
        raise FringeError(
            f"{name}: crop is {crop!r}, higher than wide; give the width first, or use `center`"
        )
    if resolution not in {None, width}:
        raise FringeError(
            f"{name}: resolution is {resolution}, but crop `{crop}` gives images of {width} x "
            f"{width} pixels; leave `resolution` out, or crop to `wide {resolution}x...`"
        )
    return Fit(width, height, filter)
