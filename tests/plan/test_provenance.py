"""Changes of a configuration, and the jobs whose params change with each."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fringe import revisions
from fringe.config import choices
from fringe.files import seals
from fringe.files.hdf5 import create_h5
from fringe.networks import registry
from fringe.plan import exhibit_params, layout, provenance
from fringe.plan.run import Run
from fringe.sources.unpacked import Packed

from .runs import CONFIG, changed, make_run

SHARDS = ("0000000-0000040", "0000040-0000080", "0000080-0000120")
OPTIMIZED = ("prelogits", "logits", "prelogits-released")

# The jobs of the run that are checked: a rule, and the wildcards of some of its jobs.
JOBS: dict[Callable[..., Any], list[tuple[str, ...]]] = {
    provenance.render_images: [("fake", shard) for shard in SHARDS] + [("early", SHARDS[0])],
    provenance.extract_features: [
        *(("fake", network, shard) for network in ("inception", "clip") for shard in SHARDS),
        ("real", "inception", SHARDS[1]),
        ("late", "inception", SHARDS[0]),
    ],
    provenance.link_features: [("fake", "inception"), ("fake", "clip"), ("real", "inception")],
    provenance.published_statistics: [
        ("real", "inception", "features"),
        ("real", "inception", "logits"),
        ("fake", "inception", "features"),
    ],
    provenance.optimize_weights: [("faces", scheme) for scheme in OPTIMIZED],
    provenance.optimize_sweep: [("faces",)],
    provenance.measure_convergence: [("faces",)],
    provenance.extend_matched: [("faces",)],
    provenance.settled_limit: [("faces",)],
    provenance.extract_matched: [("faces", "inception"), ("faces", "clip")],
    provenance.draw_random: [("faces", "random"), ("faces", "random-filled")],
    provenance.draw_matched: [("faces",)],
    provenance.draw_weighted: [("faces", scheme) for scheme in (*OPTIMIZED, "top1")],
    provenance.score_scheme: [("faces", "random"), ("faces", "top1"), ("pair", "random")],
    provenance.score_asked: [("faces", "inception")],
    provenance.score_floor: [("faces",)],
    provenance.score_precision_recall: [("faces",)],
    provenance.score_kernels: [("faces",)],
    provenance.score_sizes: [("faces",)],
    provenance.score_snapshots: [("faces", "features"), ("faces", "logits")],
    provenance.compare: [("two", "inception"), ("two", "clip")],
    provenance.measure_checks: [("faces",)],
    provenance.measure_power: [("real", "inception"), ("real", "clip")],
    provenance.join_sensitivity: [("faces", "inception"), ("faces", "clip")],
    provenance.measure_sensitivity: [("faces", "inception", shard) for shard in SHARDS[:2]],
    provenance.average_sensitivity: [("faces",)],
    provenance.explain_examples: [
        ("faces", "inception", "examples"),
        ("faces", "inception", "grid"),
        ("faces", "clip", "examples"),
    ],
    provenance.measure_noise: [("faces",)],
    provenance.measure_region: [("faces",)],
    provenance.explore_dataset: [("faces",)],
    provenance.explore_comparison: [("two",)],
    exhibit_params.make_table: [("1",), ("2",), ("3",)],
    exhibit_params.table_asked: [()],
    exhibit_params.verdict: [()],
    exhibit_params.judge_comparison: [("two",)],
    exhibit_params.list_deviations: [()],
    exhibit_params.list_left_out: [()],
    exhibit_params.write_self_check: [()],
    exhibit_params.write_index: [()],
    exhibit_params.figure_overview: [("faces",)],
    exhibit_params.figure_classes: [("faces",)],
    exhibit_params.figure_weights: [("faces", "5"), ("faces", "17")],
    exhibit_params.figure_sweep: [("6",), ("18",)],
    exhibit_params.figure_sizes: [()],
    exhibit_params.figure_snapshots: [()],
    exhibit_params.figure_schemes: [("faces",)],
    exhibit_params.figure_networks: [()],
    exhibit_params.figure_compared_classes: [("two", "1")],
    exhibit_params.figure_comparison: [("7", "two"), ("19", "two")],
    exhibit_params.figure_convergence: [("faces",)],
    exhibit_params.figure_examples: [("faces",)],
    exhibit_params.figure_means: [("faces", number) for number in ("4b", "12", "15")],
    exhibit_params.figure_noise: [("faces",)],
    exhibit_params.figure_noisy_images: [("faces",)],
    exhibit_params.figure_sensitivity_grid: [("faces",)],
    exhibit_params.figure_network_maps: [("faces",)],
}


def params_of(run: Run) -> dict[str, str]:
    """Return the params of all `JOBS` in the form that Snakemake compares."""
    return {
        " ".join([rule.__name__, *wildcards]): repr(rule(run, *_named(run, wildcards)))
        for rule, jobs in JOBS.items()
        for wildcards in jobs
    }


def _named(run: Run, wildcards: tuple[str, ...]) -> list[str]:
    """Return wildcards in which the run's network replaces FID's network of `JOBS`."""
    return [run.fid_network if name == "inception" else name for name in wildcards]


def differing(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {job for job in before if before[job] != after[job]}


@cache
def _unchanged() -> dict[str, str]:
    return params_of(make_run())


def matching(*patterns: str) -> set[str]:
    """Return the jobs that match any pattern. Each pattern must match a job."""
    found = set()
    for pattern in patterns:
        jobs = {job for job in _unchanged() if fnmatch(job, pattern)}
        assert jobs, f"{pattern} matches no job: the test is out of date"
        found |= jobs
    return found


def test_every_rule_is_checked() -> None:
    def rules(module: ModuleType) -> set[Callable[..., Any]]:
        functions = (getattr(module, name) for name in module.__all__)
        return {one for one in functions if inspect.isfunction(one)}

    helpers = {
        provenance.classifier_of,
        provenance.compared,
        provenance.drawn_and_real,  # part of score_kernels
        provenance.features_by,
        provenance.images_of,
        provenance.is_made,
        provenance.network_of_space,
        provenance.snapshot_statistics,
        provenance.snapshots_with_images,
        provenance.sweep_provenance,
        provenance.sweep_to_make,
    }
    compressed = {provenance.unpack_images}  # see test_unpacked_images
    given = {provenance.import_features}  # see tests/running/test_given_features.py
    assert rules(provenance) - helpers - compressed - given | rules(exhibit_params) == set(JOBS)


FAKE_FEATURES = ("extract_features fake *", "link_features fake *")
# Jobs that depend on the candidates' features.
AFTER_CANDIDATES = (
    "optimize_sweep *",
    "extend_matched *",
    "extract_matched *",
    "measure_sensitivity *",
)
OF_IMAGES = (
    *("average_sensitivity *", "measure_noise *", "figure_overview *", "figure_weights *"),
    *("figure_schemes *", "figure_noisy_images *", "figure_comparison *"),
    *("figure_compared_classes *", "explore_*"),
)
FIGURES = ("figure_*",)
TITLED = (
    *("make_table *", "table_asked", "verdict", "write_self_check"),
    # Comparisons have their own titles.
    *("figure_[!c]*", "figure_classes *", "figure_comparison *", "figure_convergence *"),
)

# Each entry: a name, the change, and patterns of the jobs whose params change.
CASES: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("nothing", CONFIG, ()),
    ("moved data", changed("sources", "real", "path", to="elsewhere.zip"), ()),
    ("device", changed("device", to="cpu"), ()),
    (
        "a protocol whose values are those of the run",
        changed("protocol", to="paper"),
        ("write_index", "make_table *", "table_asked", "verdict", "judge_comparison *"),
    ),
    ("workers", changed("extraction", "workers", to=7), ()),
    ("images dropped", changed("extraction", "keep_images", to=False), ()),
    ("scratch", changed("extraction", "scratch", to=True), ()),
    (
        "another name of the run",
        changed("run", to="other"),
        ("write_index", "score_snapshots *"),
    ),
    (
        "order of files",
        changed("sources", "real", "order", to="file"),
        (
            "write_index",
            *("extract_features real *", "link_features real *", "optimize_sweep *"),
            *("extend_matched *", "measure_sensitivity *", "figure_overview *"),
            *("measure_power *", "explore_*"),
            # They describe the used images in words.
            *("make_table *", "verdict"),
        ),
    ),
    (
        "seed of the generator",
        changed("sources", "fake", "seed", to=9),
        ("render_images fake *", *FAKE_FEATURES, *AFTER_CANDIDATES, *OF_IMAGES),
    ),
    (
        "seed of a snapshot",
        changed("sources", "late", "seed", to=9),
        ("extract_features late *",),
    ),
    (
        "count raised: shards that were there stay",
        changed("sources", "fake", "count", to=160),
        (
            "write_index",
            *("link_features fake *", "draw_random *", *AFTER_CANDIDATES, *OF_IMAGES),
            *("settled_limit *", "make_table [23]", "verdict"),
        ),
    ),
    (
        "another network",
        changed("network", to="resnet50"),
        (
            "write_index",
            *("extract_features * inception *", "link_features * inception", "extract_matched *n"),
            *("optimize_*", "measure_convergence *", "extend_matched *", "draw_matched *"),
            *("score_kernels *", "score_sizes *", "score_snapshots *", "measure_checks *"),
            *("score_asked *", "table_asked", "measure_power * inception"),
            *("join_sensitivity * inception", "measure_sensitivity *", "average_sensitivity *"),
            *("explain_examples * inception *", "measure_noise *", "measure_region *"),
            *("make_table *", "verdict", "list_deviations"),
            *("figure_overview *", "figure_classes *", "figure_sweep *", "figure_sizes"),
            *("figure_snapshots", "figure_schemes *", "figure_networks", "figure_comparison *"),
            *("figure_examples *", "figure_means *", "figure_noise *", "figure_noisy_images *"),
            *("figure_sensitivity_grid *", "figure_network_maps *", "compare *"),
            *("figure_compared_classes *", "explore_*"),
        ),
    ),
    (
        "the network of FID, named as the classifier",
        changed("classifier", to="inception"),
        (),
    ),
    (
        "another classifier",
        changed("classifier", to="resnet50"),
        (
            "write_index",
            *("optimize_weights faces logits", "optimize_sweep *"),
            *("extend_matched *", "draw_matched *", "score_snapshots * logits"),
            *("join_sensitivity * inception", "measure_sensitivity *", "measure_noise *"),
            "explain_examples * inception *",
            *("make_table *", "verdict", "list_deviations"),
            *("figure_overview *", "figure_classes *", "figure_sweep *", "figure_snapshots"),
            *("figure_examples *", "figure_means *", "figure_sensitivity_grid *"),
            *("compare *", "explore_*"),
        ),
    ),
    (
        "the null space of a control",
        changed("null_spaces", to=["clip"]),
        ("verdict", "write_index"),
    ),
    (
        "another control",
        changed("controls", to=["swav", "untrained", "clip"]),
        ("write_index", "make_table [12]", "verdict", "list_deviations", "judge_comparison *"),
    ),
    (
        "weights of a network",
        changed("weights", to={"clip": {"path": "mine.pt", "sha256": "0" * 64}}),
        (
            "write_index",
            *("extract_features fake clip *", "link_features fake clip", "extract_matched * clip"),
            *("join_sensitivity * clip", "explain_examples * clip *", "measure_power * clip"),
            # They name the file by the beginning of its digest.
            *("make_table *", "verdict", "figure_sweep *", "figure_sizes", "figure_snapshots"),
            *("figure_networks", "figure_comparison *", "figure_network_maps *", "table_asked"),
            "judge_comparison *",  # their training data are unknown
        ),
    ),
    (
        "repeats of Table 1",
        changed("evaluation", "repeats", "table1", to=30),
        ("draw_random *", "draw_matched *", "make_table 1"),
    ),
    (
        "metrics",
        changed("evaluation", "metrics", to=["fid", "density", "sfid"]),
        ("score_asked *", "table_asked", "write_index"),
    ),
    (
        "repeats of metrics",
        changed("evaluation", "repeats", "metrics", to=2),
        ("score_asked *", "table_asked"),
    ),
    ("limit of matching", changed("matching", "limit", to=30), ("settled_limit *",)),
    ("repeats of Figure 8a", changed("evaluation", "repeats", "sizes", to=3), ("score_sizes *",)),
    (
        "extrapolation of FID",
        changed("evaluation", "fid_infinity", to="reference"),
        ("score_sizes *",),
    ),
    ("N added to the sweep", changed("schemes", "top", to=[1, 3]), ("figure_sweep *",)),
    (
        "images that are distorted",
        changed("evaluation", "power_images", to=30),
        ("measure_power *",),
    ),
    (
        "more images to distort than there are",
        changed("evaluation", "power_images", to=5000),
        (),
    ),
    ("gamma of RBF-KID", changed("evaluation", "gamma_factors", to=[1, 4]), ("score_kernels *",)),
    (
        "network of recall",
        changed("evaluation", "precision_recall", to={"network": "vgg16-nvidia"}),
        ("write_index", "score_precision_recall *", "figure_comparison *", "list_deviations"),
    ),
    ("style", changed("figures", "dpi", to=100), FIGURES),
    (
        "seed of random grids",
        changed("figures", "seed", to=100),
        ("figure_weights *", "figure_schemes *", "figure_comparison *"),
    ),
    (
        "optimization",
        changed("optimization", "evaluations", to=11),
        (
            *("optimize_weights faces prelogits", "optimize_weights faces logits"),
            "optimize_sweep *",
        ),
    ),
    (
        "steps of the released optimization",
        changed("optimization", "released", "steps", to=13),
        (
            "write_index",
            *("optimize_weights faces prelogits-released", "measure_convergence *"),
            *("make_table [23]", "verdict"),
        ),
    ),
    (
        "sampling",
        changed("evaluation", "sampling", to="systematic"),
        ("write_index", "draw_weighted *", "list_deviations"),
    ),
    ("title", changed("datasets", "faces", "title", to="Faces"), (*TITLED, "write_index")),
    (
        "number of real images",
        changed("evaluation", "n_real", to=50),
        (
            "write_index",
            *("optimize_*", "measure_convergence *", "extend_matched *", "draw_matched *"),
            *("score_scheme *", "score_floor *", "score_precision_recall *", "score_kernels *"),
            *(
                "score_asked *",
                "score_snapshots *",
                "measure_checks *",
                "join_sensitivity *",
                "compare *",
            ),
            *("measure_sensitivity *", "explain_examples *", "measure_noise *"),
            *("figure_overview *", "figure_classes *", "figure_compared_classes *"),
            "explore_*",
            # They describe the used images in words.
            *("make_table *", "verdict"),
        ),
    ),
    (
        "batch size",
        changed("extraction", "batch_size", to=10),
        (
            *("extract_features *", "link_features *", "optimize_sweep *", "extend_matched *"),
            *("extract_matched *", "join_sensitivity *", "measure_sensitivity *"),
            *("explain_examples *", "measure_noise *", "measure_power *", "explore_*"),
        ),
    ),
    (
        "precision",
        changed("extraction", "precision", to="bfloat16"),
        (
            *("figure_compared_classes *", "explore_*"),
            *("extract_features *", "link_features *", "optimize_sweep *", "extend_matched *"),
            *("extract_matched *", "join_sensitivity *", "measure_sensitivity *"),
            *("explain_examples *", "measure_noise *", "measure_power *"),
        ),
    ),
    (
        "seed",
        changed("seed", to=5),
        (
            "write_index",
            *("draw_*", "optimize_*", "score_*", "measure_checks *", "measure_noise *"),
            "measure_power *",
            *("figure_weights *", "figure_schemes *", "figure_comparison *"),
            *("figure_noisy_images *", "compare *", "explore_*"),
        ),
    ),
    (
        "severity of a simulated generator",
        changed("sources", "early", "severity", to=1.1),
        ("render_images early *",),
    ),
    (
        "another last control, which figures show",
        changed("controls", to=["untrained", "clip", "swav"]),
        (
            "write_index",
            *("make_table [12]", "verdict", "list_deviations", "figure_sweep *"),
            *("figure_comparison *", "judge_comparison *"),
        ),
    ),
    ("N taken from the sweep", changed("schemes", "top", to=[]), ("figure_sweep *",)),
    (
        "no released optimization",
        changed("convergence", "steps", to=0),
        ("write_index", "verdict", "list_deviations"),
    ),
    (
        "images with maps",
        changed("sensitivity", "images", to=50),
        (
            *("join_sensitivity *", "measure_sensitivity *", "explain_examples *"),
            *("measure_noise *", "explore_dataset *"),
        ),
    ),
    (
        "scales of noise",
        changed("sensitivity", "noise", "scales", to=[0.1]),
        ("write_index", "verdict", "figure_noise *"),
    ),
    (
        "classes",
        changed("sensitivity", "classes", to=3),
        ("average_sensitivity *", "figure_means faces 12", "figure_means faces 15"),
    ),
    (
        "examples",
        changed("datasets", "faces", "examples", to={"images": [3]}),
        ("explain_examples * examples",),
    ),
    (
        "examples of the grid",
        changed("datasets", "faces", "grid", to={"seed": 4}),
        ("write_index", "explain_examples * grid", "figure_sensitivity_grid *"),
    ),
    ("images of the page", changed("page", "images", to=50), ("explore_*",)),
    ("size of thumbnails", changed("page", "thumbnail", to=32), ("explore_*",)),
    (
        "a region",
        changed("datasets", "faces", "region", to=[0.0, 0.0, 0.5, 0.6]),
        ("measure_region *",),
    ),
]


@pytest.mark.parametrize(
    ("config", "patterns"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_change_is_in_the_params_of_dependent_jobs(
    config: dict[str, Any], patterns: tuple[str, ...]
) -> None:
    assert differing(_unchanged(), params_of(make_run(config))) == matching(*patterns)


def test_a_job_computes_the_same_params_as_its_run() -> None:
    assert params_of(make_run(in_job=True)) == params_of(make_run())


# The revision of each stage, and the jobs with this revision in their params.
REVISIONS = {
    "FEATURES": (
        *("extract_features *", "link_features *", "extract_matched *", "extend_matched *"),
        *("optimize_sweep *", "join_sensitivity *", "measure_sensitivity *"),
        *("explain_examples *", "measure_noise *", "measure_power *", "explore_*"),
    ),
    "METRICS": (
        *("score_*", "measure_checks *", "optimize_*", "measure_convergence *"),
        *("join_sensitivity *", "measure_sensitivity *", "explain_examples *", "measure_noise *"),
        *("figure_overview *", "compare *", "measure_power *", "explore_*"),
    ),
    "ASKED_METRICS": ("score_asked *",),
    "COMPARISON": ("compare *", "judge_comparison *"),
    "ERRORS": (
        *("score_scheme * random", "score_floor *", "score_sizes *", "score_snapshots *"),
        "figure_overview *",
    ),
    "POWER": ("measure_power *",),
    "RESAMPLING": ("draw_*", "optimize_*", "measure_convergence *", "extend_matched *"),
    "SENSITIVITY": (
        *("join_sensitivity *", "measure_sensitivity *", "average_sensitivity *"),
        *("explain_examples *", "measure_noise *", "measure_region *"),
        *("figure_compared_classes *", "explore_*"),
    ),
    "EXPLORER": ("explore_*",),
    "TABLES": (
        "make_table *",
        "table_asked",
        "verdict",
        "list_*",
        "write_self_check",
        "write_index",
    ),
    "FIGURES": FIGURES,
    "PAGE": ("write_index",),
}


@pytest.mark.parametrize("stage", REVISIONS)
def test_a_revision_is_in_the_params_of_its_stage(
    stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    before = params_of(run)
    monkeypatch.setattr(revisions, stage, 99)
    assert differing(before, params_of(run)) == matching(*REVISIONS[stage])


def test_every_revision_is_checked() -> None:
    assert set(REVISIONS) == {name for name in vars(revisions) if name.isupper()}


def test_the_revision_of_images_is_in_the_params_of_rendering(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run()
    before = params_of(run)
    monkeypatch.setattr(provenance, "IMAGES_REVISION", 99)
    assert differing(before, params_of(run)) == matching("render_images *")


def test_the_revision_of_a_network_is_in_the_params_of_its_features(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run()
    before = params_of(run)
    entry = registry.NETWORKS["clip"]
    raised = replace(entry, info=entry.info._replace(revision=99))
    monkeypatch.setitem(registry.NETWORKS, "clip", raised)
    assert differing(before, params_of(run)) == matching(
        *("extract_features * clip *", "link_features * clip", "extract_matched * clip"),
        *("join_sensitivity * clip", "explain_examples * clip *", "measure_power * clip"),
    )


def test_unpacked_images_depend_on_the_whole_array() -> None:
    run = make_run()
    run.sources["real"]["packed"] = Packed("array", 5)
    assert provenance.unpack_images(run, "real") == {"images": "array"}


def test_the_judge_s_statistics_are_in_the_params_of_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published statistics have no features, so no other param depends on them."""
    monkeypatch.chdir(tmp_path)
    before = params_of(make_run())
    # Figure 1 has no error without images. Its input files identify the statistics.
    for content, figure in ((b"one", ("figure_overview *",)), (b"another", ())):
        Path("real.npz").write_bytes(content)
        published = {"inception": {"path": "real.npz", "count": 70}}
        after = params_of(make_run(changed("sources", "real", "statistics", to=published)))
        assert differing(before, after) == matching(
            "published_statistics real inception features",
            *("optimize_sweep *", "measure_sensitivity *"),
            *figure,
        )
        assert "'count': 70" in after["published_statistics real inception features"]
        before = after


def test_a_mask_is_identified_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = changed("datasets", "faces", "region", to="mask.png")
    Path("mask.png").write_bytes(b"one")
    before = params_of(make_run(config))
    Path("mask.png").write_bytes(b"another")
    assert differing(before, params_of(make_run(config))) == matching("measure_region *")


def test_settings_compared_with_the_paper_are_only_in_params_of_its_data_sets() -> None:
    """Settings of data sets without numbers in the paper are not compared."""
    config = copy.deepcopy(CONFIG)
    config["datasets"]["ffhq"] = config["datasets"].pop("faces")
    config["comparisons"]["two"]["generators"]["One"] = "ffhq"
    config["sensitivity"]["datasets"] = ["ffhq"]
    sampled = copy.deepcopy(config)
    sampled["evaluation"]["kid_subsets"] = 7

    def figures(config: dict[str, Any]) -> list[str]:
        run = make_run(config)
        jobs = (exhibit_params.figure_sizes(run), exhibit_params.figure_sweep(run, "18"))
        return [*map(repr, jobs), repr(exhibit_params.figure_convergence(run, "cats"))]

    sizes, sweep, convergence = zip(figures(config), figures(sampled), strict=True)
    assert sizes[0] != sizes[1]
    assert sweep[0] != sweep[1]
    assert convergence[0] == convergence[1]
    unknown = changed("evaluation", "kid_subsets", to=7)
    assert exhibit_params.figure_sizes(make_run()) == exhibit_params.figure_sizes(make_run(unknown))


def test_a_limit_without_effect_keeps_the_earlier_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def settled(limit: float) -> int:
        return provenance.settled_limit(make_run(changed("matching", "limit", to=limit)), "faces")

    def write(made_from: dict[str, str], **about: int) -> None:
        path = Path("results/run", layout.matched("faces"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with create_h5(path, {**made_from, "limit": 300, **about}):
            pass

    made_from = provenance.extend_matched(make_run(), "faces")
    assert settled(5) == 600
    write(made_from, seen=200, places_missing=0)
    assert [settled(limit) for limit in (1, 1.5, 2, 5)] == [120, 180, 300, 300]
    write({"made_from": "that"}, seen=200, places_missing=0)
    assert settled(5) == 600
    write(made_from, seen=300, places_missing=1)
    assert settled(5) == 600


def test_finished_files_are_recognized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run, job = make_run(), make_run(in_job=True)
    place, made_from = layout.weights("faces", "top1"), {"made_from": "this"}
    assert not provenance.is_made(run, place, made_from)
    path = Path(run.path(place))
    path.parent.mkdir(parents=True)
    with create_h5(path, made_from):
        pass
    assert provenance.is_made(run, place, made_from)
    assert not provenance.is_made(run, place, {"made_from": "that"})
    # A file that differs from its seal does not count as made, even with the right attributes.
    seals.seal(Path(run.folder), path)
    assert provenance.is_made(run, place, made_from)
    with create_h5(path, {**made_from, "changed": 1}):
        pass
    assert not provenance.is_made(run, place, made_from)
    assert provenance.is_made(job, place, made_from), "a job does not search for damage again"


def test_only_missing_weights_of_a_sweep_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_run()
    every = provenance.sweep_to_make(run, "faces")
    assert every == [
        run.path(layout.weights("faces", scheme)) for scheme in choices.sweep_schemes(run.config)
    ]
    Path(every[0]).parent.mkdir(parents=True)
    with create_h5(every[0], provenance.sweep_provenance(provenance.optimize_sweep(run, "faces"))):
        pass
    assert provenance.sweep_to_make(run, "faces") == every[1:]
    with create_h5(every[0], {"made_from": "something else"}):
        pass
    assert provenance.sweep_to_make(run, "faces") == every
