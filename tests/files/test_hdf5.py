"""HDF5 files record their provenance, and damaged files raise a clear error."""

from __future__ import annotations

import errno
import fcntl
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.errors import DamagedFileError, FringeError
from fringe.files.hdf5 import attributes, create_h5, is_made_from, open_h5, scratch_copy


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_contains_its_provenance(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with create_h5(path, {"seed": 3, "network": "tiny"}) as file:
        file.create_dataset("values", data=np.arange(5), fletcher32=True)
    with open_h5(path) as file:
        found = attributes(file)
        assert file["values"][()].tolist() == [0, 1, 2, 3, 4]
    assert found | {"seed": 3, "network": "tiny"} == found
    assert type(found["seed"]) is int
    assert {"fringe", "numpy", "h5py"} <= set(found)
    assert is_made_from(path, {"seed": 3})
    assert is_made_from(path, {"seed": 3, "network": "tiny"})
    assert not is_made_from(path, {"seed": 4})
    assert not is_made_from(path, {"seed": 3, "count": 1})
    assert not is_made_from(tmp_path / "other.h5", {})


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut", "flipped"])
def test_a_damaged_file_raises_an_error_that_names_it(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "file.h5"
    with create_h5(path, {}) as file:
        file.create_dataset("values", data=np.arange(5000), fletcher32=True)
    with h5py.File(path) as file:
        place = file["values"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 9] ^= 1
    damaged = {
        "empty": b"",
        "text": b"not HDF5" * 1000,
        "cut": bytes(content[: len(content) // 2]),
        "flipped": bytes(content),
    }
    path.unlink()
    if damage in damaged:
        path.write_bytes(damaged[damage])
    words = r"file\.h5: missing or damaged"
    with pytest.raises(DamagedFileError, match=words) as caught, open_h5(path) as file:
        file["values"][()]
    assert caught.value.path == path
    if damage != "flipped":  # detected only when the values are read
        assert not is_made_from(path, {})


def test_a_missing_dataset_or_attribute_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with create_h5(path, {}) as file:
        file.create_dataset("there", data=[1])
    for name in "lacking", "attribute":
        message = r"a\.h5: missing or damaged \(.*; delete it and run again to rebuild it"
        with pytest.raises(DamagedFileError, match=message), open_h5(path) as file:
            _ = file.attrs[name] if name == "attribute" else file[name]
    with pytest.raises(KeyError), open_h5(path):
        _ = {}["not of HDF5"]


def test_the_error_can_be_sent_to_another_process(tmp_path: Path) -> None:
    error = pickle.loads(pickle.dumps(DamagedFileError("words", tmp_path)))
    assert (str(error), error.path) == ("words", tmp_path)


def test_no_lock_is_needed(tmp_path: Path) -> None:
    """HDF5 refuses a file that another process has locked, as on a file system without locks."""
    path, linked = tmp_path / "file.h5", tmp_path / "linked.h5"
    with create_h5(path, {}) as file:
        file["values"] = np.arange(5)
        assert file.id.get_access_plist().get_file_locking()[0] == 0
    with create_h5(linked, {}) as file:
        layout = h5py.VirtualLayout((5,), "i8")
        layout[:] = h5py.VirtualSource(path.name, "values", (5,), "i8")
        file.create_virtual_dataset("values", layout, fillvalue=-1)
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for name in (path, linked):
            with open_h5(name) as file:
                assert file["values"][()].tolist() == [0, 1, 2, 3, 4]
        # HDF5 obeys its environment variable.
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"from fringe.files.hdf5 import *; open_h5('{path}').__enter__()",
            ],
            env=os.environ | {"HDF5_USE_FILE_LOCKING": "TRUE"},
            capture_output=True,
            text=True,
        )
    assert "unable to lock file" in done.stderr


READER = """
import sys
import numpy as np
from fringe.files.hdf5 import open_h5
print("ready", flush=True)
seen = set()
while "last" not in seen:
    with open_h5(sys.argv[1]) as file:
        first, *others = file["values"][()].tolist()
        assert set(others) == {first} and file.attrs["number"] == first
        seen.add("last" if first == 40 else first)
print(len(seen))
"""


def test_readers_see_only_complete_files_while_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"

    def write(number: int) -> None:
        with create_h5(path, {"number": number}) as file:
            values = np.full(20_000, number)
            file.create_dataset("values", data=values, chunks=(1000,), fletcher32=True)

    write(0)
    command = [sys.executable, "-c", READER, str(path)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    with open_h5(path) as held:
        for number in range(1, 41):
            write(number)
        assert set(held["values"][()].tolist()) == {0}, "an open file does not change"
    numbers = [int(reader.communicate(timeout=60)[0]) for reader in readers]
    assert [reader.returncode for reader in readers] == [0, 0, 0]
    assert max(numbers) > 1, "each reader saw only one version, so the test shows nothing"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the temporary folder of the node."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_a_file_is_written_in_scratch_first(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "results" / "file.h5"
    with create_h5(path, {"seed": 3}, scratch=True) as file:
        file["values"] = np.arange(5)
        assert Path(file.filename).is_relative_to(scratch)
        (partial,) = path.parent.iterdir()
        assert partial.name.startswith(".file~")
        assert partial.stat().st_size == 0
    with create_h5(tmp_path / "other.h5", {"seed": 3}) as file:
        file["values"] = np.arange(5)
    assert path.read_bytes() == (tmp_path / "other.h5").read_bytes()
    assert names(path.parent) == ["file.h5"]
    assert names(scratch) == []


def test_a_file_is_read_from_a_copy_in_scratch(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "file.h5"
    with create_h5(path, {}) as file:
        file["values"] = np.arange(5)
    with pytest.raises(ValueError, match="no"), scratch_copy(path) as copy:  # noqa: PT012
        assert copy.is_relative_to(scratch)
        assert copy.read_bytes() == path.read_bytes()
        raise ValueError("no")
    assert names(scratch) == []
    path.write_bytes(b"cut")
    with pytest.raises(DamagedFileError, match=r"file\.h5: missing"), scratch_copy(path):
        pass
    assert names(scratch) == []


def test_the_message_about_a_full_scratch_folder_names_it(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.h5"
    with create_h5(path, {}) as file:
        file["values"] = np.arange(5)
    old = path.read_bytes()
    words = rf"{scratch}: cannot hold the images .*space left.*scratch: false"
    with pytest.raises(FringeError, match=words), create_h5(path, {}, scratch=True):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_bytes() == old

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with (
        pytest.raises(FringeError, match=rf"{scratch}: .* bytes are needed and"),
        scratch_copy(path),
    ):
        pass
    assert names(scratch) == []
    monkeypatch.setenv("TMPDIR", str(tmp_path / "absent"))
    with pytest.raises(FringeError, match=r"absent: cannot hold the images"), scratch_copy(path):
        pass


def test_a_full_results_folder_is_not_reported_as_full_scratch(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    words = r"file\.h5: cannot be written \(No space left"
    with (
        pytest.raises(FringeError, match=words),
        create_h5(tmp_path / "file.h5", {}, scratch=True),
    ):
        pass
    assert names(scratch) == []
