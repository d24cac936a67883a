"""Scripts can be imported, and called without Snakemake."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from fringe.config import choices
from fringe.errors import FringeError
from fringe.evaluation import load_draws, load_gaussian, save_gaussian, save_weights
from fringe.exchange import write_statistics
from fringe.features import open_features
from fringe.metrics import Gaussian, frechet_distance
from fringe.plan.images import images_nearby, open_configured
from fringe.resampling import Weights, optimize_weights
from fringe.scores.convergence import compare_convergence
from fringe.scores.paper import paper_numbers
from fringe.scores.rows import SCORE_COLUMNS

from .run_configs import run_config

REPOSITORY = Path(__file__).resolve().parents[1]
NETWORKS = REPOSITORY / "tests/dag"  # the folder of tiny_network.py
SCRIPTS = sorted((REPOSITORY / "workflow/scripts").glob("*.py"))
NO_WEIGHTS = {"network": "tiny_network:classifier"}


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Named(list[str]):
    """Files by number and name, like Snakemake's."""

    def __init__(self, files: Iterable[Path] = (), **named: Path) -> None:
        super().__init__(map(str, [*files, *named.values()]))
        self.__dict__ |= {name: str(path) for name, path in named.items()}

    scores: list[str]

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name, default)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_can_be_imported_and_has_a_docstring(path: Path) -> None:
    module = load(path)
    assert callable(module.main)
    assert module.__doc__ is not None
    assert "Out: " in module.__doc__


def test_scripts_and_rules_correspond() -> None:
    rules = "".join(path.read_text() for path in (REPOSITORY / "rules").glob("*.smk"))
    assert {path.name for path in SCRIPTS} == {
        line.rpartition("/")[2].strip('" ') for line in rules.splitlines() if "/scripts/" in line
    }


def paper_verdict(
    folder: Path, controls: list[str], stated: dict[str, str | None], **more: object
) -> str:
    """Return the verdict of the script on the paper's own numbers of FFHQ, single repeats."""
    rows = paper_numbers()
    rows = rows[rows["exhibit"].isin(["table1", "table2"]) & (rows["dataset"] == "ffhq")]
    rows = rows.assign(space="features", repeat=0, seed=0)[list(SCORE_COLUMNS)]
    rows = rows[rows["scheme"].isin(["random", "prelogits"])]
    rows.to_csv(folder / "scores.csv", index=False)
    about = {
        "titles": {"ffhq": "FFHQ"},
        "network": "inception",
        "controls": controls,
        "dims": {"inception": 2048},
        "trained_on": stated,
        "released": {},
        "protocols": {},
        **more,
        "chosen": {"ffhq": "Real images: the first 50,000 of 70,000."},
    }
    files = Named()
    files.scores = [str(folder / "scores.csv")]
    job = SimpleNamespace(
        input=files,
        params=SimpleNamespace(verdict=about),
        config=run_config({"results": str(folder)}),
        output=SimpleNamespace(markdown=folder / "verdict.md", html=folder / "verdict.html"),
    )
    load(REPOSITORY / "workflow/scripts/write_verdict.py").main(job)
    return (folder / "verdict.md").read_text()


def test_the_paper_s_ffhq_is_judged_by_swav(tmp_path: Path) -> None:
    controls = ["resnet50", "swav", "clip"]
    config = run_config({"controls": controls})
    stated = {name: choices.trained_on(config, name) for name in controls}
    text = paper_verdict(tmp_path, controls, stated)
    # Falls: FID 5.30 -> 1.78, 66.4 %; SwAV 1.42 -> 1.24, 12.7 %; CLIP 2.76 -> 2.64, 4.3 %;
    # ResNet-50, 6.11 -> 3.85, would make it 29 %.
    assert "whole fall (SwAV) is counted as true improvement, at least about 54%" in text
    assert "The judge, SwAV, was trained on ImageNet's images, without labels." in text
    assert "ResNet-50 was trained on ImageNet's images and labels. It may share" in text
    assert "Real images: the first 50,000 of 70,000." in text
    assert "In the control network (ResNet-50), FID fell by 37.0%." in text
    text = paper_verdict(tmp_path, ["resnet50", "clip"], stated)
    assert "whole fall (CLIP) is counted as true improvement, at least about 62%" in text
    assert "The judge, CLIP, was trained on pairs of image and text, and never on" in text
    text = paper_verdict(tmp_path, ["resnet50"], stated)
    assert "No control can judge" in text
    assert "at least about" not in text


def write_warned(folder: Path, name: str, warned: int, first: list[tuple[str, str]]) -> None:
    path = folder / "run/features" / name
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        file["features"] = np.zeros((50, 3), np.float32)
        file.attrs["warned"], file.attrs["first_warned"] = warned, json.dumps(first)


def test_the_verdict_names_damaged_images(tmp_path: Path) -> None:
    first = [(f"real.zip!{n}.jpg", "Corrupt JPEG data: bad Huffman code") for n in (3, 4, 6)]
    write_warned(tmp_path, "real/inception.h5", 37, first)
    write_warned(tmp_path, "whole/inception.h5", 0, [])
    files = ["real/inception.h5", "whole/inception.h5", "absent/inception.h5"]
    text = paper_verdict(tmp_path, ["clip"], {}, read={"ffhq": files})
    assert (
        "Source real: 37 images of 50 had damaged data that could still be decoded "
        "(real.zip!3.jpg: Corrupt JPEG data: bad Huffman code; real.zip!4.jpg: "
    ) in text
    assert "Source whole" not in text
    assert "Source absent" not in text


def test_a_table_states_its_seed_and_the_progress_of_released_steps(tmp_path: Path) -> None:
    schemes = {"random": 10.0, "prelogits-released": 8.0, "prelogits": 5.0, "logits": 6.0}
    rows = [
        ("faces", scheme, "net", "features", "fid", repeat, value + repeat, 50, 50, 7)
        for scheme, value in schemes.items()
        for repeat in (0, 1)
    ]
    pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).to_csv(tmp_path / "scores.csv", index=False)
    released = {"steps": 20, "learning_rate": 1, "candidates": {"faces": 6000}}
    about = {"titles": {"faces": "Faces"}, "network": "net", "controls": [], "repeats": 2}
    about |= {"released": released, "choices": "", "protocols": {}}
    about["read"] = {"faces": ["real/net.h5"], "others": ["real/net.h5"]}
    write_warned(tmp_path, "real/net.h5", 1, [("3.jpg", "Corrupt JPEG data: bad Huffman code")])
    about["chosen"] = {"faces": "Real images: 50 of 90, chosen at random with seed 3."}
    kinds = ("csv", "markdown", "latex", "html")
    job = SimpleNamespace(
        input=Named([tmp_path / "scores.csv"]),
        output=SimpleNamespace(**{kind: tmp_path / f"table.{kind}" for kind in kinds}),
        wildcards=SimpleNamespace(table="2"),
        params=SimpleNamespace(table=about),
        config=run_config({"results": str(tmp_path)}),
    )
    load(REPOSITORY / "workflow/scripts/make_table.py").main(job)
    text = (tmp_path / "table.markdown").read_text()
    assert "Seed of all random choices: 7." in text
    assert "Faces: Real images: 50 of 90, chosen at random with seed 3." in text
    assert "Released steps: 20 of step size 1." in text
    assert "is 0.0033 for Faces, and 4 in the published runs" in text
    assert text.count("Source real: 1 image of 50 had damaged data") == 1


def test_draw_random_writes_seeded_draws(tmp_path: Path) -> None:
    job = SimpleNamespace(
        output=Named([tmp_path / "draws.h5"]),
        params=SimpleNamespace(
            drawing={"candidates": 50, "n": 20, "repeats": 3, "seed": 1, "revision": 1}
        ),
    )
    load(REPOSITORY / "workflow/scripts/draw_random.py").main(job)
    draws, _ = load_draws(tmp_path / "draws.h5")
    assert draws.shape == (3, 20)


def test_draw_weighted_follows_the_sampling_setting(tmp_path: Path) -> None:
    p = np.array([0.1, 0.6, 0.3])
    save_weights(tmp_path / "weights.h5", Weights(p, 1.0, 0.5, np.empty((0, 4))), {})
    job = SimpleNamespace(
        input=Named([tmp_path / "weights.h5"]),
        output=Named([tmp_path / "draws.h5"]),
        wildcards=SimpleNamespace(scheme="top1"),
        params=SimpleNamespace(
            drawing={"n": 20, "repeats": 3, "seed": 1, "revision": 1, "sampling": "systematic"}
        ),
    )
    load(REPOSITORY / "workflow/scripts/draw_weighted.py").main(job)
    draws, _ = load_draws(tmp_path / "draws.h5")
    assert [np.bincount(indices).tolist() for indices in draws] == 3 * [[2, 12, 6]]


def test_the_released_optimization_is_measured_and_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    real = Gaussian.from_features(rng.standard_normal((50, 4)))
    features = rng.standard_normal((80, 4)) + 0.3
    save_gaussian(tmp_path / "real.h5", real, 50, {})
    save_weights(tmp_path / "weights.h5", optimize_weights(real, features, max_evaluations=10), {})
    script = load(REPOSITORY / "workflow/scripts/measure_convergence.py")
    candidates = SimpleNamespace(read=lambda space: features, attributes={"network": "net"})
    monkeypatch.setattr(script, "open_features", lambda path: candidates)
    job = SimpleNamespace(
        input=SimpleNamespace(
            real=tmp_path / "real.h5", candidates="", weights=tmp_path / "weights.h5"
        ),
        output=Named([tmp_path / "faces.csv"]),
        params=SimpleNamespace(measured={"steps": 6}, checkpoint=tmp_path / "faces.checkpoint"),
        wildcards=SimpleNamespace(dataset="faces"),
        config=run_config({"device": "cpu"}),
    )
    script.main(job)
    assert not Path(job.params.checkpoint).exists()
    rows = pd.read_csv(job.output[0])
    assert (rows["solver"] == "reference").sum() == 6
    assert set(rows["dataset"]) == {"faces"}
    found = compare_convergence(rows, "faces")
    assert found.start == pytest.approx(
        frechet_distance(real, Gaussian.from_features(features, np.ones(80)))
    )
    assert found.lower_bound <= found.ours < found.start

    # Released weights include their path: only the timed steps are taken.
    merged = optimize_weights(real, features, "released", max_evaluations=40, learning_rate=0.5)
    save_weights(tmp_path / "released.h5", merged, {})
    job.input.released = [tmp_path / "released.h5"]
    script.main(job)
    rows = pd.read_csv(job.output[0])
    taken = rows[rows["solver"] == "reference"]
    assert taken["objective"].tolist() == merged.path[:, 1].tolist()
    assert len(taken) < 40
    assert set(taken["learning_rate"]) == {0.5}
    found = compare_convergence(rows, "faces")
    assert found.steps == merged.path[-1, 0]
    assert found.merge_error == abs(merged.merging.differences).max() > 0

    draw = SimpleNamespace(
        input=Named(job.output),
        output=Named(png=tmp_path / "figure.png", pdf=tmp_path / "figure.pdf"),
        params=SimpleNamespace(figure={"title": "Faces", "simulated": False, "style": {"dpi": 50}}),
    )
    load(REPOSITORY / "workflow/scripts/draw_convergence.py").main(draw)
    assert Path(draw.output.pdf).stat().st_size > 2000


def test_extract_link_and_measure_give_the_statistics_of_the_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three scripts in sequence give the statistics of the images."""
    monkeypatch.syspath_prepend(NETWORKS)
    scripts = {path.stem: load(path) for path in SCRIPTS}
    photos = {"kind": "photos", "count": 50, "resolution": 32, "seed": 0}
    written = {
        **NO_WEIGHTS,
        "results": str(tmp_path),
        "run": "test",
        "sources": {"photos": photos},
        "device": "cpu",
        "extraction": {"workers": 0},
    }
    made_from = {"images": "fingerprint", "network": "tiny_network:classifier", "batch_size": 20}
    made_from["precision"] = "float32"
    shards = []
    config = run_config(written)
    images = open_configured(config, "photos").fingerprint_of(0, 40)
    for shard in ("0000000-0000040", "0000040-0000050"):
        config.planned[f"sources/photos/{shard}"] = images
    for shard in ("0000000-0000040", "0000040-0000050"):
        shards.append(tmp_path / "photos" / "net" / f"{shard}.h5")
        scripts["extract_features"].main(
            SimpleNamespace(
                config=config,
                input=Named(),
                output=Named([shards[-1]]),
                params=SimpleNamespace(made_from=made_from),
                wildcards=SimpleNamespace(source="photos", shard=shard),
            )
        )
    link = tmp_path / "photos" / "net.h5"
    scripts["link_features"].main(
        SimpleNamespace(
            input=Named(shards),
            output=Named([link]),
            params=SimpleNamespace(made_from=made_from | {"count": 50}),
        )
    )
    scripts["measure_statistics"].main(
        SimpleNamespace(
            input=SimpleNamespace(features=link),
            output=Named([tmp_path / "statistics.h5"]),
            params=SimpleNamespace(revision=1, published={}),
            wildcards=SimpleNamespace(space="features", n="45"),
        )
    )
    measured, _ = load_gaussian(tmp_path / "statistics.h5")
    write_statistics(tmp_path / "published.npz", measured)
    name = "tiny_network:classifier"
    given = {"path": str(tmp_path / "published.npz"), "count": 7000}
    published = SimpleNamespace(
        input=SimpleNamespace(features=[]),
        output=Named([tmp_path / "taken.h5"]),
        params=SimpleNamespace(
            revision=1, published={"network": name, "sha256": "", "count": 7000}
        ),
        config=run_config({"sources": {"photos": {**photos, "statistics": {name: given}}}}),
        wildcards=SimpleNamespace(space="features", n="45", source="photos"),
    )
    scripts["measure_statistics"].main(published)
    taken, count = load_gaussian(tmp_path / "taken.h5")
    assert count == 7000
    assert np.array_equal(taken.mean, measured.mean)
    write_statistics(tmp_path / "published.npz", Gaussian(np.zeros(5), np.eye(5)))
    with pytest.raises(FringeError, match=r"published\.npz: holds statistics of 5 features, but"):
        scripts["measure_statistics"].main(published)

    rows = open_features(link).read("features").astype(np.float64)
    assert rows.shape == (50, 12)
    gaussian, n = load_gaussian(tmp_path / "statistics.h5")
    assert n == 45
    np.testing.assert_allclose(gaussian.covariance, np.cov(rows[:45].T), rtol=0, atol=1e-12)
    with h5py.File(tmp_path / "statistics.h5") as file:
        assert file.attrs["network"] == "tiny_network:classifier"
        assert file.attrs["images"] == "fingerprint"


@pytest.mark.parametrize("scratch", [True, False])
def test_image_shards_use_the_scratch_folder_of_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scratch: bool
) -> None:
    monkeypatch.syspath_prepend(NETWORKS)
    node = tmp_path / "node"
    node.mkdir()
    monkeypatch.setenv("TMPDIR", str(node))
    copied: list[tuple[str, str]] = []
    copyfile = shutil.copyfile

    def copy(source: str | Path, target: str | Path) -> None:
        places = [Path(path).relative_to(tmp_path).parts[0] for path in (source, target)]
        copied.append((places[0], places[1]))
        copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", copy)
    imitation = {"kind": "imitation", "count": 50, "resolution": 32, "seed": 0, "severity": 1.0}
    written = {
        **NO_WEIGHTS,
        "sources": {"fake": imitation},
        "device": "cpu",
        "extraction": {"workers": 1, "scratch": scratch, "keep_images": True},
        "results": str(tmp_path / "results"),
        "run": "run",
    }
    images = tmp_path / "results/run/images/fake/0000000-0000050.h5"
    wildcards = SimpleNamespace(source="fake", shard=images.stem)
    config = run_config(written)
    source = open_configured(config, "fake")
    made_from: dict[str, Any] = {"images": source.fingerprint_of(0, 50)}
    config.planned[f"sources/fake/{images.stem}"] = made_from["images"]
    job = SimpleNamespace(
        config=config,
        output=Named([images]),
        params=SimpleNamespace(made_from=made_from),
        wildcards=wildcards,
    )
    load(REPOSITORY / "workflow/scripts/render_images.py").main(job)
    rendered = images.read_bytes()
    made_from |= {"network": "tiny_network:classifier", "batch_size": 20, "precision": "float32"}
    job.input, job.output = Named(images=images), Named([tmp_path / "results/features.h5"])
    load(REPOSITORY / "workflow/scripts/extract_features.py").main(job)
    assert copied == ([("node", "results"), ("results", "node")] if scratch else [])
    with images_nearby(config, "fake", 30) as nearby:
        assert np.array_equal(nearby.read(range(50)), source.read(range(50)))
    assert len(copied) == 3 * scratch
    assert list(node.iterdir()) == []

    # A job that fails leaves no file, and its message names the file of the run.
    content = bytearray(rendered)
    content[len(content) // 2] ^= 1
    images.write_bytes(content)
    with pytest.raises(FringeError, match=str(images)):
        load(REPOSITORY / "workflow/scripts/extract_features.py").main(job)
    assert list(node.iterdir()) == []
