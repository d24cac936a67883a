"""Statistics and features in the files of other tools."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.exchange import read_statistics, write_features, write_statistics
from fringe.metrics import Gaussian, frechet_distance


@pytest.fixture
def gaussian() -> Gaussian:
    return Gaussian.from_features(np.random.default_rng(0).normal(size=(40, 6)))


def write(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def test_statistics_are_written_for_pytorch_fid(tmp_path: Path, gaussian: Gaussian):
    path = tmp_path / "a.npz"
    write_statistics(path, gaussian)
    with np.load(path) as file:  # as in pytorch-fid
        mean, covariance = file["mu"][:], file["sigma"][:]
    assert mean.dtype == covariance.dtype == np.float64
    assert np.array_equal(mean, gaussian.mean)
    assert np.array_equal(covariance, gaussian.covariance)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.npz"]
    again = read_statistics(path)
    assert np.array_equal(again.covariance, gaussian.covariance)
    assert frechet_distance(again, gaussian) == pytest.approx(0, abs=1e-9)


def test_statistics_of_tensors_are_written(tmp_path: Path, gaussian: Gaussian):
    tensors = Gaussian(torch.tensor(gaussian.mean), torch.tensor(gaussian.covariance))
    write_statistics(tmp_path / "a.npz", tensors)
    assert np.array_equal(read_statistics(tmp_path / "a.npz").mean, gaussian.mean)


def test_statistics_are_read_from_float32_and_among_other_arrays(
    tmp_path: Path, gaussian: Gaussian
):
    """Reference batches of guided-diffusion contain images, labels and statistics of two kinds."""
    single = {"mu": gaussian.mean.astype("f4"), "sigma": gaussian.covariance.astype("f4")}
    others = {
        "arr_0": np.zeros((2, 8, 8, 3), np.uint8),
        "arr_1": np.array([object()]),
        "mu_s": np.zeros(3),
        "sigma_s": np.eye(3),
    }
    read = read_statistics(write(tmp_path / "a.npz", **single, **others))
    assert read.mean.dtype == read.covariance.dtype == np.float64
    assert np.allclose(read.covariance, gaussian.covariance, rtol=1e-6)


def test_rounding_errors_are_accepted(tmp_path: Path):
    """The covariance is of fewer images than dimensions, in float32, and slightly asymmetric."""
    features = np.random.default_rng(1).normal(size=(20, 64)).astype("f4")
    covariance = np.cov(features, rowvar=False).astype("f4")
    covariance[0, 1] = np.nextafter(covariance[0, 1], np.float32(9))
    assert np.linalg.eigvalsh(covariance.astype(float))[0] < 0
    read = read_statistics(write(tmp_path / "a.npz", mu=features.mean(0), sigma=covariance))
    assert np.array_equal(read.covariance, read.covariance.T)


EYE = np.eye(3)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mu": np.zeros(3)}, r"has no array `sigma`, only \['mu'\]"),
        ({"arr_0": np.zeros((2, 8, 8, 3), np.uint8)}, r"has no array `mu`, only \['arr_0'\]"),
        ({"mu": np.zeros(3), "sigma": np.eye(4)}, r"`mu` has shape \(3,\) and `sigma` \(4, 4\)"),
        ({"mu": np.zeros((1, 3)), "sigma": EYE}, r"`mu` has shape \(1, 3\)"),
        ({"mu": np.zeros(0), "sigma": np.zeros((0, 0))}, r"`mu` has shape \(0,\)"),
        ({"mu": np.array([0, 0, np.nan]), "sigma": EYE}, "`mu` holds NaN"),
        ({"mu": np.zeros(3), "sigma": EYE + np.inf}, "`sigma` holds NaN"),
        ({"mu": np.zeros(3), "sigma": EYE.astype(complex)}, "`sigma` is of type complex128"),
        ({"mu": np.array(["a"] * 3), "sigma": EYE}, "`mu` is of type <U1"),
        (
            {"mu": np.zeros(3), "sigma": EYE + np.eye(3, k=1) * 1e-3},
            "`sigma` is not symm.*0.001",
        ),
        (
            {"mu": np.zeros(3), "sigma": np.diag([1, 1, -1e-3])},
            "`sigma` is not a cov.* -0.001",
        ),
        ({"mu": np.zeros(3), "sigma": -EYE}, "`sigma` is not a covariance: .*is -1"),
    ],
)
def test_files_without_valid_statistics_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
):
    with pytest.raises(FringeError, match=rf"a\.npz: {message}"):
        read_statistics(write(tmp_path / "a.npz", **arrays))


def test_statistics_of_another_network_are_refused(tmp_path: Path, gaussian: Gaussian):
    write_statistics(tmp_path / "a.npz", gaussian)
    assert read_statistics(tmp_path / "a.npz", gaussian.dim).dim == gaussian.dim
    message = (
        rf"a\.npz: holds statistics of {gaussian.dim} features, but the network has 2048; name"
    )
    with pytest.raises(FringeError, match=message):
        read_statistics(tmp_path / "a.npz", 2048)


def test_values_of_a_wrong_shape_are_not_read(tmp_path: Path):
    """The headers announce 8 TB of data that do not follow."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, shape in (("mu", (10**6,)), ("sigma", (10**6, 10**6))):
            header = io.BytesIO()
            about = {"descr": "<f8", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(header, about)
            archive.writestr(f"{name}.npy", header.getvalue())
    with pytest.raises(FringeError, match="of 1000000 features, but the network has 2048"):
        read_statistics(tmp_path / "a.npz", 2048)


def test_the_batches_of_guided_diffusion_have_statistics_for_sfid(tmp_path: Path) -> None:
    spatial = np.arange(3.0), np.diag([3.0, 2.0, 1.0])
    path = write(
        tmp_path / "a.npz", mu=np.zeros(2), sigma=np.eye(2), mu_s=spatial[0], sigma_s=spatial[1]
    )
    assert np.array_equal(read_statistics(path, 3).mean, spatial[0])
    assert np.array_equal(read_statistics(path, 3).covariance, spatial[1])
    assert read_statistics(path, 2).dim == 2
    assert read_statistics(path).dim == 2
    with pytest.raises(FringeError, match="holds statistics of 2 features, but the network has 4"):
        read_statistics(path, 4)


class Bomb:
    def __reduce__(self) -> tuple:
        return pytest.fail, ("was unpickled",)


def test_nothing_is_unpickled(tmp_path: Path):
    path = write(tmp_path / "a.npz", mu=np.array([Bomb()], dtype=object), sigma=EYE)
    with pytest.raises(FringeError, match=r"a\.npz: `mu` is of type object; it must"):
        read_statistics(path)
    for held in (Bomb(), {"fid": {"mu": Bomb(), "sigma": EYE}}):
        path.write_bytes(pickle.dumps(held))
        with pytest.raises(FringeError, match=r"a\.npz: holds no `mu` and `sigma`"):
            read_statistics(path)


def edm2(path: Path, **statistics: tuple[np.ndarray, np.ndarray]) -> Path:
    """Write statistics like EDM2's `save_stats`."""
    held = {name: {"mu": mu, "sigma": sigma} for name, (mu, sigma) in statistics.items()}
    path.write_bytes(pickle.dumps({"num_images": 40, **held}))
    return path


def test_a_pickle_of_edm2_has_statistics_of_several_networks(
    tmp_path: Path, gaussian: Gaussian
) -> None:
    other = np.arange(3.0), np.asfortranarray(np.diag([3.0, 2.0, 1.0]))
    path = edm2(tmp_path / "a.pkl", fid=(gaussian.mean, gaussian.covariance), fd_dinov2=other)
    read = read_statistics(path, 6)
    assert np.array_equal(read.mean, gaussian.mean)
    assert np.array_equal(read.covariance, gaussian.covariance)
    assert np.array_equal(read_statistics(path, 3).covariance, np.diag([3.0, 2.0, 1.0]))
    start = r"a\.pkl: holds statistics `fid` of \(6,\), `fd_dinov2` of \(3,\), but "
    with pytest.raises(FringeError, match=f"{start}only one is needed"):
        read_statistics(path)
    with pytest.raises(FringeError, match=f"{start}exactly one with 2048 features is needed"):
        read_statistics(path, 2048)


def test_faults_in_a_pickle_have_the_messages_of_an_npz(tmp_path: Path) -> None:
    mu = np.zeros(2)
    for sigma, message in (
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "`sigma` is not symmetric"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "`sigma` holds NaN"),
        (np.diag([1.0, -1.0]), "`sigma` is not a covariance"),
        (np.eye(3), r"`mu` has shape \(2,\) and `sigma` \(3, 3\)"),
    ):
        with pytest.raises(FringeError, match=rf"a\.pkl: {message}"):
            read_statistics(edm2(tmp_path / "a.pkl", fid=(mu, sigma)), 2)
    with pytest.raises(FringeError, match="holds statistics of 2 features, but the network has 3"):
        read_statistics(edm2(tmp_path / "a.pkl", fid=(mu, np.eye(2))), 3)


def test_missing_and_damaged_files_are_refused(tmp_path: Path, gaussian: Gaussian):
    path = tmp_path / "a.npz"
    with pytest.raises(FringeError, match=r"a\.npz: does not exist"):
        read_statistics(path)
    write_statistics(path, gaussian)
    content = path.read_bytes()
    lone = io.BytesIO()
    np.save(lone, np.zeros(3))
    with zipfile.ZipFile(path) as archive:
        flipped = bytearray(content)
        flipped[archive.getinfo("sigma.npy").header_offset + 200] ^= 1
    for damaged in (b"", content[:-40], content[:300], bytes(flipped), lone.getvalue()):
        path.write_bytes(damaged)
        with pytest.raises(FringeError, match=r"a\.npz: is (damaged|empty)"):
            read_statistics(path)


def test_features_are_written(tmp_path: Path):
    features, logits = np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32)
    write_features(tmp_path / "a.npz", features, torch.tensor(logits))
    with np.load(tmp_path / "a.npz") as file:
        assert sorted(file.files) == ["features", "logits"]
        assert file["features"].dtype == np.float32
        assert np.array_equal(file["features"], features)
        assert np.array_equal(file["logits"], logits)
    write_features(tmp_path / "b.npz", features)
    with np.load(tmp_path / "b.npz") as file:
        assert file.files == ["features"]
    write_features(tmp_path / "b.npz", features, network="clip")
    with np.load(tmp_path / "b.npz") as file:  # text needs no pickle
        assert file["network"].item() == "clip"
    with pytest.raises(FringeError, match=r"c\.npz: expected matrices.*\(3, 2\)"):
        write_features(tmp_path / "c.npz", features, logits[:3])
    with pytest.raises(FringeError, match=r"c\.txt: must end in \.npz"):
        write_features(tmp_path / "c.txt", features)


def test_nan_is_not_exported(tmp_path: Path):
    rows = np.ones((5, 3), np.float32)
    logits = np.ones((5, 2), np.float32)
    logits[3, 1] = np.inf
    with pytest.raises(FringeError, match=r"out\.npz: logits: row 3 holds NaN or infinity"):
        write_features(tmp_path / "out.npz", rows, logits)
    assert not (tmp_path / "out.npz").exists()
