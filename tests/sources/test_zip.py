"""ZIP archives of all kinds: several in a row, and members that cannot be read."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.files.zipfiles import Archive, open_member, read_member
from fringe.sources import open_source

from .conftest import encode, write_zip

HEADERS = (
    (b"PK\3\4", 6),
    (b"PK\1\2", 8),
)  # signatures of a member and of its directory entry, and the offset of the flags


def marked(path: Path, member: str, method: int | None = None, flags: int = 0) -> Path:
    """Write flags and a method of compression to both headers of a member."""
    content = bytearray(path.read_bytes())
    for signature, place in HEADERS:
        at, begin = -1, 30 if signature == b"PK\3\4" else 46
        while (at := content.find(signature, at + 1)) >= 0:
            if content[at + begin :].startswith(member.encode()):
                content[at + place] |= flags
                if method is not None:
                    content[at + place + 2 : at + place + 4] = method.to_bytes(2, "little")
    path.write_bytes(content)
    return path


@pytest.fixture
def images(pixels: np.ndarray) -> dict[str, bytes]:
    return {f"{index}.png": encode(image) for index, image in enumerate(pixels)}


UNREADABLE = [
    ({"method": 9}, r"is compressed with Deflate64 \(method 9\), .* -mm=Deflate\)"),
    ({"method": 98}, r"is compressed with PPMd \(method 98\), .* -mm=Deflate\)"),
    ({"method": 77}, r"is compressed with a rare method \(method 77\)"),
    ({"flags": 1}, r"is encrypted; unpack the archive with its password"),
    ({"method": 99, "flags": 1}, r"is encrypted; unpack the archive with its password"),
]


@pytest.mark.parametrize(("options", "message"), UNREADABLE)
def test_unreadable_members_are_refused(
    tmp_path: Path, images: dict[str, bytes], options: dict, message: str
):
    """At opening; members that are not used do not matter."""
    path = marked(write_zip(tmp_path / "a.zip", {**images, "notes.txt": b"x"}), "3.png", **options)
    with pytest.raises(FringeError, match=rf"a\.zip!3\.png: {message}"):
        open_source(path)
    assert len(open_source(path, count=3, order="file").read(range(3))) == 3
    other = marked(write_zip(tmp_path / "b.zip", {**images, "note": b"x"}), "note", **options)
    assert len(open_source(other).read(range(7))) == 7
    np.savez(tmp_path / "c.npz", np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(FringeError, match=rf"c\.npz!arr_0\.npy: {message}"):
        open_source(marked(tmp_path / "c.npz", "arr_0.npy", **options))


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_methods_that_python_reads(
    tmp_path: Path, images: dict[str, bytes], pixels: np.ndarray, method: int
):
    path = write_zip(tmp_path / "a.zip", images, method)
    assert np.array_equal(open_source(path).read(range(7)), pixels)


def test_a_symbolic_link_is_refused(tmp_path: Path, images: dict[str, bytes]):
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("0.png", images["0.png"])
        archive.writestr(link, b"0.png")
    with pytest.raises(FringeError, match=r"a\.zip!link\.png: is a symbolic link; .*without -y"):
        open_source(tmp_path / "a.zip")


def archive_of(files: dict[str, bytes], comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.comment = comment
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("comment", "between"),
    [
        (b"", b""),
        (b"of the first", b""),
        (b"x" * 65535, b""),
        (b"", b"\n"),
        (b"x" * 999, b"\0" * 99),
    ],
)
def test_archives_in_a_row_are_refused(
    tmp_path: Path, images: dict[str, bytes], comment: bytes, between: bytes
):
    first = archive_of({"0.png": images["0.png"]}, comment) + between
    second = archive_of({name: images[name] for name in ("1.png", "2.png")})
    for name in ("a.zip", "a.npz"):
        (tmp_path / name).write_bytes(first + second)
        message = (
            rf"{name}: contains several ZIP archives.*the last archive begins at byte {len(first)}"
        )
        with pytest.raises(FringeError, match=message):
            open_source(tmp_path / name)


def test_archives_in_a_row_are_refused_in_zip64(tmp_path: Path, images: dict[str, bytes]):
    """In the format for more than 4 GB, the last record contains no offset."""
    first = archive_of({"0.png": images["0.png"]})
    end = first.index(b"PK\5\6")
    large = b"PK\6\6" + (44).to_bytes(8, "little") + bytes(44)
    locator = b"PK\6\7" + bytes(4) + end.to_bytes(8, "little") + (1).to_bytes(4, "little")
    record = b"PK\5\6" + bytes(4) + b"\xff" * 12 + bytes(2)
    (tmp_path / "a.zip").write_bytes(
        first[:end] + large + locator + record + archive_of({"1.png": images["1.png"]})
    )
    with pytest.raises(FringeError, match=r"a\.zip: contains several ZIP archives"):
        open_source(tmp_path / "a.zip")


def test_other_data_may_precede_an_archive(
    tmp_path: Path, images: dict[str, bytes], pixels: np.ndarray
):
    """Such as a program that unpacks it and contains the signatures that it searches for."""
    program = b"MZ" + b"code" * 50 + b"PK\1\2 PK\3\4 PK\6\7 PK\5\6" + bytes(40) + b"PK\5\6"
    for content in (program + archive_of(images), program * 2000 + archive_of(images, b"hello")):
        (tmp_path / "a.zip").write_bytes(content)
        assert np.array_equal(open_source(tmp_path / "a.zip").read(range(7)), pixels)
    inner = archive_of(images)
    nested = write_zip(tmp_path / "b.zip", {"inner.zip": inner, **images})
    assert np.array_equal(open_source(nested).read(range(7)), pixels)


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_members_equal_those_that_zipfile_reads(tmp_path: Path, method: int):
    """Noise, zeros and both, with lengths around the sizes of blocks."""
    noise = np.random.default_rng(0).bytes((1 << 16) + 1)
    contents = [b"", b"x", noise[:-1], noise, bytes(1 << 20), bytes((1 << 20) + 1)]
    contents += [bytes(1 << 19) + noise[:999] + bytes(1 << 19)]
    path = write_zip(tmp_path / "a.zip", {str(n): c for n, c in enumerate(contents)}, method)
    with Archive(path) as archive:
        for info, content in zip(archive.infolist(), contents, strict=True):
            assert archive.read(info) == content
            assert read_member(archive, info) == content
            with open_member(archive, info) as stream:
                assert stream.read(99) + stream.read() == content
                assert stream.tell() == len(content)
