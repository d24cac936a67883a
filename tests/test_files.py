"""Files are whole or not there, and HDF5 files tell what they were made from."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.errors import DamagedFileError, FringeError
from fringe.files import atomic_path, attributes, create_h5, is_made_from, open_h5


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_the_name_appears_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with atomic_path(path) as partial:
        assert partial.parent == path.parent
        assert partial.suffix == ".csv"
        assert partial.name.startswith(".")
        partial.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(path.parent) == ["table.csv"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(type(error)), atomic_path(path) as partial:  # noqa: PT012
        partial.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system"),
        PermissionError(errno.EACCES, "Permission denied"),
        RuntimeError(
            "Can't decrement id ref count (..., error message = 'No space left on device'"
        ),
    ],
)
def test_a_disk_that_takes_nothing_is_named(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file.h5"
    words = r"file\.h5: cannot be written \(.*free some space"
    with pytest.raises(FringeError, match=words), atomic_path(path) as partial:  # noqa: PT012
        partial.write_text("half")
        raise error
    assert names(tmp_path) == []


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "file"):
        (tmp_path / "missing").read_text()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    words = "folder/file: cannot be written"
    with pytest.raises(FringeError, match=words), atomic_path(tmp_path / "folder" / "file"):
        pass


def test_a_written_file_tells_its_provenance(tmp_path: Path) -> None:
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
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
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
    if damage != "flipped":  # which shows only when the values are read
        assert not is_made_from(path, {})


def test_the_error_can_be_sent_to_another_process(tmp_path: Path) -> None:
    error = pickle.loads(pickle.dumps(DamagedFileError("words", tmp_path)))
    assert (str(error), error.path) == ("words", tmp_path)
