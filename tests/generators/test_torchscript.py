"""TorchScript generators with the documented signature, and programs that are refused."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fringe.errors import FringeError
from fringe.generators import convert, load_generator

# PyTorch advises against new programs of this kind.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.z_dim = 4
        self.weight = nn.Parameter(torch.arange(-288.0, 288.0).view(4, -1) / 1000)

    def forward(self, latents: Tensor) -> Tensor:
        return (latents @ self.weight).view(-1, 3, 8, 6)


class Conditional(nn.Module):
    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        grey = (latents[:, 0] - latents[:, 1] + labels[:, 1]) / 4
        return grey.view(-1, 1, 1, 1).expand(-1, 1, 5, 5).half()

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
        return latents.view(-1, 1, 1, 7) / 4


class Growing(Flat):
    def forward(self, latents: Tensor) -> Tensor:
        width = 4 + int(latents.abs().max() / 10)
        return latents[:, :1, None, None].tanh().expand(-1, 3, 4, width)


class Noisy(Flat):
    def forward(self, latents: Tensor) -> Tensor:
        image = latents.view(-1, 1, 2, 2) / 4
        return image + 1e-3 * torch.randn_like(image)


class OfItsBatch(Flat):
    """Adds the size of the batch to each image; the last bits may depend on it in the same way."""

    def forward(self, latents: Tensor) -> Tensor:
        return latents.view(-1, 1, 2, 2) / 4 + latents.size(0) / 100


class Writing(Flat):
    """Saves a file whenever it runs."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = str(path)

    def forward(self, latents: Tensor) -> Tensor:
        torch.save(latents, self.path)
        return latents.view(-1, 1, 2, 2) / 4


class Shaped(Flat):
    """Makes images of a given shape."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.c, self.h, self.w = shape

    def forward(self, latents: Tensor) -> Tensor:
        return latents[:, :1, None, None].tanh().expand(-1, self.c, self.h, self.w)


def save(program: nn.Module, path: Path) -> Path:
    torch.jit.save(torch.jit.script(program), path)
    return path


def test_an_unconditional_program_makes_images_of_its_size(tmp_path: Path) -> None:
    program = Plain()
    generator = load_generator(save(program, tmp_path / "g.pt"))
    assert (generator.kind, generator.z_dim, generator.n_classes) == ("torchscript", 4, 0)
    assert (generator.resolution, generator.channels) == ((8, 6), 3)
    z = np.random.default_rng(0).standard_normal((5, 4))
    images = generator.synthesize(z)
    expected = program(torch.from_numpy(z).float()).detach().numpy()
    np.testing.assert_allclose(images, expected, rtol=1e-6, atol=1e-7)
    assert generator(z).dtype == np.uint8


def test_a_conditional_program_may_state_its_sizes_by_methods(tmp_path: Path) -> None:
    generator = load_generator(save(Conditional(), tmp_path / "g.pt"))
    assert (generator.z_dim, generator.n_classes, generator.channels) == (2, 3, 1)
    images = generator.synthesize(torch.zeros(2, 2), labels=[0, 1])
    assert images.dtype == torch.float32
    assert images.amax(dim=(1, 2, 3)).tolist() == [0, 0.25]
    with pytest.raises(FringeError, match="from 0 to 2"):
        generator(torch.zeros(2, 2))


def test_loading_does_not_change_the_global_generator(tmp_path: Path) -> None:
    path = save(Noisy(), tmp_path / "g.pt")
    state = torch.random.get_rng_state()
    with pytest.raises(FringeError):
        load_generator(path)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_program_that_draws_noise_is_refused(tmp_path: Path) -> None:
    path = save(Noisy(), tmp_path / "g.pt")
    with pytest.raises(FringeError, match=r"g\.pt: .*draws noise, so .*with fixed noise"):
        load_generator(path)


def test_a_program_runs_only_if_the_name_of_its_file_says_so(tmp_path: Path) -> None:
    written = tmp_path / "written"
    program = save(Writing(written), tmp_path / "program.PT")
    for name in ("ffhq.pkl", "ffhq.safetensors", "ffhq"):
        shutil.copy(program, tmp_path / name)
        with pytest.raises(FringeError, match=rf"{name}: contains a TorchScript program.*in \.pt"):
            load_generator(tmp_path / name)
        assert not written.exists()
    shutil.copy(program, tmp_path / "program.ts")
    for name in ("program.PT", "program.ts"):
        load_generator(tmp_path / name)
        assert written.exists(), "otherwise the assertion above shows nothing"
        written.unlink()


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("program", [Plain, OfItsBatch])
def test_bits_do_not_depend_on_the_batch_or_the_number_of_threads(
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
        (WithoutSize(), "has z_dim None, not an int"),
        (Flat(), r"returns torch\.float32 of shape \(1, 4\)"),
        (Strict(), r"failed on latents of shape \(1, 4\) .*seven numbers, please"),
    ],
)
def test_programs_with_another_signature_are_refused(
    tmp_path: Path, program: nn.Module, message: str
) -> None:
    path = save(program, tmp_path / "g.pt")
    with pytest.raises(FringeError, match=rf"g\.pt: .*{message}.*it must be forward\(latents"):
        load_generator(path)


def test_unsupported_options_are_refused(tmp_path: Path) -> None:
    generator = load_generator(save(Plain(), tmp_path / "g.pt"))
    z = torch.zeros(1, 4)
    with pytest.raises(FringeError, match="has no truncation"):
        generator(z, truncation=0.5)
    for options in ({"noise": "none"}, {"noise": "random"}, {"seeds": [1]}):
        with pytest.raises(FringeError, match="has no option for noise"):
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


class Ranged(Flat):
    """Makes images of 48 values, evenly spaced in (low, high) and shifted a little by latents."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, latents: Tensor) -> Tensor:
        share = torch.linspace(0.0, 1.0, 48, device=latents.device) ** latents[:, :1].exp()
        return (self.low + share * (self.high - self.low)).view(-1, 3, 4, 4)


@pytest.mark.parametrize(
    ("low", "high", "stated", "message"),
    [
        (0, 1, None, r"between 0 and 1, as if black were 0, .*`range: \[0, 1\]`.*`2 \* x - 1`"),
        (0, 255, None, r"between 0 and 255, .*`range: \[0, 255\]`, or export `x / 127\.5 - 1`"),
        (-1, 0, None, r"between -1 and 0, the lower half .*set `range: \[-1, 1\]`"),
        (-128, 127, None, r"between -128 and 127, many of them far outside -1 .* to 1 "),
        (-2.1, 2.6, None, r"far outside .* with a mean and a deviation, .* `x\.clamp\(-1, 1\)`"),
        (
            -1,
            1,
            (0, 1),
            r"between -1 and 1, as if black were -1 .* `range` states 0 .* leave `range` out",
        ),
        (
            -1,
            1,
            (0, 255),
            r"between -1 and 1, as if black were -1 .* 255 \(white\); leave `range` out",
        ),
        (-2, 2, (0, 1), r"between -2 and 2, many of them far outside 0 \(black\) to 1 \(white"),
        (0, 1, (0, 255), r"between 0 and 1, almost nothing of 0 \(black\) to 255 \(white"),
    ],
)
def test_values_that_cannot_be_images_are_refused(
    tmp_path: Path, low: float, high: float, stated: tuple[float, float] | None, message: str
) -> None:
    path = save(Ranged(low, high), tmp_path / "g.pt")
    with pytest.raises(FringeError, match=rf"g\.pt: the values of 8 images are .*{message}"):
        load_generator(path, range=stated)


@pytest.mark.parametrize(
    ("low", "high", "stated"),
    [
        (-1, 1, None),
        (-1.2, 1.3, None),
        (-1, -0.4, (-1, 1)),  # dark, with a stated range
        (0.5, 1, (-1, 1)),
        (-0.3, 0.3, None),  # flat
        (0, 1, (0, 1)),
        (0, 255, (0, 255)),
        (-128, 127, (-128, 127)),
    ],
)
def test_a_stated_range_sets_the_values_of_black_and_white(
    tmp_path: Path, low: float, high: float, stated: tuple[float, float] | None
) -> None:
    path = save(Ranged(low, high), tmp_path / "g.pt")
    z = np.random.default_rng(0).standard_normal((3, 4))
    images = load_generator(path, range=stated).synthesize(z)
    black, white = stated or (-1, 1)
    share = np.linspace(0, 1, 48) ** np.exp(z[:, :1])
    grey = (low + share * (high - low) - black) / (white - black)
    np.testing.assert_allclose(images.reshape(3, 48), 2 * grey - 1, atol=1e-5)
    # Rounded to the nearest of 256 grey levels, as in an image file.
    made = load_generator(path, range=stated)(z).reshape(3, 48)
    assert np.abs(made - np.clip(255 * grey, 0, 255)).max() < 0.502


def test_a_range_is_equivalent_to_the_conversion_in_the_message(tmp_path: Path) -> None:
    class Converted(Ranged):
        def forward(self, latents: Tensor) -> Tensor:
            share = torch.linspace(0.0, 1.0, 48, device=latents.device) ** latents[:, :1].exp()
            x = (self.low + share * (self.high - self.low)).view(-1, 3, 4, 4)
            return 2 * x - 1

    z = np.random.default_rng(0).standard_normal((20, 4))
    stated = load_generator(save(Ranged(0, 1), tmp_path / "g.pt"), range=(0, 1))
    exported = load_generator(save(Converted(0, 1), tmp_path / "converted.pt"))
    np.testing.assert_array_equal(stated.synthesize(z), exported.synthesize(z))


@pytest.mark.parametrize("given", [(1, 0), (0, 0), (0,), (0, 1, 2), (0, float("inf")), ("0", "1")])
def test_a_range_is_two_numbers(tmp_path: Path, given: tuple[Any, ...]) -> None:
    path = save(Ranged(0, 1), tmp_path / "g.pt")
    with pytest.raises(FringeError, match=r"g\.pt: `range` is .*such as \[0, 1\] or \[0, 255\]"):
        load_generator(path, range=given)


def test_a_program_that_ignores_its_latents_is_refused(tmp_path: Path) -> None:
    class Constant(Flat):
        def forward(self, latents: Tensor) -> Tensor:
            return torch.linspace(-1.0, 1.0, 48).view(1, 3, 4, 4).expand(latents.size(0), 3, 4, 4)

    class OfItsLabel(Conditional):
        def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
            return labels[:, :1, None, None].expand(-1, 1, 5, 5) - 0.5

    for program in (Constant(), OfItsLabel()):
        path = save(program, tmp_path / "g.pt")
        with pytest.raises(FringeError, match=r"g\.pt: makes the same image from 8 different lat"):
            load_generator(path)


class Traced(Flat):
    """A traced network, which keeps the mode in which it was traced."""

    def __init__(self, network: nn.Module, latents: Tensor) -> None:
        super().__init__()
        self.traced = torch.jit.trace(network, latents)

    def forward(self, latents: Tensor) -> Tensor:
        return self.traced(latents)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_images_that_depend_on_their_batch_are_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    z = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    network = nn.Sequential(
        nn.Linear(4, 48), nn.Unflatten(1, (3, 4, 4)), nn.BatchNorm2d(3), nn.Tanh()
    )
    path = save(Traced(network.train(), z), tmp_path / "g.pt")
    with pytest.raises(FringeError, match=r"depends on the other images.*again after `eval\(\)`"):
        load_generator(path)
    generator = load_generator(save(Traced(network.eval(), z), path))
    np.testing.assert_allclose(generator.synthesize(z), network(z).detach(), atol=1e-6)


class OneAtATime(Flat):
    def forward(self, latents: Tensor) -> Tensor:
        return latents.view(1, 1, 2, 2) / 4


def test_a_program_for_one_image_at_a_time_is_called_for_each_image(tmp_path: Path) -> None:
    generator = load_generator(save(OneAtATime(), tmp_path / "g.pt"))
    z = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    np.testing.assert_array_equal(generator.synthesize(z), z.reshape(5, 1, 2, 2) / 4)


@pytest.mark.parametrize(
    ("shape", "fix"),
    [
        ((2, 8, 8), r"2 channels .* `images\[:, :1\]`"),
        ((4, 8, 8), r"4 channels .* `images\[:, :3\]`"),
        ((6, 8, 8), "6 channels .* export only the channels of an image"),
        ((8, 8, 3), r"shape \(N, 8, 8, 3\).* `images\.permute\(0, 3, 1, 2\)`"),
        ((8, 6, 1), r"channels are last: export `images\.permute\(0, 3, 1, 2\)`"),
    ],
)
def test_images_that_are_neither_grey_nor_rgb_are_refused(
    tmp_path: Path, shape: tuple[int, ...], fix: str
) -> None:
    path = save(Shaped(*shape), tmp_path / "g.pt")
    with pytest.raises(FringeError, match=r"g\.pt: its images have .*" + fix):
        load_generator(path)


def test_a_damaged_program_is_refused(tmp_path: Path) -> None:
    path = save(Plain(), tmp_path / "whole.pt")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "g.pt", "w") as damaged:
        for name in whole.namelist():
            data = whole.read(name)
            damaged.writestr(name, data.replace(b"def forward", b"deaf forward"))
    with pytest.raises(FringeError, match=r"g\.pt: .*cannot load the TorchScript program"):
        load_generator(tmp_path / "g.pt")
