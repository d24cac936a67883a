"""Configurations of `fringe score`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fringe.cli import main
from fringe.cli.options import names_of
from fringe.config.completion import complete
from fringe.errors import FringeError
from fringe.running.scoring import SCORED, AskedScores, score_config


@pytest.fixture
def features(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, count in {"real": 30, "made": 20}.items():
        np.savez(tmp_path / f"{name}.npz", features=rng.standard_normal((count, 2048), np.float32))
    return tmp_path


def asked(folder: Path, **changes: object) -> AskedScores:
    values: dict[str, object] = {
        "real": folder / "real.npz",
        "samples": folder / "made.npz",
        "metrics": ["fid", "coverage"],
        "networks": ["inception"],
    }
    return AskedScores(**{**values, **changes})  # type: ignore[arg-type]


def test_configuration_of_scores(features: Path) -> None:
    config = score_config(asked(features))
    assert not complete(config).faults
    assert config["run"] == "score-real-made"
    assert (config["network"], config["controls"]) == ("inception", [])
    assert {name: about["kind"] for name, about in config["sources"].items()} == {
        "real": "features",
        "made": "features",
    }
    assert config["datasets"][SCORED]["resample"] is False
    assert config["evaluation"] == {
        "metrics": ["fid", "coverage"],
        "n_real": 30,
        "n_generated": 20,
        "repeats": {"metrics": 1},
    }


def test_counts_and_several_networks(features: Path) -> None:
    given = asked(features, networks=["inception", "untrained"], count=10, count_real=12, name="x")
    # The files have no features of the second network, which is found when the run is opened.
    config = score_config(given)
    assert (config["network"], config["controls"]) == ("inception", ["untrained"])
    assert config["evaluation"]["n_real"] == 12
    assert config["evaluation"]["n_generated"] == 10
    assert config["run"] == "x"


def test_only_code_of_the_user_is_allowed(tmp_path: Path) -> None:
    for name in ("real", "made"):
        (tmp_path / name).mkdir()
        for place in range(2):
            pixels = np.full((8, 8, 3), place, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{place}.png")
    given = asked(tmp_path, real=tmp_path / "real", samples=tmp_path / "made")
    known, own = (
        score_config(replace(given, networks=[name]))
        for name in ("timm:resnet18.a1_in1k", "mine:network")
    )
    assert "allow_code" not in known
    assert own["allow_code"] is True


def test_a_generator_needs_a_count(features: Path) -> None:
    (features / "g.pkl").write_bytes(b"")
    with pytest.raises(FringeError, match=r"g\.pkl: is a generator; set with --count"):
        score_config(asked(features, samples=features / "g.pkl"))


@pytest.mark.parametrize("text", ["", "fid,", "fid,,kid"])
def test_an_empty_name_is_refused(text: str) -> None:
    with pytest.raises(FringeError, match=r"--metrics .*: has an empty name; write NAME,NAME"):
        names_of(text, "--metrics")


def test_a_duplicate_name_is_refused() -> None:
    with pytest.raises(
        FringeError, match=r"--network 'a,b,a': a is a duplicate; give each name once"
    ):
        names_of("a,b,a", "--network")


def test_an_unknown_metric_ends_with_one_message(
    features: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(features)
    assert main(["score", "real.npz", "made.npz", "--metrics", "fd"]) == 1
    message = capsys.readouterr().err
    assert "--metrics 'fd': unknown metric 'fd'; similar names:" in message
    assert "fid" in message.partition("; known metrics:")[0]
    assert message.count("\n") == 1
    assert not (features / "results").exists()


def test_a_protocol_supplies_counts_metrics_and_networks(
    features: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = score_config(asked(features, protocol="dgm-eval"))
    assert config["protocol"] == "dgm-eval"
    assert not complete(config).faults
    assert (config["evaluation"]["n_real"], config["evaluation"]["n_generated"]) == (30, 20)
    with pytest.raises(
        FringeError, match=r"made\.npz: has 20 images, but protocol adm requires 50,000"
    ):
        score_config(asked(features, protocol="adm"))
    assert score_config(asked(features, protocol="adm", count=9))["evaluation"]["n_real"] == 30
    seen = []
    command = ["score", str(features / "real.npz"), str(features / "made.npz"), "--protocol"]
    for options in (["adm"], ["torch-fidelity", "--metrics", "kid"], ["edm2", "--network", "clip"]):
        made: list[AskedScores] = []

        def stop(asked: AskedScores, made: list[AskedScores] = made) -> None:
            made.append(asked)
            raise FringeError("stopped here")

        monkeypatch.setattr("fringe.running.scoring.score_config", stop)
        assert main([*command, *options]) == 1
        seen.append((made[0].protocol, made[0].networks, made[0].metrics))
    assert seen == [
        ("adm", ["inception"], ["fid", "sfid", "inception_score"]),
        ("torch-fidelity", ["inception", "vgg16"], ["kid"]),
        ("edm2", ["clip"], ["fid"]),
    ]
