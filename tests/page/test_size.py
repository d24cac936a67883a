"""Test that the page of the full configuration is under 30 MB with incompressible data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from fringe.page import collect as collecting
from fringe.page.build import LARGEST, write_index
from fringe.page.collect import collect
from fringe.page.content import Content, Picture
from fringe.page.pictures import Encoded
from fringe.plan.explorers import MOST_IMAGES, View, views
from fringe.scores.explorer import ClassTable, Explorer, Sprites

from ..plan.runs import make_run
from .run_files import write_run

pytestmark = pytest.mark.long  # pages of 28 MB

REPOSITORY = Path(__file__).resolve().parents[2]
PIXELS = 64  # of a thumbnail


def full_explorer(view: View, map_width: int) -> Explorer:
    """Return an explorer with the largest allowed numbers of images and bytes, all random."""
    sets = 1 if view.kind == "dataset" else 2
    rng = np.random.default_rng(sets)
    half = view.images // 2
    group = np.repeat(np.arange(sets + 1), [half, *[view.images] * sets]).astype(np.int8)
    count, models, classes = len(group), 2, 1000
    sheets = -(-count // 1024)
    return Explorer(
        groups=[f"Images of the set {n}" for n in range(sets + 1)],
        models=[f"Drawn in the way {n}" for n in range(models)],
        group=group,
        index=rng.integers(0, 1 << 30, count),
        sampled=np.arange(count) % 2 == 0,
        classes=rng.integers(0, classes, (count, 3)).astype(np.int32),
        probabilities=rng.random((count, 3)).astype(np.float32),
        weight=rng.random(count).astype(np.float32),
        influence=rng.random((count, models)).astype(np.float32),
        nearest=rng.random(count).astype(np.float32),
        maps=rng.integers(0, 256, (count, map_width, map_width), dtype=np.uint8),
        map_ranges=rng.random((count, 2)).astype(np.float32),
        sprites=Sprites([rng.bytes(view.sprite_bytes // sheets)] * sheets, PIXELS, 32, 32),
        class_table=ClassTable(
            numbers=np.arange(classes, dtype=np.int32),
            names=[f"a class with a long name {n}" for n in range(classes)],
            shares=rng.random((classes, 1 + models)),
            contributions=rng.random(classes),
        ),
        network="Inception",
        counts=["The number of images."] * 8,
        seed=0,
    )


def pictures_of(content: Content) -> Iterator[Picture]:
    """Yield all pictures; each picture as often as the page shows it."""
    for answer in content.answers:
        yield from answer.pictures
    for exhibit in content.exhibits:
        yield from exhibit.pictures
    yield from (curve.figure for curve in content.curves if curve.figure is not None)


def fill(paths: Mapping[str, Any], budget: int, times: Mapping[str, int]) -> dict[str, Encoded]:
    """Return pictures that use the whole budget, with different sizes."""
    each = budget // sum(times.values()) - len(paths)
    rng = np.random.default_rng(0)
    return {name: Encoded(rng.bytes(each + n), 1120, 800) for n, name in enumerate(paths)}


@pytest.mark.parametrize(
    ("map_width", "least_budget"),
    [
        pytest.param(8, 8_000_000, id="maps of Inception"),
        pytest.param(16, 5_000_000, id="maps of DINOv2"),
    ],
)
def test_the_page_of_the_full_configuration_is_under_30_mb(
    map_width: int, least_budget: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[Mapping[str, int], int]] = []

    def take(paths: Mapping[str, Any], budget: int, times: Mapping[str, int]) -> dict[str, Encoded]:
        given.append((times, budget))
        return fill(paths, budget, times)

    monkeypatch.setattr(collecting, "encode_pictures", take)
    asked = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    asked["extraction"] = {"shard_size": 5000}
    asked["page"] = {"images": MOST_IMAGES}
    about, files = write_run(tmp_path, asked)
    explorers = {
        (one.kind, one.name): full_explorer(one, map_width) for one in views(make_run(asked).config)
    }
    content = collect(about, files, explorers=explorers)
    ((times, budget),) = given
    shown = Counter(len(one.data) for one in pictures_of(content))
    assert sorted(shown.values()) == sorted(times.values()), (
        "a picture counts each time it is shown"
    )
    assert {1, 2, 5} == set(times.values())
    assert sum(len(one.data) for one in pictures_of(content)) > 0.99 * budget > 0.99 * least_budget
    images = sum(len(one.explorer.group) for one in content.explorers)
    assert 0.99 * MOST_IMAGES < images <= MOST_IMAGES
    assert (len(content.answers), len(content.explorers)) == (6, 6)
    assert len(content.exhibits) > 50
    write_index(tmp_path / "index.html", content)
    assert 0.85 * LARGEST < (tmp_path / "index.html").stat().st_size <= LARGEST
