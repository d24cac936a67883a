"""Noise in one half of an image: the half, the scale, and the same draw for all regions."""

import pickle

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sensitivity import upsampled
from fringe.sensitivity.noise import REGIONS, NoisySource, important_half
from fringe.sources import ImageSource, PhotoSource
from fringe.sources.prefetch import decoded

SIZE = (12, 10)


class Grey:
    """Images of one grey level each, far from both ends of the range."""

    name = "grey"
    simulated = True
    fingerprint = "0" * 64

    def __init__(self, count: int = 5, size: tuple[int, int] = SIZE, level: int = 128) -> None:
        self.count, self.resolution, self.level = count, size, level

    def __len__(self) -> int:
        return self.count

    def fingerprint_of(self, first: int, last: int) -> str:
        return f"{first} {last}"

    def read(self, indices: np.ndarray) -> np.ndarray:
        levels = np.array([self.level + i for i in indices], np.uint8)
        return np.broadcast_to(levels[:, None, None, None], (len(levels), *self.resolution, 3))


def random_maps(n: int = 5, size: tuple[int, int] = (3, 4), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).exponential(size=(n, *size))


def slow_half(one: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the most important half of the pixels of one image, by sorting all pixels."""
    values = upsampled(one[None], size)[0]
    places = [(-values[i, j], i, j) for i in range(size[0]) for j in range(size[1])]
    half = np.zeros(size, dtype=bool)
    for _, i, j in sorted(places)[: len(places) // 2]:
        half[i, j] = True
    return half


@pytest.mark.parametrize("size", [(12, 10), (7, 9), (8, 8), (1, 3)])
def test_half_equals_that_of_a_full_sort(size: tuple[int, int]) -> None:
    maps = random_maps(4)
    half = important_half(maps, size)
    assert half.shape == (4, *size)
    assert half.dtype == bool
    for one, found in zip(maps, half, strict=True):
        np.testing.assert_array_equal(found, slow_half(one, size))
        assert found.sum() == size[0] * size[1] // 2


def test_ties_are_broken_in_order() -> None:
    constant = important_half(np.full((2, 4, 4), 3.0), (5, 4))
    assert constant.reshape(2, -1)[:, :10].all()
    assert constant.sum() == 20
    # Few levels and many ties, because a map at its own size is not interpolated.
    coarse = np.random.default_rng(1).integers(0, 3, (6, 8, 8))
    for one, found in zip(coarse, important_half(coarse, (8, 8)), strict=True):
        np.testing.assert_array_equal(found, slow_half(one, (8, 8)))


def test_half_of_one_pixel_is_empty() -> None:
    assert not important_half(np.ones((3, 1, 1)), (1, 1)).any()


def test_halves_share_one_draw_and_leave_other_pixels_unchanged() -> None:
    source, maps = Grey(), random_maps()
    clean = source.read(np.arange(5))
    one, other, both = (NoisySource(source, maps, r, 0.05, 3).read(range(5)) for r in REGIONS)
    inside = important_half(maps, SIZE)[..., None]
    np.testing.assert_array_equal(one, np.where(inside, both, clean))
    np.testing.assert_array_equal(other, np.where(inside, clean, both))
    assert (both != clean).mean() > 0.9


def test_noise_has_its_scale_and_is_rounded_once() -> None:
    source = Grey(4, (60, 50))
    maps = random_maps(4)
    small, large = (
        NoisySource(source, maps, "everywhere", scale, 0).read(range(4)).astype(float)
        - source.read(range(4))
        for scale in (0.05, 0.1)
    )
    # Rounding adds a variance of 1/12. The deviation of 36,000 values is accurate to 1 %.
    assert small.std() == pytest.approx(np.hypot(0.05 * 255, 12**-0.5), rel=0.01)
    assert abs(small.mean()) < 4 * small.std() / 190
    assert (
        np.abs(large - 2 * small).max() <= 1.5
    )  # half a level of rounding for each, the first doubled
    flat = small.reshape(4, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(4)).max() < 0.05  # the noise of images is independent
    channels = small.reshape(-1, 3)
    assert np.abs(np.corrcoef(channels.T) - np.eye(3)).max() < 0.05


def test_values_are_clipped() -> None:
    noisy = NoisySource(Grey(2, level=0), random_maps(2), "everywhere", 5.0, 0).read([0, 1])
    assert 0.3 < (noisy == 0).mean() < 0.7
    assert (noisy == 255).mean() > 0.2


@pytest.mark.parametrize("region", REGIONS)
def test_noise_depends_only_on_seed_and_index(region: str) -> None:
    source, maps = Grey(), random_maps()
    whole = NoisySource(source, maps, region, 0.1, 7)
    images = whole.read(range(5))
    np.testing.assert_array_equal(whole.read([4, 0, 4]), images[[4, 0, 4]])
    fewer = NoisySource(source, maps[:3], region, 0.1, 7)
    assert len(fewer) == 3
    np.testing.assert_array_equal(fewer.read(range(3)), images[:3])
    assert (NoisySource(source, maps, region, 0.1, 8).read(range(5)) != images).any()


def test_scale_zero_changes_nothing() -> None:
    for region in REGIONS:
        images = NoisySource(Grey(), random_maps(), region, 0.0, 0).read([1, 2])
        np.testing.assert_array_equal(images, Grey().read(np.array([1, 2])))


def test_noisy_source_is_an_image_source() -> None:
    noisy = NoisySource(Grey(), random_maps(), "important", 0.05, 0)
    assert isinstance(noisy, ImageSource)
    assert noisy.resolution == SIZE
    assert noisy.simulated
    assert noisy.name == "grey with noise 0.05 (important)"
    with pytest.raises(FringeError, match="image 5 was asked for"):
        noisy.read([5])


def test_fingerprint_depends_on_everything_that_changes_images() -> None:
    maps = random_maps()
    other = maps.copy()
    other[4, 0, 0] += 1

    def of(m: np.ndarray = maps, region: str = "important", scale: float = 0.1, seed: int = 0):
        return NoisySource(Grey(), m, region, scale, seed)

    assert of().fingerprint == of(maps.copy()).fingerprint
    changed = [of(other), of(region="unimportant"), of(scale=0.2), of(seed=1), of(maps[:4])]
    assert len({s.fingerprint for s in [of(), *changed]}) == 6
    assert of(other).fingerprint_of(0, 4) == of().fingerprint_of(0, 4)
    everywhere = [of(m, "everywhere").fingerprint for m in (maps, other)]
    assert everywhere[0] == everywhere[1]


def test_source_can_be_pickled_and_read_by_other_processes() -> None:
    noisy = NoisySource(PhotoSource(6, 24, 0), random_maps(6), "important", 0.05, 2)
    images = noisy.read(range(6))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(noisy)).read(range(6)), images)
    np.testing.assert_array_equal(np.concatenate([*decoded(noisy, [(0, 4), (4, 6)], 1)]), images)


def test_messages_name_value_and_fix() -> None:
    maps = random_maps()
    with pytest.raises(FringeError, match="got region 'middle'; give important, unimportant"):
        NoisySource(Grey(), maps, "middle", 0.1, 0)  # type: ignore[arg-type]
    for scale in (-0.1, float("nan"), float("inf")):
        with pytest.raises(FringeError, match=f"scale is {scale}"):
            NoisySource(Grey(), maps, "important", scale, 0)
    with pytest.raises(FringeError, match="seed is -1"):
        NoisySource(Grey(), maps, "important", 0.1, -1)
    with pytest.raises(FringeError, match="5 sensitivity maps for 4 images"):
        NoisySource(Grey(4), maps, "important", 0.1, 0)
    with pytest.raises(FringeError, match=r"got shape \(3, 4\)"):
        important_half(maps[0], SIZE)
    maps[2, 0, 0] = np.nan
    with pytest.raises(FringeError, match="row 2 holds NaN"):
        important_half(maps, SIZE)
