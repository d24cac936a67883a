"""Tests of the size and the compression of the page's pictures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fringe.errors import DamagedFileError, FringeError
from fringe.page.pictures import LADDER, encode_pictures, picture


def noisy(path: Path, size: tuple[int, int], seed: int = 0) -> Path:
    """Write a picture that compresses badly."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_is_scaled_to_the_width_of_a_page_and_never_enlarged(tmp_path: Path) -> None:
    paths = {
        "wide": noisy(tmp_path / "wide.png", (2800, 50)),
        "small": noisy(tmp_path / "small.png", (120, 80)),
    }
    found = encode_pictures(paths)
    assert found["wide"][1:] == (1400, 25)
    assert found["small"][1:] == (120, 80)
    for one in found.values():
        with Image.open(BytesIO(one.data)) as image:
            assert (image.format, image.size) == ("WEBP", one[1:])
    shown = picture(found["small"], alt="noise")
    assert (shown.mime, shown.data, shown.alt) == ("image/webp", found["small"].data, "noise")


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    found = encode_pictures({"clear": tmp_path / "clear.png"})["clear"]
    with Image.open(BytesIO(found.data)) as image:
        assert np.asarray(image.convert("RGB")).min() == 255


def test_all_pictures_use_the_first_step_with_which_they_fit(tmp_path: Path) -> None:
    paths = {f"{n}": noisy(tmp_path / f"{n}.png", (1500, 30), n) for n in range(3)}
    budgets = []
    for step in LADDER:
        budgets.append(0)
        for path in paths.values():  # the simple reference: one picture at a time
            with Image.open(path) as image:
                shown = image.convert("RGB").resize((1400, 28), Image.Resampling.LANCZOS)
            if step.width < 1400:
                size = (step.width, round(28 * step.width / 1400))
                shown = shown.resize(size, Image.Resampling.LANCZOS)
            out = BytesIO()
            shown.save(out, "WEBP", quality=step.quality, method=4)
            budgets[-1] += len(out.getvalue())
    assert budgets == sorted(budgets, reverse=True)
    for step, budget in zip(LADDER, budgets, strict=True):
        found = encode_pictures(paths, budget)
        assert {one.width for one in found.values()} == {step.width}
        assert sum(len(one.data) for one in found.values()) == budget
        assert encode_pictures(paths, budget) == found
    with pytest.raises(FringeError, match=r"page: its 3 pictures need .* show fewer pictures"):
        encode_pictures(paths, budgets[-1] - 1)


def test_a_missing_or_damaged_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(noisy(tmp_path / "a.png", (50, 50)).read_bytes()[:400])
    for name in ("cut.png", "absent.png"):
        with pytest.raises(DamagedFileError, match=name):
            encode_pictures({"one": tmp_path / name})
