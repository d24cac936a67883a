"""Configurations of `fringe compare` and `fringe audit`."""

import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from fringe.cli import main
from fringe.cli.compare import _models
from fringe.cli.options import from_here
from fringe.config.completion import complete
from fringe.errors import FringeError
from fringe.files import seals
from fringe.running.comparing import Asked, comparison_config, write_config
from fringe.running.opening import check


@pytest.fixture
def images(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, count in {"real": 6, "a": 4, "b": 5, "held": 4, "c": 4, "few": 3}.items():
        (tmp_path / name).mkdir()
        for place in range(count):
            pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{place}.png")
    return tmp_path


def asked(folder: Path, **changes: object) -> Asked:
    values: dict[str, object] = {
        "real": folder / "real",
        "models": {"A": [folder / "a"], "B": [folder / "b"]},
        "network": "efficientnet-lite0",
        "controls": ["untrained"],
    }
    return Asked(**{**values, **changes})  # type: ignore[arg-type]


def test_configuration_of_a_comparison(images: Path) -> None:
    config = comparison_config(asked(images, held_out=images / "held", trained_with=["untrained"]))
    assert not complete(config).faults
    assert config["run"] == "compare-real"
    assert list(config["sources"]) == ["real", "a", "b", "held"]
    assert config["evaluation"]["n_real"] == 6
    assert config["evaluation"]["n_generated"] == 4, "the number of images of the smaller model"
    (comparison,) = config["comparisons"].values()
    assert comparison == {
        "title": "compare-real",
        "generators": {"A": "model1", "B": "model2"},
        "held_out": "held",
        "trained_with": ["untrained"],
    }
    assert all(not one["resample"] for one in config["datasets"].values())


def test_a_different_network_may_count_classes(images: Path) -> None:
    assert "classifier" not in comparison_config(asked(images))
    counting = asked(images, network="untrained", controls=[], classifier="efficientnet-lite0")
    config = comparison_config(counting)
    assert (config["network"], config["classifier"]) == ("untrained", "efficientnet-lite0")
    assert not complete(config).faults
    labelled = comparison_config(asked(images, classifier="resnet50", labels=True))
    assert "classifier" not in labelled
    with pytest.raises(FringeError, match=r"^--classifier nothing: "):
        comparison_config(asked(images, classifier="nothing"))


def test_metrics_are_titled_by_model(images: Path) -> None:
    models = {"A": [images / "a"], "B": [images / "b", images / "c"]}
    config = comparison_config(asked(images, models=models, metrics=["fid", "vendi"]))
    assert [one["title"] for one in config["datasets"].values()] == ["A", "B 1", "B 2"]
    assert config["evaluation"]["metrics"] == ["fid", "vendi"]
    assert config["evaluation"]["repeats"] == {"metrics": 1}
    plain = comparison_config(asked(images, models=models))
    assert all("title" not in one for one in plain["datasets"].values())


def test_unused_images_are_reported(images: Path, caplog: pytest.LogCaptureFixture) -> None:
    comparison_config(asked(images))
    assert [one.message for one in caplog.records] == [
        f"{images / 'b'}: only 4 of 5 images are used, because the smallest model has no more"
    ]
    caplog.clear()
    comparison_config(asked(images, count=4))
    assert not caplog.records


def test_an_audit_does_not_replace_a_comparison(images: Path) -> None:
    audited, compared = asked(images, models={"A": [images / "a"]}), asked(images)
    folders = [list(comparison_config(one)["comparisons"]) for one in (audited, compared)]
    assert folders == [["audit"], ["models"]]
    runs = {comparison_config(one)["run"] for one in (audited, compared)}
    assert len(runs) == 1, "both share features"


def test_several_trainings_are_compared_with_a_generator(images: Path) -> None:
    (images / "g.pkl").write_bytes(b"")
    models = {"A": [images / "a", images / "c"], "B": [images / "g.pkl"]}
    config = comparison_config(asked(images, models=models, count=4))
    assert config["comparisons"]["models"]["generators"] == {
        "A": ["model1", "model2"],
        "B": "model3",
    }
    assert config["sources"]["g"] == {
        "kind": "generator", "path": str(images / "g.pkl"), "count": 4
    }  # fmt: skip
    with pytest.raises(FringeError, match="--count how many images"):
        comparison_config(asked(images, models=models))


def test_the_folder_of_a_pipeline_is_a_generator(images: Path) -> None:
    (images / "ddpm").mkdir()
    (images / "ddpm" / "model_index.json").write_text("{}")
    models = {"A": [images / "a"], "B": [images / "ddpm"]}
    config = comparison_config(asked(images, models=models, count=4))
    assert config["sources"]["ddpm"] == {
        "kind": "diffusers", "path": str(images / "ddpm"), "count": 4
    }  # fmt: skip
    with pytest.raises(FringeError, match="--count how many images"):
        comparison_config(asked(images, models=models))


def test_labels_replace_top1_classes(images: Path) -> None:
    config = comparison_config(asked(images, labels=True))
    assert not complete(config).faults
    assert config["comparisons"]["models"]["labels"] is True


def test_each_label_makes_a_generator_one_model(images: Path) -> None:
    (images / "g.pkl").write_bytes(b"")
    models = {"G": [images / "g.pkl"]}
    both = asked(images, models=models, count=4, label=["dataset", "balanced", 3])
    config = comparison_config(both)
    assert not complete(config).faults
    assert config["comparisons"]["models"]["generators"] == {
        "G (dataset)": "model1", "G (balanced)": "model2", "G (3)": "model3"
    }  # fmt: skip
    made = [config["sources"][one["generated"]] for one in config["datasets"].values()]
    assert [one["label"] for one in made] == ["dataset", "balanced", 3]
    assert {one["path"] for one in made} == {str(images / "g.pkl")}
    one = comparison_config(asked(images, models=models, count=4, label=["uniform"]))
    assert one["comparisons"]["audit"]["generators"] == {"G": "model1"}
    assert one["sources"]["g"]["label"] == "uniform"
    with pytest.raises(FringeError, match=r"a: not a generator, but --label sets"):
        comparison_config(asked(images, label=["uniform"]))
    with pytest.raises(FringeError, match="has a duplicate"):
        comparison_config(asked(images, models=models, count=4, label=["uniform", "uniform"]))


def test_a_protocol_supplies_counts(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol's counts, or all images if the protocol uses all or at most more."""
    config = comparison_config(asked(images, protocol="dgm-eval"))
    assert config["protocol"] == "dgm-eval"
    assert not complete(config).faults
    assert (config["evaluation"]["n_real"], config["evaluation"]["n_generated"]) == (6, 4)
    said = "a: has 4 images, but protocol adm requires 50,000; add images, or use --count 4"
    with pytest.raises(FringeError, match=said):
        comparison_config(asked(images, protocol="adm"))
    config = comparison_config(asked(images, protocol="adm", count=4))
    assert (config["evaluation"]["n_real"], config["evaluation"]["n_generated"]) == (6, 4)
    with pytest.raises(FringeError, match=r"real: has 6 .* protocol paper .* --count-real 6"):
        comparison_config(asked(images, protocol="paper", count=4))
    (images / "g.pkl").write_bytes(b"")
    config = comparison_config(
        asked(images, models={"A": [images / "g.pkl"]}, protocol="adm", count_real=5)
    )
    assert config["sources"]["g"]["count"] == 50_000
    assert config["evaluation"]["n_real"] == 5


def test_a_protocol_supplies_networks(
    images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(images)
    command = ["audit", "real", "a", "--count", "4", "--protocol"]
    seen = []
    for options in (["dgm-eval"], ["dgm-eval", "--network", "inception"], ["adm", "--controls"]):
        made: list[Asked] = []

        def stop(asked: Asked, made: list[Asked] = made) -> None:
            made.append(asked)
            raise FringeError("stopped here")

        monkeypatch.setattr("fringe.running.comparing.comparison_config", stop)
        assert main([*command, *options]) == 1
        seen.append((made[0].protocol, made[0].network, made[0].controls))
    assert seen == [
        ("dgm-eval", "inception-pytorch-fid", ["dinov2-l"]),
        ("dgm-eval", "inception", ["dinov2-l"]),
        ("adm", "inception", []),
    ]
    with pytest.raises(SystemExit):
        main([*command, "ADM"])
    assert "invalid choice: 'ADM'" in capsys.readouterr().err


def test_files_with_the_same_name_are_two_sources(images: Path) -> None:
    (images / "x").mkdir()
    (images / "b").rename(images / "x" / "a")
    config = comparison_config(
        asked(images, models={"A": [images / "a"], "B": [images / "x" / "a"]})
    )
    assert list(config["sources"]) == ["real", "a", "a-2"]


def test_the_written_file_has_the_same_configuration(images: Path) -> None:
    config = comparison_config(asked(images))
    written = write_config(config, images / "results")
    assert written == images / "results" / "compare-real" / "config.yaml"
    assert yaml.safe_load(written.read_text()) == config


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../x"}, r"run: '../x' is not valid"),
        ({"name": ""}, "run: '' is not valid"),
        ({"controls": ["efficientnet-lite0"]}, "is FID's network"),
    ],
)
def test_a_configuration_with_faults_is_not_written(
    images: Path, changes: dict[str, object], said: str
) -> None:
    before = set(images.rglob("*"))
    with pytest.raises(FringeError, match=said):
        write_config(comparison_config(asked(images, **changes)), images / "results")
    assert set(images.rglob("*")) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"real": "nowhere"}, "nowhere: does not exist; it is given as the real images"),
        ({"models": {"A": ["a"], "B": ["a"]}}, "is given as model A and as model B"),
        ({"models": {"A": ["a"], "B": ["real"]}}, "is given as the real images and as model B"),
        ({"held_out": "a"}, "is given as model A and as the held-out images"),
        ({"count": 5}, "has 4 images, but --count requests 5"),
        ({"count_real": 9}, "has 6 images, but --count-real requests 9"),
        ({"count": 3}, "a: 3 images are too few for a comparison; use at least 4"),
        ({"models": {"A": ["a"], "B": ["few"]}}, "a: 3 images are too few"),
        ({"count_real": 1}, "real: 1 images are too few"),
        ({"held_out": "few"}, "few: 3 images are too few for a comparison"),
    ],
)
def test_bad_input_is_refused(images: Path, changes: dict[str, object], said: str) -> None:
    def placed(value: object) -> object:
        if isinstance(value, str):
            return images / value
        if isinstance(value, dict):
            return {name: [images / one for one in paths] for name, paths in value.items()}
        return value

    with pytest.raises(FringeError, match=said):
        comparison_config(asked(images, **{key: placed(one) for key, one in changes.items()}))


def test_a_copy_of_a_file_is_refused(tmp_path: Path) -> None:
    features = np.random.default_rng(1).normal(size=(8, 1280))
    for name, sign in {"real": 1, "a": -1, "copy": 1}.items():
        np.savez(tmp_path / f"{name}.npz", features=sign * features)
    found = asked(
        tmp_path,
        real=tmp_path / "real.npz",
        models={"A": [tmp_path / "a.npz"], "B": [tmp_path / "copy.npz"]},
    )
    with pytest.raises(FringeError, match=r"copy.npz .a copy of .*real.npz.: is given as the real"):
        comparison_config(found)


def test_a_run_made_in_another_folder_is_refused(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise its files would count as results of this comparison."""
    monkeypatch.chdir(images)
    config = comparison_config(asked(images))
    made = write_config(config, Path("results")).with_name("verdict.json")
    made.write_text("{}")
    write_config(config, Path("results"))
    seals.seal(made.parent, made)
    with pytest.raises(FringeError, match="was made by a call in another folder"):
        write_config(config, Path("results"))
    record = Path(".snakemake/metadata", urlsafe_b64encode(str(made).encode()).decode())
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    write_config(config, Path("results"))
    assert from_here(images / "results") == Path("results")
    with pytest.raises(FringeError, match="another spelling of --results"):
        write_config(config, images / "results")


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"network": "klip"}, "--network"),
        ({"controls": ["klip"]}, "--controls"),
        ({"trained_with": ["klip"]}, "--trained-with"),
    ],
)
def test_an_unknown_network_is_refused(
    images: Path, changes: dict[str, object], option: str
) -> None:
    with pytest.raises(FringeError, match=f"{option} klip: .*unknown network"):
        comparison_config(asked(images, **changes))


def test_a_network_of_the_user_may_run(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network may have few classes, because a comparison has no sweeps."""
    (images / "my_classifier.py").write_text("def tiny(*_): ...\ntiny.info = (3, 10, 1)\n")
    monkeypatch.chdir(images)
    monkeypatch.setattr(sys, "path", [*sys.path])
    config = comparison_config(asked(images, network="my_classifier:tiny"))
    checked, _ = check(config)
    assert checked.allow_code
    assert not complete(comparison_config(asked(images))).config.allow_code


def test_models_are_parsed(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(images)
    assert _models(["a", "x/b.tar.gz"], 2) == {"a": [Path("a")], "b": [Path("x/b.tar.gz")]}
    assert _models(["A=a,b", "B=c"], 2) == {"A": [Path("a"), Path("b")], "B": [Path("c")]}
    many = [Path(f"training-{place}.zip") for place in range(40)]
    assert _models([f"A={','.join(map(str, many))}", "B=c"], 2)["A"] == many
    (images / "q=1").mkdir()
    assert _models(["q=1", "B=c"], 2) == {"q=1": [Path("q=1")], "B": [Path("c")]}
    for given, said in [
        (["a"], "a comparison needs two"),
        (["a", "x/a"], "another model has the name a; give this model another name: a-2=x/a"),
        (["a", "./a"], "another model has the name a; both are the same file"),
        (["A=a,", "B=c"], "write a path"),
        (["=a", "B=c"], "write a path"),
    ]:
        with pytest.raises(FringeError, match=said):
            _models(given, 2)


def test_a_missing_model_ends_with_one_message(
    images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(images)
    assert main(["compare", "real", "a", "nowhere"]) == 1
    assert capsys.readouterr().err == (
        "fringe: nowhere: does not exist; it is given as model nowhere; correct the path\n"
    )
    assert not (images / "results").exists()


def test_features_of_another_tool_are_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name in ("real", "a", "b"):
        np.savez(tmp_path / f"{name}.npz", features=rng.normal(size=(30, 1280)))
    models = {"A": [tmp_path / "a.npz"], "B": [tmp_path / "b.npz"]}
    found = asked(tmp_path, real=tmp_path / "real.npz", models=models, controls=[])
    config = comparison_config(found)
    assert {one["kind"] for one in config["sources"].values()} == {"features"}
    assert config["evaluation"]["n_real"] == 30
    np.savez(tmp_path / "b.npz", features=rng.normal(size=(30, 7)))
    with pytest.raises(FringeError, match="1280"):
        comparison_config(found)
    np.savez(tmp_path / "b.npz", clip=rng.normal(size=(30, 512)))
    with pytest.raises(FringeError, match="no array of features in efficientnet-lite0, but `clip`"):
        comparison_config(found)


def test_a_timm_model_is_not_user_code(images: Path) -> None:
    """A name with a colon runs code of the user, except for timm models."""
    pytest.importorskip("timm")
    model = "timm:test_vit.r160_in1k@avg"
    config = comparison_config(asked(images, controls=["untrained", model]))
    assert "allow_code" not in config
    assert not complete(config).faults
    own = comparison_config(asked(images, controls=["untrained", "mine:network"]))
    assert own["allow_code"] is True
    with pytest.raises(FringeError, match=r"--controls timm:none_such: .* has no model"):
        comparison_config(asked(images, controls=["timm:none_such"]))
