"""Decoded pixels equal those of Pillow, for each decoder; warnings of decoders."""

import io
import struct
import warnings
import zlib

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageFile, PngImagePlugin, TiffImagePlugin

from fringe.errors import FringeError
from fringe.sources.decoder_warnings import Warned, collected_warnings
from fringe.sources.decoding import decode_pixels, size_of

from .conftest import encode

ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
ADAM7 += [(1, 0, 2, 1)]  # first row, first column, row step, column step


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.fixture
def smooth() -> Image.Image:
    """An image of 77 x 101 (height x width) as smooth as a photograph."""
    rough = np.random.default_rng(1).integers(0, 256, (10, 13, 3), np.uint8)
    return Image.fromarray(rough).resize((101, 77), Image.Resampling.BICUBIC)


def warned_of(data: bytes, label: str = "x.jpg") -> tuple[np.ndarray, list[Warned]]:
    with collected_warnings() as warned:
        return decode_pixels(data, label), warned


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced(pixels: np.ndarray) -> bytes:
    """Write an Adam7-interlaced PNG, which Pillow reads but does not write."""
    height, width, _ = pixels.shape
    passes = [pixels[top::down, left::right] for top, left, down, right in ADAM7]
    rows = b"".join(b"\0" + row.tobytes() for part in passes for row in part if row.size)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def described() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", struct.pack(">I", 100_000))  # linear light, which must not be applied
    info.add_text("Comment", "made by a test")
    return info


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compress_level": 0},
        {"compress_level": 9},
        {"pnginfo": described()},
        {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()},
        {"dpi": (300, 300)},
    ],
    ids=["plain", "stored", "small", "gamma", "profile", "dpi"],
)
def test_pngs_of_every_kind(pixels: np.ndarray, options: dict[str, object]) -> None:
    data = encode(pixels[0], **options)
    assert np.array_equal(decode_pixels(data, "x.png"), pixels[0])
    assert np.array_equal(by_pillow(data), pixels[0])


def test_an_interlaced_png(pixels: np.ndarray) -> None:
    data = interlaced(pixels[1])
    assert np.array_equal(by_pillow(data), pixels[1])
    assert np.array_equal(decode_pixels(data, "x.png"), pixels[1])


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_other_modes_become_rgb(pixels: np.ndarray, mode: str) -> None:
    data = encode(Image.fromarray(pixels[2]).convert(mode))
    assert np.array_equal(decode_pixels(data, "x.png"), by_pillow(data))


def test_a_transparent_colour_is_refused(pixels: np.ndarray) -> None:
    data = encode(pixels[3], transparency=tuple(int(v) for v in pixels[3][0, 0]))
    with pytest.raises(FringeError, match=r"x\.png: is partly transparent"):
        decode_pixels(data, "x.png")


def test_every_flipped_bit_is_refused(pixels: np.ndarray) -> None:
    """In the bytes of the pixels and their checksums; Pillow accepts some."""
    data = encode(pixels[4])
    first = data.index(b"IDAT")
    for place in range(first, data.index(b"IEND") - 4, 11):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(FringeError, match=r"x\.png: is damaged"):
            decode_pixels(bytes(damaged), "x.png")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA"])
def test_every_flipped_bit_is_refused_in_other_modes(smooth: Image.Image, mode: str) -> None:
    data = encode(smooth.convert(mode))
    for place in range(data.index(b"IDAT"), data.index(b"IEND") - 4, len(data) // 100):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(FringeError, match=r"x\.png: is damaged"):
            decode_pixels(bytes(damaged), "x.png")


def test_every_truncated_png_is_refused(pixels: np.ndarray) -> None:
    data = encode(pixels[5])
    for length in range(0, data.index(b"IEND") - 8, 37):
        with pytest.raises(FringeError, match=r"x\.png: is (damaged|empty)"):
            decode_pixels(data[:length], "x.png")


JPEGS: dict[str, dict[str, object]] = {
    **{f"subsampled {s}": {"subsampling": s} for s in ("4:4:4", "4:2:2", "4:2:0", "4:1:1")},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "progressive with restarts": {"progressive": True, "restart_marker_blocks": 3},
    "rough": {"quality": 1},
    "fine": {"quality": 100, "subsampling": 0},
    "optimized": {"optimize": True},
    "stored as RGB": {"keep_rgb": True},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS.keys())
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpegs_of_every_kind(smooth: Image.Image, mode: str, options: dict[str, object]) -> None:
    if mode == "L":
        options = {
            key: value for key, value in options.items() if key not in JPEGS["stored as RGB"]
        }
    data = encode(smooth.convert(mode), "JPEG", **options)
    pixels, warned = warned_of(data)
    assert np.array_equal(pixels, by_pillow(data))
    assert warned == []


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (17, 16), (1, 40)])
def test_jpegs_of_odd_sizes(smooth: Image.Image, size: tuple[int, int]) -> None:
    data = encode(smooth.resize(size), "JPEG")
    assert np.array_equal(decode_pixels(data, "x.jpg"), by_pillow(data))


def test_the_first_of_several_views_is_read(smooth: Image.Image) -> None:
    data = encode(smooth, "MPO", save_all=True, append_images=[smooth.rotate(180)])
    pixels, warned = warned_of(data)
    assert np.array_equal(pixels, by_pillow(encode(smooth, "JPEG")))
    assert warned == []


@pytest.mark.parametrize("options", [{}, JPEGS["progressive"], JPEGS["restarts"]])
def test_damaged_jpegs_are_counted(
    smooth: Image.Image, options: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    """Counted as often as torchvision's build of the decoder prints a warning."""
    from torchvision.io import decode_jpeg

    whole = encode(smooth, "JPEG", quality=90, **options)
    first = whole.index(b"\xff\xda") + 14  # after the head of the (first) scan
    rng = np.random.default_rng(2)
    places = rng.integers(first, len(whole) - 2, 200)
    counted = expected = altered = 0
    for place, change in zip(places, rng.integers(1, 256, 200), strict=True):
        damaged = bytearray(whole)
        damaged[place] ^= int(change)
        capfd.readouterr()
        try:
            with warnings.catch_warnings(action="ignore"):  # torchvision deprecates it
                decode_jpeg(torch.frombuffer(damaged, dtype=torch.uint8))
        except RuntimeError:
            continue  # no decoder reads it
        printed = capfd.readouterr().err
        pixels, warned = warned_of(bytes(damaged))
        assert np.array_equal(pixels, by_pillow(bytes(damaged)))
        assert bool(warned) == bool(printed)
        if warned:
            assert warned[0][1] in printed
            with pytest.raises(
                FringeError, match=r"^x\.jpg: has damaged data.*\(Corrupt JPEG data"
            ):
                decode_pixels(bytes(damaged), "x.jpg", strict=True)
        else:
            assert np.array_equal(decode_pixels(bytes(damaged), "x.jpg", strict=True), pixels)
        counted += len(warned)
        expected += bool(printed)
        altered += not np.array_equal(pixels, by_pillow(whole))
    assert counted == expected
    assert 20 < counted < altered  # JPEG has no checksum: most damage gives another valid image


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_truncated_jpegs_are_refused_unless_they_have_an_end_marker(
    smooth: Image.Image, keep: float
) -> None:
    data = encode(smooth, "JPEG")
    first = data.index(b"\xff\xda") + 14
    part = data[: first + int(keep * (len(data) - first))].rstrip(b"\xff")
    with pytest.raises(FringeError, match=r"x\.jpg: is damaged \(image file is truncated"):
        decode_pixels(part, "x.jpg")
    pixels, warned = warned_of(part + b"\xff\xd9")
    assert pixels.shape == (77, 101, 3)
    assert warned == [("x.jpg", "Corrupt JPEG data: premature end of data segment")]


def test_pillows_setting_for_truncated_images_has_no_effect(
    smooth: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encode(smooth, "JPEG")
    with pytest.raises(FringeError, match="truncated"):
        decode_pixels(data[: len(data) // 2], "x.jpg")


def test_a_jpeg_of_unusual_sampling(smooth: Image.Image) -> None:
    """A grey image, made by hand, with 4 x 2 blocks of brightness per block of colour."""
    data = encode(Image.new("RGB", (64, 32), (128, 128, 128)), "JPEG", subsampling="4:2:0")
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda") + 14
    bits = ("00" + "1010") * 8 + ("00" + "00") * 2  # no difference, end of block
    bits = bits * 4  # units of 32 x 16 pixels
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big")
    made = bytearray(data[:scan] + body + b"\xff\xd9")
    made[frame + 11] = 0x42
    assert b"\xff" not in body
    pixels, warned = warned_of(bytes(made))
    assert np.array_equal(pixels, by_pillow(bytes(made)))
    assert (pixels == 128).all()
    assert warned == []
    with pytest.raises(FringeError, match=r"x\.jpg: cannot be checked for damaged data"):
        decode_pixels(bytes(made), "x.jpg", strict=True)


def tiff(image: Image.Image, tag: int, value: object, kind: int, **options: object) -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[tag] = value
    tags.tagtype[tag] = kind
    return encode(image, "TIFF", tiffinfo=tags, **options)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_tiff_is_not_applied(
    pixels: np.ndarray, orientation: int, compression: str | None
) -> None:
    image = Image.fromarray(pixels[0])
    data = tiff(image, 274, orientation, 3, compression=compression)
    assert np.array_equal(decode_pixels(data, "x.tif"), pixels[0])
    assert size_of(data, "x.tif") == image.size


def test_the_orientation_in_the_xmp_of_a_tiff_is_not_applied(pixels: np.ndarray) -> None:
    note = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    data = tiff(Image.fromarray(pixels[0]), 700, note, 1)
    turned = Image.open(io.BytesIO(data))
    turned.load()
    assert turned.size == (20, 24)  # Pillow does rotate it
    assert np.array_equal(decode_pixels(data, "x.tif"), pixels[0])
    assert size_of(data, "x.tif") == (24, 20)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_the_orientation_in_exif_is_not_applied(
    smooth: Image.Image, form: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = encode(smooth, form, exif=exif)
    assert np.array_equal(decode_pixels(data, "x"), by_pillow(encode(smooth, form)))
    assert size_of(data, "x") == smooth.size


LOSSLESS: dict[str, tuple[str, dict[str, object]]] = {
    "bmp": ("BMP", {}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"lossless": True}),
    "tif": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "ppm": ("PPM", {}),
    "tga": ("TGA", {}),
    "TGA": ("TGA", {"compression": "tga_rle"}),
    "jp2": ("JPEG2000", {}),
    "j2k": ("JPEG2000", {"no_jp2": True}),
    "qoi": ("QOI", {}),
}


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        *((suffix, mode) for suffix in LOSSLESS for mode in ("RGB", "RGBA")),
        *((suffix, "L") for suffix in LOSSLESS if suffix != "qoi"),
        *((suffix, "1") for suffix in ("bmp", "png", "tif", "ppm")),
    ],
)
def test_lossless_formats_return_the_stored_pixels(
    pixels: np.ndarray, suffix: str, mode: str
) -> None:
    form, options = LOSSLESS[suffix]
    image = Image.fromarray(pixels[0]).convert(mode)
    data = encode(image, form, **options)
    label = f"a.zip!x.{suffix}"
    assert np.array_equal(decode_pixels(data, label), np.asarray(image.convert("RGB")))
    assert size_of(data, label) == (24, 20)


def test_an_avif_of_high_quality_is_close(smooth: Image.Image) -> None:
    data = encode(smooth, "AVIF", quality=100, subsampling="4:4:4")
    assert np.array_equal(decode_pixels(data, "x.avif"), by_pillow(data))
    error = np.abs(decode_pixels(data, "x.avif").astype(int) - np.asarray(smooth))
    assert error.max() <= 3


def tga(pixels: np.ndarray, origin: int, bits: int = 24) -> bytes:
    """Write a TGA whose first pixel is in the corner given by bits 4 and 5 of its head."""
    height, width = pixels.shape[:2]
    rows = pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]]
    rows = rows if origin & 0x20 else rows[::-1]
    rows = rows[:, ::-1] if origin & 0x10 else rows
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, width, height, bits, origin)
    return head + np.ascontiguousarray(rows).tobytes()


@pytest.mark.parametrize("origin", [0x00, 0x10, 0x20, 0x30])
def test_a_tga_of_every_origin(pixels: np.ndarray, origin: int) -> None:
    assert np.array_equal(decode_pixels(tga(pixels[0], origin), "x.tga"), pixels[0])


def test_a_tga_with_alpha(pixels: np.ndarray) -> None:
    alpha = np.full((20, 24, 1), 255, np.uint8)
    data = tga(np.dstack([pixels[0], alpha]), 8, 32)
    assert np.array_equal(decode_pixels(data, "x.tga"), pixels[0])
    alpha[3, 4] = 7
    with pytest.raises(FringeError, match=r"x\.tga: is partly transparent \(lowest alpha 7 of"):
        decode_pixels(tga(np.dstack([pixels[0], alpha]), 8, 32), "x.tga")
    # A palette may have alpha as well: two colours, of which the second is not opaque.
    head = struct.pack("<BBBHHBHHHHBB", 0, 1, 1, 0, 2, 32, 0, 0, 2, 1, 8, 0x20)
    with pytest.raises(FringeError, match="lowest alpha 9 of 255"):
        decode_pixels(head + bytes([1, 2, 3, 255, 4, 5, 6, 9]) + bytes([0, 1]), "x.tga")


def test_only_the_name_identifies_a_tga(pixels: np.ndarray) -> None:
    with pytest.raises(FringeError, match=r"x\.png: is damaged or not an image"):
        decode_pixels(tga(pixels[0], 0), "x.png")


DEEP = np.arange(20 * 24 * 3, dtype=np.uint16).reshape(20, 24, 3)


def deep(form: str, bits: int) -> bytes:
    values = DEEP << (bits - 11) if bits > 10 else DEEP >> 1
    if form == "jpg":
        data: bytes = imagecodecs.jpeg8_encode(values, bitspersample=bits)
    elif form == "avif":
        data = imagecodecs.avif_encode(values, bitspersample=bits)
    elif form == "ppm":
        data = b"P6 24 20 %d " % (2**bits - 1) + values.astype(">u2").tobytes()
    elif form == "plain.ppm":
        numbers = " ".join(map(str, values.flat))
        data = f"P3 # a comment\n24 20 {2**bits - 1} {numbers}".encode()
    elif form == "pgm":
        data = b"P5 24 20 %d " % (2**bits - 1) + values[..., 0].astype(">u2").tobytes()
    elif form == "pfm":
        data = b"PF\n24 20\n-1.0\n" + values.astype("<f4").tobytes()
    else:
        data = imagecodecs.jpeg2k_encode(values, bitspersample=bits, level=0, codecformat=form)
    return data


@pytest.mark.parametrize(
    ("form", "bits"),
    [
        ("jpg", 12),
        *(("avif", bits) for bits in (10, 12)),
        *((form, bits) for form in ("jp2", "j2k") for bits in (11, 12, 16)),
        *((form, bits) for form in ("ppm", "plain.ppm", "pgm") for bits in (11, 16)),
        ("pfm", 32),
    ],
)
def test_deep_images_are_refused(form: str, bits: int) -> None:
    """Pillow opens most of them as 8-bit images."""
    data = deep(form, min(bits, 16))
    with pytest.raises(
        FringeError, match=rf"x\.{form}: has more than 8 bits per channel \({bits}\)"
    ):
        decode_pixels(data, f"x.{form}")


@pytest.mark.parametrize("largest", [1, 15, 100, 255])
def test_a_ppm_with_fewer_levels_is_scaled(largest: int) -> None:
    """By definition of the format, its largest value is white."""
    values = (np.arange(20 * 24 * 3) % (largest + 1)).reshape(20, 24, 3)
    data = b"P6\n24 20\n%d\n" % largest + values.astype(np.uint8).tobytes()
    expected = np.round(values / largest * 255)
    assert np.array_equal(decode_pixels(data, "x.ppm"), expected)


@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_several_ppms_in_one_file_are_refused(pixels: np.ndarray, mode: str) -> None:
    one = encode(Image.fromarray(pixels[0][:, :21]).convert(mode), "PPM")
    assert decode_pixels(one + b"\n", "x.ppm").shape == (20, 21, 3)
    with pytest.raises(FringeError, match=rf"x\.ppm: holds {len(one)} bytes after its first image"):
        decode_pixels(one + one, "x.ppm")


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_animated_images_are_refused(smooth: Image.Image, form: str) -> None:
    data = encode(smooth, form, save_all=True, append_images=[smooth.rotate(180)])
    with pytest.raises(FringeError, match="x: holds more than one frame"):
        decode_pixels(data, "x")


@pytest.mark.parametrize(
    ("form", "mode"), [("JPEG", "CMYK"), ("TIFF", "CMYK"), ("TIFF", "LAB"), ("TIFF", "YCbCr")]
)
def test_other_colour_modes_are_refused(smooth: Image.Image, form: str, mode: str) -> None:
    with pytest.raises(FringeError, match=f"x: its colour mode is {mode}, not RGB"):
        decode_pixels(encode(smooth.convert(mode), form), "x")


def test_unsupported_formats_are_refused() -> None:
    with pytest.raises(FringeError, match=r"x\.heic: is damaged or not an image of a supp"):
        decode_pixels(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "x.heic")


@pytest.mark.parametrize("interlace", [0, 1])
def test_a_gif_whose_frame_covers_part_of_it_is_refused(
    smooth: Image.Image, interlace: int
) -> None:
    colours = smooth.quantize(100)
    data = bytearray(encode(colours, "GIF", interlace=interlace))
    assert np.array_equal(decode_pixels(bytes(data), "x.gif"), np.asarray(colours.convert("RGB")))
    struct.pack_into("<HH", data, 6, 104, 77)  # the canvas
    with pytest.raises(FringeError, match=r"x\.gif: its frame covers only part of its 104 x 77"):
        decode_pixels(bytes(data), "x.gif")


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        *((suffix, options) for suffix, (_, options) in LOSSLESS.items()),
        *(("jpg", JPEGS[kind]) for kind in ("progressive", "restarts")),
        *(("tif", {"compression": kind}) for kind in ("jpeg", "tiff_lzw", "zstd", "packbits")),
        ("webp", {}),
        ("avif", {}),
        ("gif", {}),
    ],
)
def test_a_truncated_file_is_refused_or_decoded_completely(
    smooth: Image.Image, suffix: str, options: dict[str, object]
) -> None:
    form = {"jpg": "JPEG", "avif": "AVIF", "gif": "GIF"} | {k: v[0] for k, v in LOSSLESS.items()}
    data = encode(smooth, form[suffix], **options)
    whole = decode_pixels(data, f"x.{suffix}")
    refused = 0
    for length in [*range(1, len(data), len(data) // 20), *range(len(data) - 30, len(data))]:
        try:
            assert np.array_equal(decode_pixels(data[:length], f"x.{suffix}"), whole)
        except FringeError:
            refused += 1
    assert refused >= 20
