"""Which files of a folder, ZIP or tar are images of a data set, and which end it with a message."""

import pytest
from PIL import Image

from fringe.sources.names import READ, UNREAD, is_image_name


def test_suffixes_that_pillow_reads_and_others():
    Image.init()
    known = Image.registered_extensions()
    assert {known[suffix] for suffix in READ} <= Image.OPEN.keys()
    assert not READ & UNREAD
    # torchvision's image folders, pytorch-fid, clean-fid
    assert {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"} <= READ


@pytest.mark.parametrize("name", ["a.png", "b/c.JPG", "a.b/c.d.Tga", "__MACOSX2/a.png", "ü ñ.avif"])
def test_names_of_images(name: str):
    assert is_image_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("png", ".png", "a/.png", "a.png/b", "a.png.txt", "a.heic", ".a/b.png", "a/.b/c.png"),
        *("__MACOSX/a.png", "a/._b.png", "a/@eaDir/b.jpg/thumb.jpg", "$RECYCLE.BIN/a.png"),
    ],
)
def test_names_of_others(name: str):
    assert not is_image_name(name)
