"""Images that are blurred, noised, compressed and warped deliberately."""

import pickle
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from fringe.errors import FringeError
from fringe.seeds import random_stream
from fringe.sources import ImageSource, PhotoSource, Selection
from fringe.sources.distorted import VARIANTS, DistortedSource
from fringe.sources.distortions import (
    DISTORTIONS,
    DOSES,
    LOOKED_AT,
    blurred,
    compressed,
    distorted,
    noisy,
    warped,
)

PHOTO = PhotoSource(6, 96, 3).read([5])[0]
LARGE = PhotoSource(6, 4 * LOOKED_AT, 3).read([5])[0]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def changes(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    return other.astype(float) - image


def reduced(image: np.ndarray) -> np.ndarray:
    """Return the means of squares of 4 x 4 pixels."""
    side = len(image) // 4
    return image.reshape(side, 4, side, 4, 3).mean((1, 3))


def test_blur_spreads_a_point_like_a_gaussian() -> None:
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 255
    for deviation in (1.0, 2.0):
        found = blurred(image, deviation)
        y, x = np.mgrid[-20:21, -20:21]
        bump = np.exp(-(x**2 + y**2) / (2 * deviation**2))
        assert np.abs(found - (255 * bump / bump.sum())[..., None]).max() < 0.7


def test_noise_has_its_standard_deviation_and_is_independent() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    for deviation in (2.0, 6.0, 20.0):
        noise = changes(grey, noisy(grey, deviation, rng()))
        assert noise.std() == pytest.approx(np.hypot(deviation, 1 / 12**0.5), rel=0.02)
        assert abs(noise.mean()) < deviation / 50
        assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.02


def test_jpeg_equals_pillows() -> None:
    encoded = BytesIO()
    Image.fromarray(PHOTO).save(encoded, "JPEG", quality=60)
    assert np.array_equal(compressed(PHOTO, 60), np.array(Image.open(encoded)))


def test_warp_is_smooth_and_has_its_standard_deviation() -> None:
    # Each channel shows the origin of a pixel, except near the border.
    side = 240
    ramp = np.zeros((side, side, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(side)[:, None], np.arange(side)
    moved = np.stack([changes(ramp, warped(ramp, 4.0, rng(seed))) for seed in range(40)])
    moved = moved[:, 20:-20, 20:-20, :2]
    assert moved.std() == pytest.approx(4, rel=0.1)
    assert abs(moved.mean()) < 0.3
    steps = np.abs(np.diff(moved, axis=2))
    assert steps.mean() < 0.5  # between neighbours; noise would displace them by 4.5 on average


def test_a_warp_of_size_zero_changes_nothing() -> None:
    assert np.array_equal(warped(PHOTO, 0.0, rng()), PHOTO)


def test_a_small_warp_blurs_little() -> None:
    """A network must not see a warp because its interpolation blurs."""

    def detail(image: np.ndarray) -> float:
        return float(np.var(ndimage.laplace(image.astype(float).mean(2))))

    found = detail(warped(PHOTO, 0.5, rng()))
    assert found > 0.6 * detail(PHOTO)
    assert found > 1.5 * detail(blurred(PHOTO, 0.7))


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_doses_grow(kind: str) -> None:
    doses = [distorted(PHOTO, kind, dose, index=4, seed=1) for dose in DOSES]
    errors = [np.square(changes(PHOTO, image)).mean() for image in doses]
    assert 0 < errors[0] < errors[1] < errors[2]
    assert all(image.shape == PHOTO.shape and image.dtype == np.uint8 for image in doses)


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_a_large_image_changes_like_its_small_version(kind: str) -> None:
    """The same photograph at 1,024 and 256 pixels changes equally, if seen at 256 pixels."""
    small = reduced(LARGE).round().astype(np.uint8)
    for dose in DOSES[1:]:
        given = distorted(small, kind, dose, index=4, seed=1)
        found = reduced(distorted(LARGE, kind, dose, index=4, seed=1))
        wanted = changes(small, given)
        assert np.abs(changes(reduced(LARGE), found) - wanted).mean() < 0.35 * np.abs(wanted).mean()


def test_images_need_not_be_square() -> None:
    image = PHOTO[:50]
    for kind, dose in VARIANTS:
        assert distorted(image, kind, dose, index=0, seed=0).shape == (50, 96, 3)
    wide = LARGE[:600]
    assert noisy(wide, 6.0, rng()).shape == wide.shape


def test_noise_and_warps_depend_only_on_index_and_seed() -> None:
    for kind in ("noise", "warp"):
        one = distorted(PHOTO, kind, "visible", index=4, seed=1)
        assert np.array_equal(one, distorted(PHOTO, kind, "visible", index=4, seed=1))
        assert not np.array_equal(one, distorted(PHOTO, kind, "visible", index=5, seed=1))
        assert not np.array_equal(one, distorted(PHOTO, kind, "visible", index=4, seed=2))
    stream = random_stream(1, "distortion", "noise", 4)
    assert np.array_equal(
        distorted(PHOTO, "noise", "gross", index=4, seed=1), noisy(PHOTO, 20.0, stream)
    )


@pytest.mark.parametrize("image", [PHOTO.astype(float), PHOTO[..., 0], PHOTO[None], PHOTO[:0]])
def test_arrays_that_are_not_images_are_refused(image: np.ndarray) -> None:
    for kind, dose in VARIANTS:
        with pytest.raises(FringeError, match="distortion: expected an image of shape"):
            distorted(image, kind, dose, index=0, seed=0)


class TestDistortedSource:
    source = PhotoSource(9, 24, 2)

    def made(self, indices: tuple[int, ...] = (1, 4, 8), seed: int = 3) -> DistortedSource:
        return DistortedSource(self.source, np.array(indices), seed)

    def test_each_image_has_all_variants(self) -> None:
        made = self.made()
        assert isinstance(made, ImageSource)
        assert (len(made), made.resolution, made.simulated) == (3 * len(VARIANTS), (24, 24), False)
        images = made.read(range(len(made)))
        expected = [
            distorted(self.source.read([index])[0], kind, dose, index=index, seed=3)
            for index in (1, 4, 8)
            for kind, dose in VARIANTS
        ]
        assert np.array_equal(images, expected)
        some = [17, 2, 30, 2]
        assert np.array_equal(made.read(some), images[some])
        assert np.array_equal(pickle.loads(pickle.dumps(made)).read(some), images[some])

    def test_an_image_does_not_depend_on_the_other_images(self) -> None:
        v = len(VARIANTS)
        assert np.array_equal(
            self.made((4,)).read(range(v)), self.made((1, 4)).read(range(v, 2 * v))
        )

    def test_the_fingerprint_depends_on_images_choice_and_seed(self) -> None:
        made = self.made()
        assert made.fingerprint == self.made().fingerprint
        others = [
            self.made(seed=4),
            self.made((1, 5, 8)),
            DistortedSource(PhotoSource(9, 24, 1), np.array([1, 4, 8]), 3),
        ]
        assert len({made.fingerprint, *(other.fingerprint for other in others)}) == 4
        assert made.fingerprint_of(0, 5) != made.fingerprint_of(5, 12)

    def test_bad_arguments_are_refused(self) -> None:
        with pytest.raises(FringeError, match="image 9 was asked for"):
            self.made((1, 9))
        with pytest.raises(FringeError, match="seed is -1"):
            self.made(seed=-1)
        with pytest.raises(FringeError, match="distorted: image 36 was asked for"):
            self.made().read([36])

    def test_a_selection_of_images_can_be_distorted(self) -> None:
        few = Selection(self.source, np.array([2, 3]))
        assert len(DistortedSource(few, np.array([0]), 0).read([0])) == 1
