"""Networks named ``timm:<model>``: names, pixels, facts before loading, and weight files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
import torch
from tests.serving import serving
from torch import Tensor

from fringe.cli import main
from fringe.comparison.witnesses import witness
from fringe.config.completion import complete
from fringe.config.model import Config
from fringe.errors import FringeError
from fringe.features import extract_shard
from fringe.networks import (
    family,
    fetch_weight_file,
    file_name,
    is_own_code,
    load_network,
    network_classes,
    network_info,
    network_titles,
    network_weight_files,
    only_installed,
    stated_title,
    stated_training,
)
from fringe.networks.timm_catalogue import describe
from fringe.networks.timm_names import read_name, trained_on
from fringe.networks.timm_pixels import Preparation, preparation
from fringe.networks.training import TRAININGS
from fringe.plan.weight_files import locate_weight_files, weight_files_to_fetch
from fringe.sources import PhotoSource

timm = pytest.importorskip("timm")

from PIL import Image  # noqa: E402
from tests.networks.timm_files import prepared, random_model, write_model  # noqa: E402
from timm.data import create_transform, resolve_data_config  # noqa: E402

VIT, RESNET = "timm:test_vit.r160_in1k", "timm:test_resnet.r160_in1k"
FILE = "timm.test_resnet.r160_in1k.safetensors"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use new folders, so that no file of the user is read and no cache is shared by tests."""
    monkeypatch.setenv("FRINGE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    describe.cache_clear()
    yield
    describe.cache_clear()


@pytest.fixture
def resnet(tmp_path: Path) -> Path:
    path = tmp_path / "random.safetensors"
    write_model(random_model("test_resnet.r160_in1k", seed=1), path)
    return path


def noise(height: int, width: int, count: int = 2) -> Tensor:
    stream = torch.Generator().manual_seed(height * width)
    values = torch.randint(-200, 456, (count, 3, height, width), generator=stream)
    return values.clamp(0, 255).to(torch.uint8)


# Names


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:", "is not the name of a model of timm; write `timm:<model>`"),
        ("timm:../x", "is not the name of a model"),
        ("timm:a b", "is not the name of a model"),
        ("timm:resnet18@max", "unknown choice @max; choose one of @token, @avg, @projected"),
        ("timm:nothing_of_the_kind", r"timm \S+ has no model 'nothing_of_the_kind'; `timm.list"),
        (
            "timm:resnet18.of_nobody",
            r"no model 'resnet18.of_nobody'; similar models are timm:resnet18",
        ),
        (f"{RESNET}@token", "ResNet has no choice of tokens; leave out @token"),
        (f"{RESNET}@projected", "has no projection"),
        ("timm:vit_base_patch16_siglip_224.webli@token", "has no class token"),
    ],
)
def test_invalid_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(FringeError, match=message):
        network_info(name)


def test_names_have_a_family_and_are_not_code_of_a_user() -> None:
    assert not is_own_code(VIT)
    assert is_own_code("timmy:network")
    assert file_name(f"{VIT}@avg") == "timm.test_vit.r160_in1k.avg"
    with only_installed():
        assert network_info(VIT).feature_dim == 64
    assert network_titles([f"{VIT}@avg"]) == {
        f"{VIT}@avg": "test_vit.r160_in1k, mean of patch tokens (timm)"
    }
    assert stated_title(VIT) == "test_vit.r160_in1k (timm)"


def test_timm_in_the_working_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fringe.networks.installed.place_outside", lambda *_: str(tmp_path))
    with only_installed(), pytest.raises(FringeError, match=r"would run .*allow_code: true"):
        network_info(VIT)


@pytest.mark.parametrize(
    ("model", "training"),
    [
        ("vit_large_patch16_224.mae", "ImageNet-1k images"),
        ("convnextv2_base.fcmae", "ImageNet-1k images"),
        ("vit_base_patch16_224.dino", "ImageNet-1k images"),
        ("vit_huge_patch14_gap_224.in1k_ijepa", "ImageNet-1k images"),
        ("convnextv2_base.fcmae_ft_in22k_in1k", "ImageNet-1k labels"),
        ("resnet50.a1_in1k", "ImageNet-1k labels"),
        ("vit_base_patch16_clip_224.laion2b_ft_in12k_in1k", "ImageNet-1k labels"),
        ("beitv2_base_patch16_224.in1k_ft_in22k", "ImageNet-22k labels"),
        ("mixer_b16_224.goog_in21k", "ImageNet-22k labels"),
        ("vit_base_patch16_clip_224.laion2b_ft_in12k", "ImageNet-22k labels"),
        ("vit_large_patch14_dinov2.lvd142m", "LVD-142M images"),
        ("vit_so400m_patch14_siglip_224.webli", "image-text pairs"),
        ("vit_base_patch32_clip_224.openai", "image-text pairs"),
        ("convnext_base.clip_laion2b", "image-text pairs"),
        # The tag does not show it with certainty.
        ("eva02_base_patch16_clip_224.merged2b", None),
        ("eva_giant_patch14_clip_224.laion400m", None),
        ("eva02_base_patch14_224.mim_in22k", None),
        ("vit_huge_patch14_gap_224.in22k_ijepa", None),
        ("vit_small_patch16_dinov3.lvd1689m", None),
        ("resnet50", None),
    ],
)
def test_trainings(model: str, training: str | None) -> None:
    assert trained_on(model) == training
    assert training is None or training in TRAININGS
    assert stated_training(f"timm:{model}") == training


def test_a_tag_may_be_left_out() -> None:
    default, whole = network_info("timm:test_vit"), network_info(VIT)
    assert default.trained_on == whole.trained_on == "ImageNet-1k labels"
    assert default[:4] == whole[:4]
    assert network_weight_files("timm:test_vit") == network_weight_files(VIT)


def test_families_of_witnesses() -> None:
    dinov2 = "timm:vit_small_patch14_dinov2.lvd142m"
    assert family(dinov2) == family("dinov2-l") == "dinov2"
    assert family("timm:vit_large_patch14_clip_336.openai") == family("clip-l14-336")
    assert family("timm:resnet50.a1_in1k") != family("timm:convnextv2_base.fcmae")
    found = witness(dinov2, "inception", ["dinov2-l"])
    assert (found.judges, found.trained_on) == (False, "LVD-142M images")
    assert "a network of its family" in found.reason
    assert not witness("timm:resnet50.a1_in1k", "inception").judges
    assert witness("timm:vit_large_patch16_224.mae", "inception", [dinov2]).judges


# Pixels


@pytest.mark.parametrize(
    "model",
    [
        "test_vit.r160_in1k",  # 160, center, 0.95
        "vit_large_patch16_224.mae",  # 0.9
        "vit_so400m_patch14_siglip_224.webli",  # another mean and deviation
        "convnextv2_base.fcmae_ft_in22k_in1k",  # 0.875
        "convnext_base.fb_in22k_ft_in1k_384",  # squash
        "vgg16.tv_in1k",  # bilinear
        "samvit_base_patch16.sa1b",  # 1024
    ],
)
@pytest.mark.parametrize("shape", [(256, 256), (64, 64), (301, 301), (240, 300), (300, 220)])
def test_pixels_are_those_of_timm(model: str, shape: tuple[int, int]) -> None:
    config = resolve_data_config(pretrained_cfg=timm.models.get_pretrained_cfg(model).to_dict())
    assert_same_pixels(config, noise(*shape, count=1))


@pytest.mark.parametrize("shape", [(256, 256), (100, 120), (120, 100), (90, 33)])
@pytest.mark.parametrize("size", [(96, 96), (96, 128), (64, 41)])
@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize("share", [1.0, 0.9, 0.875])
def test_every_mode_of_cropping(
    shape: tuple[int, int],
    size: tuple[int, int],
    mode: str,
    share: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resize = Image.Image.resize

    def horizontal_first(self: Image.Image, size: tuple[int, int], how: int) -> Image.Image:
        """Resize as in Pillow up to version 12; see `fringe.networks.resizing`."""
        return resize(resize(self, (size[0], self.height), how), tuple(size), how)

    monkeypatch.setattr(Image.Image, "resize", horizontal_first)
    config = resolve_data_config({}, pretrained_cfg={"input_size": (3, *size)})
    config |= {"crop_mode": mode, "crop_pct": share}
    assert_same_pixels(config, noise(*shape, count=1))


def assert_same_pixels(config: dict[str, object], images: Tensor) -> None:
    transform = create_transform(**config, is_training=False)
    expected = transform(Image.fromarray(images[0].permute(1, 2, 0).numpy()))
    found = preparation(config, "x")(images)[0]
    assert found.shape == expected.shape
    assert torch.equal(found, expected)


def test_other_kernels_and_channels_are_refused() -> None:
    config = resolve_data_config({}, pretrained_cfg={"input_size": (3, 64, 64)})
    assert isinstance(preparation(config, "x"), Preparation)
    for change in ({"interpolation": "lanczos"}, {"input_size": (1, 64, 64)}):
        with pytest.raises(
            FringeError, match=r"network 'x' takes images with \d channels, resized"
        ):
            preparation({**config, **change}, "x")


# Facts that are known without a weight file


def test_facts_are_cached_and_then_need_no_torch(tmp_path: Path) -> None:
    info = network_info(VIT)
    assert (info.feature_dim, info.n_classes, info.maps) == (64, 1000, True)
    assert info.giga_macs is not None
    assert info.giga_macs > 0.01
    (kept,) = (tmp_path / "weights").iterdir()
    assert kept.name == f"timm-{timm.__version__}.json"
    code = (
        "import sys; from fringe.networks import network_info, network_classes; "
        "from fringe.networks import network_weight_files; "
        f"print(network_info({VIT!r}).feature_dim, len(network_classes({VIT!r})), "
        f"network_weight_files({VIT!r})[0].name, 'torch' in sys.modules, 'timm' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "64 1000 timm.test_vit.r160_in1k.safetensors False False"


@pytest.mark.parametrize("content", ["", "[]", '{"revision": 0}', '{"models": 3, "revision": 1}'])
def test_a_damaged_cache_is_written_again(tmp_path: Path, content: str) -> None:
    kept = tmp_path / "weights" / f"timm-{timm.__version__}.json"
    kept.parent.mkdir()
    kept.write_text(content)
    assert network_info(VIT).feature_dim == 64
    assert VIT in json.loads(kept.read_text())["models"]


def test_the_message_without_timm_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def missing(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr("fringe.networks.timm_catalogue.version", missing)
    with pytest.raises(FringeError, match=r"pip install 'fringe-fid\[timm\]'"):
        network_info(VIT)


def test_classes() -> None:
    named = network_classes(RESNET)
    assert named is not None
    assert named[0] == "tench"
    assert network_classes("timm:vit_tiny_patch16_224.augreg_in21k")[21842] == "class 21842"
    assert network_classes("timm:vit_base_patch32_clip_224.openai") is None


def test_a_projection_has_no_classes() -> None:
    clip = "timm:vit_base_patch32_clip_224.openai"
    assert network_info(clip)[:2] == (768, None)
    assert network_info(f"{clip}@projected")[:2] == (512, None)


# Weight files


def test_a_local_file_is_loaded(resnet: Path) -> None:
    batch = noise(200, 200)
    model = random_model("test_resnet.r160_in1k", seed=1)
    with torch.inference_mode():
        pixels = prepared(model, batch)
        expected = model.forward_head(model.forward_features(pixels), pre_logits=True)
    network = load_network(RESNET, resnet)
    assert (network(batch).features - expected).abs().max() < 1e-5 * expected.abs().max()
    assert network.attributes == {"timm": timm.__version__, "pooling": "avg"}


@pytest.mark.parametrize("choice", ["token", "avg"])
def test_a_choice_of_tokens(tmp_path: Path, choice: str) -> None:
    """The choice pools the same normalized tokens in another way."""
    model = random_model("test_vit.r160_in1k", seed=2)
    path = tmp_path / "vit.safetensors"
    write_model(model, path)
    batch = noise(170, 170)
    with torch.inference_mode():
        tokens = model.forward_features(prepared(model, batch))
    expected = tokens[:, 0] if choice == "token" else tokens[:, 1:].mean(1)
    network = load_network(f"{VIT}@{choice}", path)
    found = network(batch)
    assert (found.features - expected).abs().max() < 1e-5 * expected.abs().max()
    assert network.attributes["pooling"] == choice
    assert (found.maps is not None) == (choice == "avg")
    assert (network.split is not None) == (choice == "token")


def test_a_projection(tmp_path: Path) -> None:
    name = "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m"
    model = random_model(name, seed=2)
    path = tmp_path / "clip.safetensors"
    write_model(model, path)
    batch = noise(224, 224)
    with torch.inference_mode():
        expected = model(prepared(model, batch))
    network = load_network(f"timm:{name}@projected", path)
    found = network(batch)
    assert (found.features - expected).abs().max() < 1e-5 * expected.abs().max()
    assert (found.features.shape, found.logits) == ((2, 512), None)
    assert network.split is not None
    maps, rest = network.split(batch)
    assert (rest(maps).features - expected).abs().max() < 1e-5 * expected.abs().max()


def test_features_state_the_version_of_timm_and_the_pooling(resnet: Path, tmp_path: Path) -> None:
    path = tmp_path / "features.h5"
    extract_shard(PhotoSource(4, 64, 0), load_network(RESNET, resnet), 0, 4, path, batch_size=4)
    with h5py.File(path) as file:
        assert file.attrs["timm"] == timm.__version__
        assert file.attrs["pooling"] == "avg"
        assert file["logits"].shape == (4, 1000)


def test_files_of_other_weights_are_refused(resnet: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    write_model(random_model("test_vit.r160_in1k", seed=1), path)
    with pytest.raises(FringeError, match=r"other\.safetensors: not the weights of network 'timm:"):
        load_network(RESNET, path)
    path.write_bytes(resnet.read_bytes()[:-100])
    with pytest.raises(FringeError, match=r"other\.safetensors"):
        load_network(RESNET, path)
    pickled = tmp_path / "weights.pth"
    torch.save({"a": torch.zeros(1)}, pickled)
    with pytest.raises(FringeError, match=r"weights\.pth: .* needs a safetensors file"):
        load_network(RESNET, pickled)
    pickled.rename(tmp_path / "weights.safetensors")
    with pytest.raises(FringeError, match=r"weights\.safetensors: .* needs a safetensors file"):
        load_network(RESNET, tmp_path / "weights.safetensors")
    model = random_model("test_resnet.r160_in1k", seed=1)
    model.conv1[0].weight[0, 0, 0, 0] = float("nan")
    write_model(model, path)
    with pytest.raises(FringeError, match=r"tensor 'conv1\.0\.weight' of network .* holds NaN"):
        load_network(RESNET, path)


def test_the_weight_file_is_fetched_from_the_published_address(
    resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    address = "timm/test_resnet.r160_in1k/resolve/main/model.safetensors"
    (published,) = network_weight_files(RESNET)
    assert published.urls == (f"https://huggingface.co/{address}",)
    assert (published.name, published.licence) == (FILE, "apache-2.0")
    with serving({address: resnet.read_bytes()}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url(""))
        found = fetch_weight_file(RESNET, tmp_path / "fetched")
        assert found == tmp_path / "fetched" / FILE
        assert main(["fetch", RESNET, "--weights-dir", str(tmp_path / "by-command")]) == 0
    assert str(tmp_path / "by-command" / FILE) in capsys.readouterr().out
    assert found.read_bytes() == resnet.read_bytes()
    assert fetch_weight_file(RESNET, tmp_path / "fetched") == found, "it is not fetched again"
    assert load_network(RESNET, found).feature_dim == network_info(RESNET).feature_dim


def test_another_file_from_the_address_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "timm/test_resnet.r160_in1k/resolve/main/model.safetensors"
    with serving({address: b"nothing of the kind" * 1000}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url(""))
        with pytest.raises(FringeError, match="could not be fetched"):
            fetch_weight_file(RESNET, tmp_path / "fetched")
    assert not list((tmp_path / "fetched").glob("*.safetensors"))


def in_cache(home: Path, content: Path, commit: str = "0123abcd") -> Path:
    """Write a file as the hub's tools do: a link to a blob, and a file with the commit."""
    folder = home / "hub" / "models--timm--test_resnet.r160_in1k"
    blob = folder / "blobs" / ("ab" * 32)
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content.read_bytes())
    place = folder / "snapshots" / commit / "model.safetensors"
    place.parent.mkdir(parents=True)
    place.symlink_to(blob)
    return place


def test_the_weight_file_is_used_from_the_cache_of_the_hub(resnet: Path, tmp_path: Path) -> None:
    place = in_cache(tmp_path / "hub-home", resnet)
    assert fetch_weight_file(RESNET, tmp_path / "fetched") == place, "the only snapshot"
    in_cache(tmp_path / "hub-home", resnet, "4567")
    refs = place.parents[2] / "refs"
    refs.mkdir()
    (refs / "main").write_text("0123abcd")
    assert fetch_weight_file(RESNET, tmp_path / "fetched") == place
    assert not (tmp_path / "fetched").exists()
    assert (
        load_network(RESNET).weight_file_sha256 == load_network(RESNET, resnet).weight_file_sha256
    )
    (refs / "main").write_text("../../../etc")
    with pytest.raises(FringeError, match="could not be fetched"):
        load_network(RESNET)


def config_of(tmp_path: Path, **more: object) -> Config:
    keys = {
        "run": "r",
        "network": RESNET,
        "controls": [f"{VIT}@avg"],
        "weights_dir": str(tmp_path / "weights-of-run"),
        "sources": {
            "a": {"kind": "photos", "count": 100, "resolution": 64},
            "b": {"kind": "imitation", "count": 100, "resolution": 64},
        },
        "datasets": {"d": {"title": "D", "real": "a", "generated": "b"}},
        **more,
    }
    completed = complete(keys)
    assert completed.faults == []
    return completed.config


def test_a_run_knows_the_path_and_digest_of_the_weight_file(
    resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(tmp_path)
    absent = locate_weight_files(config, tmp_path / "hashes")
    assert absent[RESNET]["path"] == str(tmp_path / "weights-of-run" / FILE)
    assert weight_files_to_fetch(config, absent)[FILE] == RESNET
    place = in_cache(tmp_path / "hub-home", resnet)
    present = locate_weight_files(config, tmp_path / "hashes")
    assert present[RESNET] == {"path": str(place), "identity": absent[RESNET]["identity"]}
    assert FILE not in weight_files_to_fetch(config, present)
    own = config_of(tmp_path, weights={RESNET: str(resnet)})
    assert locate_weight_files(own, tmp_path / "hashes")[RESNET]["path"] == str(resnet)


def test_read_name_has_two_parts() -> None:
    assert read_name(f"{VIT}@avg").model == "test_vit.r160_in1k"
    assert read_name(VIT).choice is None
