"""config/cifar10.yaml: its files are fetched, and are the files of the study."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from fringe.cli import main
from fringe.config.completion import complete
from fringe.config.sources import FileSource
from fringe.running import opening
from fringe.sources import catalogue as module
from fringe.sources.catalogue import catalogue

from ..generators.checkpoints import write_stylegan2_pickle
from ..serving import serving
from ..sources.cifar_archives import write_cifar10

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "cifar10.yaml"


def shipped() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(SHIPPED.read_text())
    return config


def test_the_files_are_in_the_catalogue() -> None:
    completed = complete(shipped())
    assert completed.faults == []
    cifar10, generator = (completed.config.sources[name] for name in ("cifar10", "stylegan2-ada"))
    assert isinstance(cifar10, FileSource)
    assert isinstance(generator, FileSource)
    assert cifar10.url == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    assert cifar10.sha256 == catalogue()["cifar/cifar10"].sha256
    # The checkpoint without classes, which needs no label.
    assert str(generator.url).endswith("/cifar10u-cifar-ada-best-fid.pkl")
    assert generator.plain().get("label") is None
    assert {completed.config.network, *completed.config.controls} == {
        "inception", "clip", "dinov2-l",
    }  # fmt: skip
    dataset = completed.config.datasets["cifar10"]
    assert dataset.published is not None
    stated = dataset.published["inception"]
    assert (stated.value, stated.n_real, stated.n_generated) == (2.92, 50000, 50000)
    assert (dataset.n_real, dataset.n_generated) == (50000, 50000)


def test_all_files_are_fetched_from_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    batches = {
        name: (rng.integers(0, 256, (n, 32, 32, 3), np.uint8), rng.integers(0, 10, n))
        for name, n in (("data_batch_1", 8), ("data_batch_2", 6), ("test_batch", 4))
    }
    archive = write_cifar10(tmp_path / "made.tar.gz", batches).read_bytes()
    write_stylegan2_pickle(tmp_path / "made.pkl", resolution=32)
    config = shipped()
    config["network"], config["controls"] = "efficientnet-lite0", ["untrained"]
    config["sources"]["stylegan2-ada"]["count"] = 20
    stated = config["datasets"]["cifar10"]["published"]
    config["datasets"]["cifar10"]["published"] = {"efficientnet-lite0": stated["inception"]}
    config["evaluation"] |= {"n_real": 14, "n_generated": 20}
    config["sensitivity"] = {"datasets": []}
    config |= {"data_dir": str(tmp_path), "results": str(tmp_path / "results")}
    path = tmp_path / "cifar10.yaml"
    path.write_text(yaml.safe_dump(config))
    with serving({"a": archive, "g": (tmp_path / "made.pkl").read_bytes()}) as server:
        known = catalogue()
        images, generator = known["cifar/cifar10"], known["stylegan2-ada/cifar10"]
        digest = hashlib.sha256(archive).hexdigest()
        # The ends of the real addresses, which are the names of the files.
        server.files |= {"a.tar.gz": server.files.pop("a"), "g.pkl": server.files.pop("g")}
        here = {
            images.name: replace(images, urls=(server.url("a.tar.gz"),), sha256=digest),
            generator.name: replace(generator, urls=(server.url("g.pkl"),)),
        }
        monkeypatch.setattr(module, "catalogue", lambda: here)
        assert main(["stage", str(path)]) == 0
        printed = capsys.readouterr().out
        assert printed.count("fetched  ") == 2
        assert "14 images" in printed, "the training images"
        assert "generator of 20 images" in printed
        folder = tmp_path / "data" / "published"
        assert (folder / "cifar" / "cifar10.tar.gz").read_bytes() == archive
        assert (folder / "stylegan2-ada" / "cifar10.pkl").is_file()
        # Nothing is downloaded again, and the study can be planned.
        asked = len(server.asked)
        _, sources = opening.check(yaml.safe_load(path.read_text()), [path])
        assert len(server.asked) == asked
        assert sources["cifar10"]["count"] == 14
        assert sources["cifar10"]["packed"].size == 14 * 3072
        assert sources["cifar10"]["drawn_from"] is None, "all images, in their order"
        # An archive that differs from the published one is refused.
        (folder / "cifar" / "cifar10.tar.gz").unlink()
        server.files["a.tar.gz"] = archive[:-1] + b"x"
        assert main(["stage", str(path)]) == 1
        assert digest in capsys.readouterr().err
        assert not (folder / "cifar" / "cifar10.tar.gz").exists()
