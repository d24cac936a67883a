"""Tar archives, and sets of several tars."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import TarSource, fingerprint, open_source
from fringe.sources.digests import pack
from fringe.sources.memory import Memory

from .conftest import encode, entries_of, write_folder, write_parquet, write_shards, write_tar


@pytest.fixture
def pngs(pixels: np.ndarray) -> dict[str, bytes]:
    return {f"{index:04d}.png": encode(image) for index, image in enumerate(pixels)}


def test_images_are_in_the_order_of_the_archive(
    tmp_path: Path, pixels: np.ndarray, pngs: dict[str, bytes]
):
    files = {
        "b/2.png": pngs["0003.png"],
        "b/2.cls": b"7",
        "./a/1.png": pngs["0001.png"],
        "a/2.mask.png": pngs["0002.png"],
    }
    source = open_source(write_tar(tmp_path / "a.tar", files))
    assert isinstance(source, TarSource)
    assert source.members == ["b/2.png", "a/1.png", "a/2.mask.png"]
    assert np.array_equal(source.read(range(3)), pixels[[3, 1, 2]])


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names(tmp_path: Path, pngs: dict[str, bytes], form: int):
    name = "/".join(["folder" * 10] * 2 + ["bild.png"])
    if form != tarfile.USTAR_FORMAT:
        name = "/".join(["ordner-für-bilder" * 7] * 3 + ["bild.png"])
    source = open_source(write_tar(tmp_path / "a.tar", {name: pngs["0000.png"]}, format=form))
    assert isinstance(source, TarSource)
    assert source.members == [name]


def test_patterns_of_paths(tmp_path: Path, pixels: np.ndarray, pngs: dict[str, bytes]):
    names = [*pngs]
    for number, index in ((8, 0), (9, 1), (10, 2)):
        write_tar(tmp_path / f"s-{number:03d}.tar", {names[index]: pngs[names[index]]})
    for pattern, wanted in {
        "s-{008..010}.tar": [0, 1, 2],
        "s-{010,008}.tar": [2, 0],
        "s-*.tar": [0, 1, 2],
        "s-0?8.tar": [0],
        "{s,s}-{009..010}.tar": [1, 2, 1, 2],
    }.items():
        source = open_source(tmp_path / pattern)
        assert source.name == str(tmp_path / pattern)
        assert np.array_equal(source.read(range(len(source))), pixels[wanted])
    for pattern, message in {
        "s-{008..011}.tar": r"s-011\.tar: does not exist",
        "t-*.tar": r"t-\*\.tar: matches no file",
        "s-{010..008}.tar": "is not a range of files",
        "s-{0..9999999999}.tar": "is not a range of files",
    }.items():
        with pytest.raises(FringeError, match=message):
            open_source(tmp_path / pattern)


def test_a_file_may_be_named_like_a_pattern(tmp_path: Path, pngs: dict[str, bytes]):
    assert len(open_source(write_tar(tmp_path / "a[1].tar", pngs))) == 7


@pytest.mark.parametrize("suffix", ["tar.gz", "tgz", "tar.xz", "tar.zst"])
def test_compressed_tars_are_refused_by_name(tmp_path: Path, pngs: dict[str, bytes], suffix: str):
    (tmp_path / f"a.{suffix}").write_bytes(b"")
    for path in (tmp_path, tmp_path / f"a.{suffix}"):
        with pytest.raises(FringeError, match=rf"a\.{suffix}: is a compressed tar.*unpack"):
            open_source(path)


@pytest.mark.parametrize("mode", ["gz", "bz2", "xz"])
def test_compressed_tars_are_refused_by_content(tmp_path: Path, pngs: dict[str, bytes], mode: str):
    with tarfile.open(tmp_path / "a.tar", f"w:{mode}") as archive:
        info = tarfile.TarInfo("a.png")
        info.size = len(pngs["0000.png"])
        archive.addfile(info, io.BytesIO(pngs["0000.png"]))
    with pytest.raises(FringeError, match=r"a\.tar: is a compressed tar.*un"):
        open_source(tmp_path / "a.tar")


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "b/../../a.png", "C:/a.png"])
def test_names_outside_the_folder_are_refused(tmp_path: Path, pngs: dict[str, bytes], name: str):
    with pytest.raises(FringeError, match=r"a\.tar!.*a\.png: its name points outside"):
        open_source(write_tar(tmp_path / "a.tar", {name: pngs["0000.png"]}))


def test_duplicate_names_and_links_are_refused(tmp_path: Path, pngs: dict[str, bytes]):
    files = {"a.png": pngs["0000.png"], "./a.png": pngs["0001.png"]}
    with pytest.raises(FringeError, match=r"twice\.tar!a\.png: occurs twice"):
        open_source(write_tar(tmp_path / "twice.tar", files))
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
        with tarfile.open(tmp_path / "link.tar", "w") as archive:
            info = tarfile.TarInfo("a.png")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        with pytest.raises(FringeError, match=r"link\.tar!a\.png: is not stored as a plain file"):
            open_source(tmp_path / "link.tar")


def test_damaged_archives_are_not_read_as_shorter_archives(tmp_path: Path, pngs: dict[str, bytes]):
    path = write_tar(tmp_path / "a.tar", pngs)
    whole = path.read_bytes()
    with tarfile.open(path) as archive:
        fourth = archive.getmembers()[3]
        end = archive.getmembers()[-1].offset_data + 512 * -(-archive.getmembers()[-1].size // 512)
    wrong_header = bytearray(whole)
    wrong_header[fourth.offset + 5] ^= 1
    for content in (
        whole[: fourth.offset],
        whole[: fourth.offset_data],
        whole[: fourth.offset_data + 20],
        whole[:end],
        wrong_header,
    ):
        path.write_bytes(content)
        with pytest.raises(FringeError, match=r"a\.tar: is damaged.*(again|again)"):
            open_source(path)
    path.write_bytes(whole[: end + 512])  # some writers leave one block of zeros
    assert len(open_source(path)) == 7


def joined(tmp_path: Path, pngs: dict[str, bytes]) -> tuple[Path, list[bytes]]:
    """Three archives in a row, the second with a name of the first, and their bytes."""
    names = [*pngs]
    parts = [
        write_tar(tmp_path / f"{number}.tar", {name: pngs[name] for name in part}).read_bytes()
        for number, part in enumerate((names[:3], names[2:5], names[5:]))
    ]
    path = tmp_path / "joined.tar"
    path.write_bytes(b"".join(parts))
    return path, parts


def test_all_archives_in_a_row_are_read(
    tmp_path: Path, pixels: np.ndarray, pngs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    path, parts = joined(tmp_path, pngs)
    expected = pixels[[0, 1, 2, 2, 3, 4, 5, 6]]
    assert np.array_equal(open_source(path).read(range(8)), expected)
    by_tar = subprocess.run(
        ["tar", "--list", "--ignore-zeros", "--file", path], capture_output=True, text=True
    )
    source = open_source(path)
    assert isinstance(source, TarSource)
    assert source.members == by_tar.stdout.split()
    separate = [f"{tmp_path}/{{0,1,2}}.tar", path]
    assert len({open_source(one).fingerprint for one in separate}) == 1
    monkeypatch.setattr("fringe.sources.tar._ZEROS", 1024)
    for zeros in (1, 2, 3, 40):  # blocks between archives
        contents = [part.rstrip(b"\0") for part in parts]
        contents = [part + bytes(-len(part) % 512 + 512 * zeros) for part in contents]
        path.write_bytes(b"".join(contents))
        assert np.array_equal(open_source(path).read(range(8)), expected)


def test_damage_in_archives_in_a_row_is_refused(tmp_path: Path, pngs: dict[str, bytes]):
    path, parts = joined(tmp_path, pngs)
    second = len(parts[0])
    for place in (second + 5, second + 512 + 512 * -(-len(pngs["0002.png"]) // 512) + 5):
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        (tmp_path / "a.tar").write_bytes(content)
        with pytest.raises(FringeError, match=r"a\.tar: .*damaged.*(again|again)"):
            open_source(tmp_path / "a.tar")
    for rest in (parts[1][:512], parts[1][: len(parts[1]) // 1024 * 512], b"x" * 1024):
        (tmp_path / "a.tar").write_bytes(parts[0] + rest)
        with pytest.raises(FringeError, match=r"a\.tar: .*damaged.*(again|again)"):
            open_source(tmp_path / "a.tar")


def test_cached_indices_of_only_the_first_archive_are_not_used(
    tmp_path: Path, pngs: dict[str, bytes]
):
    """Earlier versions read a file to its first end mark, and cached the result."""
    path, _ = joined(tmp_path, pngs)
    cache = tmp_path / "cache"
    about = path.stat()
    state = f"{about.st_size}:{about.st_mtime_ns}:{about.st_ctime_ns}"
    earlier = pack(json.dumps([("0000.png", 512, len(pngs["0000.png"]))]).encode())
    Memory(cache).add(str(tmp_path), {f"images of /{path.name}": f"{state} {earlier}"})
    assert len(open_source(path, cache=cache)) == 8


def test_the_message_for_a_damaged_image_names_it(tmp_path: Path, pngs: dict[str, bytes]):
    pngs["0002.png"] = pngs["0002.png"][:60]
    source = open_source(write_shards(tmp_path / "set", "tar", pngs))
    with pytest.raises(FringeError, match=r"shard-000000\.tar!0002\.png: is damaged"):
        source.read([0, 2])


def test_the_index_is_cached(
    tmp_path: Path, pngs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    path, cache = write_shards(tmp_path / "set", "tar", pngs), tmp_path / "cache"
    before = open_source(path, cache=cache)
    assert len(entries_of(cache)) == 3
    with monkeypatch.context() as patch:
        patch.setattr("tarfile.open", lambda *_, **__: pytest.fail("was indexed again"))
        again = open_source(path, cache=cache)
    assert np.array_equal(again.read(range(7)), before.read(range(7)))
    write_tar(path / "shard-000001.tar", {"new.png": pngs["0000.png"]})
    assert len(open_source(path, cache=cache)) == 8
    assert len(entries_of(cache)) == 3  # the index of the former state was removed
    for group in cache.glob("*/*.json"):  # the right state, but invalid content
        content = json.loads(group.read_text())
        spoilt = {key: f"{value.split()[0]} spoilt" for key, value in content["entries"].items()}
        group.write_text(json.dumps(content | {"entries": spoilt}))
    assert len(open_source(path, cache=cache)) == 8


@pytest.mark.parametrize("form", ["tar", "parquet"])
def test_a_part_depends_only_on_its_shards(tmp_path: Path, form: str, pngs: dict[str, bytes]):
    named = {f"0000/{name}": data for name, data in pngs.items()}

    def parts() -> list[str]:
        source = open_source(write_shards(tmp_path / "set", form, named))
        return [source.fingerprint_of(*part) for part in ((0, 2), (2, 4), (4, 7), (0, 7))]

    before = parts()
    assert len(set(before)) == 4
    first = {"kind": "files", "path": str(tmp_path / "set"), "count": 4, "order": "file"}
    four = fingerprint(first)
    named["0000/0005.png"] = named["0000/0000.png"]
    assert [one == other for one, other in zip(before, parts(), strict=True)] == [
        True,
        True,
        False,
        False,
    ]
    assert fingerprint(first) == four


def test_folders_of_mixed_kinds_are_refused(tmp_path: Path, pngs: dict[str, bytes]):
    write_tar(tmp_path / "a.tar", pngs)
    (tmp_path / "readme.txt").write_bytes(b"")
    assert len(open_source(tmp_path)) == 7
    write_parquet(tmp_path / "b.parquet", [*pngs.values()])
    with pytest.raises(FringeError, match=r"holds \.tar files and \.parquet files; move each"):
        open_source(tmp_path)
    (tmp_path / "b.parquet").unlink()
    write_folder(tmp_path / "inside", {"a.png": pngs["0000.png"]})
    with pytest.raises(FringeError, match=r"holds \.tar files and images; move each"):
        open_source(tmp_path)
