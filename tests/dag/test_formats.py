"""The whole DAG on the paper's own formats, so that only the real files are missing.

The files are Inception, ResNet-50, SwAV and CLIP in their published layouts, a StyleGAN2 and a
FastGAN network pickle, and an LMDB, all small or with random weights; `conftest.py` has a ZIP.
ResNet-50's file is fetched from a server of the test, SwAV's file is in the folder of weight files,
and the other files are named by path and digest.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import h5py
import lmdb
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tests.generators.checkpoints import write_fastgan_pickle, write_stylegan2_pickle
from tests.networks.inception_files import inception_state, write_state
from tests.networks.weight_files import write_clip, write_resnet50, write_swav

from fringe.features import open_features
from fringe.generators import load_generator
from fringe.networks import load_network
from fringe.networks.published import RESNET50, SWAV
from fringe.sources import PhotoSource, open_source

Project = Any  # tests/dag/conftest.py

CONTROLS = ["swav", "clip"]
CONFIG: dict[str, Any] = {
    "run": "formats",
    "network": "inception",
    "controls": CONTROLS,
    "weights_dir": "weights",
    "sources": {
        "lsun": {"path": "photos_lmdb", "resolution": 256, "filter": "box", "count": 12},
        "stylegan2": {"kind": "generator", "path": "stylegan2.pkl", "count": 16, "seed": 3},
        "fastgan": {"kind": "generator", "path": "fastgan.pkl", "count": 8},
    },
    "datasets": {
        "cats": {
            "title": "Cats",
            "real": "lsun",
            "generated": "stylegan2",
            "alternatives": ["resnet50"],
        },
        "cats_fastgan": {"real": "lsun", "generated": "fastgan", "resample": False},
    },
    "comparisons": {"cats": {"generators": {"FastGAN": "cats_fastgan", "StyleGAN2": "cats"}}},
    "evaluation": {
        "n_real": 8,
        "n_generated": 8,
        "repeats": {"table1": 1, "table2": 1, "table3": 1, "sweep": 1, "sizes": 1},
        "precision_recall": {"network": "resnet50"},
        "kid_subsets": 2,
        "kid_subset_size": 6,
        "gamma_factors": [1],
        "power_images": 4,
    },
    "schemes": {"top": [1], "middle": []},
    "optimization": {"evaluations": 2},
    "convergence": {"steps": 0},  # a step in 2,048 features takes seconds
    "sensitivity": {"noise": {"scales": [0.1]}},
    "extraction": {"batch_size": 8, "shard_size": 16, "keep_images": True},
    "figures": {"dpi": 50},
}


def write_lmdb(folder: Path, images: np.ndarray) -> None:
    """Write images in LSUN's format: WebP under keys that are not in the order of the images."""
    with (
        lmdb.open(str(folder), map_size=1 << 26) as environment,
        environment.begin(write=True) as t,
    ):
        for number, pixels in enumerate(images):
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "WEBP", lossless=True)
            t.put(hashlib.sha1(bytes([number])).hexdigest().encode(), stream.getvalue())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def formats(started: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A finished run."""
    project = started.copy(tmp_path_factory.mktemp("formats") / "project")
    place = project.folder
    write_lmdb(place / "photos_lmdb", PhotoSource(14, 300, 5).read(range(14)))
    write_stylegan2_pickle(place / "stylegan2.pkl", resolution=256, channel_base=2048)
    write_fastgan_pickle(place / "fastgan.pkl")
    write_state(place / "inception.pth", inception_state(0))
    write_clip(place / "clip.pt", 1)
    (place / "weights").mkdir()
    write_swav(place / "weights" / SWAV[0].name, 2)
    (place / "served").mkdir()
    write_resnet50(place / "served" / "resnet50.pth", 3)

    project.config = CONFIG | {
        "weights": {
            name: {"path": file, "sha256": sha256(place / file)}
            for name, file in (("inception", "inception.pth"), ("clip", "clip.pt"))
        }
    }
    handler = partial(SimpleHTTPRequestHandler, directory=str(place / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # As if ResNet-50's weights had been published there.
        project.clone_code(place.parent / "code")
        registry = project.code / "src/fringe/networks/published.py"
        text = registry.read_text()
        url = f"http://127.0.0.1:{server.server_address[1]}/resnet50.pth"
        for old, new in (
            (RESNET50[0].urls[0], url),
            (RESNET50[0].sha256, sha256(place / "served" / "resnet50.pth")),
        ):
            assert text.count(old) == 1
            text = text.replace(old, new)
        registry.write_text(text)
        project.run()
        server.shutdown()
    yield project
    shutil.rmtree(place.parent)  # nearly a gigabyte


def features(project: Project, source: str, network: str) -> Any:
    return open_features(project.results / f"features/{source}/{network}.h5")


@pytest.mark.filterwarnings("ignore:.*not a weight file that was published")
@pytest.mark.parametrize(
    ("network", "file"),
    [
        ("inception", "inception.pth"),
        ("resnet50", f"weights/{RESNET50[0].name}"),
        ("swav", f"weights/{SWAV[0].name}"),
        ("clip", "clip.pt"),
    ],
)
def test_features_are_equal_to_those_computed_from_the_files(
    formats: Project, network: str, file: str
) -> None:
    """The features equal those computed without the workflow, to the last bit."""
    place = formats.folder
    own = load_network(network, place / file)
    lsun = open_source(place / "photos_lmdb", 256, filter="box", count=12).read(range(8))
    latents = np.random.RandomState(3).randn(16, 16)[:8]
    stylegan2 = load_generator(place / "stylegan2.pkl")(torch.from_numpy(latents)).numpy()
    for source, images in (("lsun", lsun.transpose(0, 3, 1, 2)), ("stylegan2", stylegan2)):
        stored = features(formats, source, network)
        expected = own(torch.from_numpy(np.ascontiguousarray(images)))
        assert np.array_equal(stored.read(stop=8), expected.features.numpy())
        assert stored.attributes["weights_sha256"] == sha256(place / file)
        if expected.logits is not None:
            assert np.array_equal(stored.read("logits", stop=8), expected.logits.numpy())
            assert stored.class_names == own.class_names


def test_the_fetched_file_is_verified(formats: Project) -> None:
    fetched = formats.folder / "weights" / RESNET50[0].name
    assert fetched.read_bytes() == (formats.folder / "served" / "resnet50.pth").read_bytes()
    assert {path.name for path in fetched.parent.iterdir()} == {fetched.name, SWAV[0].name}


def test_fastgan_images_are_kept_and_have_separate_noise(formats: Project) -> None:
    with h5py.File(formats.results / "images/fastgan/0000000-0000008.h5") as file:
        images = file["images"][:]
    assert images.shape == (8, 256, 256, 3)
    assert images.std() > 5


def test_tables_figures_and_scores_exist(formats: Project) -> None:
    for number in (1, 2, 3):
        text = (formats.results / f"tables/table{number}.md").read_text()
        assert "Cats" in text
        assert "cats_fastgan" not in text
        assert "nan" not in text.lower()
    own = sha256(formats.folder / "inception.pth")[:8]
    for name in ("tables/table1.md", "verdict.md"):
        assert f"Inception-V3 (own weights {own})" in (formats.results / name).read_text()
    for name in ("1-cats", "4a-cats", "5-cats", "16-cats", "7-cats", "19-cats", "6", "8b"):
        for suffix in ("png", "pdf"):
            assert (formats.results / f"figures/figure{name}.{suffix}").stat().st_size > 2000
    assert not list(formats.results.glob("figures/figureS1*"))
    for path in formats.results.glob("scores/**/*.csv"):
        scores = pd.read_csv(path)
        assert len(scores)
        assert np.isfinite(scores["value"]).all(), path
    recall = pd.read_csv(formats.results / "scores/cats_fastgan/random/precision_recall.csv")
    assert list(recall["metric"]) == ["precision", "recall"]
    assert set(recall["network"]) == {"resnet50"}
    assert recall["value"].between(0, 1).all()


def test_a_data_set_for_comparisons_only_runs_no_other_jobs(formats: Project) -> None:
    extracted = {
        path.parent.name + "/" + path.stem for path in formats.results.glob("features/*/*.h5")
    }
    fastgan = {name for name in extracted if name.startswith("fastgan/")}
    assert fastgan == {*("fastgan/inception", "fastgan/swav", "fastgan/clip", "fastgan/resnet50")}
    assert not (formats.results / "weights/cats_fastgan").exists()


def test_no_job_remains_even_if_weight_files_are_replaced(formats: Project) -> None:
    assert formats.planned() == set()
    for path in (formats.folder / "weights").iterdir():
        path.touch()
    (formats.folder / "stylegan2.pkl").touch()
    assert formats.planned() == set()


def test_other_weight_files_rerun_extraction_and_wrong_ones_end_the_run(
    formats: Project, tmp_path: Path
) -> None:
    config = formats.config
    try:
        write_state(formats.folder / "other.pth", inception_state(9))
        other = {"path": "other.pth", "sha256": sha256(formats.folder / "other.pth")}
        formats.config = config | {"weights": config["weights"] | {"inception": other}}
        planned = formats.planned()
        stale = {name for name in planned if re.fullmatch(r"features/\w+/\w+/.*", name)}
        assert {name.split("/")[2] for name in stale} == {"inception"}
        assert {name.split("/")[1] for name in stale} == {"lsun", "stylegan2", "fastgan"}
        assert not any(name.startswith("images/lsun") for name in planned)

        wrong = {"path": "other.pth", "sha256": "0" * 64}
        formats.config = config | {"weights": config["weights"] | {"inception": wrong}}
        message = formats.run(fails=True)
        assert f"weights/inception: other.pth has SHA-256 {other['sha256']}, expected " in message
        assert "0" * 64 in message
    finally:
        formats.config = config
