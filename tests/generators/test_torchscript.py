"""TorchScript generators of the documented signature, and programs that are none."""

import zipfile
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
        return torch.zeros(latents.size(0), 3, 4, 4 + int(latents.abs().max()))


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
    class Noisy(Flat):
        def forward(self, latents: Tensor) -> Tensor:
            return torch.randn(latents.size(0), 1, 2, 2)

    path = save(Noisy(), tmp_path / "g.pt")
    state = torch.random.get_rng_state()
    load_generator(path)
    assert torch.equal(state, torch.random.get_rng_state())


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
    with pytest.raises(FringeError, match=r"images of shape \(2, 3, 4, 7\), not \(2, 3, 4, 4\)"):
        generator(torch.full((2, 4), 3.0))


def test_a_damaged_program_is_refused(tmp_path: Path) -> None:
    path = save(Plain(), tmp_path / "whole.pt")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "g.pt", "w") as damaged:
        for name in whole.namelist():
            data = whole.read(name)
            damaged.writestr(name, data.replace(b"def forward", b"deaf forward"))
    with pytest.raises(FringeError, match=r"g\.pt: .*cannot load the TorchScript program"):
        load_generator(tmp_path / "g.pt")
