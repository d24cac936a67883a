"""TorchScript generators of the documented signature, and programs that are none."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fringe.errors import FringeError
from fringe.generators import convert, load_generator

# PyTorch advises against writing new ones.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.z_dim = 4
        self.weight = nn.Parameter(torch.arange(4 * 3 * 8 * 6).float().view(4, -1) / 1000)

    def forward(self, latents: Tensor) -> Tensor:
        return (latents @ self.weight).view(-1, 3, 8, 6)


class Conditional(nn.Module):
    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        return (latents.sum(1) + labels[:, 1]).view(-1, 1, 1, 1).expand(-1, 1, 5, 5).half()

    @torch.jit.export
    def z_dim(self) -> int:
        return 2

    @torch.jit.export
    def c_dim(self) -> int:
        return 3


class WithoutSize(nn.Module):
    def forward(self, latents: Tensor) -> Tensor:
        return latents.view(-1, 1, 1, 1)


class Flat(nn.Module):
    z_dim: int

    def __init__(self) -> None:
        super().__init__()
        self.z_dim = 4

    def forward(self, latents: Tensor) -> Tensor:
        return latents


class Strict(Flat):
    def forward(self, latents: Tensor) -> Tensor:
        if latents.size(1) != 7:
            raise ValueError("seven numbers, please")
        return latents.view(-1, 1, 1, 7)


class Growing(Flat):
    def forward(self, latents: Tensor) -> Tensor:
        return torch.zeros(latents.size(0), 3, 4, 4 + int(latents.abs().max() / 10))


class Noisy(Flat):
    def forward(self, latents: Tensor) -> Tensor:
        image = latents.view(-1, 1, 2, 2)
        return image + 1e-3 * torch.randn_like(image)


class OfItsBatch(Flat):
    """Each image has the number of images beside it in it, as last bits may."""

    def forward(self, latents: Tensor) -> Tensor:
        return latents.view(-1, 1, 2, 2) + latents.size(0)


class Writing(Flat):
    """Saves a file whenever it runs."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = str(path)

    def forward(self, latents: Tensor) -> Tensor:
        torch.save(latents, self.path)
        return latents.view(-1, 1, 2, 2)


class Shaped(Flat):
    """Images of a given shape, in the order of its program."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.c, self.h, self.w = shape

    def forward(self, latents: Tensor) -> Tensor:
        return latents[:, :1, None, None].tanh().expand(-1, self.c, self.h, self.w)


def save(program: nn.Module, path: Path) -> Path:
    torch.jit.save(torch.jit.script(program), path)
    return path


def test_images_and_sizes_of_an_unconditional_program(tmp_path: Path) -> None:
    program = Plain()
    generator = load_generator(save(program, tmp_path / "g.pt"))
    assert (generator.kind, generator.z_dim, generator.n_classes) == ("torchscript", 4, 0)
    assert (generator.resolution, generator.channels) == ((8, 6), 3)
    z = np.random.default_rng(0).standard_normal((5, 4))
    images = generator.synthesize(z)
    expected = program(torch.from_numpy(z).float()).detach().numpy()
    np.testing.assert_allclose(images, expected, rtol=1e-6)
    assert generator(z).dtype == np.uint8


def test_a_conditional_program_with_methods(tmp_path: Path) -> None:
    generator = load_generator(save(Conditional(), tmp_path / "g.pt"))
    assert (generator.z_dim, generator.n_classes, generator.channels) == (2, 3, 1)
    images = generator.synthesize(torch.zeros(2, 2), labels=[0, 1])
    assert images.dtype == torch.float32
    assert images.amax(dim=(1, 2, 3)).tolist() == [0, 1]
    with pytest.raises(FringeError, match="from 0 to 2"):
        generator(torch.zeros(2, 2))


def test_loading_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    path = save(Noisy(), tmp_path / "g.pt")
    state = torch.random.get_rng_state()
    with pytest.raises(FringeError):
        load_generator(path)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_program_that_draws_its_own_noise_is_refused(tmp_path: Path) -> None:
    path = save(Noisy(), tmp_path / "g.pt")
    with pytest.raises(FringeError, match=r"g\.pt: .*draws noise of its own.*with fixed noise"):
        load_generator(path)


def test_a_program_runs_only_from_a_file_that_is_called_one(tmp_path: Path) -> None:
    written = tmp_path / "written"
    program = save(Writing(written), tmp_path / "program.PT")
    for name in ("ffhq.pkl", "ffhq.safetensors", "ffhq"):
        shutil.copy(program, tmp_path / name)
        with pytest.raises(FringeError, match=rf"{name}: holds a TorchScript program.*in \.pt"):
            load_generator(tmp_path / name)
        assert not written.exists()
    shutil.copy(program, tmp_path / "program.ts")
    for name in ("program.PT", "program.ts"):
        load_generator(tmp_path / name)
        assert written.exists(), "else the claim above says nothing"
        written.unlink()


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("program", [Plain, OfItsBatch])
def test_same_bits_in_any_batch_on_any_number_of_threads(
    tmp_path: Path, threads: None, program: type[nn.Module]
) -> None:
    generator = load_generator(save(program(), tmp_path / "g.pt"))
    z = np.random.default_rng(0).standard_normal((7, 4))
    torch.set_num_threads(1)
    whole = generator.synthesize(z)
    for count, size in ((1, 1), (2, 7), (2, 3)):
        torch.set_num_threads(count)
        parts = [generator.synthesize(z[start : start + size]) for start in range(0, 7, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (WithoutSize(), "has z_dim None, no int"),
        (Flat(), r"returns torch\.float32 of shape \(1, 4\)"),
        (Strict(), r"failed on latents of shape \(1, 4\) .*seven numbers, please"),
    ],
)
def test_programs_of_another_signature_are_refused(
    tmp_path: Path, program: nn.Module, message: str
) -> None:
    path = save(program, tmp_path / "g.pt")
    with pytest.raises(FringeError, match=rf"g\.pt: .*{message}.*it must be forward\(latents"):
        load_generator(path)


def test_what_it_cannot_be_told_is_refused(tmp_path: Path) -> None:
    generator = load_generator(save(Plain(), tmp_path / "g.pt"))
    z = torch.zeros(1, 4)
    with pytest.raises(FringeError, match="has no truncation"):
        generator(z, truncation=0.5)
    for options in ({"noise": "none"}, {"noise": "random"}, {"seeds": [1]}):
        with pytest.raises(FringeError, match="cannot be told what noise to use"):
            generator(z, **options)
    with pytest.raises(FringeError, match="computes as it was exported"):
        load_generator(tmp_path / "g.pt", "meta", precision="float16")
    with pytest.raises(FringeError, match="a TorchScript program cannot be converted"):
        convert(tmp_path / "g.pt", tmp_path / "g.safetensors")


def test_images_of_changing_size_are_refused(tmp_path: Path) -> None:
    generator = load_generator(save(Growing(), tmp_path / "g.pt"))
    assert generator(torch.zeros(2, 4)).shape == (2, 3, 4, 4)
    with pytest.raises(FringeError, match=r"images of shape \(1, 3, 4, 7\), not \(1, 3, 4, 4\)"):
        generator(torch.tensor([[0.0] * 4, [35.0] * 4]))


@pytest.mark.parametrize(
    ("shape", "mend"),
    [
        ((2, 8, 8), r"2 channels .* `images\[:, :1\]`"),
        ((4, 8, 8), r"4 channels .* `images\[:, :3\]`"),
        ((6, 8, 8), "6 channels .* export those channels that are an image"),
        ((8, 8, 3), r"shape \(N, 8, 8, 3\).* `images\.permute\(0, 3, 1, 2\)`"),
        ((8, 6, 1), r"channels are last: export `images\.permute\(0, 3, 1, 2\)`"),
    ],
)
def test_images_that_are_neither_grey_nor_rgb_are_refused(
    tmp_path: Path, shape: tuple[int, ...], mend: str
) -> None:
    path = save(Shaped(*shape), tmp_path / "g.pt")
    with pytest.raises(FringeError, match=r"g\.pt: its images have .*" + mend):
        load_generator(path)


def test_a_damaged_program_is_refused(tmp_path: Path) -> None:
    path = save(Plain(), tmp_path / "whole.pt")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "g.pt", "w") as damaged:
        for name in whole.namelist():
            data = whole.read(name)
            damaged.writestr(name, data.replace(b"def forward", b"deaf forward"))
    with pytest.raises(FringeError, match=r"g\.pt: .*cannot load the TorchScript program"):
        load_generator(tmp_path / "g.pt")
