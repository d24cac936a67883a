"""Load generators of any architecture that were exported as TorchScript."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fringe.checkpoints import check_program
from fringe.devices.determinism import deterministic
from fringe.errors import FringeError
from fringe.files.regular import check_regular
from fringe.generators.base import Generator, Inputs, Traits
from fringe.generators.cpu_batches import image_by_image, row
from fringe.generators.output import check_size

__all__ = ["load"]

# Errors that PyTorch raises for a program that cannot be loaded, fails, or is called wrongly.
FAILURES = (RuntimeError, ValueError, TypeError, torch.jit.Error)
# Largest change of an image with its batch that counts as rounding; a share of the largest value.
ROUNDING = 0.05
SIGNATURE = (
    "it must be forward(latents float32 (N, z)[, labels float32 (N, c)]) -> float (N, C, H, W), "
    "from -1 (black) to 1 (white), with z_dim and, if it takes labels, c_dim as ints or methods"
)


def load(path: Path, device: torch.device, digest: str) -> Generator:
    """Return the exported generator; `fringe.generators.load_generator` documents its signature.

    The program is run a few times to find the size of its images, and to check that it repeats its
    images and that an image does not depend on the other images of its batch.

    Raises
    ------
    FringeError
        If the archive differs from its declarations (`fringe.checkpoints.check_program`), or the
        program cannot be loaded, has another signature, makes images that are neither grey nor
        RGB, draws noise, or mixes the images of a batch.
    """
    check_regular(path)
    check_program(path)
    try:
        with warnings.catch_warnings():
            # PyTorch advises against new programs of this kind, but this file already exists.
            warnings.simplefilter("ignore", FutureWarning)
            program = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
        program.eval()
    except FAILURES as error:
        raise FringeError(
            f"{path}: this PyTorch ({torch.__version__}) cannot load the TorchScript program "
            f"({_first_line(error)}); export it again"
        ) from error
    z_dim = _attribute(program, "z_dim", None, path)
    n_classes = _attribute(program, "c_dim", 0, path)
    if z_dim < 1 or n_classes < 0:
        raise FringeError(f"{path}: z_dim is {z_dim} and c_dim {n_classes}; {SIGNATURE}")

    def run(inputs: Inputs) -> Tensor:
        given = [inputs.latents] if inputs.labels is None else [inputs.latents, inputs.labels]
        try:
            images = program(*given)
        except FAILURES as error:
            raise FringeError(
                f"{path}: the TorchScript program failed on latents of shape "
                f"{tuple(inputs.latents.shape)} ({_first_line(error)}); {SIGNATURE}"
            ) from error
        if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
            found = (
                f"{images.dtype} of shape {tuple(images.shape)}"
                if isinstance(images, Tensor)
                else type(images).__name__
            )
            raise FringeError(f"{path}: the TorchScript program returns {found}; {SIGNATURE}")
        return images.float()

    latents = torch.randn(2, z_dim, generator=torch.Generator().manual_seed(0)).to(device)
    labels = torch.eye(n_classes, device=device)[[0, -1]] if n_classes else None
    inputs = Inputs(latents, labels)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.inference_mode(), deterministic():
        size = run(Inputs(latents[:1], None if labels is None else labels[:1])).shape[1:]
        channels, height, width = size
        check_size(channels, height, width, path)

        def of_one_size(inputs: Inputs) -> Tensor:
            images, expected = run(inputs), (len(inputs.latents), *size)
            if images.shape != expected:
                raise FringeError(
                    f"{path}: the TorchScript program made images of shape {tuple(images.shape)}, "
                    f"not {expected} as before; the images of a generator must have one size: "
                    "export it again"
                )
            return images

        forward = image_by_image(of_one_size, device)
        # PyTorch optimizes a program after its first run, which may change the last bits, so the
        # second and third runs are compared.
        _, second, third = (forward(inputs) for _ in range(3))
        mixed = _is_mixed(of_one_size, inputs)
    if not torch.allclose(second, third, rtol=0, atol=0, equal_nan=True):
        raise FringeError(
            f"{path}: the TorchScript program makes two different images from the same latents: it "
            "draws noise, so no run could be repeated; export it with fixed noise"
        )
    if mixed:
        raise FringeError(
            f"{path}: the image that the TorchScript program makes from given latents depends on "
            "the other images of the batch, as with batch normalization in training: export it "
            "again after `eval()`"
        )
    return Generator(
        name=path.stem,
        kind="torchscript",
        z_dim=z_dim,
        n_classes=n_classes,
        resolution=(height, width),
        channels=channels,
        sha256=digest,
        device=device,
        traits=Traits(truncation=False, constant_noise=False, noise_sizes=None),
        forward=forward,
    )


def _is_mixed(forward: Callable[[Inputs], Tensor], inputs: Inputs) -> bool:
    """Return whether two images differ when they are made together and when made separately."""
    apart = torch.cat([forward(row(inputs, index)) for index in range(len(inputs.latents))])
    try:
        together = forward(inputs)
    except FringeError:
        return False  # the program makes only one image at a time
    return bool((apart - together).abs().amax() > ROUNDING * together.abs().amax())


def _attribute(program: Any, name: str, default: int | None, path: Path) -> int:
    """Return an int that is an attribute of the program, or the result of a method."""
    value = getattr(program, name, default)
    if callable(value):
        try:
            value = value()
        except FAILURES as error:
            raise FringeError(
                f"{path}: method {name} of the TorchScript program failed "
                f"({_first_line(error)}); {SIGNATURE}"
            ) from error
    if isinstance(value, bool) or not isinstance(value, int):
        raise FringeError(
            f"{path}: the TorchScript program has {name} {value!r}, not an int; {SIGNATURE}"
        )
    return value


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    # TorchScript puts the message of the program last, below the trace.
    return lines[-1] if lines else type(error).__name__
