"""Networks by name: the facts that are known before loading, and errors."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fringe.errors import FringeError
from fringe.networks import (
    NetworkInfo,
    load_network,
    network_info,
    network_names,
    network_titles,
    network_weight_files,
    only_installed,
)
from fringe.networks.training import TRAININGS, training

OWN = """
import torch
from fringe.networks import Activations, FeatureNetwork

def tiny(weight_file, device):
    def forward(images):
        return Activations(images.float().mean((2, 3)))
    return FeatureNetwork("own:tiny", {dim}, None, "0" * 64, device, forward)

tiny.info = (3, None, 1)

def unannounced(weight_file, device):
    raise AssertionError
"""


def write_package(folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, dim: int) -> None:
    (folder / f"{module}.py").write_text(OWN.replace("{dim}", str(dim)))
    monkeypatch.syspath_prepend(folder)


def test_info_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from fringe.networks import network_info, network_names\n"
        "import fringe.features\n"
        "infos = {name: tuple(network_info(name)) for name in network_names()}\n"
        "print([infos[n] for n in ('inception', 'efficientnet-lite0')], 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == (
        "[(2048, 1008, 1, True, 'ImageNet-1k labels', 'Inception-V3', 5.7), "
        "(1280, 1000, 1, True, 'ImageNet-1k labels', 'EfficientNet-Lite0', 0.4)] False"
    )


@pytest.mark.parametrize(
    "name", [name for name in network_names() if not network_weight_files(name)]
)
def test_the_registered_sizes_are_those_of_the_network(name: str) -> None:
    network = load_network(name)
    result = network(torch.zeros(2, 3, 40, 40, dtype=torch.uint8))
    info = network_info(name)
    assert result.features.shape == (2, info.feature_dim)
    assert result.features.dtype == torch.float32
    assert (result.logits is None) == (info.n_classes is None)
    if result.logits is not None:
        assert result.logits.shape == (2, info.n_classes)


def test_every_network_of_fringe_states_its_training() -> None:
    judges = {name for name in network_names() if training(network_info(name).trained_on).judges}
    assert judges >= {
        "swav",
        "clip",
        "dinov2-b",
        "dinov2-l",
        "untrained",
        "scattering",
        "scattering-aligned",
    }
    assert not judges & {"inception", "resnet50", "vgg16", "vgg16-nvidia", "efficientnet-lite0"}
    assert all(network_info(name).trained_on in TRAININGS for name in network_names())


def test_an_unknown_training_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path, monkeypatch, "stating_network", dim=3)
    with (tmp_path / "stating_network.py").open("a") as file:
        file.write("def faces(*_): ...\nfaces.info = (3, None, 1, False, 'other images')\n")
        file.write("def cats(*_): ...\ncats.info = (3, None, 1, False, 'cats')\n")
    assert network_info("stating_network:tiny").trained_on is None
    assert network_info("stating_network:faces").trained_on == "other images"
    with pytest.raises(FringeError, match=r"'stating_network:cats': the fifth .* 'cats' is unkn"):
        network_info("stating_network:cats")


def test_every_network_of_fringe_states_title_and_multiply_adds() -> None:
    assert set(network_titles()) == set(network_names())
    assert len(set(network_titles().values())) == len(network_names())
    assert network_titles()["dinov2-l"] == "DINOv2 ViT-L"
    macs = {name: network_info(name).giga_macs for name in network_names()}
    assert all(number is not None and number > 0 for number in macs.values())
    assert (macs["vgg16"], macs["untrained"]) == (15.5, 0.03)


def test_a_network_of_a_user_may_state_title_and_multiply_adds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path, monkeypatch, "titled_network", dim=3)
    with (tmp_path / "titled_network.py").open("a") as file:
        file.write("def cats(*_): ...\ncats.info = (3, None, 1, False, None, 'Cats', 2)\n")
    info = network_info("titled_network:cats")
    assert (info.title, info.giga_macs) == ("Cats", 2)
    both = ["titled_network:cats", "titled_network:tiny", "clip"]
    assert network_titles(both) == {"titled_network:cats": "Cats", "clip": "CLIP"}


@pytest.mark.parametrize(
    ("function", "values", "message"),
    [
        ("blank", "' ', 2", r"the sixth value .* ' ' is not a title"),
        ("number", "7, 2", r"the sixth value .* 7 is not a title"),
        ("zero", "'Cats', 0", r"the seventh value .* 0 is not a number of 10\^9 multiply-adds"),
        ("nan", "'Cats', float('nan')", r"the seventh value .* nan is not"),
        ("truth", "'Cats', True", r"the seventh value .* True is not"),
        ("text", "'Cats', '4.1'", r"the seventh value .* '4.1' is not"),
    ],
)
def test_invalid_titles_and_multiply_adds_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, values: str, message: str
) -> None:
    module = f"{function}_network"
    write_package(tmp_path, monkeypatch, module, dim=3)
    with (tmp_path / f"{module}.py").open("a") as file:
        file.write(f"tiny.info = (3, None, 1, False, None, {values})\n")
    with pytest.raises(FringeError, match=f"network '{module}:tiny': {message}"):
        network_info(f"{module}:tiny")


def test_a_network_of_a_user_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path, monkeypatch, "own_network", dim=3)
    assert network_info("own_network:tiny") == NetworkInfo(3, None, 1)
    images = torch.full((2, 3, 4, 4), 7, dtype=torch.uint8)
    features = load_network("own_network:tiny")(images).features
    assert torch.equal(features, torch.full((2, 3), 7.0))


def test_a_network_in_the_working_folder_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed command does not have the working folder on Python's path."""
    write_package(tmp_path, monkeypatch, "near_network", dim=3)
    elsewhere = [path for path in sys.path if Path(path).resolve() not in (Path.cwd(), tmp_path)]
    monkeypatch.setattr(sys, "path", list(elsewhere))
    with pytest.raises(FringeError, match="put its file in the working folder"):
        network_info("near_network:tiny")
    monkeypatch.chdir(tmp_path)
    with only_installed(), pytest.raises(FringeError, match=r"would run .*near_network\.py, which"):
        network_info("near_network:tiny")
    assert sys.path == elsewhere
    assert network_info("near_network:tiny") == NetworkInfo(3, None, 1)
    assert sys.path == [*elsewhere, str(tmp_path)], "after all others"


def test_a_network_of_an_installed_package_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path, monkeypatch, "packaged_network", dim=3)
    about = tmp_path / "packaged_network-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: packaged-network\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[fringe.networks]\nshort = packaged_network:tiny\n")
    assert network_info("short") == NetworkInfo(3, None, 1)
    assert load_network("short").name == "own:tiny"
    with pytest.raises(FringeError, match=r"unknown network 'long'; .*, short, .timm:<model>., or"):
        network_info("long")


def test_a_network_that_differs_from_its_info_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path, monkeypatch, "wrong_network", dim=4)
    with pytest.raises(FringeError, match=r"has 4 features .* registered with 3"):
        load_network("wrong_network:tiny")
    with pytest.raises(FringeError, match="needs an attribute `info"):
        network_info("wrong_network:unannounced")


def test_a_network_of_a_user_may_have_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path, monkeypatch, "mapping_network", dim=3)
    with (tmp_path / "mapping_network.py").open("a") as file:
        file.write("tiny.info = (3, None, 1, True)\n")
    assert network_info("mapping_network:tiny").maps


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "inception-v9",
            r"unknown network 'inception-v9'; similar names: inception, .*; the networks are ",
        ),
        ("no_such_module_here:make", "cannot be imported"),
        ("fringe.networks.untrained:missing", "cannot be imported"),
    ],
)
def test_an_unknown_network_is_refused(name: str, message: str) -> None:
    with pytest.raises(FringeError, match=message):
        network_info(name)
    with pytest.raises(FringeError, match=message):
        load_network(name)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(FringeError, match="device 'abacus' does not exist"):
        load_network("untrained", device="abacus")


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(1, 3, 8, 8),
        torch.zeros(1, 8, 8, 3, dtype=torch.uint8),
        torch.zeros(3, 8, 8, dtype=torch.uint8),
        torch.zeros(0, 3, 8, 8, dtype=torch.uint8),
    ],
)
def test_images_of_another_type_or_shape_are_refused(images: torch.Tensor) -> None:
    with pytest.raises(TypeError, match="takes uint8 images of shape"):
        load_network("untrained")(images)
