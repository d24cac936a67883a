"""Small good files of every kind, with functions to write, read and damage them."""

import json
import random
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from tests.checkpoints import graph_files, hostile
from tests.hostile.bounds import described
from tests.sources import conftest as sets

from fringe.checkpoints import read_pickle, read_state
from fringe.checkpoints.graphdef import read_graph_constants
from fringe.config.completion import complete, raise_faults
from fringe.config.file import read_config
from fringe.config.model import RunConfig
from fringe.errors import FringeError
from fringe.evaluation.draws import load_draws, load_weights, save_draws
from fringe.evaluation.statistics import load_gaussian, save_gaussian
from fringe.exchange import read_statistics, write_statistics
from fringe.features import open_features
from fringe.files.hdf5 import create_h5
from fringe.metrics import Gaussian
from fringe.scores.rows import read_scores, write_scores
from fringe.sources import open_source
from fringe.sources.decoding import decode_pixels, size_of
from fringe.sources.labels import labels_of
from fringe.sources.limits import Limits

ROOT = Path(__file__).parents[2]
SMALL = Limits(pixels=1 << 22, bytes=1 << 26)  # so that the memory limit can be tight
SHAPE = (6, 20, 24, 3)  # number of images of each set
SECONDS = 5.0  # seconds of processor time that one file may take
LONGEST = 100.0  # wall-clock seconds that one file may take on a busy machine
LONGEST_MESSAGE = 10_000  # characters: some messages list names, which may be long


class Kind(NamedTuple):
    """How to write and read a good file; ``read`` raises if the value is wrong."""

    name: str  # name of the file that is damaged, perhaps in a folder
    write: Callable[[Path], object]  # takes the path of the file or folder to read
    read: Callable[[Path], Any]
    opened: str = ""  # the folder of the file, if the folder is read and not the file


# Reading -----------------------------------------------------------------------------------------


def read_set(path: Path) -> bytes:
    """Read the fingerprint, sizes and pixels of a set of images, as a run does."""
    source = open_source(path, limits=SMALL)
    assert len(source) > 0
    assert source.fingerprint
    images = source.read(range(min(len(source), 20)))
    assert images.shape == (min(len(source), 20), *source.resolution, 3)
    assert images.dtype == np.uint8
    return images.tobytes()


def read_labels(path: Path) -> object:
    labels = labels_of(open_source(path, limits=SMALL))
    assert labels is None or len(labels) == SHAPE[0]
    return labels


def read_image(path: Path) -> bytes:
    data = path.read_bytes()
    size_of(data, str(path), limits=SMALL)
    width, height = size_of(data, str(path), only_read=True, limits=SMALL)
    pixels = decode_pixels(data, str(path), limits=SMALL)
    assert pixels.shape == (height, width, 3)
    assert pixels.dtype == np.uint8
    return pixels.tobytes()


def read_graph(path: Path) -> None:
    for value in read_graph_constants(path.read_bytes(), str(path)).values():
        assert isinstance(value, np.ndarray)


def read_configuration(path: Path) -> None:
    completed, faults, _ = complete(read_config(path))
    assert isinstance(completed, RunConfig)
    raise_faults([f"{path}: {fault}" for fault in faults])


def read_gaussian(path: Path) -> None:
    gaussian = read_statistics(path, 4)
    assert gaussian.covariance.shape == (4, 4)
    assert np.isfinite(gaussian.covariance).all()


def read_features(path: Path) -> bytes:
    rows = open_features(path).read()
    assert rows.shape[1] == 4
    return rows.tobytes()


# Writing -----------------------------------------------------------------------------------------


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)


def files() -> dict[str, bytes]:
    return {f"a{number}.png": sets.encode(image) for number, image in enumerate(pixels())}


def in_parquet(path: Path) -> None:
    sets.write_parquet(path, [*files().values()])


def in_lmdb(path: Path) -> None:
    sets.write_lmdb(path.parent, {name.encode(): data for name, data in files().items()})


def in_folder(path: Path) -> None:
    sets.write_folder(path.parent, files())


def with_labels(path: Path) -> None:
    in_folder(path)
    path.write_text(json.dumps({"labels": [[name, i] for i, name in enumerate(files())]}))


@cache
def checkpoints() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return {path.name: path.read_bytes() for path in hostile.good_files(Path(folder, "good"))}


def checkpoint(name: str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(checkpoints()[name])


def image(form: str, mode: str = "RGB", **options: object) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        picture = Image.fromarray(pixels()[0]).convert(mode)
        path.write_bytes(sets.encode(picture, form, **options))

    return write


def gaussian() -> Gaussian:
    return Gaussian(np.arange(4.0), np.diag(np.arange(1.0, 5.0)))


def graph(path: Path) -> None:
    path.write_bytes(graph_files.graph({"a": np.ones((2, 3)), "b": np.arange(4.0)}))


def features(path: Path) -> None:
    with create_h5(path, {"first": 0, "last": 9, "network": "tiny"}) as file:
        file.create_dataset(
            "features", data=np.ones((9, 4), np.float32), chunks=(3, 4), fletcher32=True
        )


def weights(path: Path) -> None:
    with create_h5(path, {"a": 1}) as file:
        file.create_dataset("probabilities", data=np.full(9, 1 / 9), fletcher32=True)


def scores(path: Path) -> None:
    row = {"space": "features", "metric": "fid", "value": 1.5, "n_real": 10, "n_generated": 10}
    labels = {"dataset": "a", "scheme": "random", "network": "b"}
    write_scores(path, [row | {"repeat": repeat} for repeat in range(3)], labels, 3)


def configuration(path: Path) -> None:
    shutil.copy(ROOT / "config/demo.yaml", path)


KINDS = [
    *(
        Kind(f"{form.lower()}-{number}{suffix}", image(form, **options), read_image)
        for number, (form, suffix, options) in enumerate(
            [
                ("PNG", ".png", {}),
                ("PNG", ".png", {"mode": "P"}),
                ("PNG", ".png", {"mode": "RGBA"}),
                ("JPEG", ".jpg", {}),
                ("JPEG", ".jpg", {"progressive": True}),
                ("GIF", ".gif", {}),
                ("TIFF", ".tif", {}),
                ("TIFF", ".tif", {"compression": "tiff_lzw"}),
                ("TIFF", ".tif", {"compression": "jpeg"}),
                ("TIFF", ".tif", {"mode": "1", "compression": "group4"}),
                ("WEBP", ".webp", {"lossless": True}),
                ("WEBP", ".webp", {}),
                ("AVIF", ".avif", {}),
                ("JPEG2000", ".jp2", {}),
                ("PPM", ".ppm", {}),
                ("BMP", ".bmp", {}),
                ("BMP", ".bmp", {"mode": "P"}),
                ("TGA", ".tga", {"compression": "tga_rle"}),
                ("QOI", ".qoi", {}),
            ]
        )
    ),
    Kind("folder/a3.png", in_folder, read_set, "folder"),
    Kind("folder/dataset.json", with_labels, read_labels, "folder"),
    Kind("set.zip", lambda path: sets.write_zip(path, files()), read_set),
    Kind("set-deflated.zip", lambda path: sets.write_zip(path, files(), 8), read_set),
    Kind("set.tar", lambda path: sets.write_tar(path, files()), read_set),
    Kind("set.npz", lambda path: np.savez(path, pixels()), read_set),
    Kind("set-deflated.npz", lambda path: np.savez_compressed(path, pixels()), read_set),
    Kind("set.h5", lambda path: sets.write_h5(path, pixels()), read_set),
    Kind(
        "set-chunks.h5",
        lambda path: sets.write_h5(path, pixels(), chunks=(2, *SHAPE[1:]), compression="gzip"),
        read_set,
    ),
    Kind("set/data.mdb", in_lmdb, read_set, "set"),
    Kind("set.parquet", in_parquet, read_set),
    *(
        Kind(name, checkpoint(name), read_pickle)
        for name in ("stylegan.pkl", "stylegan2.pkl", "fastgan.pkl", "own.pkl")
    ),
    *(
        Kind(name, checkpoint(name), read_state)
        for name in ("zip.pt", "legacy.pt", "script.pt", "a.safetensors")
    ),
    Kind("graph.pb", graph, read_graph),
    Kind("statistics.npz", lambda path: write_statistics(path, gaussian()), read_gaussian),
    Kind(
        "config.yaml", lambda path: shutil.copy(ROOT / "config/demo.yaml", path), read_configuration
    ),
    Kind("scores.csv", scores, lambda path: read_scores([path])),
    Kind("draws.h5", lambda path: save_draws(path, [np.arange(9)] * 2, {"a": 1}), load_draws),
    Kind("gaussian.h5", lambda path: save_gaussian(path, gaussian(), 9, {"a": 1}), load_gaussian),
    Kind("weights.h5", weights, load_weights),
    Kind("features.h5", features, read_features),
]


# Damaging ----------------------------------------------------------------------------------------

INTEGERS = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 1 << 24, (1 << 31) - 1, 1 << 31]
INTEGERS += [(1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
WORDS = [b"", b"nan", b"-1", b"1e999", b"null", b"[" * 3000, b"{" * 3000, b"9" * 5000, b"*a", b"\0"]
WORDS += [b'"', b"\n", b"\xff\xfe", b"\xed\xa0\x80", b"/../", b"%s", b"!!python/object:os.system "]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a copy of a file, damaged in one to four ways."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        rng.choice(DAMAGES)(data, rng)
        if not data:
            break
    return bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    """Return an offset in a file, mostly near its ends, where headers and directories are."""
    end = min(len(data), 512)
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randrange(end)
    if kind == 1:
        return len(data) - 1 - rng.randrange(end)
    if kind == 2:
        return rng.randrange(min(len(data), 64))
    return rng.randrange(len(data))


def _flip(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _run(data: bytearray, rng: random.Random) -> None:
    at, length = _place(data, rng), rng.choice([1, 4, 16, 100])
    data[at : at + length] = rng.choice([bytes(length), b"\xff" * length, rng.randbytes(length)])


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _remove(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice([1, 2, 4, 30, 512, 4096])]


def _insert(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.choice(
        [rng.randbytes(rng.choice([1, 4, 100])), bytes(512), rng.choice(WORDS)]
    )


def _word(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at : at + rng.choice([1, 4, 10])] = rng.choice(WORDS)


def _repeat(data: bytearray, rng: random.Random) -> None:
    at, length = _place(data, rng), rng.choice([8, 64, 512, 5000])
    data[at:at] = data[at : at + length] * rng.choice([1, 1, 2, 50])


def _swap(data: bytearray, rng: random.Random) -> None:
    one, other = sorted((_place(data, rng), _place(data, rng)))
    length = min(rng.choice([1, 4, 64, 512]), other - one)
    first, second = data[one : one + length], data[other : other + length]
    data[other : other + length], data[one : one + length] = first, second


def _integer(data: bytearray, rng: random.Random) -> None:
    """Replace a number, or change it a little: most numbers are sizes, counts and offsets."""
    width, order = rng.choice([1, 2, 4, 8]), rng.choice(["little", "big"])
    at = _place(data, rng)
    at -= at % width if rng.randrange(2) else 0
    before = int.from_bytes(data[at : at + width], order)
    wanted = rng.choice([*INTEGERS, before + 1, before - 1, before * 2, len(data), before << 8])
    data[at : at + width] = (wanted % (1 << 8 * width)).to_bytes(width, order)


DAMAGES = [_flip, _run, _cut, _remove, _insert, _word, _repeat, _swap, _integer, _integer, _integer]


# Trying ------------------------------------------------------------------------------------------


def attempt(number: int, path: Path) -> str:
    """Return the outcome of reading a damaged file: "read", "refused", or a fault."""
    kind = KINDS[number]
    begin = time.process_time()
    result = "read"
    try:
        kind.read(path / kind.opened if kind.opened else path / kind.name)
    except FringeError as error:
        message = str(error)
        result = "refused"
        if described(error)[0] == "memory":
            result = f"too much memory: {message[:300]}"
        elif path.name not in message or len(message) > LONGEST_MESSAGE:
            result = f"bad message ({len(message)} letters): {message[:300]}"
    except Exception as error:
        result = f"{type(error).__name__}: {str(error)[:300]}"
    if time.process_time() - begin > SECONDS:
        result = f"{time.process_time() - begin:.1f} seconds, {result}"
    return result


def attempts(
    number: int, folder: Path, seed: int, first: int, last: int
) -> tuple[str, dict[str, list[str]]]:
    """Return the outcomes of the good file and of variants ``first`` to ``last - 1``.

    ``<folder>/trying`` contains the number of the current variant, in case the process ends.
    """
    warnings.simplefilter("ignore")
    kind = KINDS[number]
    good = folder / "good"
    tried = folder / f"tried-{kind.name.replace('/', '-')}"
    (folder / "trying").write_text("good")
    of_good = attempt(number, good)
    found: dict[str, list[str]] = {}
    for variant in range(first, last):
        (folder / "trying").write_text(str(variant))
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        shutil.rmtree(tried, ignore_errors=True)
        shutil.copytree(good, tried)
        content = (good / kind.name).read_bytes()
        rng = random.Random(f"{seed} {kind.name} {variant}")
        (tried / kind.name).write_bytes(damaged(content, rng))
        found.setdefault(attempt(number, tried), []).append(str(variant))
    return of_good, found
