"""A second run reruns exactly the jobs that depend on a change, in one invocation."""

from __future__ import annotations

import io
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fringe.costs.actual import read_actual, rule_rows
from fringe.evaluation import load_draws
from fringe.metrics import Gaussian, frechet_distance
from fringe.networks import load_network
from fringe.plan.exhibits import score_files
from fringe.resampling.histogram import quotas
from fringe.scores.rows import read_scores
from fringe.seeds import random_stream
from fringe.sources import PhotoSource
from fringe.sources.imitation import ImitationSource

Project = Any  # tests/dag/conftest.py
Change = Callable[[Project], None]

MAIN, CONTROL, OTHER = (f"tiny_network.{name}" for name in ("classifier", "control", "other"))
PNG_PDF = ("png", "pdf")

# Draws of Top-1 matching, also beyond the candidates, the same number of random images, and
# distances of these draws in units of the floor.
MATCHED = (
    *("matched/faces.h5", "matched/faces/*.h5"),
    *("draws/faces/matched.h5", "draws/faces/random-filled.h5"),
    "scores/*/floor-*.csv",
)
OPTIMIZED = ("prelogits", "logits", "top1", "middle2")
WEIGHTED = (*OPTIMIZED, "prelogits-released")
SCORES = ("scores/*/*/*.csv", "scores/*/sizes.csv", "scores/*/snapshots-*.csv")
EXPLORER = "explorer/datasets/faces.h5"
RESULTS = ("tables/*", "figures/*", "verdict.*")


def drawn_with(*schemes: str) -> tuple[str, ...]:
    """Return patterns of the weights of schemes and of the results that follow from them."""
    return (
        *(
            f"{kind}/faces/{scheme}{end}"
            for scheme in schemes
            for kind, end in (("weights", ".h5"), ("draws", ".h5"), ("scores", "/*.csv"))
        ),
        *("convergence/faces.csv", EXPLORER),
    )


DRAWN_WITH_WEIGHTS = drawn_with(*WEIGHTED)
OF_WEIGHTS = (  # figures that show the weights of each data set
    "5",
    "17",
)
ONE_EACH = ("1", "4a", "16", "S1", *OF_WEIGHTS)


def figures(*numbers: str) -> tuple[str, ...]:
    """Return patterns of figures; some figures exist for each data set."""
    return tuple(f"figures/figure{n}{'-*' if n in ONE_EACH else ''}.*" for n in numbers)


# Results that follow from features, for both networks.
AFTER_REAL = (
    "features/real/*.h5",
    "statistics/real/*/*.h5",
    *MATCHED,
    *DRAWN_WITH_WEIGHTS,
    *SCORES,
    *RESULTS,
)
AFTER_FAKE = (
    "features/fake/*.h5",
    "statistics/fake/*/*.h5",
    *MATCHED,
    *DRAWN_WITH_WEIGHTS,
    *("scores/*/*/*.csv", "scores/*/sizes.csv"),
    *("tables/*", "verdict.*", *figures("1", "4a", "6", "8a", "16", "18", "S1", *OF_WEIGHTS)),
)


def after_snapshot(name: str) -> tuple[str, ...]:
    """Return patterns of the results that follow from the features of one snapshot."""
    return (
        f"features/{name}/*.h5",
        f"statistics/{name}/*/*.h5",
        "scores/faces/snapshots-*.csv",
        *figures("9"),
    )


def summed_up(outputs: set[str]) -> set[str]:
    """Return outputs of jobs, and the pages about all of them, which every job makes stale."""
    return outputs | {"index.html", "cost.md", "cost.html"} if outputs else outputs


def sets(*keys: str | int, to: object) -> Change:
    """Return a function that changes one value of the configuration."""

    def change(project: Project) -> None:
        place = project.config
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = to

    return change


# One of the 60 real images, of which 40 are used.
REAL_ORDER = random_stream(0, "order").permutation(60)


def touch(project: Project) -> None:
    for path in (project.folder / "real.zip", *(project.folder / "late").iterdir()):
        os.utime(path)


def move(project: Project) -> None:
    (project.folder / "real.zip").rename(project.folder / "elsewhere.zip")
    (project.folder / "late").rename(project.folder / "elsewhere")
    project.config["sources"]["real"]["path"] = "elsewhere.zip"
    project.config["sources"]["late"]["path"] = "elsewhere"


def other_image() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), 99, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def replace_in_zip(project: Project) -> None:
    path = project.folder / "real.zip"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[f"img{REAL_ORDER[50]:08d}.png"] = other_image()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def replace_in_folder(project: Project) -> None:
    """Replace an image and give the file its old size and times, as a careless copy might."""
    path = project.folder / "late" / "img00000003.png"
    before = path.stat()
    content = other_image()
    path.write_bytes(content + b"\0" * (before.st_size - len(content)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def add_to_folder(project: Project) -> None:
    for number in range(40, 50):
        (project.folder / "late" / f"img{number:08d}.png").write_bytes(other_image())


def drop_images(project: Project) -> None:
    shutil.rmtree(project.results / "images")


def both(*changes: Change) -> Change:
    def change(project: Project) -> None:
        for one in changes:
            one(project)

    return change


def extracted(source: str, network: str, *shards: str) -> set[str]:
    """Return the files of one feature extraction."""
    place = f"features/{source}/{network}"
    return {f"{place}.h5"} | {f"{place}/{shard}.h5" for shard in shards}


def scored(network: str, *schemes: str) -> set[str]:
    return {f"scores/faces/{scheme}/{network}.csv" for scheme in schemes}


REAL_SHARDS = ("0000000-0000040", "0000040-0000060")
FAKE_SHARDS = ("0000000-0000040", "0000040-0000080", "0000080-0000120")
ADDED_CONTROL = (
    extracted("real", OTHER, *REAL_SHARDS)
    | extracted("fake", OTHER, *FAKE_SHARDS)
    | {f"statistics/real/{OTHER}/features-40.h5"}
    | scored(
        OTHER, "random", "matched", "random-filled", "prelogits", "prelogits-released", "logits"
    )
    | {f"matched/faces/{OTHER}.h5", f"scores/faces/floor-{OTHER}.csv"}
)
ADD_CONTROL = sets("controls", to=["tiny_network:other", "tiny_network:control"])
EVERY_SCHEME = ("random", "matched", "random-filled", *WEIGHTED)


def publish_statistics(project: Project) -> None:
    """Give the real images a published mean and covariance in the network of FID."""
    values = np.random.default_rng(0).standard_normal((40, 12))
    path = project.folder / "real.npz"
    np.savez(path, mu=values.mean(0), sigma=np.cov(values, rowvar=False))
    published = {"tiny_network:classifier": {"path": "real.npz", "count": 1000}}
    project.config["sources"]["real"]["statistics"] = published


AFTER_STATISTICS = (
    f"statistics/real/{MAIN}/features-40.h5",
    # Weights in every space are judged by FID.
    *(f"{kind}/faces/{scheme}.h5" for scheme in WEIGHTED for kind in ("weights", "draws")),
    *("convergence/faces.csv", EXPLORER, "scores/faces/floor-*.csv"),
    *(f"scores/faces/*/{MAIN}.csv", *(f"scores/faces/{scheme}/*.csv" for scheme in WEIGHTED)),
    *("scores/faces/snapshots-features.csv", "tables/*", "verdict.*"),
    *figures("1", "6", "9", "16", "18", "S1", *OF_WEIGHTS),
)


def compare(project: Project) -> None:
    """Compare the candidates with those of another generator."""
    config = project.config
    config["sources"]["rival"] = {**config["sources"]["fake"], "count": 60, "seed": 8}
    config["datasets"]["pair"] = {"real": "real", "generated": "rival", "resample": False}
    config["comparisons"] = {"two": {"generators": {"One": "faces", "Two": "pair"}}}
    config["evaluation"]["precision_recall"] = {"network": "tiny_network:classifier"}


SHORT_MATCHING = (
    *MATCHED,
    *(f"scores/faces/{scheme}/*.csv" for scheme in ("matched", "random-filled")),
    *("tables/table1.*", *figures("16")),
)

# tests/plan/test_provenance.py tests the params of jobs. These tests check which jobs Snakemake
# reruns after changes of params and of files. Each entry: a name, the change, patterns of existing
# outputs, and outputs that do not exist yet.
CASES: list[tuple[str, Change, tuple[str, ...], set[str]]] = [
    ("nothing but times and places of data", both(touch, move), (), set()),
    (
        "an image in a ZIP and one in a folder",
        both(replace_in_zip, replace_in_folder),
        (
            *("features/real/*/0000040-0000060.h5", *AFTER_REAL),
            *("features/late/*/*.h5", *after_snapshot("late")),
        ),
        set(),
    ),
    (
        "more images",
        add_to_folder,
        (f"features/late/{MAIN}.h5", "scores/faces/snapshots-*.csv", *figures("9")),
        {f"features/late/{MAIN}/0000040-0000050.h5"}
        | {f"statistics/late/{MAIN}/{space}-50.h5" for space in ("features", "logits")},
    ),
    (
        "count raised",
        sets("sources", "fake", "count", to=160),
        ("draws/faces/random.h5", *AFTER_FAKE),
        {"images/fake/0000120-0000160.h5"}
        | {f"features/fake/{network}/0000120-0000160.h5" for network in (MAIN, CONTROL)},
    ),
    (
        "count lowered",
        sets("sources", "fake", "count", to=100),
        ("draws/faces/random.h5", *AFTER_FAKE),
        {"images/fake/0000080-0000100.h5"}
        | {f"features/fake/{network}/0000080-0000100.h5" for network in (MAIN, CONTROL)},
    ),
    (
        "another network",
        sets("network", to="tiny_network:other"),
        (
            *("matched/faces.h5", f"matched/faces/{CONTROL}.h5", *MATCHED[2:4]),
            f"scores/faces/floor-{CONTROL}.csv",
            *("convergence/faces.csv", EXPLORER),
            *(f"{kind}/faces/{scheme}.h5" for kind in ("weights", "draws") for scheme in WEIGHTED),
            *(f"scores/faces/{s}/{CONTROL}.csv" for s in EVERY_SCHEME if s != "random"),
            *(f"scores/faces/*/{file}.csv" for file in score_files("3")),
            *(*SCORES[1:], *RESULTS),
        ),
        extracted("real", OTHER, *REAL_SHARDS)
        | extracted("fake", OTHER, *FAKE_SHARDS)
        | {
            name
            for snapshot in ("early", "middle", "late")
            for name in extracted(snapshot, OTHER, "0000000-0000040")
        }
        | {
            f"statistics/{source}/{OTHER}/{space}-40.h5"
            for source in ("real", "early", "middle", "late")
            for space in ("features", "logits")
        }
        | {f"statistics/fake/{OTHER}/{space}-60.h5" for space in ("features", "logits")}
        | scored(OTHER, *EVERY_SCHEME)
        | {f"matched/faces/{OTHER}.h5", f"scores/faces/floor-{OTHER}.csv"},
    ),
    (
        "N added to the sweep",
        sets("schemes", "top", to=[1, 3]),
        figures("6", "18"),
        {"weights/faces/top3.h5", "draws/faces/top3.h5"}
        | scored(MAIN, "top3")
        | scored(CONTROL, "top3"),
    ),
    (
        # Its features and statistics are older than all results that are made from them.
        "a data set of another source",
        sets("datasets", "faces", "real", to="late"),
        (
            *(*MATCHED, *DRAWN_WITH_WEIGHTS),
            *(*SCORES, *RESULTS),
        ),
        extracted("late", CONTROL, "0000000-0000040")
        | {f"statistics/late/{CONTROL}/features-40.h5"},
    ),
    ("shard size", sets("extraction", "shard_size", to=60), (), set()),
    ("published statistics", publish_statistics, AFTER_STATISTICS, set()),
    (
        "an alternative",
        sets("datasets", "faces", "alternatives", to=["tiny_network:other"]),
        ("deviations.*",),
        extracted("real", OTHER, *REAL_SHARDS)
        | extracted("fake", OTHER, *FAKE_SHARDS)
        | {f"statistics/real/{OTHER}/features-40.h5", *scored(OTHER, "random")}
        | {f"figures/figure8b.{kind}" for kind in PNG_PDF},
    ),
    (
        "a comparison",
        compare,
        # All explorers of a run share the size limit of the page.
        ("deviations.*", EXPLORER),
        {f"images/rival/{shard}.h5" for shard in REAL_SHARDS}
        | extracted("rival", MAIN, *REAL_SHARDS)
        | extracted("rival", CONTROL, *REAL_SHARDS)
        | {"draws/pair/random.h5", "scores/faces/random/precision_recall.csv"}
        | {f"scores/pair/random/{kind}.csv" for kind in (MAIN, CONTROL, "precision_recall")}
        | {f"figures/figure{n}-two.{kind}" for n in ("7", "19") for kind in PNG_PDF}
        | {f"comparisons/two/{network}.json" for network in (MAIN, CONTROL)}
        | {f"comparisons/two/verdict.{kind}" for kind in ("json", "md", "html")}
        | {f"comparisons/two/classes-1.{kind}" for kind in PNG_PDF}
        | {"comparisons/two/prices.h5", f"power/real/{CONTROL}.csv"}
        | {"explorer/comparisons/two.h5"},
    ),
    (
        "dropped images",
        both(drop_images, sets("extraction", "keep_images", to=False)),
        (),
        set(),
    ),
    ("lost images", drop_images, (), set()),
    (
        "another control without images",
        both(drop_images, sets("extraction", "keep_images", to=False), ADD_CONTROL),
        ("tables/table1.*", "tables/table2.*", "verdict.*"),
        ADDED_CONTROL,
    ),
    (
        "another control with lost images",
        both(drop_images, ADD_CONTROL),
        ("tables/table1.*", "tables/table2.*", "verdict.*"),
        ADDED_CONTROL | {f"images/fake/{shard}.h5" for shard in FAKE_SHARDS},
    ),
    (
        "lost features",
        lambda project: [
            (project.results / name).unlink()
            for name in (f"features/late/{MAIN}.h5", f"features/late/{MAIN}/0000000-0000040.h5")
        ],
        ("statistics/late/*/*.h5", "scores/faces/snapshots-*.csv", *figures("9")),
        extracted("late", MAIN, "0000000-0000040"),
    ),
]


@pytest.mark.parametrize(
    ("change", "patterns", "new"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_change_reruns_only_dependent_jobs(
    finished: Project,
    project: Project,
    change: Change,
    patterns: tuple[str, ...],
    new: set[str],
) -> None:
    change(project)
    expected = finished.files(*patterns) | new
    assert not {name for name in new if (project.results / name).exists()}
    assert project.planned() == summed_up(expected)


def test_a_file_that_arrives_later_runs_only_its_own_jobs(project: Project) -> None:
    project.config["missing"] = "skip"
    (project.folder / "late").rename(project.folder / "away")
    printed = project.run()
    assert "1 file is missing. Left out: Figure 9." in printed
    pages = {f"{page}.{kind}" for page in ("left_out", "deviations") for kind in ("md", "html")}
    assert project.outputs(printed) == summed_up(pages)
    assert "| Figure 9 | sources/late |" in (project.results / "left_out.md").read_text()
    # As if the file had never existed.
    late = {*project.files(*after_snapshot("late")), *project.files(f"features/late/{MAIN}/*.h5")}
    for path in late:
        (project.results / path).unlink()
    (project.folder / "away").rename(project.folder / "late")
    assert project.planned() == summed_up(late | pages)


def test_a_change_is_complete_after_one_run(project: Project) -> None:
    """The run executes exactly the jobs of the dry run, and then no job remains."""
    sets("sources", "early", "seed", to=9)(project)
    patterns = ("images/early/*.h5", "features/early/*/*.h5", *after_snapshot("early"))
    before = (project.results / "scores/faces/snapshots-features.csv").read_bytes()
    assert project.executed() == summed_up(project.files(*patterns))
    assert (project.results / "scores/faces/snapshots-features.csv").read_bytes() != before
    assert project.planned() == set()
    actual = read_actual(project.results)
    assert actual.undescribed == 0
    assert len(actual.chain) > 1
    assert actual.chain[0].job.rule in ("render_images", "extract_features")
    page = (project.results / "cost.md").read_text()
    assert all(f"| {' | '.join(row)} |" in page for row in rule_rows(actual))
    # And back: the first results are older than the present ones.
    sets("sources", "early", "seed", to=2)(project)
    assert project.planned() == summed_up(project.files(*patterns))


def test_results_state_which_images_represent_a_set(finished: Project) -> None:
    for page in ("tables/table1.md", "tables/table1.tex", "tables/table3.html", "verdict.md"):
        text = (finished.results / page).read_text()
        assert "Real images: 40 of 60, chosen at random with seed 0." in text, page
        assert "Generated images" not in text, "they were made"


def test_matching_draws_beyond_the_candidates(
    finished: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Classes and FID of all drawn images are equal to those computed from the images."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    draws, report = load_draws(finished.results / "draws/faces/matched.h5")
    assert (report["asked"], report["filled"], report["unfilled"]) == (60, 60, {})
    assert report["beyond"] == (draws[0] >= 120).sum() > 0
    assert 120 + report["beyond"] <= report["seen"] <= 1200
    images = ImitationSource(1200, 32, 1, 0.8).read(draws.ravel())
    real = PhotoSource(60, 32, 0).read(REAL_ORDER[:40])
    for network in (MAIN, CONTROL):
        look = load_network(network.replace(".", ":"))
        theirs, ours = (look(torch.from_numpy(x).permute(0, 3, 1, 2)) for x in (real, images))
        if network == MAIN:
            wanted = quotas(theirs.logits.argmax(1).numpy(), 60)
            for labels in ours.logits.argmax(1).numpy().reshape(2, 60):
                assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == wanted
        expected = [
            frechet_distance(
                Gaussian.from_features(theirs.features.numpy()), Gaussian.from_features(rows)
            )
            for rows in ours.features.numpy().reshape(2, 60, -1)
        ]
        scores = read_scores([finished.results / f"scores/faces/matched/{network}.csv"])
        # Features are float32, and their last bits may depend on the size of the batch.
        assert scores["value"].tolist() == pytest.approx(expected, rel=1e-5)
        # If all bins are full, the filled random draw equals the random draw.
        whole, filled = (
            read_scores([finished.results / f"scores/faces/{scheme}/{network}.csv"])["value"]
            for scheme in ("random", "random-filled")
        )
        assert filled.tolist() == whole[: len(filled)].tolist()


def test_matching_that_reaches_its_limit_is_reported(project: Project) -> None:
    sets("matching", to={"limit": 2})(project)
    tables = "tables/table1.md"
    made = (*MATCHED[:-1], *SHORT_MATCHING[len(MATCHED) : -1])  # the table has no FDr
    assert project.executed(tables) == project.files(*made)
    filled = load_draws(project.results / "draws/faces/matched.h5")[1]["filled"]
    assert filled < 60
    text = (project.results / tables).read_text()
    assert f"{filled} at random (change: matching relative to these)" in text
    assert f"could fill only {filled} of 60 places" in text
    assert project.planned(tables) == set()
    # Images that were classified before are not classified again.
    sets("matching", to={"limit": 10})(project)
    assert "matched/faces.h5" in project.executed("matched/faces.h5")
    assert (
        "matched/faces.checkpoint: continuing from this state"
        in (project.results / "logs/extend_matched/faces.log").read_text()
    )
    assert not (project.results / "matched/faces.checkpoint").exists()


def test_images_made_again_make_nothing_stale(project: Project) -> None:
    """A control that needs lost images renders them; features of other networks stay unchanged."""
    drop_images(project)
    ADD_CONTROL(project)
    link = f"features/fake/{OTHER}.h5"
    assert project.executed(link) == extracted("fake", OTHER, *FAKE_SHARDS) | {
        f"images/fake/{shard}.h5" for shard in FAKE_SHARDS
    }
    assert project.planned(link) == set()
    assert project.planned(f"features/fake/{MAIN}.h5") == set()


def edit(path: Path, pattern: str, replacement: str) -> None:
    text = path.read_text()
    assert len(re.findall(pattern, text, re.MULTILINE)) == 1, f"{path.name}: no {pattern}"
    path.write_text(re.sub(pattern, replacement, text, flags=re.MULTILINE))


def test_a_comment_in_the_code_reruns_nothing(project: Project, tmp_path: Path) -> None:
    project.clone_code(tmp_path / "code")
    for folder, suffix in (("src/fringe", "py"), ("workflow/scripts", "py"), ("rules", "smk")):
        for path in (project.code / folder).rglob(f"*.{suffix}"):
            path.write_text(f"{path.read_text()}\n# A comment.\n")
    assert project.planned() == set()


METRICS_FOLLOW = (
    *("statistics/*/*/*.h5", *DRAWN_WITH_WEIGHTS, *SCORES, "tables/*", "verdict.*"),
    "scores/*/floor-*.csv",
    *figures("1", "6", "8a", "9", "16", "18", "S1", *OF_WEIGHTS),
)
REVISIONS = {
    "sources/imitation.py": (
        "images/*/*.h5",
        "features/fake/*/*.h5",
        "features/early/*/*.h5",
        "features/middle/*/*.h5",
        *AFTER_FAKE,
        *after_snapshot("early"),
        *after_snapshot("middle"),
    ),
    "METRICS": METRICS_FOLLOW,
}


@pytest.mark.parametrize("stage", REVISIONS)
def test_a_raised_revision_reruns_its_stage(
    finished: Project, project: Project, tmp_path: Path, stage: str
) -> None:
    project.clone_code(tmp_path / "code")
    # Sources have one revision for each kind.
    module, name = (stage, "REVISION") if stage.endswith(".py") else ("revisions.py", stage)
    edit(project.code / "src/fringe" / module, rf"^{name} = \d+\b", f"{name} = 99")
    assert project.planned() == summed_up(finished.files(*REVISIONS[stage]))


def test_a_raised_revision_of_a_network_reruns_its_features(
    finished: Project, project: Project, tmp_path: Path
) -> None:
    project.clone_code(tmp_path / "code")
    edit(
        project.code / "src/tiny_network.py",
        r"^(control = .*)$",
        r"\1\ncontrol.info = (DIM, CLASSES, 2)",
    )
    follow = finished.files(
        *(f"features/*/{CONTROL}.h5", f"features/*/{CONTROL}/*.h5"),
        *(f"statistics/*/{CONTROL}/*.h5", f"scores/*/*/{CONTROL}.csv"),
        f"scores/*/floor-{CONTROL}.csv",
        f"matched/faces/{CONTROL}.h5",
        *("tables/table1.*", "tables/table2.*", "verdict.*", *figures("6", "18")),
    )
    assert project.planned() == summed_up(follow)
