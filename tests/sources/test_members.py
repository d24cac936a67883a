"""Selection of the images in a folder, ZIP or tar, and messages for ambiguous files."""

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.sources import FolderSource, TarSource, ZipSource, open_source, source_from_spec
from fringe.sources.suffixes import READ, UNREAD, is_image_name, words

from .conftest import encode, write_folder, write_parquet, write_tar, write_zip

Write = Callable[[Path, Mapping[str, bytes]], Path]


def _zip(path: Path, files: Mapping[str, bytes]) -> Path:
    return write_zip(path.with_suffix(".zip"), files)


def _tar(path: Path, files: Mapping[str, bytes]) -> Path:
    return write_tar(path.with_suffix(".tar"), files)


@pytest.fixture(params=[write_folder, _zip, _tar], ids=["folder", "zip", "tar"])
def write(request: pytest.FixtureRequest) -> Write:
    """Write files in each format with names."""
    written: Write = request.param
    return written


def files(*names: str) -> dict[str, bytes]:
    """Return the same small image under each name."""
    return dict.fromkeys(names, encode(np.zeros((4, 4, 3), np.uint8)))


def members(path: Path, **options: object) -> list[str]:
    source = open_source(path, **options)
    assert isinstance(source, FolderSource | ZipSource | TarSource)
    assert len(source) == len(source.members)
    return sorted(source.members)


def refused(path: Path, *parts: str, **options: object) -> str:
    """Return the message for the refused ``path``, which must contain ``parts``."""
    with pytest.raises(FringeError) as caught:
        open_source(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    for part in parts:
        assert part in message
    return message


# Suffixes ----------------------------------------------------------------------------------------


def test_lists_of_suffixes():
    Image.init()
    known = Image.registered_extensions()
    assert {known[suffix] for suffix in READ} <= Image.OPEN.keys()
    assert not READ & UNREAD
    # torchvision's image folders, pytorch-fid, clean-fid
    assert {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"} <= READ


@pytest.mark.parametrize("name", ["a.png", "b/c.JPG", "a.b/c.d.Tga", "__MACOSX2/a.png", "ü ñ.avif"])
def test_names_of_images(name: str):
    assert is_image_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("png", ".png", "a/.png", "a.png/b", "a.png.txt", "a.heic", ".a/b.png", "a/.b/c.png"),
        *("__MACOSX/a.png", "a/._b.png", "a/@eaDir/b.jpg/thumb.jpg", "$RECYCLE.BIN/a.png"),
    ],
)
def test_names_that_are_not_images(name: str):
    assert not is_image_name(name)


def test_words():
    assert words("trainA_01") == ["train", "a"]
    assert words("imagenet-val2017") == ["imagenet", "val"]
    assert words("SegmentationClassPNG.2") == ["segmentation", "class", "png"]
    assert words("00000") == []


def test_every_supported_suffix_counts(tmp_path: Path, write: Write):
    names = [f"{number:03}{suffix}" for number, suffix in enumerate(sorted(READ))]
    upper = [f"9{number:03}{suffix.upper()}" for number, suffix in enumerate(sorted(READ))]
    others = ["1.txt", "1.json", "1.cls", "Thumbs.db", "png", "__MACOSX/1.png", "@eaDir/1.png"]
    assert members(write(tmp_path / "a", files(*names, *upper, *others))) == [*names, *upper]


def test_unsupported_images_are_refused_and_counted(tmp_path: Path, write: Write):
    path = write(tmp_path / "a", files("1.png", "b/2.HEIC", "a/3.heic", "4.exr", "5.txt"))
    message = refused(path, "holds 3 files that are images of a kind that is not read")
    assert "2 .heic, 1 .exr (first: 4.exr)" in message
    assert 'ignore: ["*.exr", "*.heic"]' in message
    refused(path, "1 .exr", ignore="*.heic")
    source = open_source(path, ignore=["*.heic", "*.exr"])
    assert len(source) == 1
    assert source.left_out == "2 .heic, 1 .exr"  # type: ignore[attr-defined]
    assert members(path, select="*.png") == ["1.png"]
    refused(path, "2 .heic", select="*")  # `*` selects all images, but these cannot be read


@pytest.mark.parametrize("suffix", sorted(UNREAD))
def test_no_suffix_is_left_out_silently(tmp_path: Path, suffix: str):
    path = write_folder(tmp_path / "a", files("1.png", f"2{suffix}"))
    refused(path, f"holds 1 file that is an image of a kind that is not read, 1 {suffix} ")


def test_the_message_for_a_set_without_images_describes_its_files(tmp_path: Path):
    folder = write_folder(tmp_path / "a", files("b/part1.zip", "b/part2.zip", "a.npy", ".c"))
    message = refused(folder, "holds no image, but 3 files (2 .zip, 1 .npy)")
    assert "b/part1.zip may hold images: give that path" in message
    path = write_zip(tmp_path / "b.zip", files("images.tar", "dataset.json", "README"))
    message = refused(
        path, "no image, but 3 files", "1 without suffix", "unpack images.tar, which may hold"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "but" not in refused(empty, "holds no image")


@pytest.mark.parametrize("form", ["folder", "tar"])
@pytest.mark.parametrize(
    ("name", "shown"),
    [(os.fsdecode(b"\xe9.png"), "\\xe9.png"), ("a\nb.png", "a\\nb.png"), ("ü.png", "ü.png")],
)
def test_unprintable_names_are_escaped(tmp_path: Path, form: str, name: str, shown: str):
    write = write_folder if form == "folder" else _tar
    source = open_source(write(tmp_path / "a", {name: b"broken"}))
    with pytest.raises(FringeError, match=rf"{re.escape(shown)}: is damaged") as caught:
        source.read([0])
    assert str(caught.value).isprintable()
    message = refused(write(tmp_path / "b", files(name.replace(".png", ".heic"))), "1 .heic")
    assert message.encode()


# `select` and `ignore` ---------------------------------------------------------------------------


def test_patterns(tmp_path: Path, write: Write):
    path = write(tmp_path / "a", files("1.png", "b/1.jpg", "b/c/2.PNG", "b/c/[3].gif"))
    for options, wanted in (
        ({}, ["1.png", "b/1.jpg", "b/c/2.PNG", "b/c/[3].gif"]),
        ({"select": "*.png"}, ["1.png", "b/c/2.PNG"]),
        ({"select": "b/*"}, ["b/1.jpg", "b/c/2.PNG", "b/c/[3].gif"]),
        ({"select": "1.*"}, ["1.png", "b/1.jpg"]),
        ({"select": ["B/1.JPG", "b/c/[[]3]*"]}, ["b/1.jpg", "b/c/[3].gif"]),
        ({"ignore": ["*.png", "b/1.???"]}, ["b/c/[3].gif"]),
        ({"select": "b/*", "ignore": "*.gif"}, ["b/1.jpg", "b/c/2.PNG"]),
    ):
        assert members(path, **options) == wanted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": "*.webp"}, r'`select: "\*\.webp"` fits none of its 2 images, such as 1\.png'),
        ({"select": ["*.png", "b"]}, r'`select: "b"` fits none'),
        ({"ignore": "b/*"}, r'`ignore: "b/\*"` fits none'),
        ({"select": "*.png", "ignore": "1*"}, "leave none of its 2 images"),
        ({"select": ""}, "`select` holds ''"),
        ({"ignore": ["*.png", 3]}, "`ignore` holds 3"),
    ],
)
def test_patterns_that_leave_no_images_are_refused(
    tmp_path: Path, write: Write, options: dict[str, object], message: str
):
    with pytest.raises(FringeError, match=message):
        open_source(write(tmp_path / "a", files("1.png", "2.jpg")), **options)


def test_patterns_for_images_without_names_are_refused(tmp_path: Path):
    np.savez(tmp_path / "a.npz", np.zeros((2, 4, 4, 3), np.uint8))
    write_parquet(tmp_path / "a.parquet", [*files("1").values()])
    for name in ("a.npz", "a.parquet"):
        refused(tmp_path / name, "images in a", "have no names; remove both keys", ignore="*.png")


def test_only_the_remaining_images_change_the_fingerprint(tmp_path: Path, write: Write):
    def fingerprint(path: Path, **options: object) -> str:
        spec = {"kind": "files", "path": str(path), **options}
        return source_from_spec(spec).fingerprint

    path = write(tmp_path / "a", files("1.png", "2.png", "3.jpg"))
    few = write(tmp_path / "b", files("1.png", "2.png"))
    assert fingerprint(path) == fingerprint(path, select=None, ignore=None)
    assert fingerprint(path) == fingerprint(path, select="*")
    assert fingerprint(path) != fingerprint(path, select="*.png")
    assert fingerprint(path, ignore=["*.jpg"]) == fingerprint(path, select="*.png")
    assert fingerprint(path, select="*.png") == fingerprint(few)


# Several pictures of one sample ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (["1.jpg", "1.mask.png"], {"select": "*.jpg"}),
        (["1.png", "1.mask.png"], {"ignore": "*.mask.png"}),
        (["a/1.jpg", "a/1.png"], {"select": "*.jpg"}),
        (["1.png", "1_mask.png"], {"ignore": "*_mask.png"}),
        (["b/x_1.png", "b/x_1-Segmentation.png"], {"ignore": "*-Segmentation.png"}),
        (["a/rgb_1.png", "a/depth_1.png"], {"ignore": "depth_*"}),
        (["img001.png", "labels001.png"], {"ignore": "labels*"}),
        (["1/image.png", "1/mask.png"], {"ignore": "*mask.png"}),
    ],
)
def test_several_pictures_of_one_sample_are_refused(
    tmp_path: Path, write: Write, names: list[str], advice: dict[str, str]
):
    others = [name.replace("1", "2") for name in names]
    path = write(tmp_path / "a", files(*names, *others, "3.png"))
    ((key, pattern),) = advice.items()
    message = refused(path, "one sample has several pictures", " and ".join(names), "like 1 more")
    assert f'`{key}: "{pattern}"`' in message
    assert 'select: "*"' in message
    kept = members(path, **advice)
    assert names[0] in kept
    assert others[0] in kept
    assert names[1] not in kept
    assert others[1] not in kept
    assert len(members(path, select="*")) == 5


@pytest.mark.parametrize(
    "names",
    [
        ["class1/0001.png", "class2/0001.png", "class2/0001.b/2.png"],
        ["with_mask_1.png", "without_mask_1.png", "mask/hat_1.png", "hat/mask_1.png"],
        ["mask_1.png", "mask_2.png", "3.jpg.png", "label.png"],
        ["with_mask_1.png", "with_mask_2.png", "gas mask (1).png", "gas mask (2).png", "gas_1.png"],
        ["proj_label_1.png", "proj_label_2.png", "proj_depth_1.png"],
        ["image.png", "photo.png", "img1.png", "1.png"],  # none of them is a companion
        ["a_left.png", "a_right.png", "train.png", "test.png", "train_1.png", "test_1.png"],
    ],
)
def test_pictures_of_different_samples_are_read(tmp_path: Path, write: Write, names: list[str]):
    assert members(write(tmp_path / "a", files(*names))) == sorted(names)


def test_only_tars_split_names_at_the_first_dot(tmp_path: Path):
    names = ["img.1.png", "img.2.png", "img.3.jpg"]
    assert members(write_folder(tmp_path / "a", files(*names))) == names
    assert members(_zip(tmp_path / "a", files(*names))) == names
    refused(_tar(tmp_path / "a", files(*names)), "one sample has several pictures (img.1.png and")


def test_the_message_for_many_pictures_of_one_sample_is_short(tmp_path: Path):
    path = _tar(tmp_path / "a", files(*(f"frame.{number:03}.png" for number in range(200))))
    message = refused(path, "(frame.000.png and frame.001.png and frame.002.png and 197 more, all")
    assert len(message) < 400
    assert len(open_source(path, select="*")) == 200


def test_long_names_take_little_time(tmp_path: Path):
    """Names in archives have up to 65,535 letters, which could make a search slow."""
    deep = [f"images/{number}/" + "a/" * 30_000 + "b.png" for number in range(5)]
    long = "masks/" + "_" * 60_000 + "a.png"
    path = _zip(tmp_path / "a", files(*deep, long, "mask.png"))
    began = time.process_time()
    refused(path, "may be masks")
    assert members(path, select="*")
    assert time.process_time() - began < 2


def test_samples_are_separate_in_each_archive(tmp_path: Path):
    for number, name in enumerate(["1.png", "1.jpg"]):
        write_tar(tmp_path / f"{number}.tar", files(name))
    assert members(tmp_path) == ["1.jpg", "1.png"]
    joined = tmp_path / "joined" / "a.tar"
    joined.parent.mkdir()
    joined.write_bytes(b"".join((tmp_path / f"{number}.tar").read_bytes() for number in (0, 1)))
    assert members(joined) == ["1.jpg", "1.png"]
    several = write_tar(tmp_path / "2.tar", files("1.png", "1.jpg"))
    with pytest.raises(FringeError, match=rf"{re.escape(str(several))}: one sample has several"):
        open_source(tmp_path)
    assert members(tmp_path, select="*.png") == ["1.png", "1.png"]


@pytest.mark.parametrize(
    ("names", "ignore"),
    [
        (["images/a.png", "masks/b.png"], "masks/*"),
        (["images/a.png", "images/b.png", "annotations/trimaps/c.png"], "annotations/*"),
        (["x/JPEGImages/a.jpg", "x/SegmentationClass/a.png"], "*/SegmentationClass/*"),
        (["images1024x1024/0/a.png", "thumbnails128x128/0/a.png"], "thumbnails128x128/*"),
        (["s1/images/a.png", "s1/masks/b.png", "s2/images/c.png", "s2/masks/d.png"], "*/masks/*"),
        (["photos-of-cats/1.png", "depth/1.png"], "depth/*"),
        (["images/1.png", "conditioning_images/1.png"], "conditioning_images/*"),
        (["DIV2K_train_HR/1.png", "DIV2K_train_LR/1.png"], "DIV2K_train_LR/*"),
        (["cats/1.jpg", "cats/2.jpg", "mask/1.png", "mask/2_mask.png", "mask/3.png"], "mask/*"),
        (["a.png", "b.png", "masks/a.png"], "masks/*"),
        (["data256x256/1.png", "data1024x1024/1.png", "data1024x1024/2.png"], "data256x256/*"),
        (["a/64/c/1.png", "a/128/c/1.png", "a/b/1.png"], "*/64/*"),
    ],
)
def test_folders_of_masks_are_refused(tmp_path: Path, write: Write, names: list[str], ignore: str):
    path = write(tmp_path / "a", files(*names))
    refused(
        path, "may be masks, thumbnails or other pictures of the images", f'`ignore: "{ignore}"`'
    )
    folder = ignore.strip("*/")
    wanted = sorted(name for name in names if f"{folder}/" not in name)
    assert members(path, ignore=ignore) == wanted
    assert members(path, select="*") == sorted(names)


@pytest.mark.parametrize(
    "names",
    [
        ["masks/a.png", "masks/b.png"],  # a set of masks
        ["mask/m1.png", "mask/m2.png", "hat/h1.png", "hat/h2.png"],
        ["mask/1.png", "no_mask/1.png"],  # classes of faces
        ["mask/1.png", "cats/1.png", "dogs/1.png", "hats/1.png"],  # each counts from 1
        ["mask/a.png", "picture_frame/b.png", *(f"class{n}/{n}.png" for n in range(9))],
        ["left/1.png", "right/1.png"],
        ["16/1.png", "32/1.png", "33/1.png"],  # numbers of classes
        ["256/1.png", "512/2.png", "512/3.png"],  # other images
        ["unmasked/1.png", "cats/1.png", "labelled/1.png"],  # other words
    ],
)
def test_folders_of_classes_are_read(tmp_path: Path, write: Write, names: list[str]):
    assert members(write(tmp_path / "a", files(*names))) == sorted(names)


def test_brackets_in_names_of_folders_are_escaped(tmp_path: Path, write: Write):
    """The pattern in the message fits the folder."""
    path = write(tmp_path / "a", files("rgb [1-2]/1.png", "mask [1-2]/1.png"))
    refused(path, '`ignore: "mask [[]1-2]/*"`')
    assert members(path, ignore="mask [[]1-2]/*") == ["rgb [1-2]/1.png"]
    path = write(tmp_path / "b", files("train [a]/1.png", "test [a]/1.png"))
    refused(path, '`select: "train [[]a]/*"`')
    assert members(path, select="train [[]a]/*") == ["train [a]/1.png"]


def test_a_download_next_to_images_is_ignored(tmp_path: Path):
    """The archive from which images were unpacked may stay in the folder."""
    write_folder(tmp_path, files("images/1.png", "images/2.png"))
    (tmp_path / "images.tar.gz").write_bytes(b"\x1f\x8b")
    assert members(tmp_path) == ["images/1.png", "images/2.png"]


def test_names_may_start_with_a_dot_and_a_slash(tmp_path: Path):
    path = _zip(tmp_path / "a", files("./1.png", "./x/2.png", "./.hidden.png", "y/./3.png"))
    assert len(open_source(path)) == 3
    assert len(open_source(path, select="x/*")) == 1


# Splits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "one"),
    [
        (["train/1.png", "train/2.png", "test/3.png"], "train/*"),
        (["Training/a/1.png", "Validation/a/2.png"], "Training/*"),
        (["train2017/1.png", "val2017/2.png"], "train2017/*"),
        (["trainA/1.png", "testA/1.png"], "trainA/*"),
        (["afhq/val/cat/1.png", "afhq/train/cat/1.png"], "*/train/*"),
        (["cat/train/1.png", "cat/test/1.png", "dog/train/2.png", "dog/test/2.png"], "*/train/*"),
        (["birds-dev/1.png", "birds-test/1.png", "other/1.png"], "birds-dev/*"),
    ],
)
def test_folders_of_several_splits_are_refused(
    tmp_path: Path, write: Write, names: list[str], one: str
):
    path = write(tmp_path / "a", files(*names))
    message = refused(path, "holds images of several splits", f'`select: "{one}"`')
    both = re.search(r"`select: \[(.*)\]` for all", message)
    assert both is not None
    folder = one.strip("*/")
    assert members(path, select=one) == sorted(n for n in names if f"{folder}/" in n)
    asked = [pattern.strip('"') for pattern in both[1].split(", ")]
    splits = sorted(name for name in names if not name.startswith("other"))
    assert members(path, select=asked) == splits
    assert members(path, select="*") == sorted(names)
    refused(path, "several splits", select="*.png")  # this does not name a split


@pytest.mark.parametrize(
    "names",
    [
        ["train/1.png", "bus/1.png", "training/2.png"],  # classes; training is the same word
        ["bullet_train/1.png", "pencil_test/1.png"],
        ["trains/1.png", "tests/1.png", "developer/1.png", "devaluation/1.png"],
        ["a/train/1.png", "b/test/1.png"],  # not siblings
        ["train/1.png", "test/1.txt"],  # no images in test
    ],
)
def test_folders_that_are_not_splits_are_read(tmp_path: Path, write: Write, names: list[str]):
    wanted = sorted(name for name in names if name.endswith(".png"))
    assert members(write(tmp_path / "a", files(*names))) == wanted


@pytest.mark.parametrize("form", ["tar", "parquet"])
def test_shards_of_several_splits_are_refused(tmp_path: Path, form: str):
    def shard(name: str) -> None:
        path = tmp_path / "set" / f"{name}.{form}"
        path.parent.mkdir(exist_ok=True)
        if form == "tar":
            write_tar(path, files(f"{name}.png"))
        else:
            write_parquet(path, [*files("1").values()])

    folder = tmp_path / "set"
    shard("train-00000-of-00002-b513d5d5a0a8ac0b")
    shard("train-00001-of-00002-8ad5ac0b2e1f3c44")
    assert len(open_source(folder)) == 2
    shard("test-00000-of-00001-0ad8a2e37b1c9d55")
    shard("other")
    begin = f"{folder}/train*.{form}, or {folder}/{{test,train}}*.{form}"
    message = refused(folder, "holds shards of several splits", "1 of test (test-00000", begin)
    assert "2 of train (train-00000-of-00002-b513d5d5a0a8ac0b" in message
    for pattern in (f"*.{form}", f"*-of-*.{form}"):
        refused(folder / pattern, "several splits")
    assert len(open_source(folder / f"train*.{form}")) == 2
    assert len(open_source(folder / f"{{test,train}}*.{form}")) == 3
    if form == "tar":
        assert len(open_source(folder, select="*")) == 4


def test_shards_of_several_splits_in_folders_are_refused(tmp_path: Path):
    for split in ("train", "valid"):
        (tmp_path / split).mkdir()
        write_tar(tmp_path / split / "0.tar", files(f"{split}.png"))
    path = tmp_path / "*" / "?.tar"
    refused(path, f"{tmp_path}/train/*.tar, or {tmp_path}/{{train/,valid/}}*.tar for all")
    assert len(open_source(tmp_path / "{train,valid}" / "*.tar")) == 2
