"""Archives in the format of CIFAR's authors, written from arrays."""

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

__all__ = ["CLASSES", "records", "write_archive", "write_cifar10"]

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
# As in the real archive: not sorted, with a readme file in between.
ORDER = ("data_batch_4", "batches.meta", "data_batch_1", "test_batch", "readme", "data_batch_2")


def records(images: np.ndarray, *labels: np.ndarray) -> bytes:
    """Return images (n, 32, 32, 3) as records, after one byte from each of ``labels``."""
    pixels = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    columns = [label.astype(np.uint8)[:, None] for label in labels]
    return np.concatenate([*columns, pixels], axis=1).tobytes()


def write_archive(path: Path, files: Mapping[str, bytes], folder: str, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_cifar10(
    path: Path, batches: Mapping[str, tuple[np.ndarray, np.ndarray]], names: Sequence[str] = CLASSES
) -> Path:
    """Write batches (``data_batch_1``, ..., ``test_batch``) of images and labels."""
    files = {f"{name}.bin": records(*batch) for name, batch in batches.items()}
    files["batches.meta.txt"] = ("\n".join(names) + "\n\n").encode()
    files["readme.html"] = b"<html>read me</html>"
    rank = {name: number for number, name in enumerate(ORDER)}
    ordered = sorted(files, key=lambda name: rank.get(name.rpartition(".")[0], len(rank)))
    return write_archive(path, {name: files[name] for name in ordered}, "cifar-10-batches-bin")
