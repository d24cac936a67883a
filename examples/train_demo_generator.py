"""Train a small StyleGAN2 on the demo's photographs: the recipe of the generators of `make demo`.

    python examples/train_demo_generator.py out/pixels
    python examples/train_demo_generator.py out/features --features --start out/pixels

The generator is the one in `fringe.generators.stylegan2` (Karras et al. 2020). It is trained with
the non-saturating loss against a residual discriminator on pixels with R1 regularization (Mescheder
et al. 2018), on differentiably augmented images (Zhao et al. 2020). The training starts at a low
resolution and continues at a higher one (Karras et al. 2018). With ``--features``, discriminators
on an ImageNet classifier's features are added at the last resolution (Projected GANs, Sauer et al.
2021; next to a discriminator on pixels as in Kumari et al. 2022).

Every random number depends on the seed and the step. So a training that was stopped and started
again ends with the same weights, on the same machine with the same number of threads.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from fringe.files.atomic import atomic_path
from fringe.generators import Latents, load_generator, save_generator, stylegan2
from fringe.generators.base import Inputs
from fringe.networks.efficientnet_lite0 import fused_trunk, published
from fringe.seeds import random_stream
from fringe.sources.photos import PhotoSource

State = dict[str, Tensor]

CHANNELS = {4: 96, 8: 96, 16: 80, 32: 56, 64: 28, 128: 16}
Z_DIM, W_DIM, MAPPING_LAYERS = 64, 96, 2
SAMPLES = 64  # images in a picture of samples
CHECKPOINT = "checkpoint.pt"

REGULARIZE_EVERY = 16  # steps
GAMMA = 0.5  # weight of R1
FEATURES_WEIGHT = (
    0.1  # weight of discriminators on features in the generator's loss; with 1 it collapsed
)
WAITING_STEPS = 100  # images of a higher resolution, during which only the discriminator learns

# Layers of the classifier whose maps the discriminators see, and their channels.
LEVELS = {3: 24, 5: 40, 11: 112, 16: 320}
WIDTH = 64  # channels of the mixed maps
SEEN_SIZE = 128  # height and width of the images that the classifier sees, in pixels


@dataclass(frozen=True)
class Settings:
    """One training.

    Attributes
    ----------
    stages : tuple of (int, int)
        The resolutions in order (keys of `CHANNELS`), and the number of images at the end of each.
    features : bool
        Whether discriminators on features are added in the last stage.
    seed : int
        The seed of weights, latents, batches and augmentations.
    photographs : int
        The number of crops of the photographs in the training set: the first crops of the source
        `photos` with seed 1 and aligned framing.
    batch : int
        Images in a step, a multiple of 4.
    snapshots : tuple of int
        Numbers of images after which the generator is written, in addition to the ends of stages.
    """

    stages: tuple[tuple[int, int], ...] = ((32, 80_000), (64, 100_000))
    features: bool = False
    seed: int = 1
    photographs: int = 5000
    batch: int = 16
    snapshots: tuple[int, ...] = ()


def main() -> None:
    """Train with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="folder of snapshots, samples and the log")
    parser.add_argument("--features", action="store_true", help="add discriminators on features")
    parser.add_argument("--start", type=Path, help="folder of a training that has the first stages")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--snapshots", type=int, nargs="*", default=[], metavar="IMAGES")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--until", type=int, metavar="IMAGES", help="stop after this number")
    options = parser.parse_args()
    settings = Settings(
        features=options.features, seed=options.seed, snapshots=tuple(options.snapshots)
    )
    if options.start is not None and not Path(options.folder, CHECKPOINT).exists():
        options.folder.mkdir(parents=True, exist_ok=True)
        before = settings.stages[-2][1]
        shutil.copy(options.start / f"checkpoint-{before:07d}.pt", options.folder / CHECKPOINT)
    train(settings, options.folder, options.device, options.until)


def train(settings: Settings, folder: Path, device: str = "cpu", until: int | None = None) -> None:
    """Train, or continue the training in ``folder``, until all images are seen.

    Writes ``checkpoint.pt`` every 10,000 images, ``checkpoint-<images>.pt`` at the end of a stage,
    ``generator-<images>.safetensors`` and ``samples-<images>.jpg`` at the snapshots and at the end
    of a stage, and a line of ``log.jsonl`` every 1,000 images.

    Parameters
    ----------
    settings : Settings
        The training.
    folder : Path
        The folder of the output, which may contain files from an earlier call with the same
        settings.
    device : str
        The device of the computation.
    until : int, optional
        Stop after this number of images, with a checkpoint.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    saved: dict[str, Any] | None = None
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
    for resolution, end in settings.stages:
        last = (resolution, end) == settings.stages[-1]
        if saved is not None and saved["seen"] >= end:
            continue
        training = Training(
            settings, resolution, torch.device(device), features=settings.features and last
        )
        if saved is not None:
            training.restore(saved)
        while training.seen < min(end, until or end):
            advance(training, folder)
        save(training, checkpoint)
        if training.seen < end:
            return
        training.write(folder)
        save(training, folder / f"checkpoint-{training.seen:07d}.pt")
        saved = training.saved()


def advance(training: Training, folder: Path) -> None:
    """Take a step, and write the files that are due after it."""
    settings = training.settings
    start = time.monotonic()
    losses = training.step()
    training.seconds += time.monotonic() - start
    if training.crossed(1000):
        line = {"images": training.seen, "resolution": training.resolution}
        with Path(folder, "log.jsonl").open("a") as log:
            log.write(json.dumps({**line, **losses, "seconds": round(training.seconds, 1)}) + "\n")
    if any(training.seen - settings.batch < at <= training.seen for at in settings.snapshots):
        training.write(folder)
    if training.crossed(10_000):
        save(training, folder / CHECKPOINT)


def save(training: Training, path: Path) -> None:
    """Write the state that a training needs to continue."""
    with atomic_path(path) as partial:
        torch.save(training.saved(), partial)


class Training:
    """A generator, its moving average, and discriminators, with their optimizers."""

    def __init__(
        self, settings: Settings, resolution: int, device: torch.device, *, features: bool
    ) -> None:
        self.settings, self.resolution, self.device = settings, resolution, device
        self.seen, self.seconds = 0, 0.0
        self.grown_at = 0  # number of images when this resolution started
        first = resolution == settings.stages[0][0]
        stream = random_stream(settings.seed, "weights", *([] if first else [resolution]))
        with torch.random.fork_rng():
            torch.manual_seed(int(stream.integers(2**62)))
            self.config, state = new_generator(resolution)
            self.pixels = PixelDiscriminator(resolution).to(device)
            self.features = FeatureDiscriminator().to(device) if features else None
        self.state = {name: tensor.to(device) for name, tensor in state.items()}
        self.average = {name: tensor.clone() for name, tensor in self.state.items()}
        fixed = ("w_avg", "noise_const")
        learned = [
            tensor.requires_grad_()
            for name, tensor in self.state.items()
            if not name.endswith(fixed)
        ]
        self.learning = (
            [self.pixels] if self.features is None else [self.pixels, self.features.heads]
        )
        self.generator_steps = torch.optim.Adam(learned, 0.0025, (0.0, 0.99))
        self.critic_steps = torch.optim.Adam(
            [
                {"params": part.parameters(), "lr": rate}
                for part, rate in zip(self.learning, (0.0025, 0.0002), strict=False)
            ],
            betas=(0.0, 0.99),
        )

    def crossed(self, every: int) -> bool:
        """Return whether the last batch reached or passed a multiple of ``every`` images."""
        return self.seen // every > (self.seen - self.settings.batch) // every

    def step(self) -> dict[str, float]:
        """Take one step of the discriminators and one step of the generator; return the losses."""
        settings = self.settings
        step = self.seen // settings.batch
        numbers = random_stream(settings.seed, "step", step)
        rng = torch.Generator().manual_seed(int(numbers.integers(2**62)))
        real = training_set(settings, self.resolution)
        batch = torch.from_numpy(numbers.integers(len(real), size=settings.batch))
        images = real[batch].to(self.device).float() / 127.5 - 1

        with torch.no_grad(), self.half():
            fake = self.generate(rng).float()
        images, fake = augmented(images, rng), augmented(fake, rng)
        regularized = step % REGULARIZE_EVERY == 0
        images.requires_grad_(regularized)
        with self.half(enabled=not regularized):
            of_real, of_fake = self.pixels(images).float(), self.pixels(fake).float()
        total = functional.softplus(-of_real).mean() + functional.softplus(of_fake).mean()
        losses = {"discriminator": float(total.detach())}
        if regularized:
            (slope,) = torch.autograd.grad(of_real.sum(), images, create_graph=True)
            penalty = slope.square().sum(dim=(1, 2, 3)).mean()
            total = total + REGULARIZE_EVERY * GAMMA / 2 * penalty
        if self.features is not None:
            with self.half():
                real_seen = self.features(images.detach()).float()
                fake_seen = self.features(fake).float()
            of_features = functional.softplus(-real_seen).mean()
            of_features = of_features + functional.softplus(fake_seen).mean()
            losses["discriminator_of_features"] = float(of_features.detach())
            total = total + of_features
        self.critic_steps.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.critic_steps.step()

        if self.seen >= self.grown_at + settings.batch * WAITING_STEPS * (self.grown_at > 0):
            losses["generator"] = self.step_generator(rng)
        self.seen += settings.batch
        self.follow()
        return losses

    def step_generator(self, rng: torch.Generator) -> float:
        """Take one step of the generator; return its loss."""
        for part in self.learning:
            part.requires_grad_(False)
        with self.half():
            fake = self.generate(rng).float()
        fake = augmented(fake, rng)
        with self.half():
            loss = functional.softplus(-self.pixels(fake).float()).mean()
            if self.features is not None:
                of_features = functional.softplus(-self.features(fake).float()).mean()
                loss = loss + FEATURES_WEIGHT * of_features
        self.generator_steps.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.generator_steps.step()
        for part in self.learning:
            part.requires_grad_(True)
        return float(loss.detach())

    def half(self, *, enabled: bool = True) -> torch.autocast:
        """Return a context in which products are computed in bfloat16."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def generate(self, rng: torch.Generator) -> Tensor:
        """Return a batch of images (N, 3, H, W) from new latents and noise."""
        batch, config, state = self.settings.batch, self.config, self.state
        latents = torch.randn(batch, Z_DIM, generator=rng).to(self.device)
        noise = tuple(
            torch.randn(batch, 1, *size, generator=rng).to(self.device)
            for size in stylegan2.traits(config, state).noise_sizes or ()
        )
        ws = stylegan2.mapping(config, state)(Inputs(latents))
        with torch.no_grad():
            state["mapping.w_avg"].lerp_(ws[:, 0].detach().float().mean(dim=0), 0.005)
        return stylegan2.synthesis(config, state, float16=False)(ws, noise)

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average towards the weights: the last 10,000 images contribute half of it."""
        half_life = min(10_000, 0.05 * self.seen)
        keep = 0.5 ** (self.settings.batch / half_life)
        for name, tensor in self.state.items():
            self.average[name].lerp_(tensor.detach(), 1 - keep)

    def write(self, folder: Path) -> None:
        """Write the averaged generator, and a picture of its images of the first latents.

        Its images have the last resolution: in earlier stages, the last layers add nothing.
        """
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.seen:07d}"
        config, state = grown(self.average, self.settings)
        path = folder / f"generator-{name}.safetensors"
        half = {key: tensor.half().cpu() for key, tensor in state.items()}
        save_generator(path, "stylegan2", config, half)
        generator = load_generator(path)
        images = np.asarray(generator(Latents(0, Z_DIM).rows(range(SAMPLES))))
        side = math.isqrt(SAMPLES)
        grid = images.reshape(side, side, *images.shape[1:]).transpose(0, 3, 1, 4, 2)
        picture = Image.fromarray(grid.reshape(side * config.resolution, -1, 3))
        picture.save(folder / f"samples-{name}.jpg", quality=92)

    def saved(self) -> dict[str, Any]:
        """Return the state that a training needs to continue."""
        return {
            "seen": self.seen,
            "seconds": self.seconds,
            "resolution": self.resolution,
            "grown_at": self.grown_at,
            "state": {name: tensor.detach() for name, tensor in self.state.items()},
            "average": self.average,
            "pixels": self.pixels.state_dict(),
            "heads": None if self.features is None else self.features.heads.state_dict(),
            "generator_steps": self.generator_steps.state_dict(),
            "critic_steps": self.critic_steps.state_dict(),
        }

    @torch.no_grad()
    def restore(self, saved: Mapping[str, Any]) -> None:
        """Restore a state from `saved`, of this or of the previous resolution.

        From the previous resolution, the layers that both have are restored. The new layers start
        with random weights, but add nothing to the image, so the generator makes the same images,
        enlarged.
        """
        self.seen, self.seconds = saved["seen"], saved["seconds"]
        take_over(self.state, saved["state"])
        take_over(self.average, saved["average"])
        if saved["resolution"] != self.resolution:
            self.grown_at = self.seen
            kept = self.pixels.state_dict()
            kept |= {
                name: tensor
                for name, tensor in saved["pixels"].items()
                if name in kept and not name.startswith("entry.")
            }
            self.pixels.load_state_dict(kept)
            return
        self.grown_at = saved["grown_at"]
        self.pixels.load_state_dict(saved["pixels"])
        if self.features is not None:
            self.features.heads.load_state_dict(saved["heads"])
        self.generator_steps.load_state_dict(saved["generator_steps"])
        self.critic_steps.load_state_dict(saved["critic_steps"])


@cache
def training_set(settings: Settings, resolution: int) -> Tensor:
    """Return the crops of the photographs, uint8 (N, 3, H, W)."""
    source = PhotoSource(settings.photographs, resolution, 1, "aligned")
    return torch.from_numpy(np.moveaxis(source.read(range(len(source))), 3, 1).copy())


def grown(state: State, settings: Settings) -> tuple[stylegan2.Config, State]:
    """Return the configuration and weights of a generator that makes the same images, enlarged.

    Parameters
    ----------
    state : mapping of str to tensor
        The weights of any stage.
    settings : Settings
        The training, whose last resolution the images get.
    """
    resolution = settings.stages[-1][0]
    with torch.random.fork_rng():
        torch.manual_seed(int(random_stream(settings.seed, "grown").integers(2**62)))
        config, weights = new_generator(resolution)
    take_over(weights, state)
    return config, weights


@torch.no_grad()
def take_over(weights: State, before: State) -> None:
    """Copy the weights of a generator to one of the same or a higher resolution, in place.

    Afterwards, the other layers add nothing to the image.
    """
    for name, tensor in weights.items():
        if name in before:
            tensor.copy_(before[name])
        elif name.endswith("torgb.weight"):
            tensor.zero_()


def new_generator(resolution: int) -> tuple[stylegan2.Config, State]:
    """Return the configuration and the initial random weights of a StyleGAN2 generator."""
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
    """A small version of StyleGAN2's residual discriminator."""

    def __init__(self, resolution: int) -> None:
        super().__init__()
        sizes = [size for size in sorted(CHANNELS, reverse=True) if size <= resolution]
        self.entry = Scaled(3, CHANNELS[resolution], 1)
        self.blocks = nn.ModuleDict(
            {str(size): Block(CHANNELS[size], CHANNELS[size // 2]) for size in sizes[:-1]}
        )
        width = CHANNELS[4]
        self.last = Scaled(width + 1, width, 3, 1)
        self.hidden = Scaled(width, width, 4)
        self.exit = Scaled(width, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit for each image, (N,); large for real images."""
        x: Tensor = activated(self.entry(images.contiguous(memory_format=torch.channels_last)))
        for block in self.blocks.values():
            x = block(x)
        # The deviation of images within groups of four (Karras et al. 2018, Section 3).
        groups = x.view(4, -1, *x.shape[1:])
        spread = (groups.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
        x = torch.cat([x, spread.repeat(4)[:, None, None, None].expand(-1, 1, 4, 4)], dim=1)
        logits: Tensor = self.exit(activated(self.hidden(activated(self.last(x)))))
        return logits[:, 0, 0, 0]


class FeatureDiscriminator(nn.Module):
    """Discriminators on four levels of an ImageNet classifier's maps, mixed at random.

    As in Projected GANs (Sauer et al. 2021, Section 3), maps are mixed across channels by fixed
    random 1 x 1 convolutions, and across levels from coarse to fine by fixed random 3 x 3
    convolutions and upsampling. One small discriminator sees each level.
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
        """Return the logits of all levels and positions, (N, logits); large for real images."""
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


def augmented(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return images (N, 3, H, W) with random colours, shifts and cut-out squares.

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
