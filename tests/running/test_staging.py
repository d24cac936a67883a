"""`fringe stage`: fetched, present and missing files; results do not depend on paths of data."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from fringe.cli import main
from fringe.exchange import write_statistics
from fringe.metrics import Gaussian
from fringe.networks import registry
from fringe.networks.weight_files import WeightFile
from fringe.plan import digests
from fringe.running import opening

from ..generators.checkpoints import write_stylegan2_pickle
from ..sources.conftest import encode

WEIGHTS = b"weights of a network" * 100

CONFIG = """\
run: mine
network: efficientnet-lite0
controls: [swav]
weights_dir: {folder}/weights
data_dir: {folder}/data
sources:
  # Photographs of the
  # harbour, 1997.
  real:
    path: real.zip
    ignore: "*.heic"
    statistics: {{swav: {{path: real.npz, count: 12}}}}
  # Trained by somebody.
  fake: {{kind: generator, path: fake.pkl, count: 20}}
  late: {{kind: generator, path: late.pkl, count: 20}}
  unused: {{path: nowhere}}
datasets:
  faces: {{real: real, generated: fake, region: mask.png}}
  late: {{real: real, generated: late}}
evaluation: {{n_real: 12, n_generated: 20}}
sensitivity: {{datasets: []}}
"""


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, and records the requested paths."""

    asked: list[str] = []  # noqa: RUF012 - of the one server of a test

    def log_message(self, *_: object) -> None:
        self.asked.append(self.path)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths requested from the test's server, which publishes the weights of SwAV."""
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "net.pth").write_bytes(WEIGHTS)
    Handler.asked = []
    handler = partial(Handler, directory=str(tmp_path / "published"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/net.pth"
        file = WeightFile("net.pth", (url,), hashlib.sha256(WEIGHTS).hexdigest(), "", "")
        entry = registry._Entry(registry.NETWORKS["swav"].info, "", (file,))
        monkeypatch.setitem(registry.NETWORKS, "swav", entry)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Handler.asked
        server.shutdown()
        thread.join()


def write_data(folder: Path, *names: str) -> None:
    """Write the given files of the configuration."""
    folder.mkdir(exist_ok=True)
    if "real.zip" in names:
        with zipfile.ZipFile(folder / "real.zip", "w") as archive:
            for number in range(12):
                image = np.full((32, 32, 3), number, np.uint8)
                archive.writestr(zipfile.ZipInfo(f"{number:02d}.png"), encode(image))
            archive.writestr(zipfile.ZipInfo("another.heic"), b"")
    if "real.npz" in names:
        write_statistics(folder / "real.npz", Gaussian(np.zeros(2048), np.eye(2048)))
    for name in {"fake.pkl", "late.pkl"} & set(names):
        write_stylegan2_pickle(folder / name)
    if "mask.png" in names:
        Image.new("L", (32, 32), 255).save(folder / "mask.png")


def stage(folder: Path) -> int:
    return main(["stage", str(folder / "mine.yaml")])


def states(printed: str) -> dict[str, str]:
    """Return the state of each item, by the name of its file."""
    lines = [line.split("  ") for line in printed.split("\n\n")[0].splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return {Path(line[2]).name: line[0] for line in cells if len(line) > 2}


def test_files_are_fetched_present_or_missing(
    tmp_path: Path,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    (tmp_path / "mine.yaml").write_text(CONFIG.format(folder=tmp_path))
    write_data(tmp_path / "data", "real.zip")
    assert stage(tmp_path) == 1
    printed = capsys.readouterr()
    missing = ("real.npz", "fake.pkl", "late.pkl", "mask.png")
    assert states(printed.out) == {
        "net.pth": "fetched",
        "real.zip": "present",
        "included in the network": "present",
    } | dict.fromkeys(missing, "missing")
    assert "12 images, without 1 .heic" in printed.out
    assert (tmp_path / "weights" / "net.pth").read_bytes() == WEIGHTS
    assert printed.err.startswith("fringe: 4 of 7 are missing:\n")
    for name in missing:
        assert f": {tmp_path}/data/{name}: does not exist; correct the path" in printed.err
    # The comment about two files is printed once. Present files are not listed.
    assert printed.err.count("The configuration says: Trained by somebody.") == 1
    assert "late" in printed.err.split("Trained by")[0]
    assert "harbour" not in printed.err

    write_data(tmp_path / "data", *missing)
    assert stage(tmp_path) == 0
    printed = capsys.readouterr()
    assert set(states(printed.out).values()) == {"present"}
    assert "SHA-256 as published" in printed.out
    assert asked == ["/net.pth"]
    outside = f"{tmp_path}/data,{tmp_path}/weights"
    assert f'For a container: --apptainer-args="--bind {outside}"' in printed.out

    write_statistics(tmp_path / "data/real.npz", Gaussian(np.zeros(12), np.eye(12)))
    assert stage(tmp_path) == 1
    message = (
        f"sources/real/statistics/swav: {tmp_path}/data/real.npz: holds statistics of 12 features"
    )
    assert message in capsys.readouterr().err

    # Present files are checked, and faults are reported.
    (tmp_path / "weights" / "net.pth").write_bytes(b"others")
    (tmp_path / "data" / "real.zip").write_bytes(b"PK")
    assert stage(tmp_path) == 1
    error = capsys.readouterr().err
    assert f"{tmp_path}/weights/net.pth: not the weights of network 'swav'" in error
    assert f"{tmp_path}/data/real.zip: is damaged" in error
    assert "The configuration says: Photographs of the harbour, 1997." in error


def test_weights_that_cannot_be_fetched_are_missing(
    tmp_path: Path,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "published" / "net.pth").unlink()
    config: dict[str, Any] = yaml.safe_load(CONFIG.format(folder=tmp_path))
    config["controls"].append("vgg16")
    config["weights"] = {"vgg16": "mine.pth"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    assert stage(tmp_path) == 1
    error = capsys.readouterr().err
    assert (
        f"weights of swav: {tmp_path}/weights/net.pth: the weights of network 'swav' could" in error
    )
    assert "/net.pth: 404 Client Error" in error
    assert "weights of vgg16: weights/vgg16: mine.pth: does not exist; correct the path" in error
    assert "The configuration says" not in error
    assert set(asked) == {"/net.pth"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("- a", "holds no keys"),
        ("run: x\nrun: y", "run: duplicate key"),
        ("run: x\ndata_dir: 3", "data_dir: 3 is read as a number, but must be text"),
    ],
)
def test_wrong_configurations_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert main(["stage", str(tmp_path / "mine.yaml")]) == 1
    assert "mine.yaml: does not exist; give the path" in capsys.readouterr().err
    (tmp_path / "mine.yaml").write_text(text)
    assert stage(tmp_path) == 1
    assert message in capsys.readouterr().err


def test_results_do_not_depend_on_paths_of_data(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load(CONFIG.format(folder=tmp_path))
    write_data(tmp_path / "data", "real.zip", "real.npz", "fake.pkl", "late.pkl", "mask.png")

    def known(changes: dict[str, str]) -> Any:
        completed, sources = opening.check({**config, **changes})
        statistics = digests.published_statistics(completed, "real", "swav", "features")
        mask = digests.digest(completed.datasets["faces"].region, completed)
        return sources, statistics, mask

    before = known({})
    assert known({"data_dir": "data"}) == before  # relative to the folder of the run
    (tmp_path / "data").rename(tmp_path / "scratch")
    assert known({"data_dir": str(tmp_path / "scratch")}) == before
    elsewhere = {**config["sources"]["real"], "path": str(tmp_path / "scratch/real.zip")}
    (tmp_path / "scratch").rename(tmp_path / "data")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "data/real.zip").rename(tmp_path / "scratch/real.zip")
    config["sources"]["real"] = elsewhere  # an absolute path is not changed
    assert known({}) == before


def published(folder: Path, **changes: Any) -> dict[str, Any]:
    """Write and return a configuration without the parts that only weights need."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.format(folder=folder))
    del config["sources"]["real"]["statistics"]
    del config["datasets"]["faces"]["region"]
    config["controls"] = ["untrained"]
    config |= changes
    return config


def test_sources_with_an_address_are_fetched(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tmp_path / "published", "real.zip", "fake.pkl")
    write_data(tmp_path / "data", "late.pkl")
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "published"))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        config = published(tmp_path)
        digest = hashlib.sha256((tmp_path / "published/fake.pkl").read_bytes()).hexdigest()
        config["sources"]["real"]["url"] = f"{address}/real.zip"
        config["sources"]["fake"] |= {"url": f"{address}/fake.pkl", "sha256": digest}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
        assert stage(tmp_path) == 0
        printed = capsys.readouterr().out
        assert states(printed) | {"included in the network": "present"} == {
            "real.zip": "fetched", "fake.pkl": "fetched", "late.pkl": "present",
            "included in the network": "present",
        }  # fmt: skip
        real = hashlib.sha256((tmp_path / "data/real.zip").read_bytes()).hexdigest()
        assert f"12 images, without 1 .heic, SHA-256 {real} (not configured)" in printed
        assert digest not in printed
        # A single source of the named configuration is fetched, but not twice.
        (tmp_path / "data/fake.pkl").unlink()
        command = [
            "fetch",
            "fake",
            "--config",
            str(tmp_path / "mine.yaml"),
        ]
        for said in ("fetched, SHA-256 ", "already exists"):
            assert main(command) == 0
            assert f"{tmp_path}/data/fake.pkl: {said}" in capsys.readouterr().out
        assert main([*command[:1], "nobody", *command[2:]]) == 1
        assert "nobody: neither a network nor a source of" in capsys.readouterr().err
        server.shutdown()
        thread.join()
    assert asked.count("/fake.pkl") == 2


def test_missing_files_may_be_left_out(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights of a network that only the missing data set needs are not fetched."""
    write_data(tmp_path / "data", "real.zip", "fake.pkl")
    config = published(tmp_path)
    config["sources"]["late"]["note"] = "Train it."
    config["datasets"]["late"]["alternatives"] = ["swav"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    assert main(
        ["stage", str(tmp_path / "mine.yaml"), "--allow-missing"]
    ) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert states(printed)["late.pkl"] == "left out"
    assert "1 of 5 are left out:\n  sources/late: " in printed
    assert "The configuration says: Train it." in printed
    assert "All other files that " in printed
    assert asked == []
    assert stage(tmp_path) == 1
    error = capsys.readouterr().err
    assert "are missing:" in error
    assert asked == ["/net.pth"]


def test_a_file_with_another_digest_is_missing(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tmp_path / "data", "real.zip", "fake.pkl", "late.pkl")
    config = published(tmp_path, missing="skip")
    config["sources"]["real"]["sha256"] = "0" * 64
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    assert stage(tmp_path) == 1
    assert "sources/real/sha256: " in capsys.readouterr().err
