"""Subcommands call the library, and errors are one line."""

import argparse
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.sources.conftest import encode

import fringe
from fringe.cli import _parser, main
from fringe.cli.options import path
from fringe.evaluation.statistics import gaussian_of, save_gaussian
from fringe.exchange import read_statistics
from fringe.features import extract_shard, open_features
from fringe.networks import load_network
from fringe.running.workflow import workflow_folder
from fringe.sources import open_source, source_from_spec


def test_a_tilde_is_expanded_in_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shells do not expand `--weights-dir=~/w`."""
    monkeypatch.setenv("HOME", "/home/me")
    paths = set()

    def look(parser: argparse.ArgumentParser) -> None:
        for action in parser._actions:
            for inner in action.choices.values() if isinstance(action.choices, dict) else ():
                look(inner)
            assert action.type is not Path, action.dest
            if action.type is path:
                paths.add(action.dest)

    look(_parser())
    assert paths == {
        *("input", "output", "weights_dir", "data_dir", "config", "run", "snakefile", "folder"),
        *("real", "samples", "held_out", "results", "rates"),
    }
    assert _parser().parse_args(["fetch", "clip", "--weights-dir=~/w"]).weights_dir == Path(
        "/home/me/w"
    )


@pytest.mark.parametrize("command", ["compare real a b", "run my.yaml", "cost my.yaml"])
def test_an_unknown_option_shows_the_usage_of_the_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*command.split(), "--fast"])
    said = capsys.readouterr().err
    assert said.startswith(f"usage: fringe {command.split()[0]} ")
    assert "unrecognized arguments: --fast" in said


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features and logits of 12 photographs."""
    import torch

    from fringe.networks.base import Activations, FeatureNetwork

    def forward(images: torch.Tensor) -> Activations:
        pixels = images.float().mean((2, 3))
        return Activations(pixels, pixels[:, :2])

    network = FeatureNetwork("tiny", 3, ("a", "b"), "0" * 64, torch.device("cpu"), forward)
    source = source_from_spec({"kind": "photos", "count": 12, "resolution": 16, "seed": 0})
    path = tmp_path_factory.mktemp("features") / "tiny.h5"
    extract_shard(source, network, 0, 12, path, batch_size=4)
    return path


def test_statistics_of_features_are_exported(
    tmp_path: Path, features: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "a.npz"
    file = open_features(features)
    for arguments, expected in (
        ([], gaussian_of(file)),
        (["--space", "logits"], gaussian_of(file, "logits")),
        (["--count", "7"], gaussian_of(file, stop=7)),
    ):
        out.unlink(missing_ok=True)
        assert main(["export", "statistics", str(features), str(out), *arguments]) == 0
        images = "the first 7 of 12 images" if "--count" in arguments else "12 images"
        assert f"{out}: mu and sigma of {images}, " in capsys.readouterr().out
        assert np.array_equal(read_statistics(out).mean, expected.mean)
        assert np.array_equal(read_statistics(out).covariance, expected.covariance)
    arguments = ["export", "statistics", str(features), str(out), "--count", "13"]
    assert main([*arguments, "--force"]) == 1
    assert "cannot read 13 images" in capsys.readouterr().err


def test_existing_files_are_not_overwritten(
    tmp_path: Path, features: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "data.npz"
    out.write_bytes(b"dear")
    for command in (["export", "statistics"], ["export", "features"]):
        assert main([*command, str(features), str(out)]) == 1
        assert (
            f"{out}: already exists; name another file, or add --force" in capsys.readouterr().err
        )
        assert out.read_bytes() == b"dear"
    images = tmp_path / "images.zip"
    with zipfile.ZipFile(images, "w") as archive:
        archive.writestr("a.png", encode(np.zeros((8, 8, 3), np.uint8)))
    before = images.read_bytes()
    assert main(["prepare", str(images), str(images), "--resolution", "4"]) == 1
    assert images.read_bytes() == before
    assert main(["export", "features", str(features), str(out), "--force"]) == 0
    with np.load(out) as file:
        assert {key: file[key].shape for key in file.files} == {
            "features": (12, 3),
            "logits": (12, 2),
            "network": (),
        }
        assert file["network"].item() == "tiny"
    assert main(["export", "features", str(features), str(tmp_path), "--force"]) == 1
    assert f"{tmp_path}: is a folder; name a file to write" in capsys.readouterr().err


def test_documents_are_written_only_to_the_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["docs", str(tmp_path)]) == 1
    assert "config.yaml, so it is not the repository; name the folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_files_of_other_tools_are_not_called_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "mine.zip").write_bytes(b"PK")
    for name, message in (
        ("mine.zip", "not an HDF5 file; give features or statistics of a run"),
        ("absent.h5", "does not exist; correct the path"),
    ):
        assert main(["export", "features", str(tmp_path / name), "o.npz"]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert "delete" not in error


def test_disk_errors_and_ctrl_c_leave_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for error, status in ((IsADirectoryError("out.zip"), 1), (KeyboardInterrupt(), 130)):

        def fail(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr("fringe.generators.convert", fail)
        assert main(["convert", "a.pkl", "a.safetensors"]) == status
        assert capsys.readouterr().err.startswith("fringe: ")


def test_statistics_of_a_run_are_exported(
    tmp_path: Path, features: Path, capsys: pytest.CaptureFixture[str]
):
    gaussian = gaussian_of(open_features(features))
    save_gaussian(tmp_path / "s.h5", gaussian, 12, {})
    assert main(["export", "statistics", str(tmp_path / "s.h5"), str(tmp_path / "s.npz")]) == 0
    assert "of 12 images, 3 dimensions" in capsys.readouterr().out
    assert np.array_equal(read_statistics(tmp_path / "s.npz").covariance, gaussian.covariance)
    assert main(["export", "statistics", str(tmp_path / "s.h5"), "x.npz", "--count", "3"]) == 1
    assert "s.h5: contains statistics" in capsys.readouterr().err


def test_features_are_exported(tmp_path: Path, features: Path):
    assert main(["export", "features", str(features), str(tmp_path / "f.npz")]) == 0
    with np.load(tmp_path / "f.npz") as arrays:
        for space in ("features", "logits"):
            assert np.array_equal(arrays[space], open_features(features).read(space))


def test_prepare_writes_a_zip_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    raw = tmp_path / "raw"
    raw.mkdir()
    rng = np.random.default_rng(0)
    for index in range(6):
        image = rng.integers(0, 256, (24 + index, 32, 3), np.uint8)
        Image.fromarray(image).save(raw / f"{index}.png")
    out = tmp_path / "out.zip"
    Image.new("L", (24, 24)).save(raw / "0_mask.png")
    (raw / "7.heic").write_bytes(b"")
    assert main(["prepare", str(raw), str(out), "--resolution", "8"]) == 1
    assert "1 .heic" in capsys.readouterr().err
    given = ["--ignore", "*.heic", "--ignore", "*_mask.png"]
    assert main(["prepare", str(raw), str(out), "--resolution", "8", *given]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: 6 images")
    given = ["--select", "[12].png", "--select", "3*"]
    assert main(["prepare", str(raw), str(out), "--resolution", "8", "--force", *given]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: 3 images")
    for other in ("0_mask.png", "7.heic"):
        (raw / other).unlink()
    for arguments, options in (
        (["--resolution", "8", "--filter", "box", "--workers", "2"], {"filter": "box"}),
        (["--resolution", "8", "--count", "4"], {"count": 4}),
        (["--resolution", "8", "--count", "4", "--seed", "3"], {"count": 4, "seed": 3}),
        (["--resolution", "8", "--count", "4", "--order", "file"], {"count": 4, "order": "file"}),
        (["--wide", "32x26"], {"crop": "wide 32x26"}),
    ):
        assert main(["prepare", *arguments, "--force", str(raw), str(out)]) == 0
        source = open_source(raw, None if "crop" in options else 8, **options)
        chosen = ", the first in the order of the files"
        if "order" not in options:
            chosen = f", chosen at random with seed {options.get('seed', 0)}"
        chosen *= "count" in options
        assert capsys.readouterr().out == f"{out}: {len(source)} images{chosen}\n"
        indices = range(len(source))
        assert np.array_equal(open_source(out).read(indices), source.read(indices))
    out.unlink()
    assert main(["prepare", str(raw), str(out)]) == 1
    assert "no size is given; add --resolution" in capsys.readouterr().err
    assert main(["prepare", str(raw), str(out), "--wide", "x"]) == 1
    assert "crop is 'wide x'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (["1.png", "2.heic", "3.exr"], ["--ignore", "*.exr", "--ignore", "*.heic"]),
        (["train/1.png", "val [1]/1.png"], ["--select", "train/*"]),
        (["1.png", "1_mask.png"], ["--ignore", "*_mask.png"]),
        (["1.png", "1_mask.png"], ["--select", "*"]),
    ],
)
def test_messages_of_prepare_name_its_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[str], advice: list[str]
):
    """The command in the message works without changes."""
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "in" / name, "PNG")
    command = ["prepare", str(tmp_path / "in"), str(tmp_path / "out.zip"), "--resolution", "4"]
    assert main(command) == 1
    assert f"`{shlex.join(advice)}`" in capsys.readouterr().err
    assert main([*command, *advice]) == 0


def test_prepare_respects_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (6, 4)).save(tmp_path / "in/a.png")
    command = ["prepare", str(tmp_path / "in"), str(tmp_path / "out.zip"), "--resolution", "4"]
    assert main([*command, "--limit-pixels", "23"]) == 1
    assert "6 x 4 pixels, more than the 23 that `--limit-pixels` allows" in capsys.readouterr().err
    assert main([*command, "--limit-bytes", "23"]) == 1
    assert "more than the 23 that `--limit-bytes` allows" in capsys.readouterr().err
    assert main([*command, "--limit-pixels", "24"]) == 0


def test_convert_and_fetch_call_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    calls: list[tuple] = []
    monkeypatch.setattr("fringe.generators.convert", lambda *a: calls.append(a))

    def fetch(name: str, folder: Path) -> Path | None:
        calls.append((name, folder))
        return None if name == "untrained" else folder

    monkeypatch.setattr("fringe.networks.fetch_weight_file", fetch)
    assert main(["convert", "a.pkl", "a.safetensors"]) == 0
    assert main(["fetch", "inception", "--weights-dir", str(tmp_path)]) == 0
    assert str(tmp_path) in capsys.readouterr().out
    assert main(["fetch", "untrained"]) == 0
    assert "untrained: includes its own weights" in capsys.readouterr().out
    assert calls == [
        (Path("a.pkl"), Path("a.safetensors")),
        ("inception", tmp_path),
        ("untrained", Path("data/weights")),
    ]
    assert main(["convert", "a.pkl", "a.pt"]) == 1
    assert "a.pt: must end in .safetensors" in capsys.readouterr().err


def test_a_stylegan2_pickle_becomes_safetensors(tmp_path: Path, shared: Path):
    out = tmp_path / "g.safetensors"
    assert main(["convert", str(shared / "golden/stylegan2_small.pkl"), str(out)]) == 0
    assert out.stat().st_size > 100_000


def test_a_network_with_included_weights_is_not_fetched(
    capsys: pytest.CaptureFixture[str],
):
    assert load_network("untrained").name == "untrained"
    assert main(["fetch", "untrained"]) == 0
    assert "includes its own weights" in capsys.readouterr().out


def test_sources_of_the_paper_are_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert main(["fetch", "nobody"]) == 1
    said = f"nobody: neither a network nor a source of {workflow_folder()}/config/config.yaml"
    assert said in capsys.readouterr().err


def test_errors_are_one_message_without_traceback(tmp_path: Path):
    fringe_command = Path(sys.executable).with_name("fringe")
    command = [fringe_command, "export", "features", "absent.h5", "out.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("fringe: absent.h5: ")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("fringe.generators.convert", fail)
    with pytest.raises(ZeroDivisionError):
        main(["convert", "a", "b.safetensors"])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["export"],
        ["prepare", "a", "b.zip", "--resolution", "0"],
        ["prepare", "a", "b.zip", "--filter", "bicubic"],
        ["unknown"],
        ["estimate", ""],
        ["stage", "a\0.yaml"],
    ],
)
def test_invalid_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: fringe" in capsys.readouterr().err


def test_version_is_printed(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"fringe {fringe.__version__}\n"
