"""Photographs and the imitation generator."""

import pickle
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest
from scipy import ndimage

from fringe.errors import FringeError
from fringe.sources import ImageSource, ImitationSource, PhotoSource, photographs
from fringe.sources import imitation as flaws
from fringe.sources.photos import COMPOSITIONS, PHOTOGRAPHS, Crop, box_of, cut
from fringe.sources.smooth_noise import smooth_noise

SOURCES = [PhotoSource(1000, 64, 3), ImitationSource(1000, 64, 3, 0.7)]
ALIGNED = [PhotoSource(500, 64, 3, "aligned"), ImitationSource(500, 64, 3, 0.7, "aligned")]
WIDTH, HEIGHT = 640, 427  # of a photograph


def crops_of(source: PhotoSource | ImitationSource) -> list[Crop]:
    if isinstance(source, PhotoSource):
        return [source._crop(index) for index in range(len(source))]
    return [source._crop(source._stream(index)) for index in range(len(source))]


def test_photographs_are_complete_and_in_colour():
    photos = photographs()
    assert set(photos) == set(PHOTOGRAPHS)
    for photo in photos.values():
        assert photo.dtype == np.uint8
        assert min(photo.shape[:2]) >= 300
        assert photo.shape[2] == 3
        assert np.ptp(photo.astype(int), axis=2).mean() > 4
    assert photos["cat"].shape == (300, 451, 3)


@pytest.mark.parametrize("source", [*SOURCES, ALIGNED[0]], ids=["photos", "imitation", "aligned"])
def test_each_image_depends_only_on_its_index(source: PhotoSource | ImitationSource):
    assert isinstance(source, ImageSource)
    assert source.resolution == (64, 64)
    images = source.read(range(12))
    assert images.dtype == np.uint8
    assert images.shape == (12, 64, 64, 3)
    assert np.array_equal(source.read([7]), images[[7]])
    assert np.array_equal(source.read(np.array([9, 2, 9])), images[[9, 2, 9]])
    copy = pickle.loads(pickle.dumps(source))
    assert len(pickle.dumps(source)) < 400
    assert np.array_equal(copy.read([11]), images[[11]])
    flat = images.reshape(12, -1).astype(float)
    assert np.corrcoef(flat)[np.triu_indices(12, 1)].max() < 0.999
    assert source.subject(5) in PHOTOGRAPHS
    with pytest.raises(FringeError, match=f"image {len(source)} was asked for"):
        source.read([len(source)])


def test_images_depend_on_the_seed_but_not_on_the_count():
    few, many = PhotoSource(4, 32, 0), PhotoSource(10**9, 32, 0)
    assert np.array_equal(few.read(range(4)), many.read(range(4)))
    assert many.read([10**9 - 1]).shape == (1, 32, 32, 3)
    assert not np.array_equal(PhotoSource(4, 32, 1).read(range(4)), few.read(range(4)))


def test_crops_vary_in_photograph_place_scale_and_flip():
    source = PhotoSource(4000, 16, 0)
    crops = [source._crop(index) for index in range(4000)]
    frequencies = Counter(crop.subject for crop in crops)
    assert set(frequencies) == set(PHOTOGRAPHS)
    # Binomial (4000, 1/9): mean 444, standard deviation 20.
    assert max(abs(n - 4000 / 9) for n in frequencies.values()) < 100
    assert min(c.side for c in crops) >= 0.35
    assert max(c.side for c in crops) <= 1
    for values in ([c.left for c in crops], [c.top for c in crops]):
        assert np.histogram(values, 10, (0, 1))[0].min() > 300
    assert 1850 < sum(c.flip for c in crops) < 2150
    assert [c.subject for c in crops[:50]] == [source.subject(i) for i in range(50)]


@pytest.mark.parametrize(
    ("source", "digest"),
    [
        (PhotoSource(40, 32, 1), "4d14e62ff97d2fc5"),
        (ImitationSource(40, 32, 1, 0.8), "5d301cd70f43dc7f"),
    ],
    ids=["photos", "imitation"],
)
def test_free_crops_equal_those_of_the_first_version(
    source: PhotoSource | ImitationSource, digest: str
):
    drawn = [
        (crop.subject, crop.flip, [round(border, 6) for border in box_of(crop, WIDTH, HEIGHT)])
        for crop in crops_of(source)
    ]
    assert sha256(repr(drawn).encode()).hexdigest()[:16] == digest


def test_every_photograph_has_a_composition():
    assert list(COMPOSITIONS) == list(PHOTOGRAPHS)
    assert all(0 <= place <= 1 for place in COMPOSITIONS.values())


@pytest.mark.parametrize("source", ALIGNED, ids=["photos", "imitation"])
@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (HEIGHT, WIDTH)], ids=["wide", "tall"])
def test_aligned_crops_are_in_the_composition(
    source: PhotoSource | ImitationSource, size: tuple[int, int]
):
    spare = WIDTH - HEIGHT
    long = int(size == (HEIGHT, WIDTH))  # the axis of the longer side: 0 is x, 1 is y
    sides, shifts = [], []
    for crop in crops_of(source):
        box = box_of(crop, *size)
        starts, ends = np.array(box[:2]), np.array(box[2:])
        composition = np.zeros(2)
        composition[long] = COMPOSITIONS[crop.subject] * spare
        assert (starts >= composition - 1e-9).all()
        assert (ends <= composition + HEIGHT + 1e-9).all()
        sides.append((ends - starts) / HEIGHT)
        shifts.append(((starts + ends) / 2 - composition) / HEIGHT - 0.5)
    assert np.ptp(sides, axis=1) == pytest.approx(np.zeros(500), abs=1e-9)
    assert 0.85 <= np.min(sides) < 0.87
    assert 0.98 < np.max(sides) <= 1
    assert 0.05 < np.abs(shifts).max() <= 0.075
    assert np.mean(shifts, axis=0) == pytest.approx([0, 0], abs=0.01)


@pytest.mark.parametrize(
    ("free", "aligned"), [*zip(SOURCES, ALIGNED, strict=True)], ids=["photos", "imitation"]
)
def test_framings_show_the_same_photographs(
    free: PhotoSource | ImitationSource, aligned: PhotoSource | ImitationSource
):
    """Two runs with different framings therefore differ in nothing else."""
    pairs = list(zip(crops_of(free), crops_of(aligned), strict=False))
    assert all((a.subject, a.flip) == (b.subject, b.flip) for a, b in pairs)
    assert not any(np.array_equal(free.read([i]), aligned.read([i])) for i in range(3))


def test_aligned_crops_resemble_each_other():
    """Their mean shows the photograph."""

    def likeness(framing: str) -> float:
        source = PhotoSource(200, 16, 0, framing)
        crops = [crop for crop in crops_of(source) if crop.subject == "flower" and not crop.flip]
        return float(np.corrcoef([cut(crop, 16).ravel() for crop in crops]).mean())

    assert likeness("aligned") > 0.85
    assert likeness("free") < 0.5


def test_a_crop_shows_its_photograph():
    source = PhotoSource(200, 64, 5)
    for index in range(6):
        crop = source._crop(index)
        photo = photographs()[crop.subject].astype(float)
        side = crop.side * min(photo.shape[:2])
        top, left = crop.top * (photo.shape[0] - side), crop.left * (photo.shape[1] - side)
        # The slow way: blur over the width of a new pixel, then sample at its centre.
        blurred = ndimage.gaussian_filter(photo, [0.35 * side / 64] * 2 + [0])
        centres = (np.arange(64) + 0.5) * side / 64 - 0.5
        grid = np.meshgrid(top + centres, left + centres, indexing="ij")
        expected = np.stack(
            [
                ndimage.map_coordinates(c, grid, order=1, mode="nearest")
                for c in np.moveaxis(blurred, 2, 0)
            ],
            axis=2,
        )
        if crop.flip:
            expected = expected[:, ::-1]
        assert np.corrcoef(expected.ravel(), source.read([index])[0].ravel())[0, 1] > 0.97


def test_the_name_of_an_imitation_says_that_it_is_simulated():
    source = ImitationSource(5, 32, 0, 0.5)
    assert source.simulated
    assert "simulated" in source.name
    assert not PhotoSource(5, 32, 0).simulated


def test_severity_0_shows_plain_photographs():
    plain = ImitationSource(300, 32, 0, 0.0)
    photos = PhotoSource(300, 32, 0)
    assert plain.frequencies == pytest.approx([1 / 9] * 9)
    ours = {plain._crop(plain._stream(i)) for i in range(300)}
    assert not ours & {photos._crop(i) for i in range(300)}
    crop = plain._crop(plain._stream(3))
    assert np.array_equal(plain.read([3])[0], cut(crop, 32))


def test_flaws_grow_with_severity():
    base = PhotoSource(40, 64, 9).read(range(40)).astype(np.float32)
    for flaw in (
        flaws.repeat_patches,
        flaws.warp_locally,
        flaws.smear_texture,
        flaws.drift_colour,
    ):
        changes = [
            np.mean(
                [
                    np.abs(flaw(image, strength, np.random.default_rng(i)) - image).mean()
                    for i, image in enumerate(base)
                ]
            )
            for strength in (0.25, 0.5, 1.0)
        ]
        assert changes == sorted(changes), flaw.__name__
        assert changes[0] > 0.2, flaw.__name__
        assert 1.3 * changes[0] < changes[2] < 40, flaw.__name__


def test_smearing_preserves_edges_better_than_a_blur(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flaws, "_GRAIN", 0.0)
    monkeypatch.setattr(flaws, "_somewhere", lambda size, _: np.ones((size, size), np.float32))
    rng = np.random.default_rng(1)
    image = np.zeros((64, 64, 3), np.float32)
    image[:, 32:] = 150
    image += rng.normal(0, 10, (64, 64, 1)).astype(np.float32)
    smeared = flaws.smear_texture(image, 1.0, rng)
    inside = np.s_[8:-8]
    texture = [part[inside, 8:26].std() for part in (image, smeared)]
    step = [np.diff(part.mean(axis=(0, 2)))[31] for part in (image, smeared)]
    assert texture[1] < 0.6 * texture[0]
    assert step[1] > 0.85 * step[0]
    # A uniform blur that removes no more texture removes a third of the edge.
    blurred = ndimage.gaussian_filter(image, (0.6, 0.6, 0))
    assert blurred[inside, 8:26].std() > texture[1]
    assert np.diff(blurred.mean(axis=(0, 2)))[31] < 0.7 * step[0]


def test_smooth_noise_has_unit_variance():
    fields = [smooth_noise((32, 32), (5, 5), np.random.default_rng(i)) for i in range(3000)]
    assert np.abs(np.mean(fields, axis=0)).max() < 0.1
    assert np.std(fields, axis=0) == pytest.approx(np.ones((32, 32)), abs=0.1)


def test_frequencies_differ_more_with_severity():
    severe = ImitationSource(4000, 16, 2, 1.0)
    assert sum(severe.frequencies) == pytest.approx(1)
    assert max(severe.frequencies) / min(severe.frequencies) == pytest.approx(np.exp(0.5))
    drawn = Counter(severe.subject(index) for index in range(4000))
    for name, frequency in zip(PHOTOGRAPHS, severe.frequencies, strict=True):
        spread = np.sqrt(4000 * frequency * (1 - frequency))
        assert abs(drawn[name] - 4000 * frequency) < 5 * spread
    mild = ImitationSource(4000, 16, 2, 0.5).frequencies
    assert max(mild) / min(mild) == pytest.approx(np.exp(0.25))
    assert np.array_equal(np.argsort(mild), np.argsort(severe.frequencies))


@pytest.mark.usefixtures("changed_photographs")
def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fringe.sources.photos.find_spec", lambda _: None)
    with pytest.raises(FringeError, match=r"skimage, which is not installed.*fringe-fid\[demo\]"):
        _ = PhotoSource(3, 32, 0).fingerprint
