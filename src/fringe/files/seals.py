"""Seals record the content of each file of a run when the job that wrote the file ended.

A job that succeeds writes a seal for each of its output files. A seal is a small JSON file below
``.seals`` in the folder of the run. It contains the path of the file relative to that folder, and a
digest of the content. Before a file is used, it is compared with its seal. This detects files of
any format that were cut short, changed, exchanged with another file or replaced by an older one.

The digest is the SHA-256 of all bytes. A run may have thousands of large files of images or
features. For these, the digest covers three pieces, and the chunk checksums of HDF5 protect the
rest.

When a job begins, it records this in the seals of its outputs. If such an output is missing later,
it must be made again, regardless of the times of files, because files that were made from an
earlier version of the output may be out of date.

A file without a seal is accepted, because an earlier version of Fringe wrote it. A seal protects
against accidents, but not against a person who also writes a new seal.

Examples
--------
>>> (run / "scores.csv").write_text("value\\n4.25\\n")  # doctest: +SKIP
>>> seal(run, run / "scores.csv")  # doctest: +SKIP
>>> (run / "scores.csv").write_text("value\\n4.35\\n")  # doctest: +SKIP
>>> fault(run, run / "scores.csv")  # doctest: +SKIP
'is not the file that its job wrote: it was changed, or exchanged with another file'
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
BULK = ("images", "features")  # folders whose large files are not read whole
LARGE = 1 << 20  # bytes
PIECE = 16 << 10  # bytes


def seal(run: Path, path: str | os.PathLike[str]) -> None:
    """Write the seal of the file at ``path``, if the file exists in the folder ``run``.

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
    """Record in the seal of the file at ``path`` that a job has begun to make the file.

    Until the job ends, an existing file is accepted without a comparison.

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
        with suppress(OSError):  # `seal` refuses a path that is not a file
            _seal_of(run, place).unlink()


def fault(run: Path, path: str | os.PathLike[str]) -> str | None:
    """Return why the file at ``path`` differs from its seal; None if it does not differ.

    A file that does not exist, has no seal or is outside the folder ``run`` is accepted.

    Raises
    ------
    FringeError
        If the file exists and cannot be read.
    """
    place = _place(run, path)
    if place is None or not os.path.exists(path):  # noqa: PTH110 - called for thousands of shards
        return None
    try:
        kept = _read(run, place)
        found = None if kept is None else _describe(run, place)
    except OSError as error:
        raise FringeError(
            f"{error.filename or path}: cannot be read ({error}); make it readable, or delete it "
            "and run again to rebuild it"
        ) from error
    except FringeError as error:  # the path is a folder or a device
        return str(error)
    if kept is None or kept in (found, _begun(place)):
        return None
    if kept.get("file") != place:
        return f"its seal is damaged or belongs to another file ({_seal_of(run, place)})"
    assert found is not None
    if kept.get("size") != found["size"]:
        return f"has {found['size']} bytes, but its job wrote {kept.get('size')}"
    return "is not the file that its job wrote: it was changed, or exchanged with another file"


def sealed(run: Path) -> Iterator[Path]:
    """Yield the path of each sealed file in the folder ``run``, also of files that are missing."""
    top = run / FOLDER
    for folder, _, names in os.walk(top):
        below = Path(folder).relative_to(top)
        for name in names:
            if name.endswith(".json") and not name.startswith("."):
                yield run / below / name.removesuffix(".json")


def unfinished(run: Path) -> Iterator[Path]:
    """Yield the path of each missing file that a job began to make.

    The job failed or was killed.
    """
    for path in sealed(run):
        place = str(path.relative_to(run))
        if not os.path.lexists(path):
            with suppress(OSError, FringeError):
                if _read(run, place) == _begun(place):
                    yield path


def with_digest(content: dict[str, Any]) -> dict[str, Any]:
    """Return a dict for a JSON file with a digest of itself added, which `is_whole` compares."""
    return {**content, "digest": _digest_of(content)}


def is_whole(content: Any) -> bool:
    """Return whether the content of a JSON file is unchanged since `with_digest` returned it.

    Content without a digest is accepted, because an earlier version of Fringe wrote it.

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
    """Return the path relative to the folder of the run; None if the path is outside."""
    place = os.path.relpath(path, run)
    return None if Path(place).parts[0] == os.pardir else place


def _begun(place: str) -> dict[str, Any]:
    """Return the content of a file's seal while a job makes the file."""
    return {"file": place, "begun": True}


def _seal_of(run: Path, place: str) -> Path:
    return run / FOLDER / f"{place}.json"


def _read(run: Path, place: str) -> dict[str, Any] | None:
    """Return the content of a seal, {} if the seal is damaged, or None if it does not exist."""
    try:
        kept = parse_json(read_text(_seal_of(run, place)))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _describe(run: Path, place: str) -> dict[str, Any]:
    """Return the content of a seal: the path and size of the file, and a digest of its content."""
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
