"""Pointers, web pages and error messages in place of files are detected, and real files are not."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from fringe.checkpoints import read_pickle, read_state
from fringe.errors import FringeError
from fringe.exchange import read_statistics
from fringe.files.stand_ins import READ, refuse_stand_in, stand_in
from fringe.generators import load_generator
from fringe.networks import load_network
from fringe.sensitivity.region import open_region
from fringe.sources import open_source

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"
STAND_INS = {
    b"": "is empty; fetch or copy it again",
    POINTER: "is only Git LFS's pointer to it; run `git lfs pull`",
    b"/annex/objects/SHA256E-s5--00.zip\n": "is only git-annex's pointer to it",
    b"../../.git/annex/objects/Xx/1/SHA256E-s5--00": "is only git-annex's pointer to it",
    b"<!DOCTYPE html><html>Google Drive - Quota exceeded</html>": "is a web page or a server's",
    b"\xef\xbb\xbf\r\n <HTML lang='en'>" + b"x" * 5000: "is a web page or a server's message",
    b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>': "is a web page or a serv",
    b"404: Not Found": "contains only the text '404: Not Found', as a server may send it; fetch",
    b'{"message": "Bad credentials"}\n': 'contains only the text \'{"message": ',
}


@pytest.mark.parametrize("data", STAND_INS)
def test_the_message_names_the_kind_of_stand_in(data: bytes, tmp_path: Path) -> None:
    found = stand_in(data[:READ])
    assert found is not None
    assert found.startswith(STAND_INS[data])
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(FringeError) as caught:
        refuse_stand_in(tmp_path / "file")
    assert str(caught.value) == f"{tmp_path / 'file'}: {found}"


def encoded(format: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((1, 1, 3), np.uint8)).save(stream, format)
    return stream.getvalue()


def saved(save: Callable[[Path], object], folder: Path) -> bytes:
    save(folder / "file")
    return (folder / "file").read_bytes()


def test_the_smallest_real_files_are_not_stand_ins(tmp_path: Path) -> None:
    arrays = io.BytesIO()
    np.savez(arrays, np.zeros(1))
    right = [encoded(format) for format in ("PNG", "JPEG", "GIF", "BMP", "PPM", "TIFF", "WEBP")]
    right += [pickle.dumps({}, protocol) for protocol in range(6)]
    right += [
        arrays.getvalue(),
        saved(lambda path: torch.save({}, path), tmp_path),
        saved(lambda path: save_file({}, path), tmp_path),
        b"P3\n1 1\n255\n0 0 0\n",  # an image that is text
        b"\n\x04\x0a\x02xx",  # a graph of TensorFlow
        b"\x00" * 512,
    ]
    assert [stand_in(data[:READ]) for data in right] == [None] * len(right)
    refuse_stand_in(tmp_path)  # a folder
    refuse_stand_in(tmp_path / "absent")
    refuse_stand_in("shard-{0..3}.tar")


def read(path: Path) -> None:
    open_source(path.parent if path.suffix == ".png" else path).read([0])


READERS: dict[str, Callable[[Path], object]] = {
    **dict.fromkeys(
        ("a.zip", "a.npz", "a.h5", "a.tar", "a.parquet", "lmdb/data.mdb", "folder/a.png"), read
    ),
    "statistics.npz": read_statistics,
    "mask.png": lambda path: open_region(str(path), (8, 8)),
    **dict.fromkeys(("g.pkl", "g.pt", "g.safetensors"), load_generator),
    "pickle.pkl": read_pickle,
    **dict.fromkeys(("w.pth", "w.safetensors"), read_state),
    **{
        f"weights/{name}.pth": lambda path: load_network(path.stem, path)
        for name in ("inception", "resnet50", "swav", "clip", "vgg16", "efficientnet-lite0")
    },
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", READERS)
def test_every_reader_detects_stand_ins(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    for data in (b"", POINTER, b"<!DOCTYPE html><html>Sign in</html>", b"Entry not found"):
        path.write_bytes(data)
        with pytest.raises(FringeError) as caught:
            READERS[name](path)
        assert stand_in(data) in str(caught.value), str(caught.value)
        assert str(path) in str(caught.value)


def test_a_short_json_file_is_not_a_stand_in() -> None:
    assert stand_in(json.dumps({"labels": None}, indent=1).encode()) is None
