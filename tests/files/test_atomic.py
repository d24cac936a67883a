"""A file is either complete or does not exist."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path, remove_partial


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_the_name_appears_when_the_file_is_complete(tmp_path: Path) -> None:
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
def test_a_failure_keeps_the_old_file(tmp_path: Path, error: BaseException) -> None:
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
def test_the_message_about_a_full_or_read_only_disk_names_the_file(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "file.h5"
    words = r"file\.h5: cannot be written \(.*free some space"
    with pytest.raises(FringeError, match=words), atomic_path(path) as partial:  # noqa: PT012
        partial.write_text("half")
        raise error
    assert names(tmp_path) == []


def test_other_errors_are_raised_unchanged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "file"):
        (tmp_path / "missing").read_text()


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    words = "folder/file: cannot be written"
    with pytest.raises(FringeError, match=words), atomic_path(tmp_path / "folder" / "file"):
        pass


def test_temporary_files_of_killed_processes_are_removed(tmp_path: Path) -> None:
    mine, others = tmp_path / "noise-0.csv", tmp_path / "noise-0.1.csv"
    for path in (mine, others):
        with atomic_path(path) as partial:
            partial.write_text("whole")
            partial.with_name(partial.name.replace(".part", "0.part")).touch()
    assert len(names(tmp_path)) == 4
    remove_partial(mine)
    left = names(tmp_path)
    assert len(left) == 3
    assert not [name for name in left if name.startswith(".noise-0~")]
