"""What tables, figures and pages depend on, besides scores and maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fringe.config.sources import GeneratorSource
from fringe.plan import exhibit_params
from fringe.texts import restored

from .runs import changed, make_run

NETWORKS = """
def cats(weights, device): ...
cats.info = (3, None, 1, False, None, "Cats")

def untitled(weights, device): ...
untitled.info = (3, None, 1)
"""


def test_titles_of_networks_that_nobody_else_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A title that a network of one's own states; and weights of one's own, which are said."""
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
    run = replace(run, weights={**run.weights, "clip": own})
    titles = restored(exhibit_params.verdict(run))["titles"]
    assert set(titles) == {*datasets, "titled:cats", "clip"}
    assert titles["clip"] == "CLIP (own weights 01234567)"


def test_a_comparison_says_of_which_classes_generators_make_images() -> None:
    def notes(fake: object, rival: object) -> list[str]:
        generator = {"kind": "generator", "path": "g.pkl", "count": 9}
        run = make_run()
        asked = {"fake": fake, "rival": rival}
        made = {
            name: GeneratorSource(**generator, **({} if label is None else {"label": label}))  # type: ignore[arg-type]
            for name, label in asked.items()
        }
        config = run.config.model_copy(update={"sources": {**run.config.sources, **made}})
        told = restored(exhibit_params.judge_comparison(replace(run, config=config), "two"))
        return [note for note in told["notes"] if "lasses" in note]

    assert notes(None, None) == []
    (alike,) = notes("balanced", "balanced")
    assert ": each equally often, not as often as the real images have them." in alike
    told, warning = notes("balanced", "dataset")
    assert "each equally often" in told
    assert "drawn as often as the labels of the real images have them" in told
    assert "Classes are not chosen by the same rule for all models" in warning


def test_features_from_a_file_beside_features_made_here_are_noted() -> None:
    def notes(*given: str) -> list[str]:
        run = make_run()
        about = {"features": ["inception"], "logits": True, "labels": None}
        features = {name: {**run.sources[name], **about} for name in given}
        run = replace(run, sources={**run.sources, **features})
        return restored(exhibit_params.judge_comparison(run, "two"))["notes"]

    assert any("features of rival come from a file" in note for note in notes("rival"))
    for alike in ((), ("real", "fake", "rival")):
        assert not any("come from a file" in note for note in notes(*alike))
