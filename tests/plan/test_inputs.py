"""Inputs of jobs that depend on the configuration, or on whether the output exists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fringe.files.hdf5 import create_h5
from fringe.plan import exhibits, inputs, layout, provenance
from fringe.plan.run import Run
from fringe.sources.unpacked import Packed

from .runs import CONFIG, changed, make_run

SHARD = "0000000-0000040"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(run: Run, place: str, made_from: Mapping[str, Any]) -> None:
    path = Path(run.path(place))
    path.parent.mkdir(parents=True, exist_ok=True)
    with create_h5(path, made_from):
        pass


def below(*places: str) -> list[str]:
    return [f"results/run/{place}" for place in places]


def test_images_and_weights_are_inputs_until_features_exist() -> None:
    run = make_run()
    wildcards = ("fake", "clip", SHARD)
    assert inputs.extract_features(run, *wildcards) == {
        "images": f"results/run/images/fake/{SHARD}.h5",
        "unpacked": [],
        "weight_file": "data/weights/ViT-B-32.pt",
    }
    place = layout.feature_shard(*wildcards)
    make(run, place, provenance.extract_features(run, *wildcards))
    assert set(map(str, inputs.extract_features(run, *wildcards).values())) == {"[]"}
    # Features of other images or settings are made again.
    for config in (
        changed("sources", "fake", "seed", to=5),
        changed("extraction", "batch_size", to=10),
    ):
        assert inputs.extract_features(make_run(config), *wildcards)["images"]


def test_images_that_are_not_kept_are_not_inputs() -> None:
    run = make_run(changed("extraction", "keep_images", to=False))
    assert inputs.extract_features(run, "fake", "untrained", SHARD) == {
        "images": [],
        "unpacked": [],
        "weight_file": [],
    }
    # Image files are not inputs of Snakemake.
    assert inputs.kept_shard(make_run(), "real", SHARD) == []


def test_compressed_images_are_unpacked_once() -> None:
    run = make_run()
    run.sources["real"]["packed"] = Packed("array", 5)
    found = inputs.extract_features(run, "real", "clip", SHARD)
    assert found["unpacked"] == "results/run/images/real/unpacked.h5"


def test_published_statistics_are_not_measured() -> None:
    Path("real.npz").write_bytes(b"content")
    published = {"inception": {"path": "real.npz", "count": 70}}
    run = make_run(changed("sources", "real", "statistics", to=published))
    measured = {"features": "results/run/features/real/inception.h5"}
    assert inputs.measure_statistics(run, "real", "inception", "features") == {"features": []}
    assert inputs.measure_statistics(run, "real", "inception", "logits") == measured
    assert inputs.measure_statistics(make_run(), "real", "inception", "features") == measured


def test_class_figures_need_known_classes() -> None:
    """The network has no classes, and the sources have no labels."""
    (shown,) = inputs.judge_comparison(make_run(), "two")["classes"]
    assert shown == "results/run/comparisons/two/classes-1.png"
    config = {
        **CONFIG,
        "network": "clip",
        "controls": ["untrained"],
        "datasets": {
            name: {**CONFIG["datasets"]["pair"], "generated": source}
            for name, source in (("faces", "fake"), ("pair", "rival"))
        },
        "sensitivity": {},
    }
    assert inputs.judge_comparison(make_run(config), "two")["classes"] == []


def test_only_generated_sources_are_extended_beyond_the_candidates() -> None:
    """Generated sources have images beyond the candidates; files do not."""
    run = make_run()
    assert inputs.draw_matched(run, "faces")["extension"] == "results/run/matched/faces.h5"
    scored = inputs.score_scheme(run, "faces", "matched", "clip")
    assert scored["further"] == "results/run/matched/faces/clip.h5"
    assert "further" not in inputs.score_scheme(run, "faces", "random", "clip")
    files = make_run(changed("datasets", "cats", to={"real": "real", "generated": "real"}))
    assert "extension" not in inputs.draw_matched(files, "cats")
    assert "further" not in inputs.drawn_and_real(files, "cats", "matched")


@pytest.mark.parametrize("rule", ["extend_matched", "extract_matched"])
def test_the_network_is_an_input_until_matching_is_done(rule: str) -> None:
    run = make_run()
    of_network = rule == "extract_matched"
    wildcards = ("faces", "inception") if of_network else ("faces",)
    place = layout.matched_features(*wildcards) if of_network else layout.matched(*wildcards)
    read = getattr(inputs, rule)
    assert read(run, *wildcards)["weight_file"].startswith("data/weights/pt_inception")
    make(run, place, getattr(provenance, rule)(run, *wildcards))
    assert read(run, *wildcards)["weight_file"] == []


def test_images_and_weights_are_inputs_until_maps_exist() -> None:
    run = make_run()
    wildcards = ("faces", "inception", SHARD)
    before = inputs.measure_sensitivity(run, *wildcards)
    assert before["images"] == f"results/run/images/fake/{SHARD}.h5"
    assert before["generated"] == "results/run/statistics/fake/inception/features-60.h5"
    make(run, layout.map_shard(*wildcards), provenance.measure_sensitivity(run, *wildcards))
    after = inputs.measure_sensitivity(run, *wildcards)
    assert (after["images"], after["weight_file"]) == ([], [])
    assert (after["real"], after["generated"]) == (before["real"], before["generated"])


def test_maps_are_for_the_images_of_fid() -> None:
    joined = inputs.join_sensitivity(make_run(), "faces", "clip")
    assert joined == below(
        *(layout.map_shard("faces", "clip", name) for name in (SHARD, "0000040-0000080"))
    )


def test_statistics_behind_examples() -> None:
    def others(shown: dict[str, Any]) -> Any:
        run = make_run(changed("datasets", "faces", "examples", to=shown))
        return inputs.explain_examples(run, "faces", "inception", "examples")["others"]

    assert others({"images": [1]}) == "results/run/statistics/fake/inception/features-60.h5"
    assert others({"seeds": [1]}) == "results/run/statistics/fake/inception/features-59.h5"


def test_a_snapshot_may_have_fewer_images() -> None:
    snapshots = inputs.score_snapshots(make_run(), "faces", "logits")["snapshots"]
    assert snapshots == below(
        "statistics/early/inception/logits-40.h5", "statistics/late/inception/logits-60.h5"
    )


def test_errors_need_features_unless_statistics_are_published() -> None:
    run = make_run()
    read = inputs.score_scheme(run, "faces", "random", "clip")
    assert read["real_features"] == "results/run/features/real/clip.h5"
    assert "real_features" not in inputs.score_scheme(run, "faces", "top1", "clip"), "no error"
    early, late = (f"results/run/features/{name}/inception.h5" for name in ("early", "late"))
    snapshots = inputs.score_snapshots(run, "faces", "logits")
    assert snapshots["features"] == [early, late]
    assert snapshots["real_features"] == "results/run/features/real/inception.h5"
    published = {"inception": {"path": "published.npz", "count": 7000}}
    Path("published.npz").write_bytes(b"statistics")
    run = make_run(changed("sources", "real", "statistics", to=published))
    assert inputs.score_scheme(run, "faces", "random", "inception")["real_features"] == []
    assert inputs.score_scheme(run, "faces", "random", "clip")["real_features"]
    assert inputs.score_snapshots(run, "faces", "features")["real_features"] == []
    # Only statistics of features are published.
    assert inputs.score_snapshots(run, "faces", "logits")["real_features"]


def test_without_scales_there_are_no_inputs_with_noise() -> None:
    scales = ("sensitivity", "noise", "scales")
    assert inputs.figure_noise(make_run(changed(*scales, to=[])), "faces") == []
    assert inputs.figure_noise(make_run(changed(*scales, to=[0.1])), "faces") == below(
        "sensitivity/faces/noise-0.csv", "sensitivity/faces/noise-0.1.csv"
    )


def test_all_features_are_features_that_a_result_needs() -> None:
    found = inputs.all_features(make_run())
    assert len(found) == len(set(found))
    for source, network in (
        ("fake", "inception"),
        ("fake", "clip"),
        ("fake", "vgg16"),
        ("early", "inception"),
    ):
        assert f"results/run/features/{source}/{network}.h5" in found
    assert "results/run/features/early/clip.h5" not in found


def test_tables_show_the_schemes_that_a_run_has() -> None:
    run = make_run()
    plain = make_run(changed("optimization", to={}))

    def schemes(run: Run, table: str) -> set[str]:
        return {Path(path).parts[-2] for path in inputs.make_table(run, table)}

    assert schemes(run, "2") == {"random", "prelogits-released", "prelogits", "logits"}
    assert schemes(plain, "2") == {"random", "prelogits", "logits"}
    kinds = {table: {Path(path).stem for path in inputs.make_table(run, table)} for table in "123"}
    assert kinds["1"] == kinds["2"] == {"inception", "untrained", "clip"}
    assert kinds["3"] == {"inception", *exhibits.score_files("3")}
    assert "kernels" in kinds["3"]
    # Data sets that are only compared are in no table.
    assert "results/run/scores/pair/random/inception.csv" not in inputs.make_table(run, "1")


def test_targets_are_the_files_of_all_exhibits() -> None:
    run = make_run()
    names = exhibits.names(run.config)
    assert {"table1", "figure8b", "figure9", "figure7", "figureS1", "figureS2"} <= set(names)
    assert len(inputs.tables(run)) == 4 * len(exhibits.TABLES)
    figures = inputs.figures(run)
    assert set(below("figures/figure9.png", "figures/figure7-two.pdf")) <= set(figures)
    assert {Path(path).stem.split("-")[0] for path in figures} == {
        name for name in names if name.startswith("figure")
    }
    config = changed("datasets", "faces", "snapshots", to=[])
    assert inputs.figure_snapshots(make_run(config)) == []
    assert not [path for path in inputs.figures(make_run(config)) if "figure9." in path]


def test_sweeps_are_shown_for_the_first_and_for_all_data_sets() -> None:
    def datasets(number: str) -> list[str]:
        found = inputs.figure_sweep(make_run(), number)
        return list(dict.fromkeys(Path(path).parts[-3] for path in found))

    assert (datasets("6"), datasets("18")) == (["faces"], ["faces", "cats"])


def test_paths_are_spelled_as_in_the_configuration() -> None:
    run = make_run({**CONFIG, "results": "./my results/"})
    assert inputs.features_of(run, "real", "clip") == "./my results//run/features/real/clip.h5"


def test_a_different_network_may_count_classes() -> None:
    run = make_run(changed("classifier", to="resnet50"))
    own = make_run()
    # Logits and Top-1 classes are read from the classifier's features ...
    logits = inputs.optimize_weights(run, "faces", "logits")
    assert logits == {
        "real": below("statistics/real/resnet50/logits-40.h5")[0],
        "candidates": below("features/fake/inception.h5")[0],
        "judged": below("statistics/real/inception/features-40.h5")[0],
        "classified": below("features/fake/resnet50.h5")[0],
    }
    sweep = inputs.optimize_sweep(run, "faces")
    assert sweep["real"] == below("features/real/resnet50.h5")[0]
    assert sweep["candidates"] == below("features/fake/inception.h5")[0]
    assert sweep["classified"] == below("features/fake/resnet50.h5")[0]
    extended = inputs.extend_matched(run, "faces")
    assert {extended["real"], extended["candidates"]} == {
        *below("features/real/resnet50.h5", "features/fake/resnet50.h5")
    }
    assert "resnet50" in str(extended["weight_file"])
    matched = inputs.draw_matched(run, "faces")
    assert matched["candidates"] == below("features/fake/resnet50.h5")[0]
    assert inputs.figure_classes(run, "faces")["real"] == below("features/real/resnet50.h5")[0]
    compared = inputs.compare(run, "two", "clip")
    assert compared["models"][0] == below("features/fake/clip.h5")[0]
    assert compared["logits"][0] == below("features/fake/resnet50.h5")[0]
    snapshots = inputs.score_snapshots(run, "faces", "logits")
    assert all("/resnet50/logits-" in path for path in snapshots["snapshots"])
    # ... but distances are not.
    for rule in (inputs.optimize_weights, inputs.score_scheme):
        names = ("prelogits", "inception") if rule is inputs.score_scheme else ("prelogits",)
        assert rule(run, "faces", *names) == rule(own, "faces", *names)
    assert "resnet50" not in str(inputs.score_snapshots(run, "faces", "features"))
    assert inputs.make_table(run, "2") == inputs.make_table(own, "2")
    # The classifier is not a control. Its features are made for all images with classes.
    assert "resnet50" not in str(inputs.judge_comparison(run, "two")["controls"])
    made = inputs.all_features(run)
    assert below("features/early/resnet50.h5")[0] in made
    assert below("features/rival/resnet50.h5")[0] in made


def test_fid_s_network_may_be_named_as_the_classifier() -> None:
    run, own = make_run(changed("classifier", to="inception")), make_run()
    assert inputs.all_features(run) == inputs.all_features(own)
    assert inputs.explore_dataset(run, "faces") == inputs.explore_dataset(own, "faces")
    assert inputs.figure_overview(run, "faces") == inputs.figure_overview(own, "faces")


def test_inputs_of_a_control_s_own_null_space() -> None:
    run, plain = make_run(changed("null_spaces", to=["clip"])), make_run()
    assert inputs.optimize_weights(run, "faces", "own-clip") == {
        "real": below("statistics/real/clip/features-40.h5")[0],
        "candidates": below("features/fake/clip.h5")[0],
        "judged": below("statistics/real/clip/features-40.h5")[0],
    }
    params = provenance.optimize_weights(run, "faces", "own-clip")
    pre_logits = provenance.optimize_weights(run, "faces", "prelogits")
    assert params["network"] == "clip"
    assert {**params, "network": "inception"} == pre_logits
    read = {*inputs.verdict(run)["scores"]} - {*inputs.verdict(plain)["scores"]}
    assert read == {
        *(
            path
            for dataset in ("faces", "cats")
            for path in below(
                f"scores/{dataset}/matched/inception.csv",
                f"scores/{dataset}/random-filled/inception.csv",
                f"scores/{dataset}/matched/clip.csv",
                f"scores/{dataset}/random-filled/clip.csv",
                f"scores/{dataset}/own-clip/clip.csv",
            )
        )
    }
    assert read < {*inputs.write_index(run)["scores"]}
    assert inputs.make_table(run, "2") == inputs.make_table(plain, "2")
