"""Randomly damaged checkpoints (fixed seed) are read or refused, and run no code."""

import json
import pickletools
from pathlib import Path

from tests.checkpoints.test_hostile import child


def spans(content: bytes) -> list[tuple[int, int]]:
    """Return the ranges of a pickle that are not numbers of a storage."""
    found, start = [], 0
    for opcode, argument, at in pickletools.genops(content):
        if opcode.name == "BINBYTES" and argument is not None:
            # The pickles before the numbers, and the last bytes before the next opcode.
            found.append((start, at + 5 + min(len(argument), 260)))
            start = at + 5 + len(argument)
    return [*found, (start, len(content))]


def test_damaged_files_are_refused_or_read(tmp_path: Path) -> None:
    found = child("fuzz", tmp_path, 1, 200)
    assert found["faults"] == {}
    assert found["counts"]["refused"] > 1000
    assert found["counts"]["read"] > 100


def test_damaged_golden_generators_are_refused_or_read(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    for generator in "stylegan2_small.pkl", "fastgan_small.pkl":
        content = (shared / "golden" / generator).read_bytes()
        (tmp_path / "good" / generator).write_bytes(content)
        (tmp_path / f"{generator}.json").write_text(json.dumps(spans(content)))
    found = child("fuzz", tmp_path, 1, 10)
    assert found["faults"] == {}
    assert found["counts"]["refused"] > 10
