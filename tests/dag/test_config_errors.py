"""Bad configurations, run with the command that a user types."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

Project = Any  # tests/dag/conftest.py
REPOSITORY = Path(__file__).resolve().parents[2]


def test_all_faults_are_reported_together_before_any_job(fresh: Project) -> None:
    config = fresh.config
    config["sourcs"] = {}
    config["network"] = "tiny_network:nothing"
    config["controls"] = ["tiny_network:control", "tiny_network:control"]
    config["sources"]["late"]["path"] = "later"
    config["datasets"]["faces"]["generated"] = "faek"
    config["datasets"]["more"] = {"real": "real", "generated": "fake", "n_real": 61}
    config["evaluation"]["kid_subsets"] = "many"
    config["extraction"]["shard_size"] = 50
    printed = fresh.run(fails=True)
    assert printed.count("the configuration has") == 1
    for fault in (
        "top level: unknown key sourcs",
        "network: network 'tiny_network:nothing' cannot be imported",
        "controls: ['tiny_network:control', 'tiny_network:control'] has a duplicate",
        "sources/late: later: does not exist",
        "datasets/faces/generated: no source is named 'faek'",
        "datasets/more/n_real: 61 images are needed",
        "evaluation/kid_subsets: 'many' is not a whole number",
        "extraction/shard_size: 50 is not a multiple of extraction/batch_size (20)",
    ):
        assert f"  - {fault}" in printed
    assert "8 faults" in printed, printed
    assert "Traceback" not in printed
    assert not fresh.results.exists()


def test_controls_that_cannot_judge_are_named_before_any_job(fresh: Project) -> None:
    fresh.config["controls"] = ["tiny_network:labelled"]
    printed = fresh.run(options="--dry-run")
    assert printed.count("warning: controls: none of tiny_network:labelled can judge") == 1
    fresh.config["controls"] = ["tiny_network:control", "tiny_network:labelled"]
    assert "can judge" not in fresh.run(options="--dry-run")


def test_misleading_yaml_is_refused(fresh: Project) -> None:
    """YAML would silently replace the first data set by the second, and reads names as numbers."""
    text = yaml.safe_dump(fresh.config)
    wrong = "  faces: {real: x}\n  256: {real: real, generated: no}\n"
    fresh.text = text.replace("datasets:\n", f"datasets:\n{wrong}")
    assert fresh.text != text
    line = fresh.text.splitlines().index("datasets:") + 1
    printed = fresh.run(fails=True)
    assert "datasets/faces: duplicate key (" in printed
    assert "config.yaml, line" in printed
    for fault in (
        "datasets/256: 256 is read as a number, but a name must be text",
        "datasets/256/generated: no is read as false, but must be text",
    ):
        (reported,) = (row for row in printed.splitlines() if fault in row)
        assert reported.endswith(f"config.yaml, line {line + 2})")
    assert "Traceback" not in printed


def test_unwritable_results_and_forbidden_code_are_refused(fresh: Project) -> None:
    fresh.config["results"] = "real.zip"
    del fresh.config["allow_code"]
    printed = fresh.run(fails=True, options="--dry-run")
    assert "  - results: " in printed
    assert "real.zip is not a folder; name another" in printed
    for key, name in (("network", "classifier"), ("controls", "control")):
        assert (
            f"  - {key}: network 'tiny_network:{name}': would run {fresh.code}/src/tiny_" in printed
        )


def test_missing_data_sets_of_the_paper_are_listed(tmp_path: Path, code: Path) -> None:
    shutil.copytree(code, tmp_path / "code", symlinks=True)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=tmp_path / "code",
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    printed = done.stdout + done.stderr
    assert printed.count("the configuration has") == 1
    for name, source in config["sources"].items():
        assert f"  - sources/{name}: {source['path']}: does not exist" in printed
    assert printed.count("      needed for: ") == len(config["sources"])
    assert "needed for: FFHQ in Tables 1, 2 and 3, Figures 6, 8a, 8b and 18" in printed
    assert "needed for: Figure 9\n" in printed
    assert "119HvnQ5nwHl0_vUTEFWQNk4bwYjoXTrC" in printed
    assert "the configuration does not say" not in printed


def test_fewer_images_than_features_work_with_a_warning(project: Project) -> None:
    """The covariances of 10 images with 12 features are singular.

    A control that was trained on ImageNet's labels is reported, and does not judge.
    """
    project.config["controls"].append("tiny_network:labelled")
    project.config["evaluation"] |= {"n_real": 10, "n_generated": 10}
    made = project.executed("verdict.md")
    assert "verdict.md" in made
    verdict = (project.results / "verdict.md").read_text()
    assert "There are only 10 images for 12 features. So the covariances are singular" in verdict
    assert "nan" not in verdict.lower().split()
    assert "In the control network (tiny_network:labelled), FID " in verdict
    assert "tiny_network:labelled was trained on ImageNet's images and labels. It may" in verdict
    assert "the control that is the judge (tiny_network:control)" in verdict


def test_a_broken_image_is_named(fresh: Project) -> None:
    shutil.copytree(fresh.folder / "late", fresh.folder / "broken")
    path = fresh.folder / "broken" / "img00000003.png"
    path.write_bytes(path.read_bytes()[:100])
    fresh.config["sources"]["late"]["path"] = "broken"
    link = "features/late/tiny_network.classifier.h5"
    printed = fresh.run(link, fails=True)
    assert "error: broken/img00000003.png: " in printed
    assert not list(fresh.results.rglob("*.h5"))
    assert "Traceback" not in printed
