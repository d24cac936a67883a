"""TensorFlow's Inception-V3 compared with torch-fidelity, on random weights in official formats."""

import gzip
import hashlib
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from tests.checkpoints.graph_files import graph
from tests.networks.inception_files import (
    images,
    inception_state,
    tensorflow_graph,
    write_archive,
    write_nvidia,
    write_state,
)
from tests.networks.weight_files import write_script
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from fringe.errors import FringeError
from fringe.networks import FeatureNetwork, inception
from fringe.networks.inception import load, preprocess

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "pt_inception.pth"
    write_state(path, inception_state(seed=1))
    return path


@pytest.fixture(scope="module")
def network(file: Path) -> FeatureNetwork:
    return load(file, CPU)


@pytest.fixture(scope="module")
def judge(file: Path) -> FeatureExtractorInceptionV3:
    wanted = ["2048", "logits_unbiased", "logits"]
    return FeatureExtractorInceptionV3("judge", wanted, feature_extractor_weights_path=str(file))


def assert_close(ours: Tensor | None, theirs: Tensor) -> None:
    """Compare to 1e-5 of the largest value, and check that columns and images differ."""
    assert ours is not None
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.01 * theirs.abs().max()
    assert (theirs[0] - theirs[1]).abs().max() > 0.01 * theirs.abs().max()
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


@pytest.mark.parametrize("shape", [(32, 32), (128, 128), (299, 299), (512, 512), (200, 340)])
def test_activations_equal_torch_fidelity(
    network: FeatureNetwork, judge: FeatureExtractorInceptionV3, shape: tuple[int, int]
) -> None:
    batch = images(*shape)
    ours = network(batch)
    with torch.inference_mode():
        features, unbiased, logits = judge(batch)
    assert_close(ours.features, features)
    assert_close(ours.logits, logits)
    assert_close(ours.logits, unbiased + judge.fc.bias)
    assert ours.maps is not None
    assert ours.maps.shape == (2, 2048, 8, 8)
    assert_close(ours.maps.mean((2, 3)), features)


def test_resize_is_that_of_tensorflow_1() -> None:
    small = images(5, 7)[0]
    resized = preprocess(small[None])[0] * 128 + 128
    for row, column in [(0, 0), (298, 298), (150, 3), (120, 200), (59, 255)]:
        y, x = row * 5 / 299, column * 7 / 299
        top, left = int(y), int(x)
        below, right = min(top + 1, 4), min(left + 1, 6)
        upper = small[:, top, left] * (1 - (x - left)) + small[:, top, right] * (x - left)
        lower = small[:, below, left] * (1 - (x - left)) + small[:, below, right] * (x - left)
        expected = upper * (1 - (y - top)) + lower * (y - top)
        torch.testing.assert_close(resized[:, row, column], expected, rtol=0, atol=1e-3)


def test_the_attributes_of_the_network(network: FeatureNetwork, file: Path) -> None:
    assert network.weight_file_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert network.class_names is not None
    assert network.class_names[817] == "bow tie"


def test_every_layout_gives_the_same_bits(tmp_path: Path) -> None:
    state = inception_state(seed=2, gamma=False)
    frozen = tensorflow_graph(state)
    files = [tmp_path / name for name in ("a.pth", "b.pt", "c.pb", "d.tgz")]
    write_state(files[0], state)
    write_nvidia(files[1], state)
    files[2].write_bytes(frozen)
    write_archive(
        files[3],
        {"./labels.pbtxt": b"entry {}", "./classify_image_graph_def.pb": frozen, "LICENSE": b""},
    )
    batch = images(64, 64)
    first, *others = (load(path, CPU)(batch) for path in files)
    assert first.features.std() > 0.01 * first.features.abs().max()
    for other in others:
        assert torch.equal(other.features, first.features)
        assert torch.equal(other.logits, first.logits)


def test_gamma_is_read_from_a_graph(tmp_path: Path, network: FeatureNetwork) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(tensorflow_graph(inception_state(seed=1)))
    batch = images(64, 64)
    assert torch.equal(load(path, CPU)(batch).features, network(batch).features)


def without(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key != name}


def test_a_state_dict_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    state = inception_state(seed=3)
    path = tmp_path / "weights.pth"
    write_state(path, without(state, "Mixed_6b.branch7x7_2.bn.bias"))
    with pytest.raises(FringeError, match=r"weights\.pth: .*'Mixed_6b\.branch7x7_2\.bn\.bias' is"):
        load(path, CPU)
    write_state(path, state | {"fc.weight": torch.zeros(1000, 2048)})
    expected = r"'fc\.weight' is .*\(1000, 2048\), expected .*\(1008, 2048\); name the file"
    with pytest.raises(FringeError, match=expected):
        load(path, CPU)


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"layers.conv.beta": torch.zeros(32)}, r"'layers\.conv\.weight' is missing, expected"),
        (
            {"layers.conv.weight": torch.zeros(32, 3, 1, 1)},
            r"'layers\.conv\.weight' has shape \(32, 3, 1, 1\), expected of shape \(32, 3, 3, 3\)",
        ),
    ],
)
def test_a_script_that_does_not_fit_is_refused(
    tmp_path: Path, tensors: dict[str, Tensor], problem: str
) -> None:
    path = tmp_path / "weights.pt"
    write_script(path, tensors)
    with pytest.raises(FringeError, match=rf"weights\.pt: .*{problem}.*; name the file"):
        load(path, CPU)


@pytest.mark.parametrize(
    ("constants", "problem"),
    [
        ({"conv/batchnorm/beta": torch.zeros(32)}, "'conv/conv2d_params' is missing, expected"),
        (
            {"conv/conv2d_params": torch.zeros(32, 3, 3, 3)},
            r"'conv/conv2d_params' has shape \(32, 3, 3, 3\), expected of shape \(3, 3, 3, 32\)",
        ),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(
    tmp_path: Path, constants: dict[str, Tensor], problem: str
) -> None:
    path = tmp_path / "weights.pb"
    path.write_bytes(graph({name: value.numpy() for name, value in constants.items()}))
    with pytest.raises(FringeError, match=rf"weights\.pb: .*{problem}.*; name the file"):
        load(path, CPU)


def write_sparse(path: Path, size: int) -> None:
    """Write an archive with one sparse member, a hole of ``size`` bytes."""
    member = tarfile.TarInfo("classify_image_graph_def.pb")
    member.pax_headers = {"GNU.sparse.size": str(size), "GNU.sparse.map": f"{size},0"}
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member)


def test_archives_that_do_not_fit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.tgz"
    write_archive(path, {"labels.pbtxt": b"entry {}"})
    with pytest.raises(FringeError, match=r"weights\.tgz: no classify_image_graph_def\.pb in"):
        load(path, CPU)
    write_archive(path, {"classify_image_graph_def.pb": bytes(1000)})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FringeError, match=r"weights\.tgz: not a complete \.tgz archive .*; fetch"):
        load(path, CPU)
    path.write_bytes(gzip.compress(b"text"))
    with pytest.raises(FringeError, match=r"weights\.tgz: not a complete \.tgz archive"):
        load(path, CPU)
    write_sparse(path, size=1 << 40)
    with pytest.raises(FringeError, match=r"weights\.tgz: .*more than 256 MiB; name"):
        load(path, CPU)
    monkeypatch.setattr(inception, "MAX_BYTES", 1 << 20)
    path.write_bytes(gzip.compress(bytes(1 << 21)))
    with pytest.raises(FringeError, match=r"weights\.tgz: .*more than 1 MiB; name"):
        load(path, CPU)
    path.write_bytes(graph({"conv": torch.zeros(1 << 20).numpy()}))
    with pytest.raises(FringeError, match=r"weights\.tgz: .*more than 1 MiB; name"):
        load(path, CPU)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_text("no weights at all")
    with pytest.raises(FringeError, match=r"weights\.pth"):
        load(path, CPU)
