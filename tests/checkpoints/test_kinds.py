"""The kind of a file is detected from its bytes, and no kind is mistaken for another."""

import gzip
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.checkpoints.assembly import zipped
from tests.checkpoints.graph_files import graph
from tests.checkpoints.samples import write_torchscript

from fringe.checkpoints import kind_of, read_pickle, read_state
from fringe.errors import FringeError


def padded(length: int) -> bytes:
    """Return a safetensors file whose header has ``length`` bytes, padded with blanks."""
    entry = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    header = json.dumps(entry).encode().ljust(length)
    assert len(header) == length
    return struct.pack("<Q", length) + header + struct.pack("<2f", 1, 2)


def test_safetensors_files_with_a_header_of_any_length_are_detected(tmp_path: Path) -> None:
    """The file begins with the length of the header, which may look like any other format."""
    path = tmp_path / "a.safetensors"
    lengths = [*range(64, 2112, 8), 0x4B50, 0x8B1F, 0x0A0A]
    lengths += [0x80 | protocol << 8 for protocol in range(256)]
    for length in lengths:
        path.write_bytes(padded(length))
        assert kind_of(path) == "safetensors", hex(length)
        assert read_state(path)["a"].tolist() == [1, 2], hex(length)
    assert load_file(path)["a"].tolist() == [1, 2]


def test_safetensors_may_begin_like_a_zip_file(tmp_path: Path) -> None:
    """Its header is then larger than that of any network, and the message says so."""
    length = struct.unpack("<I", b"PK\x03\x04")[0]  # 67 MB of header
    (tmp_path / "a.safetensors").write_bytes(padded(length))
    with pytest.raises(FringeError, match="a safetensors file whose header has more than 8388608"):
        kind_of(tmp_path / "a.safetensors")


@pytest.mark.parametrize("count", [11, 12, 100])
@pytest.mark.parametrize("length", [0x80, 0x4B50, 0x0480, 0x8B1F])
def test_a_safetensors_file_that_is_cut_short_is_refused(
    tmp_path: Path, count: int, length: int
) -> None:
    (tmp_path / "a.pkl").write_bytes(padded(max(length, 200))[:count])
    if length == 0x0480:  # it begins like a pickle, and its header is longer than the file
        assert kind_of(tmp_path / "a.pkl") == "pickle"
    for read in read_state, read_pickle:
        with pytest.raises(FringeError, match=r"a\.pkl: "):
            read(tmp_path / "a.pkl")


def files(folder: Path) -> dict[str, bytes]:
    """Return a file of every kind."""
    state = {"a": torch.ones(2)}
    torch.save(state, folder / "torch")
    torch.save(state, folder / "legacy", _use_new_zipfile_serialization=False)
    save_file(state, folder / "safetensors")
    write_torchscript(folder / "torchscript")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("0.png", b"")
    return {
        **{name: (folder / name).read_bytes() for name in ("torch", "torchscript", "safetensors")},
        "pickle": (folder / "legacy").read_bytes(),
        **{f"pickle {protocol}": pickle.dumps(state, protocol) for protocol in (2, 3, 4, 5)},
        "pickle of protocol 6": b"\x80\x06N.",
        **{f"old pickle {number}": pickle.dumps(state, number) for number in (0, 1)},
        "old pickle of a list": pickle.dumps([1], 0),
        "zip": buffer.getvalue(),
        "zip that is empty": zipped({}),
        "gzip": gzip.compress(b"x"),
        "graph": graph({"a": torch.ones(2).numpy()}),
        "other": b"",
        "other text": b"cats\nand dogs, but not a pickle",
        "other image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    }


def test_every_kind_is_detected_from_its_bytes(tmp_path: Path) -> None:
    for name, content in files(tmp_path).items():
        for suffix in ".pkl", ".zip":
            path = tmp_path / f"file{suffix}"
            path.write_bytes(content)
            assert name.startswith(kind_of(path)), name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gzip", r"is compressed with gzip; unpack it \(`gunzip`\)"),
        ("old pickle 0", r"protocol 0 or 1, .*; load it in Python and save it again"),
        ("zip", r"zip file that neither torch\.save nor TorchScript wrote; correct the path"),
        ("graph", "begins like a frozen graph of TensorFlow; correct the path"),
        ("other", "is empty; fetch or copy it again"),
        ("other text", "is not a .*; fetch the file again"),
    ],
)
def test_the_message_about_an_unreadable_file_names_its_kind_and_a_fix(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "a").write_bytes(files(tmp_path)[name])
    for read in read_state, read_pickle:
        with pytest.raises(FringeError, match=rf"a: .*{reason}"):
            read(tmp_path / "a")


@pytest.mark.parametrize("name", ["torchscript", "safetensors"])
def test_read_pickle_refuses_programs_and_safetensors_files(tmp_path: Path, name: str) -> None:
    files(tmp_path)
    with pytest.raises(FringeError, match=r"is a \S+ .*not a pickle; correct the path"):
        read_pickle(tmp_path / name)
