"""Seals: what each file of a run was when the job that wrote it ended.

A job that ends well leaves a seal for each file that it wrote: a small file of JSON below
``.seals`` in the run's folder, which holds the file's place in the run and a digest of its content.
Before a file is used, it is compared with its seal. So a file that was cut, changed, exchanged with
another one or replaced by an earlier one is noticed, whatever its format.

The digest is SHA-256 of all bytes. Of a large file of images or features, of which there may be
thousands, it is that of three pieces, and the chunk checksums of HDF5 guard the rest.

When a job begins, the seals of its outputs say so. An output that is missing then is due, whatever
the times of files are: what was made from an earlier version of it may be out of date.

A file without a seal is taken as it is: an earlier version of Fringe wrote it. A seal protects from
accidents, not from somebody who writes a new seal as well.

Examples
--------
>>> (run / "scores.csv").write_text("value\\n4.25\\n")  # doctest: +SKIP
>>> seal(run, run / "scores.csv")  # doctest: +SKIP
>>> (run / "scores.csv").write_text("value\\n4.35\\n")  # doctest: +SKIP
>>> fault(run, run / "scores.csv")  # doctest: +SKIP
'is not what its job wrote: it was changed, or exchanged with another file'
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.files.parsing import parse_json
from fringe.files.regular import open_regular, read_text

__all__ = ["begin", "fault", "is_whole", "remove", "seal", "sealed", "unfinished", "with_digest"]

FOLDER = ".seals"
BULK = ("images", "features")  # of these, large files are not read whole
LARGE = 1 << 20  # bytes
PIECE = 16 << 10  # bytes


def seal(run: Path, path: str | os.PathLike[str]) -> None:
    """Write the seal of the file at ``path``, if it is there and lies in the folder ``run``.

    Raises
    ------
    FringeError
        If the seal cannot be written.
    """
    place = _place(run, path)
    if place is not None and os.path.exists(path):  # noqa: PTH110
        with atomic_path(_seal_of(run, place)) as partial:
            partial.write_text(json.dumps(_describe(run, place)), "utf-8")


def begin(run: Path, path: str | os.PathLike[str]) -> None:
    """Write into the seal of the file at ``path`` that a job has begun to make it.

    Until the job ends, a file that is there is taken as it is.

    Raises
    ------
    FringeError
        If the seal cannot be written.
    """
    place = _place(run, path)
    if place is not None:
        with atomic_path(_seal_of(run, place)) as partial:
            partial.write_text(json.dumps(_begun(place)), "utf-8")


def remove(run: Path, path: str | os.PathLike[str]) -> None:
    """Remove the seal of the file at ``path``, if there is one."""
    place = _place(run, path)
    if place is not None:
        with suppress(OSError):  # what is not a file is refused when a seal is written there
            _seal_of(run, place).unlink()


def fault(run: Path, path: str | os.PathLike[str]) -> str | None:
    """Return why the file at ``path`` is not the one that was sealed; None if nothing is wrong.

    Nothing is wrong with a file that is not there, has no seal or lies outside the folder ``run``.

    Raises
    ------
    FringeError
        If the file is there and cannot be read.
    """
    place = _place(run, path)
    if place is None or not os.path.exists(path):  # noqa: PTH110 - asked of thousands of shards
        return None
    try:
        kept = _read(run, place)
        found = None if kept is None else _describe(run, place)
    except OSError as error:
        raise FringeError(
            f"{error.filename or path}: cannot be read ({error}); make it readable, or delete it "
            "and run again, which makes it"
        ) from error
    except FringeError as error:  # a folder or a device has its name
        return str(error)
    if kept is None or kept in (found, _begun(place)):
        return None
    if kept.get("file") != place:
        return f"its seal is damaged or that of another file ({_seal_of(run, place)})"
    assert found is not None
    if kept.get("size") != found["size"]:
        return f"has {found['size']} bytes, and its job wrote {kept.get('size')}"
    return "is not what its job wrote: it was changed, or exchanged with another file"


def sealed(run: Path) -> Iterator[Path]:
    """Yield the path of each file in the folder ``run`` that was sealed, if it is there or not."""
    top = run / FOLDER
    for folder, _, names in os.walk(top):
        below = Path(folder).relative_to(top)
        for name in names:
            if name.endswith(".json") and not name.startswith("."):
                yield run / below / name.removesuffix(".json")


def unfinished(run: Path) -> Iterator[Path]:
    """Yield the path of each file that a job began to make and that is not there.

    The job failed or was killed.
    """
    for path in sealed(run):
        place = str(path.relative_to(run))
        if not os.path.lexists(path):
            with suppress(OSError, FringeError):
                if _read(run, place) == _begun(place):
                    yield path


def with_digest(content: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be kept as JSON, with a digest of itself, which `is_whole` compares."""
    return {**content, "digest": _digest_of(content)}


def is_whole(content: Any) -> bool:
    """Tell whether what was kept as JSON is as `with_digest` gave it.

    What has no digest is taken as it is: an earlier version of Fringe kept it.

    Examples
    --------
    >>> is_whole(with_digest({"sizes": {"faces": 5000}}))
    True
    """
    if not isinstance(content, dict):
        return False
    others = {key: value for key, value in content.items() if key != "digest"}
    return content.get("digest") in (None, _digest_of(others))


def _digest_of(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _place(run: Path, path: str | os.PathLike[str]) -> str | None:
    """Return the path relative to the folder of the run; None if it lies outside."""
    place = os.path.relpath(path, run)
    return None if Path(place).parts[0] == os.pardir else place


def _begun(place: str) -> dict[str, Any]:
    """Return what the seal of a file holds while a job makes the file."""
    return {"file": place, "begun": True}


def _seal_of(run: Path, place: str) -> Path:
    return run / FOLDER / f"{place}.json"


def _read(run: Path, place: str) -> dict[str, Any] | None:
    """Return what a seal holds, {} if it is damaged, or None if there is none."""
    try:
        kept = parse_json(read_text(_seal_of(run, place)))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _describe(run: Path, place: str) -> dict[str, Any]:
    """Return what a seal holds: the file's place, its size and a digest of its content."""
    digest = hashlib.sha256()
    with open_regular(run / place) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGE and Path(place).parts[0] in BULK:
            for start in (0, (size - PIECE) // 2, size - PIECE):
                file.seek(start)
                digest.update(file.read(PIECE))
        else:
            while block := file.read(LARGE):
                digest.update(block)
    return {"file": place, "size": size, "sha256": digest.hexdigest()}
