"""Params of tables, figures and pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fringe.config.sources import GeneratorSource
from fringe.plan import exhibit_params
from fringe.scores.adherence import read_following
from fringe.texts import restored

from .runs import changed, make_run

NETWORKS = """
def cats(weights, device): ...
cats.info = (3, None, 1, False, None, "Cats")

def untitled(weights, device): ...
untitled.info = (3, None, 1)
"""


def test_titles_of_networks_outside_fringe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The title of a user's network, and a note about a user's weights."""
    (tmp_path / "titled.py").write_text(NETWORKS)
    monkeypatch.syspath_prepend(tmp_path)
    controls = ["titled:cats", "titled:untitled", "untrained", "clip"]
    run = make_run(changed("controls", to=controls) | {"allow_code": True})
    datasets = {"faces", "cats"}
    titles = restored(exhibit_params.verdict(run))["titles"]
    assert set(titles) == {*datasets, "titled:cats"}
    assert titles["titled:cats"] == "Cats"
    own = {"path": str(tmp_path / "own.pt"), "identity": "0123456789abcdef" * 4}
    Path(own["path"]).touch()
    run = replace(run, weight_files={**run.weight_files, "clip": own})
    titles = restored(exhibit_params.verdict(run))["titles"]
    assert set(titles) == {*datasets, "titled:cats", "clip"}
    assert titles["clip"] == "CLIP (own weights 01234567)"


def test_a_comparison_notes_the_classes_of_generated_images() -> None:
    def notes(fake: object, rival: object) -> list[str]:
        generator = {"kind": "generator", "path": "g.pkl", "count": 9}
        run = make_run()
        asked = {"fake": fake, "rival": rival}
        made = {
            name: GeneratorSource(**generator, **({} if label is None else {"label": label}))  # type: ignore[arg-type]
            for name, label in asked.items()
        }
        config = run.config.model_copy(update={"sources": {**run.config.sources, **made}})
        params = restored(exhibit_params.judge_comparison(replace(run, config=config), "two"))
        return [note for note in params["notes"] if "lasses" in note]

    assert notes(None, None) == []
    (alike,) = notes("balanced", "balanced")
    assert ": each equally often, not as often as in the real images." in alike
    note, warning = notes("balanced", "dataset")
    assert "each equally often" in note
    assert "drawn as often as in the labels of the real images" in note
    assert "The rule for classes is not the same for all models" in warning


def test_features_from_a_file_next_to_computed_features_are_noted() -> None:
    def notes(*given: str) -> list[str]:
        run = make_run()
        about = {"features": ["inception"], "logits": True, "labels": None}
        features = {name: {**run.sources[name], **about} for name in given}
        run = replace(run, sources={**run.sources, **features})
        return restored(exhibit_params.judge_comparison(run, "two"))["notes"]

    assert any("features of rival come from a file" in note for note in notes("rival"))
    for alike in ((), ("real", "fake", "rival")):
        assert not any("come from a file" in note for note in notes(*alike))


def test_a_run_without_a_protocol_has_no_protocol_params() -> None:
    run = make_run()
    for params in (
        exhibit_params.verdict(run),
        exhibit_params.make_table(run, "1"),
        exhibit_params.judge_comparison(run, "two"),
    ):
        assert "follows" not in params


def test_settings_of_measurements_are_given_for_each_data_set() -> None:
    run = make_run(changed("protocol", to="adm"))
    about = {**run.sources["real"], "count": 60, "drawn_from": 100}
    run = replace(run, sources={**run.sources, "real": about})
    follows = restored(exhibit_params.make_table(run, "1"))["follows"]
    assert follows["protocol"] == "adm"
    assert list(follows["measured"]) == ["faces", "cats"]
    assert follows["parts"] == {"faces": [60, 100], "cats": [60, 100]}
    found = read_following(follows)
    assert found is not None
    assert found.measured["faces"].real_total == 60
    compared = restored(exhibit_params.judge_comparison(run, "two"))["follows"]
    assert list(compared["measured"]) == ["faces", "pair"]
    assert compared["models"] == {"One": "faces", "Two": "pair"}
