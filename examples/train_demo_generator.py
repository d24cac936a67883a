"""Train a small StyleGAN2 on the demo's photographs: how the generators of `make demo` were made.

    python examples/train_demo_generator.py pixels out/pixels
    python examples/train_demo_generator.py features out/features

The generator is that of `fringe.generators.stylegan2` (Karras et al. 2020), trained with the
non-saturating loss against a residual discriminator of pixels with R1 regularization (Mescheder et
al. 2018), or with the hinge loss against discriminators of an ImageNet classifier's features
(Projected GANs, Sauer et al. 2021). Both see differentiably augmented images (Zhao et al. 2020).

Every random number depends on the seed and the step, so a training that was stopped and started
again ends in the same weights, on the same machine with the same number of threads.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from fringe.files.atomic import atomic_path
from fringe.generators import save_generator, stylegan2
from fringe.generators.base import Inputs, to_uint8
from fringe.networks.efficientnet_lite0 import fused_trunk, published
from fringe.seeds import random_stream
from fringe.sources.photos import PhotoSource

State = dict[str, Tensor]

CHANNELS = {4: 96, 8: 96, 16: 80, 32: 56, 64: 28, 128: 16}
Z_DIM, W_DIM, MAPPING_LAYERS = 64, 96, 2
SAMPLES = 64  # images in a picture of samples


@dataclass(frozen=True)
class Settings:
    """One training.

    Attributes
    ----------
    discriminator : {"pixels", "features"}
        What the discriminator sees.
    seed : int
        Of weights, latents, batches and augmentations.
    resolution : int
        Height and width of the images; a key of `CHANNELS` from 8 on.
    photographs : int
        How many crops of the photographs are the training set: the first ones of the source
        `photos` with seed 1 and aligned framing.
    images : int
        How many real images the training sees.
    batch : int
        Images in a step.
    snapshots : tuple of int
        After how many images the generator is written.
    """

    discriminator: str
    seed: int = 1
    resolution: int = 64
    photographs: int = 5000
    images: int = 200_000
    batch: int = 16
    snapshots: tuple[int, ...] = ()


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("discriminator", choices=("pixels", "features"))
    parser.add_argument("folder", type=Path, help="where snapshots, samples and the log go")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--images", type=int, default=Settings.images)
    parser.add_argument("--snapshots", type=int, nargs="*", default=[], metavar="IMAGES")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after that time")
    options = parser.parse_args()
    settings = Settings(
        options.discriminator,
        seed=options.seed,
        images=options.images,
        snapshots=tuple(options.snapshots),
    )
    train(settings, options.folder, options.device, options.minutes)


def train(settings: Settings, folder: Path, device: str = "cpu", minutes: float = math.inf) -> None:
    """Train, or go on with the training in ``folder``, until all images are seen.

    Writes ``checkpoint.pt`` every 10,000 images and at the end, ``generator-<images>.safetensors``
    and ``samples-<images>.jpg`` at the snapshots, and a line of ``log.jsonl`` every 1,000 images.

    Parameters
    ----------
    settings : Settings
        What to train.
    folder : Path
        Where files are written, and where an earlier call of the same settings left some.
    device : str
        Where to compute.
    minutes : float
        Stop after that time, with a checkpoint.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = PhotoSource(settings.photographs, settings.resolution, 1, "aligned")
    real = torch.from_numpy(np.moveaxis(source.read(range(len(source))), 3, 1).copy())
    training = Training(settings, torch.device(device))
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        training.restore(torch.load(checkpoint, map_location=device, weights_only=True))
    start = time.monotonic()
    for step in range(training.seen // settings.batch, settings.images // settings.batch):
        losses = training.step(step, real)
        seen = training.seen
        if crossed(seen, settings.batch, 1000):
            line = {"images": seen, **losses, "seconds": round(time.monotonic() - start, 1)}
            with Path(folder, "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
        if any(seen - settings.batch < at <= seen for at in settings.snapshots):
            training.write(folder)
        late = time.monotonic() - start > 60 * minutes
        if late or crossed(seen, settings.batch, 10_000):
            save(training, checkpoint)
        if late:
            break
    save(training, checkpoint)
    training.write(folder)


def crossed(seen: int, batch: int, every: int) -> bool:
    """Return whether the last batch reached or passed a multiple of ``every``."""
    return seen // every > (seen - batch) // every


def save(training: Training, path: Path) -> None:
    """Write all that a training needs to go on."""
    with atomic_path(path) as partial:
        torch.save(training.saved(), partial)


class Training:
    """A generator, its moving average, and a discriminator, with their optimizers."""

    def __init__(self, settings: Settings, device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.seen = 0
        with torch.random.fork_rng():
            torch.manual_seed(int(random_stream(settings.seed, "weights").integers(2**62)))
            self.config, state = new_generator(settings.resolution)
            if settings.discriminator == "pixels":
                self.critic: nn.Module = PixelDiscriminator(settings.resolution)
                self.learning: nn.Module = self.critic
            else:
                self.critic = FeatureDiscriminator()
                self.learning = self.critic.heads
        self.critic.to(device)
        self.state = {name: tensor.to(device) for name, tensor in state.items()}
        self.average = {name: tensor.clone() for name, tensor in self.state.items()}
        fixed = ("w_avg", "noise_const")
        self.learned = [
            tensor.requires_grad_()
            for name, tensor in self.state.items()
            if not name.endswith(fixed)
        ]
        slow = settings.discriminator == "features"
        self.generator_steps = torch.optim.Adam(self.learned, 0.0025, (0.0, 0.99))
        self.critic_steps = torch.optim.Adam(
            self.learning.parameters(), 0.0002 if slow else 0.0025, (0.0, 0.99)
        )

    def step(self, step: int, real: Tensor) -> dict[str, float]:
        """Take one step of the discriminator and one of the generator; return the losses."""
        settings = self.settings
        numbers = random_stream(settings.seed, "step", step)
        rng = torch.Generator().manual_seed(int(numbers.integers(2**62)))
        batch = torch.from_numpy(numbers.integers(len(real), size=settings.batch))
        images = real[batch].to(self.device).float() / 127.5 - 1

        with torch.no_grad(), self.half():
            fake = self.generate(self.state, rng).float()
        images, fake = self.shown(images, rng), self.shown(fake, rng)
        regularized = settings.discriminator == "pixels" and step % REGULARIZE_EVERY == 0
        images.requires_grad_(regularized)
        with self.half(enabled=not regularized):
            of_real, of_fake = self.critic(images).float(), self.critic(fake).float()
        if settings.discriminator == "pixels":
            critic_loss = functional.softplus(-of_real).mean() + functional.softplus(of_fake).mean()
        else:
            critic_loss = functional.relu(1 - of_real).mean() + functional.relu(1 + of_fake).mean()
        total = critic_loss
        if regularized:
            (slope,) = torch.autograd.grad(of_real.sum(), images, create_graph=True)
            penalty = slope.square().sum(dim=(1, 2, 3)).mean()
            total = total + REGULARIZE_EVERY * GAMMA / 2 * penalty
        self.critic_steps.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.critic_steps.step()

        self.learning.requires_grad_(False)
        with self.half():
            fake = self.generate(self.state, rng).float()
        fake = self.shown(fake, rng)
        with self.half():
            of_fake = self.critic(fake).float()
        if settings.discriminator == "pixels":
            loss = functional.softplus(-of_fake).mean()
        else:
            loss = -of_fake.mean()
        self.generator_steps.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.generator_steps.step()
        self.learning.requires_grad_(True)

        self.seen += settings.batch
        self.follow()
        return {
            "discriminator": float(critic_loss.detach()),
            "generator": float(loss.detach()),
            "logit_real": float(of_real.detach().mean()),
        }

    def shown(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return images as the discriminator sees them: blurred (for features) and augmented."""
        if self.settings.discriminator == "features":
            images = blurred(images, BLUR * (1 - self.seen / BLURRED_IMAGES))
        return augmented(images, rng)

    def half(self, *, enabled: bool = True) -> torch.autocast:
        """Return a context in which products are computed in bfloat16."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def generate(self, state: Mapping[str, Tensor], rng: torch.Generator) -> Tensor:
        """Return a batch of images (N, 3, H, W) of new latents and noise."""
        latents = torch.randn(self.settings.batch, Z_DIM, generator=rng).to(self.device)
        noise = tuple(
            torch.randn(self.settings.batch, 1, *size, generator=rng).to(self.device)
            for size in stylegan2.traits(self.config, state).noise_sizes or ()
        )
        ws = stylegan2.mapping(self.config, state)(Inputs(latents))
        with torch.no_grad():
            self.state["mapping.w_avg"].lerp_(ws[:, 0].detach().float().mean(dim=0), 0.005)
        return stylegan2.synthesis(self.config, state, float16=False)(ws, noise)

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average towards the weights: half of it is of the last 10,000 images."""
        half_life = min(10_000, 0.05 * self.seen)
        keep = 0.5 ** (self.settings.batch / half_life)
        for name, tensor in self.state.items():
            self.average[name].lerp_(tensor.detach(), 1 - keep)

    def write(self, folder: Path) -> None:
        """Write the averaged generator, and a picture of what it makes of the first latents."""
        name = f"{self.seen:07d}"
        state = {key: tensor.half().cpu() for key, tensor in self.average.items()}
        save_generator(folder / f"generator-{name}.safetensors", "stylegan2", self.config, state)
        forward = stylegan2.build(
            self.config, {key: each.float() for key, each in state.items()}, torch.device("cpu")
        )
        latents = torch.from_numpy(np.random.RandomState(0).randn(SAMPLES, Z_DIM)).float()
        with torch.inference_mode():
            images = to_uint8(forward(Inputs(latents, noise="const"))).numpy()
        side = math.isqrt(SAMPLES)
        grid = images.reshape(side, side, *images.shape[1:]).transpose(0, 3, 1, 4, 2)
        size = side * self.settings.resolution
        Image.fromarray(grid.reshape(size, size, 3)).save(
            folder / f"samples-{name}.jpg", quality=92
        )

    def saved(self) -> dict[str, Any]:
        """Return all that a training needs to go on."""
        return {
            "seen": self.seen,
            "state": {name: tensor.detach() for name, tensor in self.state.items()},
            "average": self.average,
            "critic": self.critic.state_dict(),
            "generator_steps": self.generator_steps.state_dict(),
            "critic_steps": self.critic_steps.state_dict(),
        }

    @torch.no_grad()
    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take up what `saved` returned."""
        self.seen = saved["seen"]
        for name, tensor in self.state.items():
            tensor.copy_(saved["state"][name])
            self.average[name].copy_(saved["average"][name])
        self.critic.load_state_dict(saved["critic"])
        self.generator_steps.load_state_dict(saved["generator_steps"])
        self.critic_steps.load_state_dict(saved["critic_steps"])


REGULARIZE_EVERY = 16
GAMMA = 0.5  # weight of R1
BLUR = 1.5  # standard deviation of the blur at first, in pixels
BLURRED_IMAGES = 20_000  # after which the blur is gone


def new_generator(resolution: int) -> tuple[stylegan2.Config, State]:
    """Return the configuration and random weights of a generator, as StyleGAN2 starts."""
    config = stylegan2.Config(
        z_dim=Z_DIM,
        c_dim=0,
        w_dim=W_DIM,
        resolution=resolution,
        channels=3,
        architecture="skip",
        conv_clamp=None,
        float16_from=None,
        lr_multiplier=0.01,
    )
    state: State = {"mapping.w_avg": torch.zeros(W_DIM)}
    for index, width in enumerate([Z_DIM] + [W_DIM] * (MAPPING_LAYERS - 1)):
        state[f"mapping.fc{index}.weight"] = torch.randn(W_DIM, width) / config.lr_multiplier
        state[f"mapping.fc{index}.bias"] = torch.zeros(W_DIM)

    def styled(name: str, outputs: int, inputs: int, kernel: int) -> None:
        state[f"{name}.weight"] = torch.randn(outputs, inputs, kernel, kernel)
        state[f"{name}.bias"] = torch.zeros(outputs)
        state[f"{name}.affine.weight"] = torch.randn(inputs, W_DIM)
        state[f"{name}.affine.bias"] = torch.ones(inputs)
        if kernel == 3:
            size = int(name.split(".b")[1].split(".")[0])
            state[f"{name}.noise_const"] = torch.randn(size, size)
            state[f"{name}.noise_strength"] = torch.zeros(())

    inputs = 0
    for size in config.block_resolutions:
        outputs = CHANNELS[size]
        if inputs:
            styled(f"synthesis.b{size}.conv0", outputs, inputs, 3)
        else:
            state["synthesis.b4.const"] = torch.randn(outputs, 4, 4)
        styled(f"synthesis.b{size}.conv1", outputs, outputs, 3)
        styled(f"synthesis.b{size}.torgb", 3, outputs, 1)
        inputs = outputs
    return config, state


class Scaled(nn.Module):
    """A convolution, or a linear layer of 1 x 1 maps, with the equalized learning rate."""

    def __init__(self, inputs: int, outputs: int, kernel: int, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = 1 / math.sqrt(inputs * kernel * kernel)
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps (N, outputs, H, W), without activation."""
        return functional.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


def activated(x: Tensor) -> Tensor:
    """Return the leaky ReLU with its gain."""
    return functional.leaky_relu(x, 0.2) * math.sqrt(2)


class Block(nn.Module):
    """Two convolutions next to a shortcut, from one resolution to half of it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Scaled(inputs, inputs, 3, 1)
        self.second = Scaled(inputs, outputs, 3, 1)
        self.shortcut = Scaled(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps (N, outputs, H / 2, W / 2)."""
        y = activated(self.second(functional.avg_pool2d(activated(self.first(x)), 2)))
        halved: Tensor = (y + self.shortcut(functional.avg_pool2d(x, 2))) * math.sqrt(0.5)
        return halved


class PixelDiscriminator(nn.Module):
    """The residual discriminator of StyleGAN2, small."""

    def __init__(self, resolution: int) -> None:
        super().__init__()
        sizes = [size for size in sorted(CHANNELS, reverse=True) if size <= resolution]
        self.entry = Scaled(3, CHANNELS[resolution], 1)
        self.blocks = nn.ModuleList(
            [Block(CHANNELS[size], CHANNELS[size // 2]) for size in sizes[:-1]]
        )
        width = CHANNELS[4]
        self.last = Scaled(width + 1, width, 3, 1)
        self.hidden = Scaled(width, width, 4)
        self.exit = Scaled(width, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit for each image, (N,); large for real images."""
        x: Tensor = activated(self.entry(images.contiguous(memory_format=torch.channels_last)))
        for block in self.blocks:
            x = block(x)
        # How much images differ within groups of four (Karras et al. 2018, Section 3).
        groups = x.view(4, -1, *x.shape[1:])
        spread = (groups.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
        x = torch.cat([x, spread.repeat(4)[:, None, None, None].expand(-1, 1, 4, 4)], dim=1)
        logits: Tensor = self.exit(activated(self.hidden(activated(self.last(x)))))
        return logits[:, 0, 0, 0]


# Layers of the classifier whose maps are seen, and their channels.
LEVELS = {3: 24, 5: 40, 11: 112, 16: 320}
WIDTH = 64  # channels of the mixed maps
SEEN_SIZE = 128  # height and width of the images that the classifier sees, in pixels


class FeatureDiscriminator(nn.Module):
    """Discriminators of four levels of an ImageNet classifier's maps, mixed at random.

    As in Projected GANs (Sauer et al. 2021, Section 3): maps are mixed across channels by fixed
    random 1 x 1 convolutions, and across levels from coarse to fine by fixed random 3 x 3
    convolutions and upsampling; one small discriminator sees each level.
    """

    def __init__(self) -> None:
        super().__init__()
        trunk = fused_trunk(published())[: max(LEVELS) + 1]
        across_channels = [nn.Conv2d(inputs, WIDTH, 1) for inputs in LEVELS.values()]
        across_levels = [nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in LEVELS]
        self.trunk = trunk
        self.across_channels = nn.ModuleList(across_channels)
        self.across_levels = nn.ModuleList(across_levels)
        self.requires_grad_(False).to(memory_format=torch.channels_last)
        self.heads = nn.ModuleList([self._head(downs) for downs in (3, 2, 1, 0)])

    def _head(self, downs: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for _ in range(downs):
            layers.append(spectral_norm(nn.Conv2d(WIDTH, WIDTH, 4, 2, 1)))
            layers.append(nn.LeakyReLU(0.2))
        layers.append(spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, padding=1)))
        layers.append(nn.LeakyReLU(0.2))
        layers.append(spectral_norm(nn.Conv2d(WIDTH, 1, 4)))
        return nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of all levels and places, (N, logits); large for real images."""
        x = functional.interpolate(images, (SEEN_SIZE, SEEN_SIZE), mode="bilinear")
        x = (x * 127.5 + 0.5) / 128  # as the classifier was trained: (pixel - 127) / 128
        x = x.contiguous(memory_format=torch.channels_last)
        levels: list[Tensor] = []
        for index, layer in enumerate(self.trunk):
            x = layer(x)
            if index in LEVELS:
                levels.append(self.across_channels[len(levels)](x))
        mixed: list[Tensor] = []
        coarser: Tensor | None = None
        for level, mix in zip(reversed(levels), self.across_levels, strict=True):
            both = level if coarser is None else level + coarser
            coarser = functional.interpolate(mix(both), scale_factor=2.0, mode="bilinear")
            mixed.append(both)
        logits = [
            head(one).flatten(1) for head, one in zip(self.heads, reversed(mixed), strict=True)
        ]
        return torch.cat(logits, dim=1)


def blurred(images: Tensor, deviation: float) -> Tensor:
    """Return images (N, 3, H, W) blurred by a Gaussian of that standard deviation in pixels.

    As the code of Projected GANs does at the beginning, so that coarse structure is learned first.
    """
    if deviation <= 0.1:
        return images
    reach = math.ceil(3 * deviation)
    places = torch.arange(-reach, reach + 1, device=images.device)
    line = torch.exp(-0.5 * (places / deviation) ** 2)
    line = (line / line.sum()).expand(images.shape[1], 1, 1, -1)
    wide = functional.pad(images, (reach,) * 4, mode="reflect")
    wide = functional.conv2d(wide, line, groups=images.shape[1])
    return functional.conv2d(wide, line.mT, groups=images.shape[1])


def augmented(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return images (N, 3, H, W) with colours, places and a square of each changed at random.

    The policy "color, translation, cutout" of Zhao et al. 2020, Section 3.
    """
    n, _, height, width = images.shape

    def drawn(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng).to(images.device)

    x = images + (drawn(n, 1, 1, 1) - 0.5)
    gray = x.mean(dim=1, keepdim=True)
    x = gray + (x - gray) * (drawn(n, 1, 1, 1) * 2)
    middle = x.mean(dim=(1, 2, 3), keepdim=True)
    x = middle + (x - middle) * (drawn(n, 1, 1, 1) + 0.5)

    rows, columns = torch.arange(height), torch.arange(width)
    reach = height // 8
    down = torch.randint(-reach, reach + 1, (n, 1), generator=rng)
    right = torch.randint(-reach, reach + 1, (n, 1), generator=rng)
    padded = functional.pad(x, (1, 1, 1, 1))
    y_from = (rows + down).clamp(-1, height) + 1
    x_from = (columns + right).clamp(-1, width) + 1
    which = torch.arange(n)[:, None, None]
    x = padded.permute(0, 2, 3, 1)[which, y_from[:, :, None], x_from[:, None, :]]
    x = x.permute(0, 3, 1, 2)

    side = height // 2
    top = torch.randint(-side // 2, height - side // 2, (n, 1), generator=rng)
    left = torch.randint(-side // 2, width - side // 2, (n, 1), generator=rng)
    in_rows = (rows >= top) & (rows < top + side)
    in_columns = (columns >= left) & (columns < left + side)
    hole = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return x.masked_fill(hole.to(x.device), 0)


if __name__ == "__main__":
    main()
