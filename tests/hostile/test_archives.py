"""Archives and arrays that say one thing and hold another: ZIP, NPZ, checkpoints, tar, JSON."""

import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.checkpoints.assembly import reference, tensor, value, whole
from tests.hostile import archives
from tests.hostile.archives import BOMB, BZIP2, DEFLATED, LZMA, STORED, Member, assembled, zeros
from tests.hostile.bounds import Outcome, bounded

from fringe.checkpoints import check_program, read_state
from fringe.exchange import read_statistics
from fringe.generators import load_generator
from fringe.sources import open_source
from fringe.sources.labels import labels_of

HELD = BOMB // 2  # bytes that a test may take: less than any bomb unpacks to


def pixels_of(path: Path) -> bytes:
    source = open_source(path)
    return source.read(range(len(source))).tobytes()


def labels(path: Path) -> Any:
    return labels_of(open_source(path))


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


def test_assembled_archives_are_read_where_they_say_the_truth(tmp_path: Path) -> None:
    """Otherwise the others would be refused for nothing worse than bad assembly."""
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
        honest = Member("x.png", zeros(method), BOMB, zlib.crc32(bytes(BOMB)), method)
        path = written(tmp_path / f"{method}.zip", Member.of("a.png", png()), honest)
        outcome = bounded(pixels_of, path, memory=4 * BOMB)
        is_refused(outcome, path, "x.png: is damaged or not an image")


@pytest.mark.parametrize("method", [DEFLATED, BZIP2, LZMA])
@pytest.mark.parametrize("checksum", [0, zlib.crc32(bytes(1000))])
def test_an_image_that_unpacks_to_more_than_it_declares(
    tmp_path: Path, method: int, checksum: int
) -> None:
    """Also where the checksum is that of the bytes that are declared."""
    bomb = Member("x.png", zeros(method), 1000, checksum, method)
    path = written(tmp_path / "a.zip", Member.of("a.png", png()), bomb)
    refused(pixels_of, path, "x.png", "more than the 1000 bytes that it declares")


@pytest.mark.parametrize("method", [STORED, DEFLATED, BZIP2])
@pytest.mark.parametrize("lie", [-1, 1])
def test_one_byte_more_or_less_than_declared(tmp_path: Path, method: int, lie: int) -> None:
    member = Member.of("x.png", png(), method)
    path = written(tmp_path / "a.zip", member.declaring(member.size + lie))
    refused(pixels_of, path, "x.png", "declares")


@pytest.mark.parametrize("method", [DEFLATED, BZIP2, LZMA])
def test_a_label_file_that_unpacks_to_more_than_it_declares(tmp_path: Path, method: int) -> None:
    images = Member.of("a.png", png())
    bomb = Member("dataset.json", zeros(method), 1000, 0, method)
    path = written(tmp_path / "a.zip", images, bomb)
    refused(labels, path, "dataset.json", "more than the 1000 bytes")
    path = written(tmp_path / "b.zip", images, bomb.declaring((128 << 20) + 1))
    refused(labels, path, "dataset.json", "declares")


@pytest.mark.parametrize("member", ["a/data.pkl", "a/byteorder"])
def test_a_checkpoint_that_unpacks_to_more_than_it_declares(tmp_path: Path, member: str) -> None:
    parts = [part for part in PARTS if part.name != member]
    path = written(tmp_path / "a.pt", Member(member, zeros(DEFLATED), 6, 0, DEFLATED), *parts)
    refused(state, path, "more than the 6 bytes that it declares")
    for method in BZIP2, LZMA:
        path = written(tmp_path / "b.pt", Member(member, zeros(method), 6, 0, method), *parts)
        refused(state, path, "neither stored nor compressed with Deflate")


def test_a_stored_tensor_of_another_length_than_declared(tmp_path: Path) -> None:
    for packed, size in ((bytes(15), 16), (bytes(17), 16)):
        numbers = Member("a/data/0", packed, size, zlib.crc32(bytes(16)))
        path = written(tmp_path / "a.pt", PARTS[0], numbers)
        refused(state, path, "declares")


def test_a_program_whose_archive_is_a_bomb(tmp_path: Path) -> None:
    """PyTorch would unpack it before anything of it can be seen."""
    module = torch.jit.script(torch.nn.Linear(2, 2))
    module.save(str(tmp_path / "good.pt"))
    check_program(tmp_path / "good.pt")
    code = Member.of("a/constants.pkl", whole(b")"))
    huge = 257 << 20
    for bomb, reason in (
        (Member("a/code/x.py", zeros(DEFLATED), 1000, 0, DEFLATED), "more than the 1000 bytes"),
        (Member("a/code/x.py", zeros(DEFLATED), huge, 0, DEFLATED), "more than 256 MiB"),
        (Member("a/code/x.py", zeros(BZIP2), 1000, 0, BZIP2), "neither stored nor"),
        (Member("a/code/x.py", b"x", 1000), "another length"),
    ):
        path = written(tmp_path / "a.pt", *PARTS, code, bomb)
        refused(program, path, reason)


@pytest.mark.parametrize("method", [DEFLATED, BZIP2, LZMA])
def test_arrays_that_unpack_to_more_than_they_declare(tmp_path: Path, method: int) -> None:
    """A header of .npy may be of any length by what it says, and so may its array."""
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


def test_an_array_with_values_behind_its_end(tmp_path: Path) -> None:
    """Their checksum is that of the array that is declared."""
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
        refused(pixels_of, written(tmp_path / "c.npz", lie), "which cannot be")


def test_members_that_share_their_bytes(tmp_path: Path) -> None:
    """One kernel of a few KiB stands for all members, however many there are."""
    kernel = Member("0.png", zeros(DEFLATED), BOMB, 0, DEFLATED)
    others = [replace(kernel, at=0) for _ in range(1000)]
    for at, folder in (0, "same"), (30, "quoted"), (40, "within"):
        names = [replace(one, name=f"{n}.png", at=at) for n, one in enumerate(others, 1)]
        path = written(tmp_path / f"{folder}.zip", kernel, *names)
        refused(pixels_of, path, "shares bytes with another member")
    path = written(tmp_path / "a.npz", Member.of("arr_0.npy", b"x"), replace(kernel, at=40))
    refused(pixels_of, path, "reach into its directory")
    path = written(tmp_path / "a.pt", *PARTS, replace(PARTS[1], at=0, name="a/data/1"))
    refused(state, path, "shares bytes")


def test_a_member_that_is_called_otherwise_in_the_directory(tmp_path: Path) -> None:
    for lie in {"local_name": "b.png"}, {"local_method": DEFLATED}:
        path = written(tmp_path / "a.zip", replace(Member.of("a.png", png()), **lie))
        refused(pixels_of, path, "the directory calls a member")
        path = written(tmp_path / "a.pt", PARTS[0], replace(PARTS[1], **lie))
        refused(state, path, "the directory calls a member")


def test_a_member_without_a_name(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", Member.of("a.png", png()), Member.of("", png()))
    refused(pixels_of, path, "a member of it has no name")


def test_directories_without_end(tmp_path: Path) -> None:
    """Holes of a file take no room on a disk, and all of it in memory."""
    for suffix, read in (".zip", pixels_of), (".npz", pixels_of), (".npz", statistics):
        path = archives.many_entries(tmp_path / f"a{suffix}", 1 << 40)
        refused(read, path, "its directory has more than 256 MiB")
    path = archives.many_entries(tmp_path / "a.pt", 1 << 30)
    with path.open("r+b") as file:
        file.write(b"PK\3\4")
    refused(state, path, "its directory has more than 16 MiB")
