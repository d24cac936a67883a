"""Archives and arrays with wrong declarations: ZIP, NPZ, checkpoints, tar, JSON."""

import gzip
import io
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tests.checkpoints.assembly import reference, tensor, value, whole
from tests.hostile import archives
from tests.hostile.archives import BOMB, BZIP2, DEFLATED, LZMA, STORED, Member, assembled, zeros
from tests.hostile.bounds import Outcome, bounded

from fringe.checkpoints import check_program, read_state
from fringe.costs.logs import read_description
from fringe.costs.records import read_kept
from fringe.costs.remembered_sizes import read_sizes
from fringe.errors import FringeError
from fringe.exchange import read_statistics
from fringe.files.downloading import _version_of_part
from fringe.generators import load_generator
from fringe.networks.inception import MAX_BYTES
from fringe.networks.inception import _unpacked as unpacked_graph
from fringe.running.fetching import _is_tar, _unpack
from fringe.sources import open_source
from fringe.sources.class_labels import class_counts
from fringe.sources.digests import pack
from fringe.sources.labels import labels_of
from fringe.sources.memory import Memory

from ..run_configs import run_config

HELD = BOMB // 2  # bytes that a test may use: less than the unpacked size of a bomb


def pixels_of(path: Path) -> bytes:
    source = open_source(path)
    return source.read(range(len(source))).tobytes()


def labels(path: Path) -> Any:
    return labels_of(open_source(path))


def labelled(path: Path) -> int:
    return len(labels(path))


def classes(path: Path) -> list[int]:
    return class_counts(open_source(path)).counts.tolist()


def state(path: Path) -> list[str]:
    return [*read_state(path)]


def statistics(path: Path) -> int:
    return len(read_statistics(path).mean)


def program(path: Path) -> None:
    load_generator(path)


def png(value: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def refused(call: Callable[[Path], Any], path: Path, *parts: str, seconds: float = 10) -> str:
    """Check that a call refuses a file with one message, quickly and within HELD bytes."""
    outcome = bounded(call, path, seconds=seconds, memory=HELD)
    return is_refused(outcome, path, *parts)


def is_refused(outcome: Outcome, path: Path, *parts: str) -> str:
    assert outcome.kind == "refused", outcome
    message = str(outcome.result)
    assert str(path) in message
    assert "; " in message
    assert len(message) < 1500
    for part in parts:
        assert part in message
    return message


def written(path: Path, *members: Member) -> Path:
    path.write_bytes(assembled(members))
    return path


PICKLE = whole(b"}" + value("a") + tensor(reference(4), 0, (4,), (1,)) + b"s", 2)
PARTS = [Member.of("a/data.pkl", PICKLE), Member.of("a/data/0", bytes(16))]


def test_assembled_archives_with_correct_declarations_are_read(tmp_path: Path) -> None:
    """Otherwise the other tests could pass because of badly assembled archives."""
    images = [Member.of(f"{at}.png", png(at), at) for at in (STORED, DEFLATED, BZIP2)]
    assert len(pixels_of(written(tmp_path / "a.zip", *images))) == 3 * 8 * 8 * 3
    assert state(written(tmp_path / "a.pt", *PARTS)) == ["a"]
    compressed = Member.of("a/data.pkl", PICKLE, DEFLATED)
    assert state(written(tmp_path / "b.pt", compressed, PARTS[1])) == ["a"]
    array = archives.npz(tmp_path / "a.npz", DEFLATED, arr_0=np.ones((2, 8, 8, 3), np.uint8))
    assert pixels_of(array) == b"\1" * (2 * 8 * 8 * 3)
    mean = {"mu": np.zeros(3), "sigma": np.eye(3)}
    assert statistics(archives.npz(tmp_path / "s.npz", DEFLATED, **mean)) == 3
    for method in DEFLATED, BZIP2, LZMA:
        size = 8 << 20
        honest = Member("x.png", zeros(method, size), size, zlib.crc32(bytes(size)), method)
        path = written(tmp_path / f"{method}.zip", Member.of("a.png", png()), honest)
        outcome = bounded(pixels_of, path)
        is_refused(outcome, path, "x.png: is damaged or not an image")


@pytest.mark.parametrize("method", [DEFLATED, BZIP2, LZMA])
@pytest.mark.parametrize("checksum", [0, zlib.crc32(bytes(1000))])
def test_an_image_that_unpacks_to_more_than_declared_is_refused(
    tmp_path: Path, method: int, checksum: int
) -> None:
    """The checksum may be that of the declared bytes."""
    bomb = Member("x.png", zeros(method), 1000, checksum, method)
    path = written(tmp_path / "a.zip", Member.of("a.png", png()), bomb)
    refused(pixels_of, path, "x.png", "more than the 1000 bytes that it declares")


@pytest.mark.parametrize("method", [STORED, DEFLATED, BZIP2])
@pytest.mark.parametrize("lie", [-1, 1])
def test_one_byte_more_or_less_than_declared_is_refused(
    tmp_path: Path, method: int, lie: int
) -> None:
    member = Member.of("x.png", png(), method)
    path = written(tmp_path / "a.zip", member.declaring(member.size + lie))
    refused(pixels_of, path, "x.png", "declares")


@pytest.mark.parametrize("method", [DEFLATED, BZIP2, LZMA])
def test_a_label_file_that_unpacks_to_more_than_declared_is_refused(
    tmp_path: Path, method: int
) -> None:
    images = Member.of("a.png", png())
    bomb = Member("dataset.json", zeros(method), 1000, 0, method)
    path = written(tmp_path / "a.zip", images, bomb)
    refused(labels, path, "dataset.json", "more than the 1000 bytes")
    path = written(tmp_path / "b.zip", images, bomb.declaring((128 << 20) + 1))
    refused(labels, path, "dataset.json", "declares")


@pytest.mark.parametrize("member", ["a/data.pkl", "a/byteorder"])
def test_a_checkpoint_that_unpacks_to_more_than_declared_is_refused(
    tmp_path: Path, member: str
) -> None:
    parts = [part for part in PARTS if part.name != member]
    path = written(tmp_path / "a.pt", Member(member, zeros(DEFLATED), 6, 0, DEFLATED), *parts)
    refused(state, path, "more than the 6 bytes that it declares")
    for method in BZIP2, LZMA:
        path = written(tmp_path / "b.pt", Member(member, zeros(method), 6, 0, method), *parts)
        refused(state, path, "neither stored nor compressed with Deflate")


def test_a_stored_tensor_with_a_wrong_length_is_refused(tmp_path: Path) -> None:
    for packed, size in ((bytes(15), 16), (bytes(17), 16)):
        numbers = Member("a/data/0", packed, size, zlib.crc32(bytes(16)))
        path = written(tmp_path / "a.pt", PARTS[0], numbers)
        refused(state, path, "declares")


def test_a_program_whose_archive_is_a_bomb_is_refused(tmp_path: Path) -> None:
    """PyTorch would unpack the whole archive before any check is possible."""
    module = torch.jit.script(torch.nn.Linear(2, 2))
    module.save(str(tmp_path / "good.pt"))
    check_program(tmp_path / "good.pt")
    code = Member.of("a/constants.pkl", whole(b")"))
    huge = 257 << 20
    for bomb, reason in (
        (Member("a/code/x.py", zeros(DEFLATED), 1000, 0, DEFLATED), "more than the 1000 bytes"),
        (Member("a/code/x.py", zeros(DEFLATED), huge, 0, DEFLATED), "more than 256 MiB"),
        (Member("a/code/x.py", zeros(BZIP2), 1000, 0, BZIP2), "neither stored nor"),
        (Member("a/code/x.py", b"x", 1000), "does not have its declared length"),
    ):
        path = written(tmp_path / "a.pt", *PARTS, code, bomb)
        refused(program, path, reason)


@pytest.mark.parametrize("method", [DEFLATED, BZIP2, LZMA])
def test_arrays_that_unpack_to_more_than_declared_are_refused(tmp_path: Path, method: int) -> None:
    """A .npy header may declare any length of itself and of its array."""
    reason = {DEFLATED: "more than the 1000 bytes", BZIP2: "BZip2", LZMA: "LZMA"}[method]
    bomb = Member("arr_0.npy", zeros(method), 1000, 0, method)
    refused(pixels_of, written(tmp_path / "a.npz", bomb), reason)
    honest = {
        "mu": Member.of("mu.npy", archives.npy((3,), "<f8") + bytes(24)),
        "sigma": Member.of("sigma.npy", archives.npy((3, 3), "<f8") + bytes(72)),
    }
    for name in honest:
        members = honest | {name: replace(bomb, name=f"{name}.npy")}
        refused(statistics, written(tmp_path / "b.npz", *members.values()), reason)


def test_an_array_with_bytes_after_its_end_is_refused(tmp_path: Path) -> None:
    """The checksum is that of the declared array."""
    array = archives.npy((2, 8, 8, 3)) + bytes(2 * 8 * 8 * 3)
    longer = Member.of("arr_0.npy", array + bytes(BOMB), DEFLATED)
    path = written(tmp_path / "a.npz", replace(longer, size=len(array), checksum=zlib.crc32(array)))
    refused(pixels_of, path, "more than the")
    shorter = Member.of("arr_0.npy", array[:-1], DEFLATED)
    path = written(tmp_path / "b.npz", shorter.declaring(len(array)))
    refused(pixels_of, path, f"unpacks to {len(array) - 1} bytes")
    for size in (1 << 40, 1 << 31):
        claimed = archives.npy((size // 192, 8, 8, 3))
        lie = Member.of("arr_0.npy", claimed, DEFLATED).declaring(0xFFFFFFFF)
        refused(pixels_of, written(tmp_path / "c.npz", lie), "cannot unpack to that many")


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """One kernel of a few KiB can be the content of any number of members."""
    kernel = Member("0.png", zeros(DEFLATED), BOMB, 0, DEFLATED)
    others = [replace(kernel, at=0) for _ in range(1000)]
    for at, folder in (0, "same"), (30, "quoted"), (40, "within"):
        names = [replace(one, name=f"{n}.png", at=at) for n, one in enumerate(others, 1)]
        path = written(tmp_path / f"{folder}.zip", kernel, *names)
        refused(pixels_of, path, "shares bytes with another member")
    path = written(tmp_path / "a.npz", Member.of("arr_0.npy", b"x"), replace(kernel, at=40))
    refused(pixels_of, path, "overlap its directory")
    path = written(tmp_path / "a.pt", *PARTS, replace(PARTS[1], at=0, name="a/data/1"))
    refused(state, path, "shares bytes")


def test_a_member_with_another_name_in_the_directory_is_refused(tmp_path: Path) -> None:
    for lie in {"local_name": "b.png"}, {"local_method": DEFLATED}:
        path = written(tmp_path / "a.zip", replace(Member.of("a.png", png()), **lie))
        refused(pixels_of, path, "a member is named")
        path = written(tmp_path / "a.pt", PARTS[0], replace(PARTS[1], **lie))
        refused(state, path, "a member is named")


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", Member.of("a.png", png()), Member.of("", png()))
    refused(pixels_of, path, "one of its members has no name")


def test_huge_directories_are_refused(tmp_path: Path) -> None:
    """Holes of a file use no space on a disk, but their full size in memory."""
    for suffix, read in (".zip", pixels_of), (".npz", pixels_of), (".npz", statistics):
        path = archives.many_entries(tmp_path / f"a{suffix}", 1 << 40)
        refused(read, path, "its directory has more than 256 MiB")
    path = archives.many_entries(tmp_path / "a.pt", 1 << 30)
    with path.open("r+b") as file:
        file.write(b"PK\3\4")
    refused(state, path, "its directory has more than 16 MiB")


PIXELS = bytes(2 * 8 * 8 * 3)
SHAPES = {
    "huge": (2**62, 8, 8, 3),
    "overflowing": (2**32, 2**32, 1, 3),
    "negative": (-2, 8, 8, 3),
    "negative twice": (-1, -1, 8, 3),
    "no images": (0, 8, 8, 3),
    "no pixels": (2, 0, 8, 3),
    "of many digits": (10**4000, 8, 8, 3),
    "a single number": (),
    "many axes": (1,) * 100,
    "a list": [2, 8, 8, 3],
    "floats": (2.0, 8, 8, 3),
    "nothing": None,
    "two axes": (8, 8),
    "one image": (8, 8, 3),
}
TYPES = {
    "objects": "|O",
    "a structure": [("a", "|u1"), ("b", "<f4")],
    "a structure of structures": [("a", [("b", "|u1")])],
    "an array of arrays": ("|u1", (3,)),
    "an array of huge arrays": ("|u1", (2**62,)),
    "bytes": "|V3",
    "huge bytes": "|V2000000000",
    "times": "<M8[s]",
    "text": "<U3",
    "none": "",
    "unknown": "zz",
    "a dict": {},
    "a number": 5,
    "an empty tuple": (),
    "fields without types": [("a",)],
    "a list of numbers": [5],
    "complex numbers": "<c8",
    "signed numbers": "|i1",
}
TEXTS = {
    "deep sums": "-" * 9000 + "1",
    "deep brackets": "(" * 9000,
    "not a dict": "hello",
    "nothing": "",
    "keys of two types": "{1: 2, 'a': 3}",
    "too few keys": "{'descr': '|u1'}",
    "a list for a key": "{[]: 1}",
    "a call": "__import__('os').system('touch executed')",
    "null bytes": "\0" * 50,
    "a text without an end": "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), '''",
    "blanks": " " * 20_000,
}
HEADERS = (
    {f"shape: {key}": archives.npy(shape) + PIXELS for key, shape in SHAPES.items()}
    | {f"type: {key}": archives.npy(descr=descr) + PIXELS for key, descr in TYPES.items()}
    | {f"text: {key}": archives.npy_of(text) + PIXELS for key, text in TEXTS.items()}
    | {
        "order: Fortran": archives.npy(fortran=True) + PIXELS,
        "order: a text": archives.npy(fortran="yes") + PIXELS,
        "version 2": archives.npy_of("{}", (2, 0), 2**32 - 1) + PIXELS,
        "version 9": archives.npy_of("{}", (9, 0)) + PIXELS,
        "a length beyond the end": archives.npy_of("{", (1, 0), 65535),
        "cut": archives.npy()[:9],
        "no magic": b"\x93NUMPX\1\0" + PIXELS,
        "empty": b"",
        "more values": archives.npy() + PIXELS + b"x",
        "fewer values": archives.npy() + PIXELS[:-1],
    }
)


def read_all(folder: Path, names: list[str], arrays: dict[str, bytes]) -> dict[str, list[str]]:
    """Return the outcome of each array under each of ``names``, next to ``arrays``."""
    readers = {"arr_0": pixels_of, "mu": statistics, "sigma": statistics}
    found: dict[str, list[str]] = {}
    for key, header in HEADERS.items():
        for name in names:
            path = archives.npz(folder / "a.npz", **(arrays | {name: header}))
            try:
                readers[name](path)
                result = "read"
            except FringeError as error:
                result = str(error)
            except Exception as error:
                result = f"{type(error).__name__}: {error}"
            found.setdefault(key, []).append(result)
    return found


def test_arrays_with_invalid_headers_are_refused(tmp_path: Path) -> None:
    others = {"mu": archives.npy((3,), "<f8") + bytes(24)}
    others["sigma"] = archives.npy((3, 3), "<f8") + bytes(72)
    images = bounded(read_all, tmp_path, ["arr_0"], {}, memory=HELD)
    matrices = bounded(read_all, tmp_path, ["mu", "sigma"], others, memory=HELD)
    assert images.kind == matrices.kind == "value", (images, matrices)
    for outcome in images, matrices:
        for key, results in outcome.result.items():
            for result in results:
                assert result.startswith(f"{tmp_path / 'a.npz'}: "), (key, result)
                assert "; " in result, (key, result)
                assert len(result) < 800, (key, result)
    assert not Path("executed").exists()


def test_arrays_with_unexpected_names_are_refused(tmp_path: Path) -> None:
    array, vector = archives.npy() + PIXELS, archives.npy((3,), "<f8") + bytes(24)
    path = written(tmp_path / "a.npz", Member.of("arr_0", array))
    refused(pixels_of, path, "holds no array of images, but no arrays at all")
    twice = Member.of("arr_0.npy", array)
    refused(pixels_of, written(tmp_path / "b.npz", twice, twice), "`arr_0` twice")
    mean = Member.of("mu.npy", vector)
    refused(statistics, written(tmp_path / "c.npz", mean), "has no array `sigma`")
    many = [Member.of(f"{number}.npy", vector) for number in range(300)]
    refused(statistics, written(tmp_path / "d.npz", *many), "has no array `mu`")
    refused(pixels_of, written(tmp_path / "e.npz", *many), "holds no array of images")


UNIT = np.eye(3)
STATISTICS = {
    "infinity": (np.zeros(3), np.diag([1, 1, np.inf])),
    "NaN": (np.full(3, np.nan), UNIT),
    "values whose squares are infinite": (np.zeros(3), UNIT * 1e308),
    "a negative variance": (np.zeros(3), -UNIT),
    "no symmetry": (np.zeros(3), np.triu(np.ones((3, 3)))),
    "more than float64 holds": (np.zeros(3), UNIT * np.longdouble("1e4000")),
    "no features": (np.zeros(0), np.zeros((0, 0))),
    "no square": (np.zeros(3), np.zeros((3, 4))),
    "exchanged": (UNIT, np.zeros(3)),
    "single numbers": (np.float64(1), np.float64(1)),
    "truth values": (np.zeros(3, bool), UNIT.astype(bool)),
}


@pytest.mark.parametrize("key", STATISTICS)
def test_statistics_that_are_not_a_mean_and_a_covariance_are_refused(
    tmp_path: Path, key: str
) -> None:
    mean, covariance = STATISTICS[key]
    path = archives.npz(tmp_path / "a.npz", DEFLATED, mu=mean, sigma=covariance)
    with pytest.raises(FringeError, match=r"a\.npz: .*; "):
        read_statistics(path)


def test_a_covariance_that_exceeds_memory_is_refused(tmp_path: Path) -> None:
    """Zeros compress to a thousandth, so the file may really contain this covariance."""
    dim = 1 << 15
    mean = Member.of("mu.npy", archives.npy((dim,), "|u1") + bytes(dim), DEFLATED)
    head = archives.npy((dim, dim), "|u1")
    packed = zlib.compress(head + bytes(BOMB), wbits=-15)
    members = mean, Member("sigma.npy", packed, 20 * len(packed), 0, DEFLATED)
    refused(statistics, written(tmp_path / "a.npz", *members), "more than 16384")


DEEP = b"[" * 100_000
LABELS = {
    "deep": b'{"labels":' + DEEP,
    "deep keys": b'{"a":' * 100_000,
    "deep names": b'{"labels": [[' + b"[" * 900 + b"]" * 900 + b", 1]]}",
    "a number": b"5",
    "a number of many digits": b'{"labels": [["a.png", ' + b"9" * 5000 + b"]]}",
    "a list": b"[]",
    "nothing": b"",
    "other bytes": b"\xff" * 100,
    "a dict of labels": b'{"labels": {"a.png": 1}}',
    "triples": b'{"labels": [["a.png", 1, 2]]}',
}


@pytest.mark.parametrize("key", LABELS)
@pytest.mark.parametrize("packed", [True, False])
def test_labels_in_invalid_json_are_refused(tmp_path: Path, key: str, packed: bool) -> None:
    if packed:
        members = Member.of("a.png", png()), Member.of("dataset.json", LABELS[key])
        path = written(tmp_path / "a.zip", *members)
    else:
        path = tmp_path / "a"
        path.mkdir()
        (path / "a.png").write_bytes(png())
        (path / "dataset.json").write_bytes(LABELS[key])
    refused(labels, path, "dataset.json")


@pytest.mark.parametrize("key", ["infinite", "negative", "nested", "text"])
def test_labels_that_are_not_classes_are_refused(tmp_path: Path, key: str) -> None:
    label = {"infinite": b"1e999", "negative": b"-1", "nested": b"[" * 900 + b"]" * 900}
    content = b'{"labels": [["a.png", ' + label.get(key, b'"cat"') + b"]]}"
    members = Member.of("a.png", png()), Member.of("dataset.json", content)
    path = written(tmp_path / "a.zip", *members)
    assert bounded(labelled, path).result == 1
    refused(classes, path, "labels are not classes")


def deep_files(folder: Path) -> list[object]:
    """Return the values that a run and a download read from files with deep JSON."""
    for name in "estimate.json", "shards.json", "planned.json", "a.zip.part.from":
        (folder / name).write_bytes(DEEP)
    (folder / "fingerprints.json").write_bytes(DEEP)
    memory = folder / ".fingerprints"
    Memory(memory).add("group", {"a": "b"})
    (place,) = memory.glob("*/*.json")
    place.write_bytes(DEEP)
    config = run_config({"results": str(folder.parent), "run": folder.name})
    return [
        read_kept(folder),
        read_sizes(config),
        _version_of_part("https://example.org/a.zip", folder / "a.zip.part"),
        dict(Memory(memory).read("group")),
        dict(Memory(memory).earlier()),
        read_description(f"job: {DEEP.decode()}"),
    ]


def test_deep_json_in_remembered_files_is_ignored(tmp_path: Path) -> None:
    """All these files can be made again, so their damage is not reported."""
    (tmp_path / "run").mkdir()
    outcome = bounded(deep_files, tmp_path / "run", memory=HELD)
    assert outcome.kind == "value", outcome
    assert outcome.result == [{}, {"sizes": {}}, None, {}, {}, None]


def test_deep_json_in_a_converted_generator_is_refused(tmp_path: Path) -> None:
    about = {"format": "fringe generator 1", "kind": "stylegan2", "config": DEEP.decode()}
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", about)
    refused(program, tmp_path / "a.safetensors", "its configuration cannot be read")


def sparse(**about: str) -> bytes:
    named = {key.replace("_", "."): text for key, text in about.items()}
    records = b"".join(archives.record(f"GNU.sparse.{key}", text) for key, text in named.items())
    return archives.attributes(records) + archives.head(size=512) + bytes(512)


IMAGE = archives.head(size=len(png())) + archives.padded(png())
LONG = archives.head(b"././@LongLink", 5, b"L") + archives.padded(b"c.png")
NEGATIVE = b"\xff" * 10 + b"\xfc\0"  # -1024
TARS = {
    "sparse in the old way": archives.head(size=512, kind=b"S", at386=b"0" * 95) + bytes(512),
    "sparse by attributes": sparse(size="1099511627776", map="0,1"),
    "sparse with a map of words": sparse(size="4", map="zero,one"),
    "sparse of a size in words": sparse(size="many"),
    "sparse of a size of many digits": sparse(realsize="9" * 5000),
    "sparse with a map in the data": sparse(major="1", minor="0", realsize="4"),
    "sparse without an end": archives.head(size=512, kind=b"S", at482=b"\1") + b"\1" * 90_000,
    "a size beyond the file": archives.head(size=1 << 32) + bytes(512),
    "a size of 88 bits": archives.head(size=b"\x80" + b"\xff" * 11) + bytes(512),
    "a negative size": IMAGE + archives.head(b"b.png", NEGATIVE),
    "a negative size of no image": IMAGE + archives.head(b"b.txt", NEGATIVE),
    "a negative size of attributes": IMAGE + archives.head(b"pax", NEGATIVE, b"x") + IMAGE,
    "a negative size by attributes": IMAGE
    + archives.attributes(archives.record("size", "-1024"))
    + archives.head(b"b.png"),
    "attributes of 8 GiB": archives.attributes(b"", size=(1 << 33) - 512) + IMAGE,
    "attributes of many digits": archives.attributes(b"1" * 60_000) + IMAGE,
    "attributes for all members": archives.attributes(
        b"".join(archives.record(f"key{number}", "x") for number in range(200)), b"g"
    )
    + IMAGE,
    "a long name of 8 GiB": archives.head(b"././@LongLink", (1 << 33) - 512, b"L") + IMAGE,
    "many long names for one member": LONG * 5000 + IMAGE,
    "letters in a size": IMAGE + archives.head(b"b.png", b"zzzzzzzzzzz\0"),
}


@pytest.mark.parametrize("key", TARS)
def test_tars_with_invalid_headers_are_refused(tmp_path: Path, key: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(TARS[key] + archives.TAR_END)
    if "8 GiB" in key:  # so that all bytes exist, as a hole
        with path.open("r+b") as file:
            file.truncate(9 << 30)
    refused(pixels_of, path)


def test_assembled_tars_with_valid_headers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    names = archives.attributes(archives.record("path", "b.png"))
    path.write_bytes(IMAGE + LONG + IMAGE + names + IMAGE)
    with path.open("ab") as file:
        file.write(archives.TAR_END)
    source = open_source(path)
    assert sorted(source.members) == ["a.png", "b.png", "c.png"]


def index_of(path: Path, cache: Path) -> bytes:
    source = open_source(path, cache=cache)
    return source.read(range(len(source))).tobytes()


PLACES = {
    "deep": DEEP.decode(),
    "a number": "5",
    "a list of numbers": "[[5]]",
    "a place behind the end": '[[["a.png", 512, 1000000]]]',
    "a place before the start": '[[["a.png", -512, 10]]]',
    "no size": '[[["a.png", 512]]]',
    "an infinite size": '[[["a.png", 512, 1e999]]]',
}


@pytest.mark.parametrize("key", [*PLACES, "zeros"])
def test_wrong_remembered_positions_of_images_are_computed_again(tmp_path: Path, key: str) -> None:
    """They are computed again, and a text with a large unpacked size is not unpacked."""
    path, cache = tmp_path / "a.tar", tmp_path / "cache"
    path.write_bytes(IMAGE + archives.TAR_END)
    wanted = index_of(path, cache)
    (place,) = cache.glob("*/*.json")
    content = json.loads(place.read_text())
    (name,) = [name for name in content["entries"] if "pictures" in name]
    state, _ = content["entries"][name].split(" ")
    text = bytes(200 << 20) if key == "zeros" else PLACES[key].encode()
    content["entries"][name] = f"{state} {pack(text)}"
    place.write_text(json.dumps(content))
    outcome = bounded(index_of, path, cache, memory=160 << 20)
    assert (outcome.kind, outcome.result) == ("value", wanted)


def inception_graph(path: Path) -> bytes:
    return unpacked_graph(path, "inception")


@pytest.mark.parametrize("key", ["attributes of many digits", "many long names for one member"])
def test_the_archive_of_a_graph_with_invalid_headers_is_refused(tmp_path: Path, key: str) -> None:
    path = tmp_path / "weights.tgz"
    path.write_bytes(gzip.compress(TARS[key] + archives.TAR_END, 1))
    outcome = bounded(inception_graph, path, seconds=10, memory=MAX_BYTES + HELD)
    is_refused(outcome, path, "not a complete .tgz archive")


def fetched(path: Path) -> None:
    _unpack(path, "inner", path.with_suffix(""))


def test_a_fetched_archive_unpacks_to_at_most_its_declared_size(tmp_path: Path) -> None:
    images = Member.of("inner/a.png", png())
    bomb = Member("inner/b.png", zeros(DEFLATED), 1000, 0, DEFLATED)
    path = written(tmp_path / "a.zip", images, bomb)
    refused(fetched, path, "more than the 1000 bytes", "delete the file")
    assert sorted(tmp_path.iterdir()) == [path]
    names = [f"inner/{number}.png" for number in range(20_000)]
    large = [Member(name, b"x", 0xFFFFFFFE, 0, BZIP2) for name in names]
    refused(fetched, written(path, *large), "unpacks to", "are free")
    refused(fetched, written(path, Member.of(".", b"")), "has no folder 'inner'")
    for kind, content in TARS.items():
        path.write_bytes(content + archives.TAR_END)
        assert _is_tar(path) in (True, False), kind


def test_a_safetensors_header_of_many_tensors_is_refused(tmp_path: Path) -> None:
    """Each tensor has no bytes, so the file is hardly larger than its header."""
    entry = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = "{" + ",".join(entry % number for number in range(200_000)) + "}"
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode())
    for read in state, program:
        refused(read, path, "whose header has more than 8388608 bytes")
